"""How much visitors may ask: counted in Redis for all processes, in this process alone while Redis is away."""

import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

from protostar.access.visitor import Visitor
from protostar.config import LimitSettings
from protostar.errors import RateLimited, SignInNeeded
from protostar.redis.client import RedisClient

_SIZE: Final = 50_000  # windows that are counted in memory; the oldest are forgotten first
_MINUTE: Final = timedelta(minutes=1)
_DAY: Final = timedelta(days=1)

GiveBack = Callable[[], Awaitable[None]]
"""To be called for what was counted and could not be taken in."""


@dataclass(frozen=True, slots=True)
class Allowance:
    """What a space allows its visitors within a day (UTC). `can_sign_in`: whether signing in gets a visitor further."""

    asks_per_visitor: int
    asks_per_signed_in: int
    asks_per_address: int
    asks: int
    tokens: int
    can_sign_in: bool


@dataclass(frozen=True, slots=True)
class _Limit:
    """At most `most` within each `window`, of one subject. `counted`: what a question counts."""

    name: str
    subject: str
    most: int
    window: timedelta
    error: type[RateLimited]
    sentence: str
    counted: int = 1


@dataclass(frozen=True, slots=True)
class Spent:
    """What visitors of a space have used up today (UTC)."""

    asks: int
    tokens: int


class Limits:
    """Fixed windows: cheap, the same on every replica, and at worst twice the limit across the border of two windows."""

    def __init__(self, redis: RedisClient | None, settings: LimitSettings, *, clock: Callable[[], float] = time.time) -> None:
        self._redis = redis
        self._clock = clock
        self._per_minute = settings.asks_per_address_minute
        self._counts: OrderedDict[str, int] = OrderedDict()

    async def knock(self, space_id: UUID, address: str, what: str = "asks") -> None:
        """Count a visitor's request, before anything is looked at. Raises RateLimited, which says when to come back."""
        sentence = "You have asked many questions within a minute."
        await self._spend([_Limit(what, f"{space_id}:{address}", self._per_minute, _MINUTE, RateLimited, sentence)])

    async def ask(self, visitor: Visitor, address: str, allowance: Allowance, *, is_question: bool = True) -> GiveBack:
        """Count a new question of a visitor. Raises RateLimited; a question that one limit refuses counts against none, and one
        that cannot be taken in after all is given back by what this returns.

        What is no question, such as a greeting, is neither one of the visitor's own nor of the space's.
        """
        space = str(visitor.space_id)
        # There is room for an answer while one token is left.
        limits = [_Limit("tokens", space, allowance.tokens - 1, _DAY, RateLimited, _SPENT, counted=0)]
        limits += _of_visitor(visitor, address, allowance, is_question=is_question)
        if is_question:
            limits.append(_Limit("space", space, allowance.asks, _DAY, RateLimited, _SPENT))
        return await self._spend(limits)

    async def spent(self, space_id: UUID) -> Spent:
        """While Redis is away: by what this process has counted."""
        limits = (_Limit(name, str(space_id), 0, _DAY, RateLimited, _SPENT) for name in ("space", "tokens"))
        asks, tokens = [await self._count(self._key(limit)) for limit in limits]
        return Spent(asks, tokens)

    async def spend_tokens(self, space_id: UUID, tokens: int) -> None:
        """Count what an answer has cost. Answers under way when the budget is reached are finished."""
        limit = _Limit("tokens", str(space_id), 0, _DAY, RateLimited, _SPENT)
        await self._add([(self._key(limit), tokens, limit.window)])

    async def _spend(self, limits: Sequence[_Limit]) -> GiveBack:
        spent = [(self._key(limit), limit.counted, limit.window) for limit in limits]

        async def give_back() -> None:
            await self._add([(key, -amount, window) for key, amount, window in spent])

        for limit, count in zip(limits, await self._add(spent), strict=True):
            if count > limit.most:
                await give_back()
                raise self._refused(limit)
        return give_back

    def _refused(self, limit: _Limit) -> RateLimited:
        seconds = limit.window.total_seconds()
        return limit.error(limit.sentence, retry_after=seconds - self._clock() % seconds)

    def _key(self, limit: _Limit) -> str:
        return f"protostar:limit:{limit.name}:{limit.subject}:{int(self._clock() // limit.window.total_seconds())}"

    async def _add(self, amounts: Sequence[tuple[str, int, timedelta]]) -> list[int]:
        """Add to each key, which is kept for a window, in one round trip; returns their counts."""

        async def command(client: Any) -> list[int]:
            async with client.pipeline(transaction=False) as pipe:
                for key, amount, window in amounts:
                    pipe.incrby(key, amount)
                    pipe.expire(key, window)
                return [int(count) for count in (await pipe.execute())[::2]]

        shared = await self._redis.attempt(command) if self._redis is not None else None
        return shared if shared is not None else [self._add_here(key, amount) for key, amount, _ in amounts]

    async def _count(self, key: str) -> int:
        async def command(client: Any) -> int:
            return int(await client.get(key) or 0)

        shared = await self._redis.attempt(command) if self._redis is not None else None
        return shared if shared is not None else self._counts.get(key, 0)

    def _add_here(self, key: str, amount: int) -> int:
        # What is given back may have been counted by Redis, before it was away.
        count = self._counts[key] = max(0, self._counts.pop(key, 0) + amount)
        while len(self._counts) > _SIZE:
            self._counts.popitem(last=False)
        return count


_SPENT: Final = "This page has answered all the questions that it may answer today."
_ASKED: Final = "You have asked all the questions that you may ask today."


def _of_visitor(visitor: Visitor, address: str, allowance: Allowance, *, is_question: bool) -> list[_Limit]:
    """Who has not signed in gets a new token for the asking, so the address counts too: also what is no question."""
    subject = f"{visitor.space_id}:{visitor.id}"
    if visitor.signed_in:
        own = [_Limit("visitor", subject, allowance.asks_per_signed_in, _DAY, RateLimited, _ASKED)]
        return own if is_question else []
    error, sentence = (SignInNeeded, "Sign in to ask more questions today.") if allowance.can_sign_in else (RateLimited, _ASKED)
    own = [_Limit("visitor", subject, allowance.asks_per_visitor, _DAY, error, sentence)]
    address_limit = _Limit("address", f"{visitor.space_id}:{address}", allowance.asks_per_address, _DAY, error, sentence)
    return [*(own if is_question else []), address_limit]
