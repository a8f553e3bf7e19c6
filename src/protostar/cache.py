"""A cache of JSON values with a time to live. A miss and an absent Redis look the same to the caller."""

import json
import time
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

from protostar.redis.client import RedisClient

_BATCH: Final = 500


class Cache:
    def __init__(self, redis: RedisClient | None) -> None:
        self._redis = redis

    @property
    def available(self) -> bool:
        return self._redis is not None and self._redis.available

    async def get(self, key: str) -> Any | None:
        if self._redis is None:
            return None
        value = await self._redis.attempt(lambda client: client.get(_name(key)))
        return json.loads(value) if value is not None else None

    async def put(self, space_id: UUID, key: str, value: Any, ttl: timedelta) -> None:
        """Keep a value of the space, unless the space is forgotten by now."""
        if self._redis is None:
            return
        encoded = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
        name, now = _name(key), time.time()

        async def command(client: Any) -> None:
            async with client.pipeline(transaction=False) as pipe:
                pipe.set(name, encoded, ex=ttl)
                # What the space has: values that have expired by themselves are taken out again.
                pipe.zadd(_index(space_id), {name: now + ttl.total_seconds()})
                pipe.zremrangebyscore(_index(space_id), "-inf", now)
                pipe.expire(_index(space_id), ttl)
                # Asked last: whoever forgets the space after this finds the value in the index.
                pipe.exists(_forgotten(space_id))
                forgotten = (await pipe.execute())[-1]
            if forgotten:  # this value alone: whoever forgets the space may still be reading the index
                await client.delete(name)
                await client.zrem(_index(space_id), name)

        await self._redis.attempt(command)

    async def forget(self, space_id: UUID, ttl: timedelta) -> bool:
        """Drop all values of a space, and take none of it for `ttl`; False where Redis is away, and they expire by themselves."""
        if self._redis is None:
            return True

        async def command(client: Any) -> bool:
            await client.set(_forgotten(space_id), 1, ex=ttl)
            await _drop(client, space_id)
            return True

        return bool(await self._redis.attempt(command))

    async def clear(self, space_id: UUID) -> None:
        """Drop all values of a space that goes on; while Redis is away they expire by themselves."""
        if self._redis is not None:
            await self._redis.attempt(lambda client: _drop(client, space_id))


async def _drop(client: Any, space_id: UUID) -> None:
    while names := await client.zrange(_index(space_id), 0, _BATCH - 1):
        async with client.pipeline(transaction=False) as pipe:
            pipe.unlink(*names)
            pipe.zrem(_index(space_id), *names)
            await pipe.execute()


def _name(key: str) -> str:
    return f"protostar:cache:{key}"


def _index(space_id: UUID) -> str:
    return f"protostar:cached:{space_id}"


def _forgotten(space_id: UUID) -> str:
    return f"protostar:forgotten:{space_id}"
