"""The models behind the OpenAI API, against a server that behaves as servers may."""

import asyncio
import json
import math
from contextlib import aclosing

import pytest

from protostar.errors import ConfigurationError, ModelRejected, ModelUnavailable
from protostar.llm.base import Message, Usage
from protostar.llm.openai import OpenAIChatModel, OpenAIEmbeddingModel

KEY = "sk-secret-key-1234"


# --- the request


async def test_streams_an_answer(server, chat, read, prompt, answer):
    text, usage, finish = await read(chat())
    assert text == answer
    assert finish == "stop"
    assert usage == Usage(sum(len(message.content) for message in prompt) // 4, 14)
    assert server.counts.last_headers["Authorization"] == f"Bearer {KEY}"
    sent = server.counts.last_chat
    assert sent["messages"] == [{"role": message.role, "content": message.content} for message in prompt]
    assert sent["max_tokens"] == 100
    assert sent["model"] == "chat"


async def test_sends_no_key_when_none_is_set(server, chat, embedding, read, embed):
    await read(chat(api_key=None))
    assert "Authorization" not in server.counts.last_headers
    await embed(embedding(api_key=None))
    assert "Authorization" not in server.counts.last_headers


async def test_an_answer_that_reached_its_length_is_complete(chat, read):
    text, _, finish = await read(chat(), max_tokens=3)
    assert (text, finish) == ("The documents say", "length")


async def test_connections_are_used_again(session, chat, embedding, read, embed):
    for _ in range(3):
        await read(chat())
        await embed(embedding())
    assert len([connection for pool in session.connector._conns.values() for connection in pool]) == 1


async def test_a_slash_after_the_base_url_does_no_harm(server, chat, read, answer):
    assert (await read(chat(base_url=server.base_url + "/")))[0] == answer


async def test_text_that_is_no_unicode_does_not_break_the_request(server, chat, read):
    server.behave(answer="ok")
    assert (await read(chat(), [Message("user", "half \ud83d an emoji")]))[0] == "ok"


# --- what a stream may hold


@pytest.mark.parametrize("answer", ["하나 둘 셋 넷 다섯 여섯 🙂 일곱 [1].", "one", "a  b\n\nc\td "])
async def test_reads_all_that_the_specifications_allow(server, chat, answer, read):
    server.behave(answer=answer, noise=True)
    text, usage, finish = await read(chat())
    assert (text, finish) == (answer, "stop")
    assert usage is not None


async def test_what_a_model_thinks_aloud_is_not_its_answer(server, chat, read):
    server.behave(answer="<think>\nThe passage says [1] thirty.\n</think>\n\nThirty days [1].", noise=True)
    assert (await read(chat()))[0] == "Thirty days [1]."


async def test_what_a_model_thinks_is_counted(server, chat, prompt):
    thought = "<think>The passage says thirty.</think>\n"
    server.behave(answer=f"{thought}Thirty days [1].")
    async with aclosing(chat().stream(prompt, max_tokens=100)) as deltas:
        written = [delta async for delta in deltas]
    assert "".join(delta.text for delta in written) == "Thirty days [1]."
    assert sum(delta.thought for delta in written) == len(thought)


async def test_a_model_whose_answers_begin_within_a_thought_shows_that_once(server, chat, prompt):
    model, seen = chat(), []

    async def write(answer, **options):
        server.behave(answer=answer, **options)
        async with aclosing(model.stream(prompt, max_tokens=options.pop("max_tokens", 100))) as deltas:
            written = [delta async for delta in deltas]
        seen.append(("".join(delta.text for delta in written), [delta.anew for delta in written].count(True)))
        assert sum(len(delta.text) + delta.thought for delta in written) == len(answer)

    thought = "It says thirty.\n</think>\n\n"
    await write(f"{thought}Thirty days [1].")
    await write(f"{thought}Thirty days [1].")
    await write("Nothing was thought.")
    await write("Nothing was thought.")
    assert seen == [
        ("It says thirty.\n</think>Thirty days [1].", 1),
        ("Thirty days [1].", 0),
        ("Nothing was thought.", 0),
        ("Nothing was thought.", 0),
    ]


async def test_a_thought_that_was_cut_off_is_no_answer(server, chat, read):
    server.behave(answer="It says thirty.\n</think>\n\nThirty days [1].")
    model = chat()
    await read(model)
    server.behave(answer="It says thirty, so the answer must be")
    assert (await read(model, max_tokens=3))[::2] == ("", "length")
    server.behave(answer="It says thirty.\n</think>\n\nThirty days [1].")
    assert (await read(model))[0] == "Thirty days [1]."


async def test_an_empty_answer_is_an_answer(server, chat, read):
    server.behave(answer="")
    text, _, finish = await read(chat())
    assert (text, finish) == ("", "stop")


async def test_the_end_of_the_body_may_follow_late(server, chat, read, answer):
    server.behave(hang="end")
    assert (await read(chat()))[0] == answer


@pytest.mark.parametrize("ending", [b'data: {"choices":[{"delta":{},"finish_reason":"stop"}]}', b"data: [DONE]"])
async def test_one_sign_of_the_end_is_enough(raw_server, chat, ending, read):
    head = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n"
    event = b'data: {"choices":[{"delta":{"content":"all of it\\u0000"}}]}\n\n'
    url = await raw_server(head + event + ending)
    assert (await read(chat(base_url=url)))[0] == "all of it"


async def test_reasoning_keeps_the_stream_alive_and_out_of_the_answer(server, chat, read):
    event = json.dumps({"choices": [{"delta": {"content": None, "reasoning_content": "hmm"}}]})
    server.behave(repeat=f"data: {event}\n\n", answer="a b")
    model = chat(first_token_timeout="0.5", idle_timeout="0.5")
    with pytest.raises(ModelUnavailable, match=r"not done within 1\.5 s"):
        await read(model, timeout=1.5)


# --- parameters that a server does not know


@pytest.mark.parametrize("refused", [["max_tokens"], ["stream_options"], ["stream_options", "max_tokens"]])
async def test_an_optional_parameter_that_is_refused_is_left_out_from_then_on(server, chat, refused, read, answer):
    server.behave(refuse=refused)
    model = chat()
    text, usage, _ = await read(model)
    assert text == answer
    assert (usage is None) == ("stream_options" in refused)
    assert ("max_completion_tokens" in server.counts.last_chat) == ("max_tokens" in refused)
    tried = server.counts.chat_calls
    await read(model)
    assert server.counts.chat_calls == tried + 1


async def test_many_first_requests_learn_it_at_once(server, chat, read, answer):
    server.behave(refuse=["max_tokens"])
    model = chat()
    answers = await asyncio.gather(*(read(model) for _ in range(8)))
    assert {text for text, *_ in answers} == {answer}


async def test_a_parameter_that_is_needed_is_not_left_out(server, chat, read):
    server.behave(refuse=["messages"])
    with pytest.raises(ModelRejected, match="messages"):
        await read(chat())
    assert server.counts.chat_calls == 1


# --- embeddings


async def test_embeds_in_the_order_of_the_texts(server, embedding, embed):
    texts = [f"text number {n}" for n in range(20)]
    straight = await embed(embedding(), texts)
    server.behave(shuffled=True)
    assert await embed(embedding(), texts) == straight
    assert len({tuple(vector) for vector in straight}) == 20
    assert server.counts.last_embedding["input"] == texts
    assert "dimensions" not in server.counts.last_embedding
    assert "encoding_format" not in server.counts.last_embedding


async def test_asks_for_dimensions_when_they_are_set(server, embedding, embed):
    model = embedding(dimensions=48)
    assert [len(vector) for vector in await embed(model)] == [48, 48]
    assert server.counts.last_embedding["dimensions"] == 48
    assert model.dimensions == 48


async def test_no_texts_need_no_request(server, embedding, embed):
    assert await embed(embedding(), []) == []
    assert server.counts.embedding_calls == 0


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        ({"vector_length": 32}, "length 32, not 48.*PROTOSTAR_EMBEDDING_DIMENSIONS"),
        ({"vector_count": 1}, "returned 1 vectors for 2 texts"),
        ({"vector_count": 3}, "returned 3 vectors for 2 texts"),
        ({"not_finite": True}, "something else than numbers"),
        ({"body": '{"data": []}'}, "returned 0 vectors for 2 texts"),
        ({"body": '{"data": [{"embedding": [1]}, {"embedding": [1]}, {"embedding": [1], "index": 1}]}'}, "returned 3 vectors"),
        ({"body": '{"data": [{"embedding": [1], "index": 0}, {"embedding": [1], "index": 0}]}'}, "mixed them up"),
    ],
)
async def test_vectors_that_cannot_be_used_are_a_refusal(server, embedding, fault, words, embed):
    server.behave(**fault)
    with pytest.raises(ModelRejected, match=words):
        await embed(embedding(dimensions=48))


@pytest.mark.parametrize(("other", "words"), [("[1]", "length 1, not 2"), ("[]", "length 0, not 2")])
async def test_all_vectors_have_the_length_of_the_first(server, embedding, embed, other, words):
    server.behave(body=f'{{"data": [{{"embedding": [1, 2]}}, {{"embedding": {other}}}]}}')
    with pytest.raises(ModelRejected, match=words):
        await embed(embedding())


async def test_no_vector_is_empty(server, embedding, embed):
    server.behave(body='{"data": [{"embedding": []}, {"embedding": []}]}')
    with pytest.raises(ModelRejected, match="length 0"):
        await embed(embedding())


async def test_a_whole_answer_is_no_stream(server, chat, read):
    server.behave(body='{"choices": [{"message": {"content": "all"}, "finish_reason": "stop"}]}')
    with pytest.raises(ModelUnavailable, match="instead of a stream"):
        await read(chat())


async def test_an_index_may_be_missing(server, embedding, embed):
    server.behave(body='{"data": [{"embedding": [1, 2]}, {"embedding": [3, 4], "index": 1}]}')
    assert await embed(embedding()) == [[1, 2], [3, 4]]


@pytest.mark.parametrize(
    "body", ['{"data": [{"embedding": null}, {"embedding": [1]}]}', '{"data": 3}', "[]", '{"data": [{"embedding": "AAAA"}]}']
)
async def test_a_reply_of_another_kind_is_an_absence(server, embedding, body, embed):
    server.behave(body=body)
    with pytest.raises(ModelUnavailable, match="not what the OpenAI API promises"):
        await embed(embedding())


async def test_a_reply_that_is_too_long_is_not_read_to_its_end(server, embedding, embed):
    server.behave(body='{"data": [' + " " * 2_000_000)
    with pytest.raises(ModelUnavailable, match="broke off"):
        await embed(embedding(dimensions=48))


async def test_vectors_are_numbers(embedding, embed):
    vectors = await embed(embedding())
    assert all(math.isclose(math.hypot(*vector), 1.0, abs_tol=1e-4) for vector in vectors)


# --- settings


@pytest.mark.parametrize(
    "base_url",
    ["localhost:8000/v1", "ftp://host/v1", "http://", "/v1", "http://user:secret@host/v1", "http://host:port/v1", "http://[::1/v1"],
)
async def test_a_base_url_that_cannot_be_used_is_refused(session, chat_settings, embedding_settings, base_url):
    with pytest.raises(ConfigurationError, match="PROTOSTAR_CHAT_BASE_URL") as caught:
        OpenAIChatModel(session, chat_settings(base_url=base_url), "chat")
    assert "secret@" not in str(caught.value)
    with pytest.raises(ConfigurationError, match="PROTOSTAR_EMBEDDING_BASE_URL"):
        OpenAIEmbeddingModel(session, embedding_settings(base_url=base_url))


@pytest.mark.parametrize("key", ["sk-a\nb", "sk-열쇠"])
async def test_a_key_that_cannot_be_sent_is_refused(session, chat_settings, key):
    with pytest.raises(ConfigurationError, match="PROTOSTAR_CHAT_API_KEY") as caught:
        OpenAIChatModel(session, chat_settings(api_key=key), "chat")
    assert key not in str(caught.value)


async def test_white_space_around_a_key_is_not_part_of_it(server, chat, read):
    await read(chat(api_key=f"{KEY}\n"))
    assert server.counts.last_headers["Authorization"] == f"Bearer {KEY}"
