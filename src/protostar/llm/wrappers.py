"""What is done around every model, each as a model of its own: limit, retry, breaker, measurement, fallback."""
# ruff: noqa: ASYNC109 - the time belongs to the seam (see base)

import asyncio
import time
from collections.abc import AsyncGenerator, Callable, Generator, Sequence
from contextlib import aclosing, asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from typing import Final, Literal

import structlog

from protostar.errors import ModelRejected, ModelUnavailable
from protostar.llm.base import ChatDelta, ChatModel, EmbeddingModel, Health, InputType, Message, Usage
from protostar.retry import Breaker, BreakerState, decide

log = structlog.get_logger()

Kind = Literal["chat", "embedding"]
Outcome = Literal["ok", "unavailable", "rejected", "cancelled"]

REFUSALS: Final = 5  # in a row, as failures for a breaker: a key or a name is wrong, not a question
HEALTH: dict[BreakerState, Health] = {"closed": "ok", "half_open": "degraded", "open": "down"}


@dataclass(slots=True)
class ModelCall:
    """One request to a model server. `outcome` stays `cancelled` when the caller stops listening."""

    kind: Kind
    model: str
    started: float = field(default_factory=time.monotonic)
    outcome: Outcome = "cancelled"
    seconds: float = 0.0
    usage: Usage | None = None


Observer = Callable[[ModelCall], None]
"""Is told of each call when it has ended; must be quick and must not raise."""


class _ChatWrapper:
    def __init__(self, inner: ChatModel) -> None:
        self._inner = inner

    @property
    def name(self) -> str:
        return self._inner.name

    @property
    def health(self) -> Health:
        return self._inner.health


class _EmbeddingWrapper:
    def __init__(self, inner: EmbeddingModel) -> None:
        self._inner = inner

    @property
    def name(self) -> str:
        return self._inner.name

    @property
    def dimensions(self) -> int | None:
        return self._inner.dimensions

    @property
    def health(self) -> Health:
        return self._inner.health


class LimitedChatModel(_ChatWrapper):
    """At most `limit` answers at once; who gets no slot within the time gets ModelUnavailable."""

    def __init__(self, inner: ChatModel, limit: int) -> None:
        super().__init__(inner)
        self._slots = asyncio.Semaphore(limit)

    async def stream(
        self, messages: Sequence[Message], *, max_tokens: int, timeout: float | None = None
    ) -> AsyncGenerator[ChatDelta]:
        left = _countdown(timeout)
        async with slot(self._slots, timeout, self.name):
            answer = self._inner.stream(messages, max_tokens=max_tokens, timeout=left())
            async with aclosing(answer) as deltas:
                async for delta in deltas:
                    yield delta


class LimitedEmbeddingModel(_EmbeddingWrapper):
    """At most `limit` requests at once; who gets no slot within the time gets ModelUnavailable."""

    def __init__(self, inner: EmbeddingModel, limit: int) -> None:
        super().__init__(inner)
        self._slots = asyncio.Semaphore(limit)

    async def embed(self, texts: Sequence[str], *, input_type: InputType, timeout: float) -> list[list[float]]:
        left = _countdown(timeout)
        async with slot(self._slots, timeout, self.name):
            return await self._inner.embed(texts, input_type=input_type, timeout=left() or 0.0)


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """When another try is worth its wait: someone is watching, so only for a short hiccup."""

    tries: int = 2
    longest_wait: float = 2.0
    spent: float = 4.0

    def wait(self, error: ModelUnavailable, attempt: int, started: float, timeout: float | None) -> float | None:
        """Seconds until the next try, or None; `started` on the monotonic clock, `timeout` counted from it."""
        delay = decide(error, attempt, base=0.25)
        if delay is None or attempt >= self.tries or delay > self.longest_wait:
            return None
        spent = time.monotonic() - started + delay
        return delay if spent < min(self.spent, timeout if timeout is not None else self.spent) else None


class RetryingChatModel(_ChatWrapper):
    """Another try when a short hiccup comes before the first token; the only loop on the way of a question."""

    def __init__(self, inner: ChatModel, policy: RetryPolicy | None = None) -> None:
        super().__init__(inner)
        self._policy = policy or RetryPolicy()

    async def stream(
        self, messages: Sequence[Message], *, max_tokens: int, timeout: float | None = None
    ) -> AsyncGenerator[ChatDelta]:
        started, left, attempt = time.monotonic(), _countdown(timeout), 1
        while True:
            begun = False
            try:
                answer = self._inner.stream(messages, max_tokens=max_tokens, timeout=left())
                async with aclosing(answer) as deltas:
                    async for delta in deltas:
                        begun = True
                        yield delta
            except ModelUnavailable as error:
                delay = None if begun or self.health == "down" else self._policy.wait(error, attempt, started, timeout)
                if delay is None:
                    raise
            else:
                return
            await asyncio.sleep(delay)
            attempt += 1


class RetryingEmbeddingModel(_EmbeddingWrapper):
    """Another try for a query after a short hiccup. Documents have none here: their job is tried again."""

    def __init__(self, inner: EmbeddingModel, policy: RetryPolicy | None = None) -> None:
        super().__init__(inner)
        self._policy = policy or RetryPolicy()

    async def embed(self, texts: Sequence[str], *, input_type: InputType, timeout: float) -> list[list[float]]:
        started, left, attempt = time.monotonic(), _countdown(timeout), 1
        while True:
            try:
                return await self._inner.embed(texts, input_type=input_type, timeout=left() or 0.0)
            except ModelUnavailable as error:
                hopeless = input_type == "document" or self.health == "down"
                delay = None if hopeless else self._policy.wait(error, attempt, started, timeout)
                if delay is None:
                    raise
            await asyncio.sleep(delay)
            attempt += 1


class _Guard:
    """A breaker, which a model that refuses does not open: it answers. Its health tells of refusals in a row all the same."""

    def __init__(self, breaker: Breaker) -> None:
        self._breaker = breaker
        self._refused = 0

    @property
    def health(self) -> Health:
        return "down" if self._refused >= REFUSALS else HEALTH[self._breaker.state]

    @asynccontextmanager
    async def asking(self) -> AsyncGenerator[None]:
        try:
            async with self._breaker:
                yield
        except ModelRejected:
            self._refused += 1
            raise
        self._refused = 0


class GuardedChatModel(_ChatWrapper):
    """Asks the breaker first. The first token shows that the model answers: a long answer does not keep others waiting."""

    def __init__(self, inner: ChatModel, breaker: Breaker) -> None:
        super().__init__(inner)
        self._guard = _Guard(breaker)

    @property
    def health(self) -> Health:
        return self._guard.health

    async def stream(
        self, messages: Sequence[Message], *, max_tokens: int, timeout: float | None = None
    ) -> AsyncGenerator[ChatDelta]:
        async with aclosing(self._inner.stream(messages, max_tokens=max_tokens, timeout=timeout)) as deltas:
            async with self._guard.asking():
                first = await anext(deltas, None)
            if first is not None:
                yield first
            async for delta in deltas:
                yield delta


class GuardedEmbeddingModel(_EmbeddingWrapper):
    def __init__(self, inner: EmbeddingModel, breaker: Breaker) -> None:
        super().__init__(inner)
        self._guard = _Guard(breaker)

    @property
    def health(self) -> Health:
        return self._guard.health

    async def embed(self, texts: Sequence[str], *, input_type: InputType, timeout: float) -> list[list[float]]:
        async with self._guard.asking():
            return await self._inner.embed(texts, input_type=input_type, timeout=timeout)


class MeasuredChatModel(_ChatWrapper):
    def __init__(self, inner: ChatModel, observer: Observer) -> None:
        super().__init__(inner)
        self._observer = observer

    async def stream(
        self, messages: Sequence[Message], *, max_tokens: int, timeout: float | None = None
    ) -> AsyncGenerator[ChatDelta]:
        with _observed(self._observer, "chat", self.name) as call:
            async with aclosing(self._inner.stream(messages, max_tokens=max_tokens, timeout=timeout)) as deltas:
                async for delta in deltas:
                    call.usage = delta.usage or call.usage
                    yield delta


class MeasuredEmbeddingModel(_EmbeddingWrapper):
    def __init__(self, inner: EmbeddingModel, observer: Observer) -> None:
        super().__init__(inner)
        self._observer = observer

    async def embed(self, texts: Sequence[str], *, input_type: InputType, timeout: float) -> list[list[float]]:
        with _observed(self._observer, "embedding", self.name):
            return await self._inner.embed(texts, input_type=input_type, timeout=timeout)


class FallbackChatModel:
    """The first of `models` that answers; the next one is asked only while nothing was streamed."""

    def __init__(self, models: Sequence[ChatModel]) -> None:
        """`models`: at least one, in the order of preference. The name is the first one's."""
        self._models = tuple(models)

    @property
    def name(self) -> str:
        return self._models[0].name

    @property
    def health(self) -> Health:
        states = [model.health for model in self._models]
        if states[0] == "ok":
            return "ok"
        return "down" if all(state == "down" for state in states) else "degraded"

    async def stream(
        self, messages: Sequence[Message], *, max_tokens: int, timeout: float | None = None
    ) -> AsyncGenerator[ChatDelta]:
        """When none answers: ModelUnavailable if any of them may answer later."""
        left = _countdown(timeout)
        errors: list[ModelUnavailable | ModelRejected] = []
        for model in self._models:
            begun = False
            try:
                async with aclosing(model.stream(messages, max_tokens=max_tokens, timeout=left())) as deltas:
                    async for delta in deltas:
                        if not begun and model is not self._models[0]:
                            yield ChatDelta(model=model.name)
                        begun = True
                        yield delta
            except (ModelUnavailable, ModelRejected) as error:
                if begun:
                    raise
                log.warning("model_did_not_answer", model=model.name, error=str(error))
                errors.append(error)
            else:
                return
        raise next((error for error in errors if error.retryable), errors[0])


@contextmanager
def _observed(observer: Observer, kind: Kind, model: str) -> Generator[ModelCall]:
    call = ModelCall(kind, model)
    try:
        yield call
        call.outcome = "ok"
    except ModelUnavailable:
        call.outcome = "unavailable"
        raise
    except ModelRejected:
        call.outcome = "rejected"
        raise
    finally:
        call.seconds = time.monotonic() - call.started
        observer(call)


@asynccontextmanager
async def slot(slots: asyncio.Semaphore, timeout: float | None, name: str) -> AsyncGenerator[None]:
    """One of the slots for requests to the model `name`, for the block. Raises ModelUnavailable where none is free in time."""
    try:
        async with asyncio.timeout(timeout):
            await slots.acquire()
    except TimeoutError as error:
        raise ModelUnavailable(f"All places for requests to the model {name} are taken") from error
    try:
        yield
    finally:
        slots.release()


def _countdown(timeout: float | None) -> Callable[[], float | None]:
    """Tells what is left of `timeout` whenever it is asked."""
    if timeout is None:
        return lambda: None
    end = time.monotonic() + timeout
    return lambda: max(end - time.monotonic(), 0.0)
