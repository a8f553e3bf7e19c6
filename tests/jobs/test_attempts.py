"""A worker that claims a job again which it has lost, while its attempt before has not ended yet."""

import asyncio
from datetime import timedelta

import pytest
from sqlalchemy import text
from tests.support.waiting import wait_until

from protostar.config import WorkerSettings
from protostar.db.session import Database
from protostar.jobs.bell import Bell
from protostar.jobs.context import JobContext
from protostar.jobs.registry import Registry, Task
from protostar.jobs.repository import Enqueue, JobRepository
from protostar.jobs.service import Jobs
from protostar.jobs.worker import Worker
from protostar.telemetry import Metrics


async def test_two_attempts_of_a_job_do_not_mix(database: Database, caplog: pytest.LogCaptureFixture) -> None:
    ends = [asyncio.Event(), asyncio.Event()]
    begun: list[int] = []

    async def run(context: JobContext) -> None:
        begun.append(context.job.attempt)
        end = asyncio.ensure_future(ends[context.job.attempt - 1].wait())
        while not end.done():
            try:
                await asyncio.shield(end)
            except asyncio.CancelledError:
                continue  # as one does that waits for a thread
        async with context.finishing():
            pass

    async with database.transaction() as session:
        id_ = await Jobs(Bell(None), max_attempts=3).enqueue(session, Enqueue("k", None, {}))
    settings = WorkerSettings(lease=timedelta(seconds=60), poll=timedelta(seconds=0.05), concurrency=2)
    worker = Worker(database, None, Registry.of(Task("k", run)), settings, Metrics())
    running = asyncio.create_task(worker.run())
    try:
        await wait_until(lambda: begun == [1])
        async with database.transaction() as session:
            lost = text("update jobs set state = 'queued', lease_until = null, lease_owner = null where id = :id")
            await session.execute(lost, {"id": id_})
        await wait_until(lambda: begun == [1, 2])
        ends[0].set()
        await wait_until(lambda: len(worker._running) == 1)
        assert len(worker._leases) == 1, "the second attempt's lease is kept"
        ends[1].set()
        await wait_until(lambda: not worker._running)
    finally:
        for end in ends:
            end.set()
        worker.stop.set()
        await running
    async with database.transaction() as session:
        state = (await session.execute(text("select state from jobs where id = :id"), {"id": id_})).scalar_one()
    assert state == "succeeded"
    assert "Exception in callback" not in caplog.text


async def test_a_job_that_its_holder_has_ended_is_not_lost(database: Database) -> None:
    lease = timedelta(seconds=60)
    async with database.transaction() as session:
        repository = JobRepository(session)
        for _ in range(3):
            await repository.enqueue(Enqueue("k", None, {}))
        succeeded, failed, other = await repository.claim(["k"], limit=3, owner="me", lease=lease)
        assert await repository.finish(succeeded)
        assert await repository.cancel(failed.id)
        assert await repository.fail(failed, error="no", code="x", final=True)
        assert await repository.release(other)
    async with database.transaction() as session:
        ours = await JobRepository(session).renew([succeeded, failed, other], lease)
    assert ours == {succeeded.fence: "renewed", failed.fence: "renewed"}
