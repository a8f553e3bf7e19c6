"""How far running jobs are, live, for whoever watches: through Redis alone; without it they see what the jobs' rows say."""

import json
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

from protostar.redis.client import RedisClient

_EXPIRY: Final = timedelta(minutes=5)


class LiveProgress:
    def __init__(self, redis: RedisClient | None) -> None:
        self._redis = redis

    async def show(self, job_id: UUID, progress: dict[str, Any]) -> None:
        """`progress`: stage, done, total."""
        if self._redis is not None:
            value = json.dumps(progress)
            await self._redis.attempt(lambda client: client.set(_name(job_id), value, ex=_EXPIRY))

    async def of(self, job_id: UUID) -> dict[str, Any] | None:
        """What was shown last; None where nothing is known."""
        if self._redis is None:
            return None
        value = await self._redis.attempt(lambda client: client.get(_name(job_id)))
        return json.loads(value) if value is not None else None


def _name(job_id: UUID) -> str:
    return f"protostar:progress:{job_id}"
