"""Redis as the bell: it says «look now» and nothing else. Where it is away, workers look once a second all the same."""

import asyncio
import random
from collections.abc import Sequence
from datetime import timedelta

from protostar.errors import RedisUnavailable
from protostar.redis.client import Commands, RedisClient

_LENGTH = 1000  # more tokens than any fleet has free slots say nothing new
_EXPIRY = timedelta(minutes=1)


def _key(kind: str) -> str:
    return f"protostar:bell:{kind}"


class Bell:
    def __init__(self, redis: RedisClient | None) -> None:
        self._redis = redis

    async def ring(self, kind: str) -> None:
        """Wake one worker of this kind; never fails, and takes at most the client's short time-out."""
        if self._redis is not None:
            await self._redis.attempt(lambda client: self._push(client, kind))

    @staticmethod
    async def _push(client: Commands, kind: str) -> None:
        async with client.pipeline(transaction=False) as pipe:
            pipe.lpush(_key(kind), "1")
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
