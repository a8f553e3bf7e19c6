"""What a running job gets: its ids, its fence, and the only ways to write."""

import json
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import timedelta
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from protostar.db.session import Database
from protostar.errors import LeaseLost
from protostar.jobs.model import Job
from protostar.jobs.repository import JobRepository
from protostar.redis.client import RedisClient

_EXPIRY = timedelta(minutes=5)


def progress_key(job_id: UUID) -> str:
    return f"protostar:progress:{job_id}"


class JobContext:
    """One attempt of a job. Its writes happen in `writing` and `finishing`; each raises LeaseLost once another holds the job."""

    def __init__(self, job: Job, database: Database, redis: RedisClient | None) -> None:
        self.job = job
        self.finished = False
        self._database = database
        self._redis = redis
        self._shown_at = 0.0

    @asynccontextmanager
    async def writing(self) -> AsyncGenerator[AsyncSession]:
        """A transaction on the way. What it writes must be idempotent: the next attempt may write it again."""
        async with self._database.transaction() as session:
            if not await JobRepository(session).hold(self.job):
                raise LeaseLost
            yield session

    @asynccontextmanager
    async def finishing(self) -> AsyncGenerator[AsyncSession]:
        """The transaction of the effect: it and the job's success are committed together, or neither is."""
        async with self._database.transaction() as session:
            yield session
            if not await JobRepository(session).finish(self.job):
                raise LeaseLost
        self.finished = True

    async def show(self, stage: str, done: int, total: int | None) -> None:
        """Tell whoever watches, through Redis, at most once a second; without Redis they see the stages alone."""
        now = time.monotonic()
        if self._redis is None or now - self._shown_at < 1:
            return
        self._shown_at = now
        value = json.dumps({"stage": stage, "done": done, "total": total})
        await self._redis.attempt(lambda client: client.set(progress_key(self.job.id), value, ex=_EXPIRY))
