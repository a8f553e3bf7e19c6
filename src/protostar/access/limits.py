"""How often visitors may ask: counted in Redis for all processes, in this process alone while Redis is away."""

import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

from protostar.config import LimitSettings
from protostar.errors import RateLimited
from protostar.redis.client import RedisClient

_SIZE: Final = 50_000  # windows that are counted in memory; the oldest are forgotten first


@dataclass(frozen=True, slots=True)
class Limit:
    """At most `most` within each `window`."""

    name: str
    most: int
    window: timedelta


class Limits:
    """Fixed windows: cheap, the same on every replica, and at worst twice the limit across the border of two windows."""

    def __init__(self, redis: RedisClient | None, settings: LimitSettings, *, clock: Callable[[], float] = time.time) -> None:
        self._redis = redis
        self._clock = clock
        self._per_address = Limit("address", settings.asks_per_address_minute, timedelta(minutes=1))
        self._per_space = Limit("space", settings.asks_per_space_day, timedelta(days=1))
        self._counts: OrderedDict[str, int] = OrderedDict()

    async def ask(self, space_id: UUID, address: str) -> None:
        """Count a visitor's question. Raises RateLimited, which says when to come back."""
        await self._spend(self._per_address, f"{space_id}:{address}", "You have asked many questions within a minute.")
        await self._spend(self._per_space, str(space_id), "This page has answered all the questions that it may answer today.")

    async def _spend(self, limit: Limit, subject: str, sentence: str) -> None:
        seconds = limit.window.total_seconds()
        number, into = divmod(self._clock(), seconds)
        key = f"protostar:limit:{limit.name}:{subject}:{int(number)}"
        if await self._count(key, limit.window) > limit.most:
            raise RateLimited(sentence, retry_after=seconds - into)

    async def _count(self, key: str, window: timedelta) -> int:
        async def command(client: Any) -> int:
            async with client.pipeline(transaction=False) as pipe:
                pipe.incr(key)
                pipe.expire(key, window)
                return int((await pipe.execute())[0])

        shared = await self._redis.attempt(command) if self._redis is not None else None
        return shared if shared is not None else self._count_here(key)

    def _count_here(self, key: str) -> int:
        count = self._counts[key] = self._counts.pop(key, 0) + 1
        while len(self._counts) > _SIZE:
            self._counts.popitem(last=False)
        return count
