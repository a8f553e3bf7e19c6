"""A cache of JSON values with a time to live. A miss and an absent Redis look the same to the caller."""

import json
from datetime import timedelta
from typing import Any

from protostar.redis.client import RedisClient


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

    async def put(self, key: str, value: Any, ttl: timedelta) -> None:
        if self._redis is not None:
            encoded = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
            await self._redis.attempt(lambda client: client.set(_name(key), encoded, ex=ttl))


def _name(key: str) -> str:
    return f"protostar:cache:{key}"


class Live:
    """Reads what running jobs show of themselves; nothing where Redis is away."""

    def __init__(self, redis: RedisClient | None) -> None:
        self._redis = redis

    async def get(self, key: str) -> Any | None:
        if self._redis is None:
            return None
        value = await self._redis.attempt(lambda client: client.get(key))
        return json.loads(value) if value is not None else None
