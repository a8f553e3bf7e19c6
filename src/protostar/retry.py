"""When to try again: pure decisions, and a circuit breaker for a dependency that is away.

Retry is at one level per hop: whoever loops asks `decide`, and nothing below it loops.
"""

import asyncio
import random
import re
import time
from collections.abc import Callable
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from types import TracebackType
from typing import Literal, Self

import structlog

from protostar.errors import ProtostarError, Unavailable

log = structlog.get_logger()

MAX_RETRY_AFTER = 3600.0
"""Seconds; whoever asks us to stay away longer is asked again after that all the same."""

_LONGEST_OPEN = 60.0
"""Seconds that a breaker stays open at most: a quota that was raised, or a server's clock that is wrong, must not cost an hour."""

_SECONDS = re.compile(r"-?[0-9]+(?:\.[0-9]+)?", re.ASCII)

BreakerState = Literal["closed", "open", "half_open"]


def decide(
    error: BaseException,
    attempt: int,
    *,
    base: float = 2.0,
    cap: float = 300.0,
    random: Callable[[], float] = random.random,
) -> float | None:
    """Seconds to wait before the next attempt, or None to give up; `attempt` (≥ 1) is the one that just failed.

    Only a ProtostarError that is `retryable` is tried again. Its `retry_after` wins, bounded by `MAX_RETRY_AFTER`;
    otherwise full jitter below `min(cap, base * 2 ** (attempt - 1))`.
    """
    if not isinstance(error, ProtostarError) or not error.retryable:
        return None
    if error.retry_after is not None:
        return _bounded(error.retry_after)
    # past 2 ** 62 every cap is reached, and a float would overflow
    return random() * min(cap, base * 2 ** min(attempt - 1, 62))


def parse_retry_after(header: str | None, now: datetime) -> float | None:
    """Seconds between 0 and `MAX_RETRY_AFTER` from a Retry-After header (RFC 9110, 10.2.3); None when it says nothing usable.

    `now` must be aware. Fractions are accepted because servers send them.
    """
    if header is None:
        return None
    value = header.strip()
    if _SECONDS.fullmatch(value):
        return _bounded(float(value))
    try:
        then = parsedate_to_datetime(value)
    except (ValueError, OverflowError):
        return None
    # an HTTP-date is in GMT, and its asctime form does not say so
    aware = then if then.tzinfo is not None else then.replace(tzinfo=UTC)
    return _bounded((aware - now).total_seconds())


def _bounded(seconds: float) -> float:
    return min(max(seconds, 0.0), MAX_RETRY_AFTER)


class Breaker:
    """A circuit breaker for the calls of one process to one dependency: `async with breaker: await call()`.

    Closed, it lets everything through; after `threshold` consecutive `Unavailable` it is open and raises `error` at once, with
    `retry_after`; after `interval` seconds (± half, or as long as the dependency asked for, a minute at most) it is half-open and
    lets one probe through at a time, whose outcome closes or opens it; others are told to come back when it has taken as long
    again, after `interval` at most. Any other ProtostarError means that the dependency answered; a cancellation means nothing.
    Guard what shows whether it answers, and not what comes after: a long probe keeps others out.
    """

    def __init__(
        self,
        name: str,
        error: type[Unavailable],
        *,
        threshold: int = 5,
        interval: float = 5.0,
        clock: Callable[[], float] = time.monotonic,
        random: Callable[[], float] = random.random,
    ) -> None:
        self.name = name
        self._error = error
        self._threshold = threshold
        self._interval = interval
        self._clock = clock
        self._random = random
        self._failures = 0
        self._open_until: float | None = None
        self._probe: asyncio.Task[object] | None = None
        self._probing_since = 0.0

    @property
    def state(self) -> BreakerState:
        if self._open_until is None:
            return "closed"
        return "open" if self._clock() < self._open_until else "half_open"

    async def __aenter__(self) -> Self:
        if self._open_until is not None:
            now = self._clock()
            left = self._open_until - now if self._probe is None else min(now - self._probing_since, self._interval)
            if left > 0 or self._probe is not None:
                raise self._error(f"{self._error.title}; {self.name} did not answer", retry_after=max(left, 0.5))
            self._probe, self._probing_since = asyncio.current_task(), now
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        # a call that began before the breaker opened may end now: only the probe's own end frees the probe's place
        is_probe = self._probe is not None and self._probe is asyncio.current_task()
        if is_probe:
            self._probe = None
        if isinstance(error, Unavailable):
            self._failed(error, is_probe=is_probe)
        elif error is None or isinstance(error, ProtostarError):
            self._answered()

    def _failed(self, error: Unavailable, *, is_probe: bool) -> None:
        self._failures += 1
        if is_probe or (self._open_until is None and self._failures >= self._threshold):
            asked = min(_bounded(error.retry_after or 0.0), _LONGEST_OPEN)
            seconds = max(self._interval * (0.5 + self._random()), asked)
            self._open_until = self._clock() + seconds
            if not is_probe:  # the trials of an absence that lasts for hours are no news
                log.warning("breaker_opened", breaker=self.name, seconds=round(seconds, 1), error=str(error))

    def _answered(self) -> None:
        if self._open_until is not None:
            log.info("breaker_closed", breaker=self.name)
        self._failures = 0
        self._open_until = None
