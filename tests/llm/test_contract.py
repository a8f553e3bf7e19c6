"""What every chat and embedding model keeps to: the real ones, the fakes, and each wrapper around them."""

import asyncio
from contextlib import aclosing

import pytest

from protostar.errors import ModelRejected, ModelUnavailable
from protostar.llm.base import Message
from protostar.llm.factory import open_chat_model, open_embedding_model
from protostar.llm.fake import FakeChatModel, FakeEmbeddingModel
from protostar.llm.wrappers import (
    FallbackChatModel,
    GuardedChatModel,
    GuardedEmbeddingModel,
    LimitedChatModel,
    LimitedEmbeddingModel,
    MeasuredChatModel,
    MeasuredEmbeddingModel,
    RetryingChatModel,
    RetryingEmbeddingModel,
)
from protostar.retry import Breaker

KOREAN = [Message("user", "[1] 안내 › 설치\n설치는 한 줄이면 됩니다. 그다음은 쉽습니다.\n\n어떻게 설치하나요?")]
FAULTS = {"unavailable": {"status": 503}, "rejected": {"status": 400}, "cut": {"cut": "end"}, "well": {}}
ERRORS = {"unavailable": ModelUnavailable, "rejected": ModelRejected}


def breaker():
    return Breaker("it", ModelUnavailable)


CHAT_WRAPPERS = {
    "limited": lambda model: LimitedChatModel(model, 8),
    "retrying": RetryingChatModel,
    "guarded": lambda model: GuardedChatModel(model, breaker()),
    "measured": lambda model: MeasuredChatModel(model, lambda call: None),
    "fallback": lambda model: FallbackChatModel([model]),
}
EMBEDDING_WRAPPERS = {
    "limited": lambda model: LimitedEmbeddingModel(model, 8),
    "retrying": RetryingEmbeddingModel,
    "guarded": lambda model: GuardedEmbeddingModel(model, breaker()),
    "measured": lambda model: MeasuredEmbeddingModel(model, lambda call: None),
}


@pytest.fixture(params=["openai", "stack", "fake", *CHAT_WRAPPERS])
def a_chat(request, server, session, chat, chat_settings):
    """A chat model and how to make all its coming calls fail: `unavailable`, `rejected`, `cut` or not (`well`)."""
    if request.param in ("openai", "stack"):
        model = (
            chat() if request.param == "openai" else open_chat_model(session, chat_settings(fallbacks="other"), lambda call: None)
        )
        return model, lambda how: server.behave(**FAULTS[how])
    fake = FakeChatModel(name="chat")
    cut = ("The documents ", ModelUnavailable("cut"))

    def fail(how):
        fake._script[:] = [] if how == "well" else [cut if how == "cut" else ERRORS[how]()] * 9

    return CHAT_WRAPPERS.get(request.param, lambda model: model)(fake), fail


@pytest.fixture(params=["openai", "stack", "fake", *EMBEDDING_WRAPPERS])
def an_embedding(request, server, session, embedding, embedding_settings):
    """An embedding model of 64 dimensions and how to make all its coming calls fail."""
    if request.param in ("openai", "stack"):
        settings = embedding_settings(dimensions=64)
        stack = open_embedding_model(session, settings, lambda call: None)
        return embedding(dimensions=64) if request.param == "openai" else stack, lambda how: server.behave(**FAULTS[how])
    fake = FakeEmbeddingModel(64, name="embed")

    def fail(how):
        fake._failures[:] = [] if how == "well" else [ERRORS[how]() for _ in range(9)]

    return EMBEDDING_WRAPPERS.get(request.param, lambda model: model)(fake), fail


async def test_an_answer_cites_and_ends(a_chat, read, answer):
    model, _ = a_chat
    text, usage, finish = await read(model)
    assert text == answer
    assert finish == "stop"
    assert usage.prompt_tokens > usage.completion_tokens > 0
    assert (model.name, model.health) == ("chat", "ok")


async def test_an_answer_has_the_language_of_the_question(a_chat, read):
    text, *_ = await read(a_chat[0], KOREAN)
    assert text == "문서에 따르면 다음과 같습니다.\n설치는 한 줄이면 됩니다. [1]"


async def test_an_answer_has_a_greatest_length(a_chat, read):
    text, usage, finish = await read(a_chat[0], max_tokens=3)
    assert (text, usage.completion_tokens, finish) == ("The documents say", 3, "length")


@pytest.mark.parametrize("how", ["unavailable", "rejected"])
async def test_a_chat_fails_as_promised_and_comes_back(a_chat, read, answer, how):
    model, fail = a_chat
    fail(how)
    with pytest.raises(ERRORS[how]):
        await read(model)
    fail("well")
    assert (await read(model))[0] == answer


async def test_what_came_before_the_cut_was_streamed_once(a_chat, collect):
    model, fail = a_chat
    fail("cut")
    received = []
    with pytest.raises(ModelUnavailable):
        await collect(model.stream(KOREAN, max_tokens=50), received)
    text = "".join(received)
    assert text
    assert text.count(text[:6]) == 1


async def test_an_answer_may_be_left_at_any_time(a_chat, read, answer):
    model, _ = a_chat
    for steps in range(3):
        async with aclosing(model.stream(KOREAN, max_tokens=50)) as deltas:
            for _ in range(steps):
                assert await anext(deltas)
    assert (await read(model))[0] == answer


async def test_many_may_ask_at_once(a_chat, read, answer):
    answers = await asyncio.gather(*(read(a_chat[0]) for _ in range(20)))
    assert {text for text, *_ in answers} == {answer}


async def test_each_text_has_its_vector(an_embedding, embed):
    model, _ = an_embedding
    texts = ["설치는 한 줄", "one line", "설치는 한 줄", "another"]
    vectors = await embed(model, texts)
    assert [len(vector) for vector in vectors] == [64] * 4
    assert vectors[0] == vectors[2] != vectors[1]
    assert await embed(model, texts[1:2], input_type="query") == vectors[1:2]
    assert (model.name, model.dimensions, model.health) == ("embed", 64, "ok")


async def test_texts_that_are_alike_are_near(an_embedding, embed):
    vectors = await embed(an_embedding[0], ["how to install it", "how do I install it?", "설치 방법"])
    near, far = (sum(a * b for a, b in zip(vectors[0], other, strict=True)) for other in vectors[1:])
    assert near > 0.5 > far


async def test_no_texts_have_no_vectors(an_embedding, embed):
    assert await embed(an_embedding[0], []) == []


@pytest.mark.parametrize("input_type", ["query", "document"])
@pytest.mark.parametrize("how", ["unavailable", "rejected"])
async def test_an_embedding_fails_as_promised_and_comes_back(an_embedding, embed, how, input_type):
    model, fail = an_embedding
    fail(how)
    with pytest.raises(ERRORS[how]):
        await embed(model, input_type=input_type)
    fail("well")
    assert len(await embed(model, input_type=input_type)) == 2
