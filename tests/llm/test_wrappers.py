"""Limit, retry, breaker, measurement and fallback, around fakes."""

import asyncio
import time
from contextlib import aclosing, suppress
from functools import partial

import pytest
from tests.support.waiting import wait_until

from protostar.config import ChatSettings, EmbeddingSettings
from protostar.errors import ModelRejected, ModelUnavailable
from protostar.llm.base import ChatDelta, Message, Usage
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
    RetryPolicy,
)
from protostar.retry import Breaker

ASK = [Message("user", "Hello there.")]
AWAY = ModelUnavailable("away", retry_after=0.0)


class Gate:
    """A model that streams one word, waits at the gate, and streams another."""

    name, health, dimensions = "gate", "ok", 1

    def __init__(self):
        self.opened = asyncio.Event()
        self.waiting = 0
        self.most = 0
        self.times = []

    async def _pass(self):
        self.waiting += 1
        self.most = max(self.most, self.waiting)
        try:
            await self.opened.wait()
        finally:
            self.waiting -= 1

    async def stream(self, messages, *, max_tokens, timeout=None):
        self.times.append(timeout)
        yield ChatDelta("one")
        await self._pass()
        yield ChatDelta(" two", finish_reason="stop")

    async def embed(self, texts, *, input_type, timeout):
        self.times.append(timeout)
        await self._pass()
        return [[1.0] for _ in texts]


@pytest.fixture
def gate():
    return Gate()


# --- the limit


async def test_no_more_answers_at_once_than_places(gate, read):
    model = LimitedChatModel(gate, 3)
    async with asyncio.TaskGroup() as group:
        for _ in range(10):
            group.create_task(read(model, ASK))
        await wait_until(lambda: gate.waiting == 3)
        gate.opened.set()
    assert gate.most == 3
    assert len(gate.times) == 10


async def test_no_more_embeddings_at_once_than_places(gate, embed):
    model = LimitedEmbeddingModel(gate, 2)
    async with asyncio.TaskGroup() as group:
        for _ in range(6):
            group.create_task(embed(model))
        await wait_until(lambda: gate.waiting == 2)
        gate.opened.set()
    assert gate.most == 2
    assert len(gate.times) == 6


async def test_who_finds_no_place_in_time_is_told_so(gate, read, embed):
    chat, embedding = LimitedChatModel(gate, 1), LimitedEmbeddingModel(gate, 1)
    async with aclosing(chat.stream(ASK, max_tokens=9)) as deltas:
        await anext(deltas)
        with pytest.raises(ModelUnavailable, match="All places"):
            await read(chat, ASK, timeout=0.05)
    gate.opened.set()
    assert (await read(chat, ASK, timeout=5.0))[0] == "one two"
    gate.opened.clear()
    task = asyncio.create_task(embed(embedding))
    await wait_until(lambda: gate.waiting == 1)
    with pytest.raises(ModelUnavailable, match="All places"):
        await embed(embedding, timeout=0.05)
    gate.opened.set()
    await task


async def test_a_place_is_free_again_however_an_answer_ends(gate, read):
    model = LimitedChatModel(gate, 1)
    async with aclosing(model.stream(ASK, max_tokens=9)) as deltas:
        await anext(deltas)
    task = asyncio.create_task(read(model, ASK))
    await wait_until(lambda: gate.waiting == 1)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    failing = LimitedChatModel(FakeChatModel([AWAY]), 1)
    with pytest.raises(ModelUnavailable):
        await read(failing, ASK)
    await read(failing, ASK, timeout=0.05)
    gate.opened.set()
    await read(model, ASK, timeout=0.05)


async def test_the_time_spent_waiting_is_gone(gate, read):
    model = LimitedChatModel(gate, 1)
    first = asyncio.create_task(read(model, ASK, timeout=60.0))
    await wait_until(lambda: gate.waiting == 1)
    second = asyncio.create_task(read(model, ASK, timeout=60.0))
    await asyncio.sleep(0)  # it waits from here on
    since = time.monotonic()
    await asyncio.sleep(0.02)
    waited = time.monotonic() - since
    gate.opened.set()
    await asyncio.gather(first, second)
    assert gate.times[1] <= 60.0 - waited
    assert gate.times[0] <= 60.0


# --- another try


async def test_a_hiccup_before_the_first_token_is_not_noticed(read):
    fake = FakeChatModel([AWAY, "fine"])
    assert (await read(RetryingChatModel(fake), ASK))[0] == "fine"
    assert len(fake.calls) == 2


@pytest.mark.parametrize(
    ("script", "options"),
    [
        (["one ", AWAY], {}),  # something was streamed
        (ModelRejected(), {}),
        (ModelUnavailable(retry_after=2.5), {}),
        (ModelUnavailable(retry_after=0.5), {"timeout": 0.4}),
    ],
)
async def test_no_other_try_where_it_is_no_hiccup(read, script, options):
    fake = FakeChatModel([script, "late"])
    with pytest.raises((ModelUnavailable, ModelRejected)):
        await read(RetryingChatModel(fake), ASK, **options)
    assert len(fake.calls) == 1


async def test_tries_are_few(read, embed):
    fake = FakeChatModel([AWAY] * 5)
    with pytest.raises(ModelUnavailable):
        await read(RetryingChatModel(fake, RetryPolicy(tries=3)), ASK)
    assert len(fake.calls) == 3
    embedding = FakeEmbeddingModel(failures=[AWAY] * 5)
    with pytest.raises(ModelUnavailable):
        await embed(RetryingEmbeddingModel(embedding, RetryPolicy(tries=3)), input_type="query")
    assert len(embedding._failures) == 2


@pytest.mark.parametrize("input_type", ["query", "document"])
async def test_only_queries_are_embedded_again(embed, input_type):
    fake = FakeEmbeddingModel(failures=[AWAY])
    model = RetryingEmbeddingModel(fake)
    if input_type == "query":
        assert len(await embed(model, input_type="query")) == 2
    else:
        with pytest.raises(ModelUnavailable):
            await embed(model, input_type="document")


@pytest.mark.parametrize(("spent", "delay"), [(0.0, 0.5), (3.9, None)])
def test_a_try_that_took_long_was_no_hiccup(spent, delay):
    error = ModelUnavailable(retry_after=0.5)
    assert RetryPolicy(spent=4.0).wait(error, 1, time.monotonic() - spent, None) == delay


async def test_what_is_down_is_not_waited_for(read, embed):
    breaker = Breaker("it", ModelUnavailable, threshold=1, interval=1.0)
    chat = FakeChatModel([AWAY, AWAY])
    with pytest.raises(ModelUnavailable):
        await read(RetryingChatModel(GuardedChatModel(chat, breaker)), ASK)
    embedding = FakeEmbeddingModel()
    with pytest.raises(ModelUnavailable):
        await embed(RetryingEmbeddingModel(GuardedEmbeddingModel(embedding, breaker)), input_type="query")
    assert len(chat.calls) == 1
    assert not embedding.embedded


# --- the breaker


async def test_a_breaker_spares_a_model_that_is_away(read, embed):
    chat = FakeChatModel([AWAY] * 2)
    model = GuardedChatModel(chat, Breaker("it", ModelUnavailable, threshold=2))
    for _ in range(4):
        with pytest.raises(ModelUnavailable):
            await read(model, ASK)
    assert len(chat.calls) == 2
    assert model.health == "down"
    embedding = FakeEmbeddingModel(failures=[AWAY] * 2)
    model = GuardedEmbeddingModel(embedding, Breaker("it", ModelUnavailable, threshold=2))
    for _ in range(4):
        with pytest.raises(ModelUnavailable):
            await embed(model)
    assert model.health == "down"
    assert not embedding._failures


async def test_a_model_that_refuses_again_and_again_is_down_although_it_answers(read, embed):
    chat = FakeChatModel([ModelRejected("a wrong key")] * 5)
    model = GuardedChatModel(chat, Breaker("it", ModelUnavailable))
    for expected in ["ok", "ok", "ok", "ok", "down"]:
        with pytest.raises(ModelRejected):
            await read(model, ASK)
        assert model.health == expected
    await read(model, ASK)
    assert model.health == "ok"
    model = GuardedEmbeddingModel(FakeEmbeddingModel(failures=[ModelRejected("a wrong key")] * 5), Breaker("it", ModelUnavailable))
    for _ in range(5):
        with pytest.raises(ModelRejected):
            await embed(model)
    assert model.health == "down"
    await embed(model)
    assert model.health == "ok"


async def test_the_first_token_closes_the_breaker(gate, read):
    now = 0.0
    breaker = Breaker("it", ModelUnavailable, threshold=1, interval=1.0, clock=lambda: now)
    with pytest.raises(ModelUnavailable):
        await read(GuardedChatModel(FakeChatModel([AWAY]), breaker), ASK)
    now = 10.0
    model = GuardedChatModel(gate, breaker)
    assert model.health == "degraded"
    async with aclosing(model.stream(ASK, max_tokens=9)) as probe:
        await anext(probe)
        assert model.health == "ok"
        gate.opened.set()
        assert (await read(model, ASK))[0] == "one two"


# --- the measurement


@pytest.mark.parametrize(
    ("script", "outcome"),
    [("two words", "ok"), (AWAY, "unavailable"), (["one", AWAY], "unavailable"), (ModelRejected(), "rejected")],
)
async def test_a_chat_is_measured(read, script, outcome):
    calls = []
    model = MeasuredChatModel(FakeChatModel([script]), calls.append)
    with suppress(ModelUnavailable, ModelRejected):
        await read(model, ASK)
    (call,) = calls
    assert (call.kind, call.model, call.outcome) == ("chat", "fake-chat", outcome)
    assert call.usage == (Usage(2, 2) if outcome == "ok" else None)
    assert call.seconds > 0


async def test_an_answer_that_nobody_waits_for_is_measured(gate, read):
    calls = []
    model = MeasuredChatModel(gate, calls.append)
    async with aclosing(model.stream(ASK, max_tokens=9)) as deltas:
        await anext(deltas)
    task = asyncio.create_task(read(model, ASK))
    await wait_until(lambda: gate.waiting == 1)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert [call.outcome for call in calls] == ["cancelled", "cancelled"]


async def test_an_embedding_is_measured(embed):
    calls = []
    model = MeasuredEmbeddingModel(FakeEmbeddingModel(failures=[AWAY]), calls.append)
    with pytest.raises(ModelUnavailable):
        await embed(model)
    await embed(model, ["a", "b", "c"])
    assert [(call.kind, call.outcome) for call in calls] == [("embedding", "unavailable"), ("embedding", "ok")]


# --- the fallback


@pytest.mark.parametrize("error", [AWAY, ModelRejected()])
async def test_the_next_model_answers_when_the_first_does_not(error):
    first, second = FakeChatModel([error], name="first"), FakeChatModel(["second"], name="second")
    model = FallbackChatModel([first, second])
    deltas = [delta async for delta in model.stream(ASK, max_tokens=100)]
    assert "".join(delta.text for delta in deltas) == "second"
    assert {delta.model for delta in deltas} == {None, "second"}
    deltas = [delta async for delta in model.stream(ASK, max_tokens=100)]
    assert "".join(delta.text for delta in deltas) == "Hello there."
    assert {delta.model for delta in deltas} == {None}
    assert (len(first.calls), len(second.calls)) == (2, 1)
    assert model.name == "first"


async def test_no_other_model_goes_on_with_a_text_that_was_begun(read):
    second = FakeChatModel()
    with pytest.raises(ModelUnavailable):
        await read(FallbackChatModel([FakeChatModel([["one ", AWAY]]), second]), ASK)
    assert not second.calls


@pytest.mark.parametrize(
    ("errors", "raised"),
    [
        ([ModelRejected("a"), AWAY], AWAY),
        ([AWAY, ModelRejected("a")], AWAY),
        ([ModelRejected("a"), ModelRejected("b")], "a"),
        ([ModelUnavailable("a"), ModelUnavailable("b")], "a"),
    ],
)
async def test_when_none_answers_it_may_be_worth_trying_again(read, errors, raised):
    model = FallbackChatModel([FakeChatModel([error]) for error in errors])
    with pytest.raises((ModelUnavailable, ModelRejected)) as caught:
        await read(model, ASK)
    assert str(caught.value) == str(raised)


@pytest.mark.parametrize(
    ("states", "health"),
    [("ok down", "ok"), ("down ok", "degraded"), ("down degraded", "degraded"), ("degraded ok", "degraded"), ("down down", "down")],
)
async def test_health_is_that_of_all(states, health):
    models = [Gate() for _ in states.split()]
    for model, state in zip(models, states.split(), strict=True):
        model.health = state
    assert FallbackChatModel(models).health == health


# --- all together


async def test_without_a_server_there_is_no_model(session):
    assert open_chat_model(session, ChatSettings(), print) is None
    assert open_embedding_model(session, EmbeddingSettings(), print) is None


async def test_a_fallback_of_the_settings_answers(server, session, chat_settings, read, answer):
    calls = []
    model = open_chat_model(session, chat_settings(model="big", fallbacks="middle,small"), calls.append)
    server.behave(only="chat", model="big", status=404)
    assert (await read(model))[0] == answer
    assert [(call.model, call.outcome) for call in calls] == [("big", "rejected"), ("middle", "ok")]


async def test_a_server_that_comes_back_is_used_again(server, session, chat_settings, read, answer, monkeypatch):
    monkeypatch.setattr("protostar.llm.factory.Breaker", partial(Breaker, interval=0.2))
    calls = []
    model = open_chat_model(session, chat_settings(), calls.append)
    server.behave(status=429, retry_after=0)
    while len(calls) < 5:
        with pytest.raises(ModelUnavailable):
            await read(model)
    assert model.health == "down"
    with pytest.raises(ModelUnavailable):
        await read(model)
    assert len(calls) == 5
    server.behave()
    await wait_until(lambda: model.health == "degraded")
    assert (await read(model))[0] == answer
    assert model.health == "ok"
