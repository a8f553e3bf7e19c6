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


async def test_an_unforeseen_error_does_not_end_the_worker(database: Database) -> None:
    """It goes on claiming, sweeping, and renewing what it holds."""
    raised: list[str] = []
    done = asyncio.Event()

    async def run(_context: JobContext) -> None:
        done.set()

    class Faulty(Worker):
        def _fail_once(self, name: str) -> None:
            if name not in raised:
                raised.append(name)
                raise RuntimeError(name)

        async def _claim(self) -> int:
            self._fail_once("claim")
            return await super()._claim()

        async def _sweep(self) -> None:
            self._fail_once("sweep")
            await super()._sweep()

    async with database.transaction() as session:
        assert await Jobs(Bell(None), max_attempts=3).enqueue(session, Enqueue("first", None, {}))
    settings = WorkerSettings(lease=timedelta(seconds=3), poll=timedelta(seconds=0.05))
    worker = Faulty(database, None, Registry.of(Task("first", run)), settings, Metrics())
    running = asyncio.create_task(worker.run())
    try:
        async with asyncio.timeout(10):
            await done.wait()
        assert sorted(raised) == ["claim", "sweep"]
        assert not running.done()
    finally:
        worker.stop.set()
        await running
