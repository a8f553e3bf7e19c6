"""`protostar ask` as a person meets it."""

import asyncio

import pytest
from tests.cli.conftest import Cli
from tests.cli.fake_api import FakeApi, busy, cut

CONVERSATION = "00000000-0000-7000-8000-000000000003"
TEXT = "The lamp burns for nine hours [1]."


async def test_tokens_come_as_they_are_written_and_sources_follow(cli: Cli, api: FakeApi) -> None:
    api.answer.hold = asyncio.Event()
    process = await cli.start("ask", "--stream", "How long does it burn?")
    assert process.stdout is not None
    first = await process.stdout.readuntil(b"lamp ")  # the answer is not finished: the server holds it
    api.answer.hold.set()
    rest, err = await process.communicate()

    out = (first + rest).decode()
    assert process.returncode == 0
    assert out == f"{TEXT}\n\n[1] Orbit Lamp · page 2 · Battery\n    “It burns nine hours.”\n"
    assert "protostar ask --conversation conversation-1" in err.decode()
    [(_, body)] = api.answer.asked
    assert body == {"question": "How long does it burn?", "stream": True}


async def test_a_cut_stream_goes_on_where_it_was(cli: Cli, api: FakeApi) -> None:
    api.answer.cuts = [2, 1]

    result = await cli("ask", "--stream", "q")

    assert result.code == 0, result.err
    assert result.out.startswith(TEXT + "\n\n[1]")
    assert api.answer.resumed == ["7-2", "7-3"]
    assert len(api.answer.asked) == 1
    assert result.err.count("The connection was cut; resuming the answer.") == 2


async def test_after_a_reset_what_was_shown_is_void(cli: Cli, api: FakeApi) -> None:
    api.answer.cuts = [2]
    api.answer.resuming = "reset"

    result = await cli("ask", "--stream", "q")

    assert result.code == 0, result.err
    assert "The answer is written anew; please disregard the text above." in result.err
    assert result.out.startswith(f"The lamp \n{TEXT}\n\n[1]")


async def test_a_pipe_gets_the_finished_answer_alone(cli: Cli, api: FakeApi) -> None:
    api.answer.cuts = [2]
    api.answer.resuming = "reset"

    result = await cli("ask", "q")

    assert (result.code, result.out.startswith(f"{TEXT}\n\n[1]")) == (0, True)
    assert [body for _, body in api.answer.asked] == [{"question": "q"}]


@pytest.mark.parametrize(("cut_after", "shown"), [(2, "The lamp \n"), (0, ""), (1, "")])
async def test_what_cannot_be_resumed_is_asked_again_under_the_same_key(cli: Cli, api: FakeApi, cut_after: int, shown: str) -> None:
    api.answer.cuts = [cut_after]
    api.answer.resuming = "gone"

    result = await cli("ask", "--stream", "q")

    assert result.code == 0, result.err
    assert result.out.startswith(f"{shown}{TEXT}\n\n[1]")
    keys = {key for key, _ in api.answer.asked}
    assert len(api.answer.asked) == 2
    assert len(keys) == 1


async def test_a_stream_that_is_cut_for_ever_is_given_up(cli: Cli, api: FakeApi) -> None:
    api.answer.cuts = [0] * 20

    result = await cli("ask", "--stream", "q")

    assert result.code == 2
    assert "cut again and again" in result.err


async def test_an_error_event_is_a_failure_with_its_sentence(cli: Cli, api: FakeApi) -> None:
    api.answer.error = "The model server is away for the moment."

    result = await cli("ask", "--stream", "q")

    assert result.code == 1
    assert "The model server is away for the moment." in result.err
    assert "[1]" not in result.out.removeprefix(TEXT)


async def test_json_is_the_answer(cli: Cli, api: FakeApi) -> None:
    result = await cli("ask", "--json", "--conversation", CONVERSATION, "-", stdin="  From standard input?\n")

    assert result.code == 0
    assert result.json == api.answer.done()
    [(_, body)] = api.answer.asked
    assert body == {"question": "From standard input?", "conversation_id": CONVERSATION}


async def test_without_streaming_a_cut_connection_asks_again_under_the_same_key(cli: Cli, api: FakeApi) -> None:
    api.fail("POST", "/v1/answers", busy(), cut)

    result = await cli("ask", "--no-stream", "q")

    assert result.code == 0, result.err
    assert result.out.startswith(TEXT + "\n\n[1]")
    assert api.calls["POST", "/v1/answers"] == 3


async def test_degradation_is_told_in_plain_words(cli: Cli, api: FakeApi) -> None:
    api.answer.degraded = ["no_chat_model", "something_new"]

    result = await cli("ask", "--stream", "q")

    assert "No chat model wrote this: it quotes the best passages." in result.err
    assert "something_new" in result.err


async def test_a_text_that_ends_otherwise_than_it_was_streamed_is_shown_again(cli: Cli, api: FakeApi) -> None:
    api.answer.deltas = ["It burns [1]", " and floats [9]."]
    final = api.answer.done() | {"text": "It burns [1] and floats."}
    api.answer.done = lambda: final

    result = await cli("ask", "--stream", "q")

    assert "It burns [1] and floats [9].\nIt burns [1] and floats.\n\n[1]" in result.out
    assert "The final text differs" in result.err


async def test_an_empty_question_is_refused(cli: Cli) -> None:
    result = await cli("ask", "-", stdin="\n")

    assert result.code == 2
    assert "The question is empty." in result.err


async def test_ctrl_c_stops_at_once(cli: Cli, api: FakeApi) -> None:
    api.answer.hold = asyncio.Event()
    process = await cli.start("ask", "--stream", "q")
    assert process.stdout is not None
    await process.stdout.readuntil(b"lamp ")

    process.send_signal(2)
    _, err = await process.communicate()

    assert process.returncode == 130
    assert "Traceback" not in err.decode()
