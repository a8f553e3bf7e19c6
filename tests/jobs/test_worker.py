"""The worker with small tasks, on a real PostgreSQL and a real Redis."""

import asyncio
from collections import Counter
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import text
from structlog.testing import capture_logs
from tests.support.waiting import wait_until

from protostar.config import WorkerSettings
from protostar.db.session import Database
from protostar.errors import DatabaseUnavailable, LeaseLost, ModelUnavailable, ObjectMissing, ProtostarError, UnreadableDocument
from protostar.jobs.bell import Bell
from protostar.jobs.context import JobContext
from protostar.jobs.leases import Contact
from protostar.jobs.model import Change, Job
from protostar.jobs.models import JobRow
from protostar.jobs.registry import Periodic, Registry, Task
from protostar.jobs.repository import Enqueue, JobRepository
from protostar.jobs.service import Jobs
from protostar.jobs.tasks import PRUNE, tasks
from protostar.jobs.worker import Worker
from protostar.redis.client import Commands, RedisClient
from protostar.telemetry import Metrics

QUICK = WorkerSettings(lease=timedelta(seconds=3), poll=timedelta(seconds=0.05), grace=timedelta(seconds=0.3), concurrency=4)


@asynccontextmanager
async def working(
    database: Database,
    *tasks: Task,
    redis: RedisClient | None = None,
    settings: WorkerSettings = QUICK,
    periodics: tuple[Periodic, ...] = (),
    kinds: frozenset[str] = frozenset(),
) -> AsyncGenerator[Worker]:
    worker = Worker(database, redis, Registry.of(*tasks, periodics=periodics), settings, Metrics(), kinds=kinds)
    running = asyncio.create_task(worker.run())
    try:
        yield worker
    finally:
        worker.stop.set()
        await running


async def enqueue(database: Database, kind: str = "k", *, redis: RedisClient | None = None, **more: object) -> UUID:
    bell = Bell(redis)
    async with database.transaction() as session:
        id_ = await Jobs(bell, max_attempts=3).enqueue(session, Enqueue(kind, None, {}, **more))  # type: ignore[arg-type]
    await bell.close()
    assert id_ is not None
    return id_


async def job(database: Database, id_: UUID) -> JobRow:
    async with database.transaction() as session:
        row = await JobRepository(session).get(id_)
    assert row is not None
    return row


def in_state(database: Database, id_: UUID, *states: str) -> Callable[[], Awaitable[bool]]:
    async def check() -> bool:
        return (await job(database, id_)).state in states

    return check


@pytest.fixture
async def effects(database: Database) -> Callable[[], Awaitable[list[str]]]:
    """A table that tasks write their effects to; the function reads it."""
    async with database.transaction() as session:
        await session.execute(text("create table effects (name text)"))

    async def read() -> list[str]:
        async with database.transaction() as session:
            return list((await session.execute(text("select name from effects order by name"))).scalars())

    return read


async def put_effect(context: JobContext, name: str = "done") -> None:
    async with context.finishing() as session:
        await session.execute(text("insert into effects values (:name)"), {"name": name})


async def test_a_job_runs_and_succeeds(database: Database, effects: Callable[[], Awaitable[list[str]]]) -> None:
    def outcomes() -> list[str]:
        return [entry["outcome"] for entry in logs if entry["event"] == "job_ended"]

    await enqueue(database)
    with capture_logs() as logs:
        async with working(database, Task("k", put_effect)):
            await wait_until(outcomes)
    assert (outcomes(), await effects()) == (["succeeded"], ["done"])


async def test_all_that_ended_long_ago_is_pruned_at_once(database: Database) -> None:
    async with database.transaction() as session:
        await session.execute(
            text("""
                insert into jobs (id, kind, state, give_up_at, finished_at)
                select gen_random_uuid(), 'k', 'succeeded', now(),
                    now() - case when n > 2500 then interval '1 day' else interval '30 days' end
                from generate_series(1, 2600) n""")
        )
    id_ = await enqueue(database, PRUNE)
    async with working(database, *tasks(timedelta(days=14))):
        await wait_until(in_state(database, id_, "succeeded"))
    async with database.transaction() as session:
        assert (await session.execute(text("select count(*) from jobs where kind = 'k'"))).scalar_one() == 100


async def test_a_job_that_lost_its_lease_leaves_no_effect(database: Database, effects: Callable[[], Awaitable[list[str]]]) -> None:
    """The zombie: it was away past its lease, another has the job, and what it writes now is rolled back."""
    attempts: list[int] = []
    outcome: list[type[BaseException]] = []

    async def frozen_once(context: JobContext) -> None:
        attempts.append(context.job.attempt)
        if context.job.attempt == 1:
            async with database.transaction() as session:
                await session.execute(text("update jobs set lease_until = now() - interval '1 second'"))
            await wait_until(lambda: len(attempts) == 2)
        try:
            await put_effect(context, f"attempt {context.job.attempt}")
        except LeaseLost as error:
            outcome.append(type(error))
            raise

    id_ = await enqueue(database)
    # Renewals would cure the lease before the sweep sees it: the frozen worker does not renew.
    async with working(database, Task("k", frozen_once), settings=QUICK.model_copy(update={"lease": timedelta(seconds=30)})) as one:
        sweeper = asyncio.create_task(_sweep_for(database, one))
        await wait_until(in_state(database, id_, "succeeded"))
        await wait_until(lambda: outcome)
        sweeper.cancel()
    assert await effects() == ["attempt 2"]
    assert outcome == [LeaseLost]


async def test_a_job_that_was_taken_from_its_worker_is_not_said_to_have_succeeded(database: Database) -> None:
    """It found nothing to do, since what it is about was erased, and the job with it."""

    async def erased(_context: JobContext) -> None:
        async with database.transaction() as session:
            await session.execute(text("delete from jobs"))

    def outcomes() -> list[str]:
        return [entry["outcome"] for entry in logs if entry["event"] == "job_ended"]

    await enqueue(database)
    with capture_logs() as logs:
        async with working(database, Task("k", erased)):
            await wait_until(outcomes)
    assert outcomes() == ["lost"]


async def test_a_job_whose_effect_is_being_written_is_taken_from_nobody(database: Database) -> None:
    """Whoever took it would wait, with the job locked, for what its holder has locked, who is about to lock the job."""
    id_ = await enqueue(database)
    async with database.transaction() as session:
        (claimed,) = await JobRepository(session).claim(["k"], limit=1, owner="w", lease=timedelta(seconds=-1))
    async with JobContext(claimed, database, None).finishing():
        async with database.transaction() as session:
            assert await JobRepository(session).sweep() == []
    assert (await job(database, id_)).state == "succeeded"


async def _sweep_for(database: Database, _worker: Worker) -> None:
    while True:
        async with database.transaction() as session:
            await JobRepository(session).sweep()
            await session.execute(text("update jobs set run_at = now() where state = 'queued'"))
        await asyncio.sleep(0.05)


async def test_an_error_is_tried_again_and_a_final_one_is_not(database: Database) -> None:
    changes: list[Change] = []

    async def on_change(_session: object, change: Change) -> None:
        changes.append(change)

    async def fail_once(context: JobContext) -> None:
        if context.job.attempt == 1:
            raise ValueError("a bug")

    async def unreadable(_context: JobContext) -> None:
        raise UnreadableDocument("The file is broken.")

    first, second = await enqueue(database, "once"), await enqueue(database, "unreadable")
    async with working(database, Task("once", fail_once, on_change), Task("unreadable", unreadable, on_change)):
        await wait_until(in_state(database, first, "succeeded"))
        await wait_until(in_state(database, second, "failed"))
    assert (await job(database, first)).attempt == 2
    assert (await job(database, second)).error == "The file is broken."
    assert [(change.job.kind, change.state) for change in changes if change.job.kind == "unreadable"] == [("unreadable", "failed")]
    assert ("once", "queued") in [(change.job.kind, change.state) for change in changes]


async def test_bytes_that_are_missing_are_asked_for_again_before_the_job_is_dead(database: Database) -> None:
    """A store that misbehaves says so too, and it may be another one tomorrow."""

    async def missing(_context: JobContext) -> None:
        raise ObjectMissing

    async def again() -> bool:
        async with database.transaction() as session:
            await session.execute(text("update jobs set run_at = now()"))
        return (await job(database, id_)).state == "dead"

    id_ = await enqueue(database)
    with capture_logs() as logs:
        async with working(database, Task("k", missing)):
            await wait_until(again)
    assert (await job(database, id_)).attempt == 3
    assert [entry["code"] for entry in logs if entry["event"] == "job_attempt_failed"] == ["object_missing"] * 3


async def test_a_dependency_that_is_away_spends_no_attempt(database: Database) -> None:
    calls: list[int] = []

    async def model_is_away_twice(context: JobContext) -> None:
        calls.append(context.job.attempt)
        if len(calls) < 3:
            raise ModelUnavailable(retry_after=0.05)

    id_ = await enqueue(database)
    with capture_logs() as logs:
        async with working(database, Task("k", model_is_away_twice)):
            await wait_until(in_state(database, id_, "succeeded"))
    assert calls == [1, 1, 1]
    told = [entry["event"] for entry in logs if entry["event"].startswith("job_")]
    assert told == ["job_waits_for_dependency", "job_ended"]
    assert (await job(database, id_)).deferrals == 2


async def test_a_database_without_room_is_not_asked_again_by_every_job_every_second(database: Database) -> None:
    async def is_full(_context: JobContext) -> None:
        raise DatabaseUnavailable(retry_after=0.01)

    async def deferred() -> bool:
        return (await job(database, id_)).deferrals == 4

    id_ = await enqueue(database)
    async with database.transaction() as session:
        await session.execute(text("update jobs set deferrals = 3"))
    async with working(database, Task("k", is_full)):
        await wait_until(deferred)
    async with database.transaction() as session:
        left = (await session.execute(text("select run_at - now() from jobs"))).scalar_one()
    assert left > timedelta(seconds=3)


async def test_the_state_of_what_a_job_is_about_changes_with_it(
    database: Database, effects: Callable[[], Awaitable[list[str]]]
) -> None:
    """`on_change` is in the transaction of the change: when it fails, the job has not changed either."""
    seen: list[str] = []

    async def refuse_once(session: object, change: Change) -> None:
        seen.append(change.state)
        if len(seen) == 1:
            raise ProtostarError("cannot be noted")
        await session.execute(text("insert into effects values (:state)"), {"state": change.state})  # type: ignore[attr-defined]

    async def unreadable(_context: JobContext) -> None:
        raise UnreadableDocument

    id_ = await enqueue(database)
    async with working(database, Task("k", unreadable, refuse_once)):
        await wait_until(lambda: seen)
        assert (await job(database, id_)).state == "running"
        async with database.transaction() as session:
            await session.execute(text("update jobs set lease_until = now() - interval '1 second'"))
        await wait_until(in_state(database, id_, "failed"), 15)
    assert "failed" in await effects()


async def test_cancelling_a_running_job_stops_it(database: Database) -> None:
    started, cancelled = asyncio.Event(), asyncio.Event()

    async def endless(_context: JobContext) -> None:
        started.set()
        try:
            await asyncio.Event().wait()
        finally:
            cancelled.set()

    registry = Registry.of(Task("k", endless))
    id_ = await enqueue(database)
    async with working(database, Task("k", endless)):
        await started.wait()
        async with database.transaction() as session:
            await Jobs(Bell(None), max_attempts=3).cancel(session, id_, registry)
        await wait_until(in_state(database, id_, "cancelled"))
    assert cancelled.is_set()


async def test_a_stopping_worker_gives_its_jobs_back(database: Database) -> None:
    started = asyncio.Event()

    async def long(_context: JobContext) -> None:
        started.set()
        await asyncio.Event().wait()

    id_ = await enqueue(database)
    async with working(database, Task("k", long)):
        await started.wait()
    row = await job(database, id_)
    assert (row.state, row.attempt) == ("queued", 0)


async def test_a_stopping_worker_lets_short_jobs_end(database: Database) -> None:
    started, may_end = asyncio.Event(), asyncio.Event()

    async def short(_context: JobContext) -> None:
        started.set()
        await may_end.wait()

    id_ = await enqueue(database)
    async with working(database, Task("k", short), settings=QUICK.model_copy(update={"grace": timedelta(seconds=10)})) as worker:
        await started.wait()
        worker.stop.set()
        may_end.set()
    assert (await job(database, id_)).state == "succeeded"


async def test_the_bell_wakes_a_worker_long_before_its_poll(database: Database, redis: RedisClient) -> None:
    async def nothing(_context: JobContext) -> None:
        return None

    slow = QUICK.model_copy(update={"poll": timedelta(minutes=5)})
    async with working(database, Task("k", nothing), redis=redis, settings=slow):
        id_ = await enqueue(database, redis=redis)
        await wait_until(in_state(database, id_, "succeeded"), 20)


async def test_keys_of_the_bell_expire(database: Database, redis: RedisClient) -> None:
    await enqueue(database, redis=redis)
    keys = await redis.run(lambda client: client.keys("*"))
    assert keys
    for key in keys:
        assert await redis.run(lambda client, key=key: client.ttl(key)) > 0


async def test_what_nobody_hears_does_not_pile_up(redis: RedisClient) -> None:
    bell = Bell(redis)
    for _ in range(2):
        for _ in range(60):
            await bell.ring("k")
        await bell.close()
    assert await redis.run(lambda client: client.llen("protostar:bell:k")) == 100


async def test_jobs_are_enqueued_and_run_without_redis(database: Database) -> None:
    away = RedisClient("redis://127.0.0.1:1/0", Metrics())

    async def nothing(_context: JobContext) -> None:
        return None

    async with working(database, Task("k", nothing), redis=away):
        id_ = await enqueue(database, redis=away)
        await wait_until(in_state(database, id_, "succeeded"))
    await away.close()


async def test_a_kind_takes_no_more_slots_than_its_limit(database: Database) -> None:
    running: list[str] = []
    most: list[int] = []
    release = asyncio.Event()

    async def limited(_context: JobContext) -> None:
        running.append("limited")
        most.append(len(running))
        await release.wait()
        running.pop()

    async def free(_context: JobContext) -> None:
        release.set()

    ids = [await enqueue(database, "limited") for _ in range(4)]
    async with working(database, Task("limited", limited, limit=2), Task("free", free)):
        await wait_until(lambda: len(running) == 2)
        ids.append(await enqueue(database, "free"))
        for id_ in ids:
            await wait_until(in_state(database, id_, "succeeded"))
    assert max(most) == 2


async def test_a_kind_at_its_limit_goes_on_as_soon_as_one_of_its_jobs_ends(database: Database) -> None:
    """Without a bell that says so, and long before the next poll."""

    async def nothing(_context: JobContext) -> None:
        return None

    ids = [await enqueue(database, "limited") for _ in range(6)]
    patient = QUICK.model_copy(update={"poll": timedelta(minutes=5)})
    async with working(database, Task("limited", nothing, limit=2), settings=patient):
        for id_ in ids:
            await wait_until(in_state(database, id_, "succeeded"))


async def test_a_worker_runs_only_its_kinds(database: Database) -> None:
    async def nothing(_context: JobContext) -> None:
        return None

    mine, other = await enqueue(database, "a"), await enqueue(database, "b")
    async with working(database, Task("a", nothing), Task("b", nothing), kinds=frozenset({"a"})):
        await wait_until(in_state(database, mine, "succeeded"))
    assert (await job(database, other)).state == "queued"


async def test_a_periodic_job_is_enqueued_once_whoever_looks(database: Database) -> None:
    runs: list[UUID] = []

    async def tick(context: JobContext) -> None:
        runs.append(context.job.id)

    periodic = (Periodic("tick", timedelta(days=1)),)
    async with working(database, Task("tick", tick), periodics=periodic), working(database, Task("tick", tick), periodics=periodic):
        await wait_until(lambda: runs)
        await wait_until(in_state(database, runs[0], "succeeded"))
    async with database.transaction() as session:
        assert (await session.execute(text("select count(*) from jobs"))).scalar_one() == 1


async def test_a_periodic_job_is_enqueued_once_in_its_time_and_not_beside_itself(database: Database) -> None:
    async def tick(_context: JobContext) -> None:
        return None

    async def scheduled(before: str) -> int:
        async with database.transaction() as session:
            await session.execute(text(before))
        await worker._schedule()
        async with database.transaction() as session:
            return (await session.execute(text("select count(*) from jobs"))).scalar_one()

    registry = Registry.of(Task("tick", tick), periodics=(Periodic("tick", timedelta(days=1)),))
    worker = Worker(database, None, registry, QUICK, Metrics())
    next_slot = "delete from job_slots"
    assert [await scheduled(next_slot) for _ in range(2)] == [1, 1]
    assert await scheduled("update jobs set state = 'succeeded', finished_at = now()") == 1
    assert await scheduled(next_slot) == 2


async def test_a_suspect_runs_alone(database: Database) -> None:
    running: set[str] = set()
    together: list[set[str]] = []

    async def note(context: JobContext) -> None:
        running.add(str(context.job.id))
        together.append(set(running))
        await asyncio.sleep(0)
        running.discard(str(context.job.id))

    suspect = await enqueue(database)
    async with database.transaction() as session:
        await session.execute(text("update jobs set lost_leases = 2"))
    others = [await enqueue(database) for _ in range(6)]
    async with working(database, Task("k", note)):
        for id_ in [suspect, *others]:
            await wait_until(in_state(database, id_, "succeeded"))
    assert all(group == {str(suspect)} for group in together if str(suspect) in group)
    assert [group for group in together if str(suspect) in group]


async def test_suspects_do_not_all_go_before_others(database: Database) -> None:
    order: list[str] = []

    async def note(context: JobContext) -> None:
        order.append(str(context.job.id))

    suspects = {str(await enqueue(database)) for _ in range(4)}
    async with database.transaction() as session:
        await session.execute(text("update jobs set lost_leases = 2"))
    other = await enqueue(database)
    async with working(database, Task("k", note)):
        await wait_until(lambda: len(order) == 5)
    assert set(order) == {*suspects, str(other)}
    assert order.index(str(other)) == 1


async def test_a_suspect_that_waits_for_long_is_made_room_for(database: Database) -> None:
    begun: list[UUID] = []
    may_end = asyncio.Event()

    async def wait(context: JobContext) -> None:
        begun.append(context.job.id)
        await may_end.wait()

    async def claimed() -> int:
        await worker._sweep()
        return await worker._claim()

    async def waits(id_: UUID, *, lost_leases: int) -> None:
        async with database.transaction() as session:
            waiting = text("update jobs set run_at = now() - interval '31 seconds', lost_leases = :lost where id = :id")
            await session.execute(waiting, {"id": id_, "lost": lost_leases})

    async def end_all() -> None:
        may_end.set()
        await wait_until(lambda: not worker._running)

    worker = Worker(database, None, Registry.of(Task("k", wait)), QUICK, Metrics())
    try:
        await enqueue(database)
        assert await claimed() == 1
        await waits(await enqueue(database), lost_leases=1)
        assert await claimed() == 1, "one that is no suspect takes its place beside the others"
        suspect = await enqueue(database)
        await waits(suspect, lost_leases=2)
        next_ = await enqueue(database)
        assert await claimed() == 0
        for _ in range(2):
            await end_all()
            assert await claimed() == 1
    finally:
        await end_all()
    assert begun[2:] == [suspect, next_]


async def test_nothing_is_taken_from_anybody_before_all_had_the_time_to_renew(database: Database) -> None:
    """While PostgreSQL was away nobody could."""
    seconds = 0.0
    changes: list[Change] = []

    async def nothing(_context: JobContext) -> None:
        return None

    async def on_change(_session: object, change: Change) -> None:
        changes.append(change)

    id_ = await enqueue(database)
    async with database.transaction() as session:
        await JobRepository(session).claim(["k"], limit=1, owner="w", lease=timedelta(seconds=-1))
    worker = Worker(database, None, Registry.of(Task("k", nothing, on_change)), QUICK, Metrics())
    worker._contact = Contact(QUICK.lease, lambda: seconds)
    await worker._sweep()
    assert (await job(database, id_)).state == "running"
    seconds = QUICK.lease.total_seconds() / 2
    await worker._sweep()
    assert (await job(database, id_)).state == "queued"
    assert [change.state for change in changes] == ["queued"]


async def test_a_job_that_cannot_be_told_keeps_no_other_from_being_swept(database: Database) -> None:
    async def nothing(_context: JobContext) -> None:
        return None

    async def malformed(_session: object, change: Change) -> None:
        change.job.args["document_id"]

    bad, good = await enqueue(database, "bad"), await enqueue(database)
    async with database.transaction() as session:
        await JobRepository(session).claim(["bad", "k"], limit=2, owner="w", lease=timedelta(seconds=-1))
    worker = Worker(database, None, Registry.of(Task("bad", nothing, malformed), Task("k", nothing)), QUICK, Metrics())
    worker._contact = Contact(timedelta(0))
    with capture_logs() as logs, pytest.raises(KeyError):
        await worker._sweep()
    assert [(await job(database, id_)).state for id_ in (bad, good)] == ["running", "running"]
    assert str(bad) in [entry["job"] for entry in logs if entry["event"] == "job_not_swept"]
    await worker._sweep()
    assert [(await job(database, id_)).state for id_ in (bad, good)] == ["running", "queued"]


async def test_what_waits_is_woken_also_where_there_is_always_other_work(database: Database) -> None:
    async def nothing(_context: JobContext) -> None:
        return None

    late = await enqueue(database, delay=timedelta(hours=1))
    for _ in range(3):
        await enqueue(database)
    async with database.transaction() as session:
        await session.execute(text("update jobs set run_at = now()"))
    worker = Worker(database, None, Registry.of(Task("k", nothing)), QUICK.model_copy(update={"concurrency": 1}), Metrics())
    assert await worker._claim() == 1
    await wait_until(lambda: not worker._running)
    assert not (await job(database, late)).parked


async def test_a_job_whose_end_cannot_be_written_at_once_is_not_run_again(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    finish, tries, runs = JobRepository.finish, 0, 0

    async def run(_context: JobContext) -> None:
        nonlocal runs
        runs += 1

    async def away_once(self: JobRepository, job: Job) -> bool:
        nonlocal tries
        tries += 1
        if tries == 1:
            raise DatabaseUnavailable
        return await finish(self, job)

    monkeypatch.setattr(JobRepository, "finish", away_once)
    id_ = await enqueue(database)
    async with working(database, Task("k", run)):
        await wait_until(in_state(database, id_, "succeeded"))
    assert (tries, runs) == (2, 1)


async def test_what_a_job_writes_on_its_way_is_its_holders_alone(
    database: Database, effects: Callable[[], Awaitable[list[str]]]
) -> None:
    await enqueue(database)
    async with database.transaction() as session:
        (claimed,) = await JobRepository(session).claim(["k"], limit=1, owner="w", lease=timedelta(seconds=30))
    context = JobContext(claimed, database, None)
    async with context.writing() as session:
        await session.execute(text("insert into effects values ('held')"))
    await context.note("stage", 1, 2)
    async with database.transaction() as session:
        await session.execute(text("update jobs set fence = nextval('job_fence')"))
    with pytest.raises(LeaseLost):
        async with context.writing() as session:
            await session.execute(text("insert into effects values ('lost')"))
    with pytest.raises(LeaseLost):
        await context.note("stage", 2, 2)
    assert await effects() == ["held"]


async def test_an_effect_is_committed_with_the_end_of_its_job_or_not_at_all(
    database: Database, effects: Callable[[], Awaitable[list[str]]]
) -> None:
    """Also where somebody takes the job away by hand while it is written."""
    await enqueue(database)
    async with database.transaction() as session:
        (claimed,) = await JobRepository(session).claim(["k"], limit=1, owner="w", lease=timedelta(seconds=30))

    async def write() -> None:
        async with JobContext(claimed, database, None).finishing() as session:
            await session.execute(text("insert into effects values ('late')"))
            async with database.transaction() as other:
                await other.execute(text("update jobs set fence = nextval('job_fence')"))

    with pytest.raises(LeaseLost):
        await write()
    assert await effects() == []


async def test_what_a_job_is_about_hears_of_its_cancellation_when_it_has_ended(database: Database) -> None:
    changes: list[str] = []

    async def nothing(_context: JobContext) -> None:
        return None

    async def on_change(_session: object, change: Change) -> None:
        changes.append(change.state)

    registry, jobs = Registry.of(Task("k", nothing, on_change)), Jobs(Bell(None), max_attempts=3)
    running = await enqueue(database)
    async with database.transaction() as session:
        await JobRepository(session).claim(["k"], limit=1, owner="w", lease=timedelta(seconds=30))
        await jobs.cancel(session, running, registry)
    assert changes == []
    queued = await enqueue(database)
    async with database.transaction() as session:
        await jobs.cancel(session, queued, registry)
    assert changes == ["cancelled"]


async def test_what_is_rung_while_the_bell_is_ringing_is_rung_too(redis: RedisClient, monkeypatch: pytest.MonkeyPatch) -> None:
    push, begun, goes_on = Bell._push, asyncio.Event(), asyncio.Event()

    async def held(client: Commands, *, rung: Counter[str]) -> None:
        begun.set()
        await goes_on.wait()
        await push(client, rung=rung)

    monkeypatch.setattr(Bell, "_push", staticmethod(held))
    bell = Bell(redis)
    await bell.ring("a")
    await begun.wait()
    await bell.ring("b")
    goes_on.set()
    await bell.close()
    assert sorted(await redis.run(lambda client: client.keys("*"))) == [f"protostar:bell:{kind}" for kind in "ab"]
    await bell.ring("c")
    await bell.close()
    assert len(await redis.run(lambda client: client.keys("*"))) == 3


async def test_workers_show_a_heartbeat(database: Database) -> None:
    async def workers() -> int:
        async with database.transaction() as session:
            return len(await JobRepository(session).workers())

    async with working(database):
        await wait_until(workers)
