"""Claiming while connections break."""

import asyncio
from datetime import timedelta

from tests.support.waiting import wait_until

from protostar.config import WorkerSettings
from protostar.db.session import Database
from protostar.errors import DatabaseUnavailable
from protostar.jobs.bell import Bell
from protostar.jobs.context import JobContext
from protostar.jobs.registry import Registry, Task
from protostar.jobs.repository import Enqueue
from protostar.jobs.service import Jobs
from protostar.jobs.worker import Worker
from protostar.telemetry import Metrics


async def test_what_was_claimed_runs_although_the_next_claim_fails(database: Database) -> None:
    """It need not wait for a lease, and spends no attempt."""
    attempts: list[int] = []

    async def run(context: JobContext) -> None:
        attempts.append(context.job.attempt)

    class Flaky(Worker):
        async def _start_claimed(self, *, suspect: bool = False) -> int:
            if self._running:
                raise DatabaseUnavailable("cut")
            return await super()._start_claimed(suspect=suspect)

    async with database.transaction() as session:
        assert await Jobs(Bell(None), max_attempts=3).enqueue(session, Enqueue("first", None, {}))
    settings = WorkerSettings(lease=timedelta(seconds=60), poll=timedelta(seconds=0.05))
    worker = Flaky(database, None, Registry.of(Task("first", run)), settings, Metrics())
    running = asyncio.create_task(worker.run())
    try:
        await wait_until(lambda: attempts)
    finally:
        worker.stop.set()
        await running
    assert attempts == [1]
