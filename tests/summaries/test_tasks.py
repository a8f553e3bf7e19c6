"""What becomes of a summary that the chat model wrote."""

from collections.abc import AsyncGenerator

import pytest

from protostar.errors import ModelKeyRejected, ModelRejected, ModelUnavailable
from protostar.llm import prompts
from protostar.llm.base import ChatDelta
from protostar.llm.fake import FakeChatModel
from protostar.summaries.tasks import complete, written

MESSAGES = prompts.summarize_document("Guide", "Backups are kept for 30 days.", "en")


async def test_a_summary_is_taken_as_it_is() -> None:
    assert await complete(FakeChatModel(["Backups, and how long they are kept"]), MESSAGES) == (
        "Backups, and how long they are kept",
        "fake-chat",
    )


async def test_a_thought_that_is_taken_back_is_no_part_of_it() -> None:
    class Thinking(FakeChatModel):
        async def stream(self, *_args: object, **_options: object) -> AsyncGenerator[ChatDelta]:
            for delta in (
                ChatDelta("So it is"),
                ChatDelta("Backups, ", anew=True),
                ChatDelta("and how long", finish_reason="stop"),
            ):
                yield delta

    assert (await complete(Thinking(), MESSAGES))[0] == "Backups, and how long"


async def test_one_that_is_cut_off_ends_with_a_whole_sentence() -> None:
    said = " ".join(f"It is kept {days} days." for days in range(500))
    text, _model = await complete(FakeChatModel([said]), MESSAGES)
    assert text.endswith(" days.")
    assert len(text) > 1_000
    assert said.startswith(text)


async def test_one_that_goes_round_in_circles_is_none() -> None:
    with pytest.raises(ModelRejected, match="without end"):
        await complete(FakeChatModel(["It is kept. " * 500]), MESSAGES)


@pytest.mark.parametrize("said", [MESSAGES[1].content, MESSAGES[0].content.replace(" ", "\n")], ids=["material", "rules"])
async def test_one_that_gives_the_prompt_away_is_none(said: str) -> None:
    with pytest.raises(ModelRejected, match="instructions"):
        await complete(FakeChatModel([f"Sure: {said}"]), MESSAGES)


async def test_a_key_that_is_refused_is_waited_for_and_a_text_that_is_refused_is_quoted() -> None:
    text = "Backups are kept for 30 days."
    with pytest.raises(ModelUnavailable, match="a wrong key"):
        await written(FakeChatModel([ModelKeyRejected("a wrong key")]), MESSAGES, [text])
    assert await written(FakeChatModel([ModelRejected("it is too long")]), MESSAGES, [text]) == (text, None)
