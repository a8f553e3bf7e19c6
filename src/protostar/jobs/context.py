"""What a running job gets: its ids, its fence, and the only ways to write."""

import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from protostar.db.session import Database
from protostar.errors import LeaseLost
from protostar.jobs.model import Job
from protostar.jobs.progress import LiveProgress
from protostar.jobs.repository import JobRepository
from protostar.redis.client import RedisClient


class JobContext:
    """One attempt of a job. Its writes happen in `writing` and `finishing`; each raises LeaseLost once another holds the job."""

    def __init__(self, job: Job, database: Database, redis: RedisClient | None) -> None:
        self.job = job
        self.finished = False
        self._database = database
        self._live = LiveProgress(redis)
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
        """The transaction of the effect: it and the job's success are committed together, or neither is.

        The job is locked before what it is about, in the order of whoever takes it from its holder.
        """
        async with self.writing() as session:
            yield session
            if not await JobRepository(session).finish(self.job):
                raise LeaseLost
        self.finished = True

    async def show(self, stage: str, done: int, total: int | None) -> None:
        """Tell whoever watches, through Redis, at most once a second; without Redis they see the stages alone."""
        now = time.monotonic()
        if now - self._shown_at >= 1:
            self._shown_at = now
            await self._live.show(self.job.id, _progress(stage, done, total))

    async def note(self, stage: str, done: int, total: int) -> None:
        """Keep in the job's row how far it is. Raises LeaseLost."""
        async with self._database.autocommit() as session:
            if not await JobRepository(session).note(self.job, _progress(stage, done, total)):
                raise LeaseLost


def _progress(stage: str, done: int, total: int | None) -> dict[str, Any]:
    return {"stage": stage, "done": done, "total": total}
