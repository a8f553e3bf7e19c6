"""Redis as the bell: it says «look now» and nothing else. Where it is away, workers look once a second all the same."""

import asyncio
import random
from collections import Counter
from collections.abc import Sequence
from datetime import timedelta
from functools import partial

from protostar.errors import RedisUnavailable
from protostar.redis.client import Commands, RedisClient

_LENGTH = 100  # more tokens than workers that may be waiting say nothing new
_EXPIRY = timedelta(minutes=1)


def _key(kind: str) -> str:
    return f"protostar:bell:{kind}"


class Bell:
    """Nobody waits for it to ring: what is rung while Redis takes the ring before is rung together."""

    def __init__(self, redis: RedisClient | None) -> None:
        self._redis = redis
        self._rung: Counter[str] = Counter()
        self._ringing: asyncio.Task[None] | None = None

    async def ring(self, kind: str) -> None:
        """Wake one worker of this kind, soon; never fails, and does not wait."""
        if self._redis is not None:
            self._rung[kind] += 1
            self._ringing = self._ringing or asyncio.create_task(self._ring_all(self._redis), name="bell")

    async def close(self) -> None:
        """Return when everything is rung."""
        if self._ringing is not None:
            await asyncio.gather(self._ringing, return_exceptions=True)

    async def _ring_all(self, redis: RedisClient) -> None:
        try:
            while self._rung:
                rung, self._rung = self._rung, Counter[str]()
                await redis.attempt(partial(self._push, rung=rung))
        finally:
            self._ringing = None

    @staticmethod
    async def _push(client: Commands, *, rung: Counter[str]) -> None:
        async with client.pipeline(transaction=False) as pipe:
            for kind, times in rung.items():
                pipe.lpush(_key(kind), *["1"] * min(times, _LENGTH))
                pipe.ltrim(_key(kind), 0, _LENGTH - 1)
                pipe.expire(_key(kind), _EXPIRY)
            await pipe.execute()

    async def wait(self, kinds: Sequence[str], longest: timedelta) -> None:
        """Until the bell rings for one of the kinds, or about `longest` has passed."""
        seconds = longest.total_seconds() * random.uniform(0.8, 1.2)  # noqa: S311
        if self._redis is None:
            await asyncio.sleep(seconds)
            return
        try:
            await self._redis.pop([_key(kind) for kind in kinds], seconds)
        except RedisUnavailable:
            await asyncio.sleep(seconds)
