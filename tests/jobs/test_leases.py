"""The connection that renews leases is there from the start, and stays where PostgreSQL has none left for others."""

import asyncio
from collections.abc import AsyncGenerator, Collection
from datetime import timedelta

import asyncpg
import pytest
from sqlalchemy import text
from structlog.testing import capture_logs
from tests.support.databases import execute
from tests.support.waiting import wait_until

from protostar.db.session import Database
from protostar.errors import DatabaseUnavailable
from protostar.jobs.leases import Leases
from protostar.jobs.model import Job, Renewal
from protostar.jobs.repository import Enqueue, JobRepository

LEASE = timedelta(seconds=0.3)
_MOST = 4


@pytest.fixture
async def narrow(database_url: str, postgres_url: str) -> AsyncGenerator[str]:
    """The URL of a user who may have few connections."""
    await execute(database_url, f"create role narrow login connection limit {_MOST}")
    await execute(database_url, "grant all on all tables in schema public to narrow")
    await execute(database_url, "grant all on all sequences in schema public to narrow")
    yield database_url.replace("postgres@", "narrow@").replace("user=postgres", "user=narrow")
    await execute(database_url, "drop owned by narrow")
    await execute(database_url, "drop role narrow")


async def use_up(url: str) -> list[asyncpg.Connection]:
    """Every connection that is left."""
    taken = []
    with pytest.raises(asyncpg.TooManyConnectionsError):
        while True:
            taken.append(await asyncpg.connect(url))
    return taken


async def begin(database: Database) -> Job:
    async with database.transaction() as session:
        repository = JobRepository(session)
        await repository.enqueue(Enqueue("k", None, {}))
        (job,) = await repository.claim(["k"], limit=1, owner="me", lease=LEASE)
        return job


async def until(database: Database) -> object:
    async with database.reading() as connection:
        return (await connection.exec_driver_sql("select lease_until from jobs")).scalar_one()


async def test_the_connection_is_used_while_nothing_is_held(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever stands between forgets one that is silent, and the first renewal would wait for it."""
    asked: list[int] = []
    renew = JobRepository.renew

    async def counted(self: JobRepository, held: Collection[Job], lease: timedelta) -> dict[int, Renewal]:
        asked.append(len(held))
        return await renew(self, held, lease)

    monkeypatch.setattr(JobRepository, "renew", counted)
    assert await Leases(database, LEASE).renew()
    assert asked == [0]


@pytest.mark.parametrize("opened", ["at the start", "never"])
async def test_leases_are_renewed_while_all_connections_are_taken(database: Database, narrow: str, opened: str) -> None:
    """Through a connection of their own that was opened with nothing to renew; through the pool where it could not be."""
    ours = Database(narrow)
    leases = Leases(ours, LEASE)
    if opened == "at the start":
        assert await leases.renew()
    job = await begin(ours)
    others = await use_up(narrow)
    holder = asyncio.create_task(asyncio.Event().wait())
    leases.hold(job, holder)
    before = await until(database)
    with capture_logs() as logs:
        keeping = asyncio.create_task(leases.keep())
        try:

            async def renewed() -> bool:
                return await until(database) != before

            await wait_until(renewed)
        finally:
            keeping.cancel()
            await asyncio.gather(keeping, return_exceptions=True)
    assert not holder.cancelling()
    holder.cancel()
    assert {entry["event"] for entry in logs} == (set() if opened == "at the start" else {"lease_connection_missing"})
    for connection in others:
        await connection.close()
    await ours.close()


@pytest.fixture
async def held(database: Database) -> AsyncGenerator[tuple[Leases, Job, "asyncio.Task[None]"]]:
    """A job, and a task that holds it and takes its time to give it back."""
    goes_on = asyncio.Event()

    async def hold() -> None:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            await goes_on.wait()

    leases, job, task = Leases(database, LEASE), await begin(database), asyncio.create_task(hold())
    await asyncio.sleep(0)
    leases.hold(job, task)
    yield leases, job, task
    task.cancel()
    goes_on.set()
    await asyncio.gather(task, return_exceptions=True)


async def test_who_has_lost_a_job_is_stopped_once(database_url: str, held: tuple[Leases, Job, "asyncio.Task[None]"]) -> None:
    """Stopped again it could not give it back."""
    leases, _job, task = held
    await execute(database_url, "update jobs set fence = nextval('job_fence')")
    assert await leases.renew()
    assert await leases.renew()
    assert task.cancelling() == 1


async def test_who_has_let_go_of_a_job_meanwhile_is_not_stopped(
    held: tuple[Leases, Job, "asyncio.Task[None]"], monkeypatch: pytest.MonkeyPatch
) -> None:
    leases, job, task = held

    async def gone(*_args: object) -> dict[int, Renewal]:
        leases.drop(job)
        return {}

    monkeypatch.setattr(JobRepository, "renew", gone)
    assert await leases.renew()
    assert not task.cancelling()


async def test_a_renewal_that_somebody_stood_in_the_way_of_is_tried_again_soon(
    database: Database, held: tuple[Leases, Job, "asyncio.Task[None]"]
) -> None:
    leases, _job, task = held
    async with database.transaction() as theirs:
        await theirs.execute(text("select from jobs for update"))
        assert not await leases.renew()
    assert await leases.renew()
    assert not task.cancelling()


@pytest.mark.parametrize("first", [DatabaseUnavailable(), RuntimeError(), None], ids=repr)
async def test_a_renewal_that_failed_is_tried_again_long_before_the_lease_ends(
    database: Database, monkeypatch: pytest.MonkeyPatch, first: Exception | None
) -> None:
    """Whatever it was, and also where only one row was locked."""
    tries, again = 0, asyncio.Event()

    async def renew(_self: Leases) -> bool:
        nonlocal tries
        tries += 1
        if tries > 1:
            again.set()
        elif first is not None:
            raise first
        return tries > 1

    monkeypatch.setattr(Leases, "renew", renew)
    keeping = asyncio.create_task(Leases(database, timedelta(minutes=5)).keep())
    try:
        async with asyncio.timeout(10):
            await again.wait()
    finally:
        keeping.cancel()
        await asyncio.gather(keeping, return_exceptions=True)
