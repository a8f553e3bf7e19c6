"""Every statement of the kernel, on a real PostgreSQL."""

import asyncio
from collections.abc import Awaitable, Callable, Collection
from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from protostar.db.session import Database
from protostar.ids import new_id
from protostar.jobs.model import Job, State
from protostar.jobs.repository import STARTING, Enqueue, Heartbeat, JobRepository, starting

LEASE = timedelta(seconds=30)
EXPIRED = timedelta(seconds=-1)


async def enqueue(database: Database, *, space: UUID | None = None, kind: str = "k", **more: object) -> UUID | None:
    async with database.transaction() as session:
        return await JobRepository(session).enqueue(Enqueue(kind, space, {}, **more))  # type: ignore[arg-type]


async def claim(database: Database, *, limit: int = 10, lease: timedelta = LEASE, suspect: bool = False) -> list[Job]:
    async with database.transaction() as session:
        repository = JobRepository(session)
        if suspect:
            return await repository.claim_suspect(["k"], owner="w", lease=lease)
        return await repository.claim(["k"], limit=limit, owner="w", lease=lease)


async def run_now(session: AsyncSession) -> None:
    await session.execute(text("update jobs set run_at = now()"))
    await JobRepository(session).wake()


async def state(database: Database, id_: UUID) -> tuple[str, int]:
    async with database.transaction() as session:
        row = await JobRepository(session).get(id_)
        assert row is not None
        return row.state, row.attempt


async def test_a_dedupe_key_is_taken_while_its_job_is_queued_or_running(database: Database) -> None:
    first = await enqueue(database, dedupe_key="d")
    assert first is not None
    assert await enqueue(database, dedupe_key="d") is None
    (job,) = await claim(database)
    assert await enqueue(database, dedupe_key="d") is None
    async with database.transaction() as session:
        assert await JobRepository(session).finish(job)
    assert await enqueue(database, dedupe_key="d") is not None


async def test_a_running_job_can_free_its_dedupe_key(database: Database) -> None:
    await enqueue(database, dedupe_key="d")
    (job,) = await claim(database)
    async with database.transaction() as session:
        await JobRepository(session).free_key(job)
    assert await enqueue(database, dedupe_key="d") is not None
    assert await state(database, job.id) == ("running", 1)


async def test_a_job_is_claimed_once(database: Database) -> None:
    await enqueue(database)
    assert len(await claim(database)) == 1
    assert await claim(database) == []


@pytest.mark.parametrize("is_running", [True, False])
async def test_an_old_fence_writes_nothing(database: Database, *, is_running: bool) -> None:
    """Neither where another has the job nor where it waits for one."""
    id_ = await enqueue(database, dedupe_key="d")
    (old,) = await claim(database, lease=EXPIRED)
    async with database.transaction() as session:
        assert [change.state for change in await JobRepository(session).sweep()] == ["queued"]
        await run_now(session)
    if is_running:
        (new,) = await claim(database)
        assert (new.id, new.fence > old.fence) == (id_, True)
    before = await row(database)
    async with database.transaction() as session:
        repository = JobRepository(session)
        assert not await repository.hold(old)
        assert not await repository.finish(old)
        assert await repository.fail(old, error="late", code="x", final=True) is None
        assert await repository.release(old) is None
        assert await repository.defer(old, error="late", code="x", retry_after=None) is None
        assert not await repository.note(old, {"stage": "late"})
        await repository.free_key(old)
        await repository.remark(old, "late")
        assert await repository.renew([old], 2 * LEASE) == {}
    assert await row(database) == before


async def row(database: Database) -> dict[str, object]:
    """All of the only job."""
    async with database.transaction() as session:
        return dict((await session.execute(text("select * from jobs"))).mappings().one())


TAKE: dict[str, Callable[[JobRepository], Awaitable[Collection[object]]]] = {
    "claimed": lambda repository: repository.claim(["k"], limit=2, owner="w", lease=LEASE),
    "claimed of a kind that has a limit": lambda repository: repository.claim([], limit=2, owner="w", lease=LEASE, rooms={"k": 2}),
    "claimed alone": lambda repository: repository.claim_suspect(["k"], owner="w", lease=LEASE),
    "swept": lambda repository: repository.sweep(),
}


@pytest.mark.parametrize("how", TAKE)
async def test_a_job_that_somebody_has_locked_is_not_taken_and_not_waited_for(database: Database, how: str) -> None:
    """Whoever claims it at this moment must not have it twice, and whoever erases it may take long."""
    locked, free = await enqueue(database), await enqueue(database)
    async with database.transaction() as session:
        if how == "claimed alone":
            await session.execute(text("update jobs set lost_leases = 2"))
    if how == "swept":
        await claim(database, lease=EXPIRED)
    async with database.transaction() as theirs:
        await theirs.execute(text("select from jobs where id = :id for update"), {"id": locked})
        async with asyncio.timeout(10), database.transaction() as session:
            assert len(await TAKE[how](JobRepository(session))) == 1
            taken = text("select id from jobs where state <> :before")
            before = {"before": "running" if how == "swept" else "queued"}
            assert (await session.execute(taken, before)).scalars().all() == [free]


async def test_no_more_are_claimed_than_there_is_room_for(database: Database) -> None:
    for kind in ("k", "limited", "k", "limited"):
        await enqueue(database, kind=kind)
    async with database.transaction() as session:
        claimed = await JobRepository(session).claim(["k"], limit=3, owner="w", lease=LEASE, rooms={"limited": 2})
    assert [job.kind for job in claimed] == ["k", "limited", "k"]


async def test_a_waiting_job_that_somebody_has_locked_is_not_waited_for(database: Database) -> None:
    locked, free = [await enqueue(database, delay=timedelta(hours=1)) for _ in range(2)]
    async with database.transaction() as session:
        await session.execute(text("update jobs set run_at = now()"))
    async with database.transaction() as theirs:
        await theirs.execute(text("select from jobs where id = :id for update"), {"id": locked})
        async with asyncio.timeout(10), database.transaction() as session:
            assert await JobRepository(session).wake() == 1
    assert [job.id for job in await claim(database)] == [free]


async def test_several_are_enqueued_as_one_is(database: Database) -> None:
    later = Enqueue("k", None, {}, delay=timedelta(hours=1))
    async with database.transaction() as session:
        assert await JobRepository(session).enqueue_all([later, Enqueue("k", None, {"n": 1}, "d")]) == {0, 1}
        assert await JobRepository(session).wake() == 0
    (job,) = await claim(database)
    assert job.args == {"n": 1}
    # Whose key is taken is not tried: it would wait for whoever ends that job now.
    async with database.transaction() as theirs:
        assert await JobRepository(theirs).finish(job)
        async with asyncio.timeout(10), database.transaction() as session:
            assert await JobRepository(session).enqueue_all([Enqueue("k", None, {}, "d")]) == set()


async def test_what_an_older_release_gave_back_is_not_claimed_before_its_time(database: Database) -> None:
    """It does not park what waits."""
    await enqueue(database)
    async with database.transaction() as session:
        await session.execute(text("update jobs set run_at = now() + interval '1 hour'"))
    assert await claim(database) == []


@pytest.mark.parametrize("end", ["failed", "deferred", "swept"])
async def test_what_is_dead_has_an_end_from_which_it_is_kept(database: Database, end: str) -> None:
    await enqueue(database, max_attempts=1, give_up_after=timedelta(0))
    (job,) = await claim(database, lease=EXPIRED)
    async with database.transaction() as session:
        repository = JobRepository(session)
        if end == "failed":
            await repository.fail(job, error="boom", code="x", final=False)
        elif end == "deferred":
            await repository.defer(job, error="away", code="x", retry_after=None)
        else:
            await repository.sweep()
    assert await state(database, job.id) == ("dead", 0 if end == "deferred" else 1)
    async with database.transaction() as session:
        assert await JobRepository(session).prune(timedelta(0))


async def test_errors_spend_attempts_until_the_job_is_dead(database: Database) -> None:
    id_ = await enqueue(database, max_attempts=3)
    assert id_ is not None
    states = []
    for _ in range(3):
        (job,) = await claim(database)
        async with database.transaction() as session:
            states.append(await JobRepository(session).fail(job, error="boom", code="x", final=False))
            await run_now(session)
    assert states == ["queued", "queued", "dead"]
    assert await state(database, id_) == ("dead", 3)


async def test_a_final_error_fails_at_once(database: Database) -> None:
    await enqueue(database)
    (job,) = await claim(database)
    async with database.transaction() as session:
        assert await JobRepository(session).fail(job, error="unreadable", code="x", final=True) == "failed"


async def test_a_deferral_gives_the_attempt_back_and_waits(database: Database) -> None:
    await enqueue(database)
    (job,) = await claim(database)
    async with database.transaction() as session:
        assert await JobRepository(session).defer(job, error="away", code="x", retry_after=20) == "queued"
        row = await JobRepository(session).get(job.id)
        assert row is not None
        wait = (await session.execute(text("select extract(epoch from run_at - now()) from jobs"))).scalar_one()
        assert 20 <= wait <= 25
        assert (row.attempt, row.deferrals) == (0, 1)
    assert await claim(database) == []


async def test_what_is_told_to_come_back_soon_again_and_again_comes_less_and_less_often(database: Database) -> None:
    """A breaker names the seconds until its next trial, and thousands of jobs may wait for hours."""
    await enqueue(database)
    (job,) = await claim(database)
    async with database.transaction() as session:
        await session.execute(text("update jobs set deferrals = 10"))
        assert await JobRepository(session).defer(job, error="away", code="x", retry_after=2) == "queued"
        wait = (await session.execute(text("select extract(epoch from run_at - now()) from jobs"))).scalar_one()
        assert 30 <= wait <= 60


async def test_what_waits_is_woken_when_its_time_has_come_a_few_at_once(database: Database) -> None:
    for _ in range(25):
        await enqueue(database, delay=timedelta(hours=1))
    ready = await enqueue(database)
    async with database.transaction() as session:
        assert await JobRepository(session).wake() == 0
    assert [job.id for job in await claim(database)] == [ready]
    async with database.transaction() as session:
        await session.execute(text("update jobs set run_at = now() where state = 'queued'"))
    assert await claim(database) == []
    async with database.transaction() as session:
        assert [await JobRepository(session).wake() for _ in range(3)] == [20, 5, 0]
    assert len(await claim(database, limit=30)) == 25


async def test_a_spaces_waiting_jobs_do_not_put_its_new_ones_behind_other_spaces(database: Database) -> None:
    late, other = new_id(), new_id()
    for _ in range(3):
        await enqueue(database, space=late, delay=timedelta(hours=1))
    order = [await enqueue(database, space=space) for space in (late, other, other)]
    assert [job.id for job in await claim(database)] == order


async def test_deferrals_end_with_the_age_of_the_job(database: Database) -> None:
    await enqueue(database, give_up_after=timedelta(seconds=-1))
    (job,) = await claim(database)
    async with database.transaction() as session:
        assert await JobRepository(session).defer(job, error="away", code="x", retry_after=None) == "dead"


async def test_release_gives_the_attempt_back(database: Database) -> None:
    await enqueue(database)
    (job,) = await claim(database)
    async with database.transaction() as session:
        assert await JobRepository(session).release(job) == "queued"
    (again,) = await claim(database)
    assert again.attempt == 1
    assert again.fence > job.fence


async def test_a_job_that_kills_its_workers_is_dead_and_was_claimed_alone_before(database: Database) -> None:
    await enqueue(database, max_attempts=3)
    await enqueue(database)
    ended: list[str] = []
    for round_ in range(3):
        suspect = round_ == 2
        jobs = await claim(database, limit=1, lease=EXPIRED, suspect=suspect)
        assert len(jobs) == 1
        async with database.transaction() as session:
            ended += [change.state for change in await JobRepository(session).sweep()]
            await run_now(session)
    assert ended == ["queued", "queued", "dead"]


async def test_a_suspect_is_not_among_the_others(database: Database) -> None:
    suspect = await enqueue(database)
    async with database.transaction() as session:
        await session.execute(text("update jobs set lost_leases = 2"))
    innocent = await enqueue(database)
    async with database.transaction() as session:
        limited = await JobRepository(session).claim([], limit=2, owner="w", lease=LEASE, rooms={"k": 2})
        assert [job.id for job in limited] == [innocent]
        await JobRepository(session).release(limited[0])
    assert [job.id for job in await claim(database)] == [innocent]
    assert [job.id for job in await claim(database, suspect=True)] == [suspect]


async def test_cancelling_a_queued_job_ends_it_and_a_running_one_is_asked(database: Database) -> None:
    queued = await enqueue(database)
    assert queued is not None
    async with database.transaction() as session:
        change = await JobRepository(session).cancel(queued)
        assert change is not None
        assert change.state == "cancelled"
        assert await JobRepository(session).cancel(queued) is None
    running = await enqueue(database)
    assert running is not None
    (job,) = await claim(database)
    async with database.transaction() as session:
        repository = JobRepository(session)
        change = await repository.cancel(running)
        assert change is not None
        assert change.state == "running"
        assert await repository.renew([job], LEASE) == {job.fence: "cancelled"}
        assert await repository.release(job) == "cancelled"


@pytest.mark.parametrize(
    ("end", "expected"),
    [
        pytest.param(lambda repository, job: repository.release(job), "cancelled", id="released"),
        pytest.param(
            lambda repository, job: repository.fail(job, error="no", code="x", final=False), "cancelled", id="tried again"
        ),
        pytest.param(
            lambda repository, job: repository.defer(job, error="no", code="x", retry_after=None), "cancelled", id="deferred"
        ),
        pytest.param(lambda repository, job: repository.fail(job, error="no", code="x", final=True), "failed", id="failed"),
    ],
)
async def test_a_job_whose_cancellation_was_asked_for_is_not_queued_again(
    database: Database, end: Callable[[JobRepository, Job], Awaitable[State]], expected: State
) -> None:
    id_ = await enqueue(database)
    assert id_ is not None
    (job,) = await claim(database)
    async with database.transaction() as session:
        await JobRepository(session).cancel(id_)
        assert await end(JobRepository(session), job) == expected
        row = await JobRepository(session).get(id_)
        assert row is not None
        assert (row.state, row.finished_at is not None) == (expected, True)


async def test_a_lease_that_ran_out_ends_a_job_whose_cancellation_was_asked_for(database: Database) -> None:
    id_ = await enqueue(database)
    assert id_ is not None
    await claim(database, lease=EXPIRED)
    async with database.transaction() as session:
        await JobRepository(session).cancel(id_)
    async with database.transaction() as session:
        assert [(change.state, change.error) for change in await JobRepository(session).sweep()] == [("cancelled", "Cancelled.")]


async def test_retry_queues_an_ended_job_with_all_its_attempts(database: Database) -> None:
    id_ = await enqueue(database)
    assert id_ is not None
    (job,) = await claim(database)
    async with database.transaction() as session:
        repository = JobRepository(session)
        assert await repository.retry(id_) is None  # it runs
        await repository.fail(job, error="x", code="x", final=True)
        assert await repository.retry(id_) is not None
    assert await state(database, id_) == ("queued", 0)


async def test_what_is_tried_again_by_hand_is_as_good_as_new(database: Database) -> None:
    id_ = await enqueue(database, give_up_after=timedelta(hours=1))
    assert id_ is not None
    (job,) = await claim(database)
    async with database.transaction() as session:
        await JobRepository(session).cancel(id_)
        assert await JobRepository(session).release(job) == "cancelled"
        long_ago = "lost_leases = 2, deferrals = 9, created_at = now() - interval '2 hours', give_up_at = now() - interval '1 hour'"
        await session.execute(text(f"update jobs set {long_ago}"))
    async with database.transaction() as session:
        assert await JobRepository(session).retry(id_) is not None
        assert not await JobRepository(session).prune(timedelta(0))
    (job,) = await claim(database)
    async with database.transaction() as session:
        assert await JobRepository(session).defer(job, error="away", code="x", retry_after=None) == "queued"
    found = await row(database)
    assert (found["lost_leases"], found["deferrals"], found["cancel_requested"]) == (0, 1, False)


async def test_only_what_nobody_has_begun_is_taken_back(database: Database) -> None:
    await enqueue(database, dedupe_key="begun")
    (job,) = await claim(database)
    await enqueue(database, dedupe_key="queued")
    async with database.transaction() as session:
        for key in ("begun", "queued", None):
            await JobRepository(session).withdraw(key)
    assert (await row(database))["id"] == job.id


async def test_what_is_queued_anew_already_is_not_tried_again(database: Database) -> None:
    id_ = await enqueue(database, dedupe_key="d")
    assert id_ is not None
    (job,) = await claim(database)
    async with database.transaction() as session:
        await JobRepository(session).fail(job, error="x", code="x", final=True)
        await JobRepository(session).enqueue(Enqueue("k", None, {}, dedupe_key="d"))
        assert await JobRepository(session).retry(id_) is None


async def test_one_space_does_not_delay_another(database: Database) -> None:
    """Fair queueing: the second space's first job is claimed right after the first space's first."""
    busy, quiet = new_id(), new_id()
    for _ in range(50):
        await enqueue(database, space=busy)
    for _ in range(2):
        await enqueue(database, space=quiet)
    order = [job.space_id for job in await claim(database, limit=6)]
    assert order.count(quiet) == 2
    assert quiet in order[:3]


async def test_a_space_that_was_served_does_not_save_turns_up(database: Database) -> None:
    """A newcomer starts at the least turn that is queued, not at zero: idle time is no credit."""
    busy, late = new_id(), new_id()
    for _ in range(20):
        await enqueue(database, space=busy)
    await claim(database, limit=15)
    for _ in range(20):
        await enqueue(database, space=late)
    order = [job.space_id for job in await claim(database, limit=8)]
    assert order.count(busy) >= 3


async def test_priority_comes_first(database: Database) -> None:
    await enqueue(database)
    urgent = await enqueue(database, priority=10)
    assert [job.id for job in await claim(database, limit=1)] == [urgent]


async def test_a_slot_is_claimed_once(database: Database) -> None:
    async with database.transaction() as session:
        repository = JobRepository(session)
        slots = [await repository.claim_slot("sweep", timedelta(hours=6)) for _ in range(3)]
    assert [slot is not None for slot in slots] == [True, False, False]


async def test_renewals_are_hot_updates(database: Database) -> None:
    """lease_until is in no index: thousands of renewals must not bloat one."""
    await enqueue(database)
    (job,) = await claim(database)
    before = await _updates(database)
    for _ in range(20):
        async with database.transaction() as session:
            await JobRepository(session).renew([job], LEASE)
    updates, hot = [after - first for after, first in zip(await _updates(database), before, strict=True)]
    assert updates == 20
    assert hot >= 18  # a full page is left now and then


async def test_a_row_that_somebody_locks_costs_only_its_own_job_the_renewal(database: Database) -> None:
    """As with `select … for update` in psql; a writer of the job's own stands in nobody's way."""
    for _ in range(3):
        await enqueue(database)
    jobs = await claim(database)
    locked, written, free = jobs
    async with database.transaction() as theirs, database.transaction() as own:
        await theirs.execute(text("select from jobs where id = :id for update"), {"id": locked.id})
        assert await JobRepository(own).hold(written)
        async with database.transaction() as session:
            renewals = await JobRepository(session).renew(jobs, LEASE)
    assert renewals == {locked.fence: "locked", written.fence: "renewed", free.fence: "renewed"}


@pytest.mark.parametrize("how", ["claim", "start", "renew"])
async def test_a_lease_begins_when_it_is_written(database: Database, how: str) -> None:
    """And not with the transaction: who waited for a lock for longer than a lease would write one that is over."""
    await enqueue(database)
    held = await claim(database) if how == "renew" else []
    async with database.transaction() as session:
        repository = JobRepository(session)
        await session.execute(text("select now(), pg_sleep(0.05)"))
        if how == "claim":
            assert len(await repository.claim(["k"], limit=1, owner="w", lease=LEASE)) == 1
        elif how == "start":
            await session.execute(text(STARTING.format(source="")), starting(Enqueue("k", None, {}), owner="w", lease=LEASE))
        else:
            await repository.renew(held, LEASE)
        left = text("select max(lease_until) - now() from jobs")
        assert (await session.execute(left)).scalar_one() > LEASE


async def test_a_job_that_is_to_be_tried_alone_is_a_suspect(database: Database) -> None:
    await enqueue(database)
    (job,) = await claim(database)
    async with database.transaction() as session:
        assert await JobRepository(session).fail(job, error="killed", code="x", final=False, alone=True) == "queued"
        wait = (await session.execute(text("select run_at - now() from jobs"))).scalar_one()
        await run_now(session)
    assert wait >= timedelta(seconds=5)
    assert await claim(database) == []
    assert len(await claim(database, suspect=True)) == 1


async def _updates(database: Database) -> tuple[int, int]:
    async with database.transaction() as session:
        await session.execute(text("select pg_stat_force_next_flush()"))
    async with database.transaction() as session:
        row = (await session.execute(text("select n_tup_upd, n_tup_hot_upd from pg_stat_user_tables where relname = 'jobs'"))).one()
    return row[0], row[1]


async def test_pruning_deletes_only_what_ended_long_ago(database: Database) -> None:
    old, recent, queued = [await enqueue(database) for _ in range(3)]
    async with database.transaction() as session:
        await session.execute(text("update jobs set state = 'succeeded', finished_at = now() where id = :id"), {"id": recent})
        await session.execute(
            text("update jobs set state = 'succeeded', finished_at = now() - interval '30 days' where id = :id"), {"id": old}
        )
        await JobRepository(session).prune(timedelta(days=14))
        left = set((await session.execute(text("select id from jobs"))).scalars())
    assert left == {recent, queued}


async def test_pruning_leaves_the_workers_that_live_and_the_slots_that_were_taken_lately(database: Database) -> None:
    beat = Heartbeat(new_id(), "w", ["k"], 1, 0, "", [])
    async with database.transaction() as session:
        repository = JobRepository(session)
        await repository.heartbeat(beat)
        assert await repository.claim_slot("sweep", timedelta(days=7)) is not None
        await repository.prune(timedelta(0))
        assert [worker.name for worker in await repository.workers()] == ["w"]
        assert await repository.claim_slot("sweep", timedelta(days=7)) is None


async def test_what_waits_is_counted_by_space_kind_and_state(database: Database) -> None:
    space = new_id()
    for kind in ("k", "k", "k", "other"):
        await enqueue(database, space=space, kind=kind)
    await enqueue(database, space=new_id())
    await claim(database, limit=1)
    async with database.transaction() as session:
        assert await JobRepository(session).waiting(space, "k", 10) == 2


async def test_pruning_waits_for_nobody_who_deletes_jobs_too(database: Database) -> None:
    """Conversations that expire take the jobs of their answers along, in another order, at about the same age."""
    ids = [await enqueue(database) for _ in range(2)]
    async with database.transaction() as session:
        await session.execute(text("update jobs set state = 'succeeded', finished_at = now() - interval '30 days'"))
    async with database.transaction() as other:
        await other.execute(text("delete from jobs where id = :id"), {"id": ids[0]})
        async with asyncio.timeout(10), database.transaction() as session:
            assert await JobRepository(session).prune(timedelta(days=14))
            assert (await session.execute(text("select id from jobs"))).scalars().all() == ids[:1]


@pytest.mark.parametrize("state_", ["queued", "succeeded"])
async def test_a_lease_belongs_to_running_jobs_alone(database: Database, state_: str) -> None:
    await enqueue(database)
    with pytest.raises(Exception, match="ck_jobs_lease"):
        async with database.transaction() as session:
            await session.execute(text("update jobs set state = :state, lease_until = now()"), {"state": state_})
