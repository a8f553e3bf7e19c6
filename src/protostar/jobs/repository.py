"""Every statement of the job kernel.

PostgreSQL is the queue (`for update skip locked`), a lease says who runs a job, and the fence, which only ever rises, lets a write
happen for the holder alone. Measured against seven Redis queues and three PostgreSQL ones: see docs/decisions.
"""

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Row, bindparam, func, select, text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.types import BigInteger, Integer, Text, Uuid

from protostar.ids import new_id
from protostar.jobs.model import CANCELLED, Change, Job, Renewal, State
from protostar.jobs.models import JobRow, WorkerRow

# A job that lost its worker this often may be what kills it: it is claimed alone from then on.
SUSPECT_AFTER: Final = 2

# Start-time fair queueing (Goyal, Vin, Cheng 1996) with one index: a space's next job stands behind its own queue, but never
# behind another space's.
_TURN = """greatest(
    coalesce((select max(turn) from jobs
              where state = 'queued' and not parked and priority = :priority and space_id = :space_id), 0),
    coalesce((select min(turn) from jobs where state = 'queued' and not parked and priority = :priority), 0)) + 1"""

_ENQUEUE = text(f"""
    insert into jobs (id, space_id, kind, args, dedupe_key, priority, turn, parked, run_at, give_up_at, max_attempts)
    values (:id, :space_id, :kind, :args, :dedupe_key, :priority, {_TURN}, :delay > interval '0',
            now() + :delay, now() + :delay + :give_up_after, :max_attempts)
    on conflict (dedupe_key) where state in ('queued', 'running') do nothing
    returning id""").bindparams(bindparam("args", type_=JSONB), bindparam("space_id", type_=Uuid))

# For several at once. One whose key is taken is not even tried: to insert it would wait for the transaction that took the key.
_ENQUEUE_ALL = text("""
    insert into jobs (id, space_id, kind, args, dedupe_key, priority, turn, parked, run_at, give_up_at, max_attempts)
    select new.id, new.space_id, new.kind, cast(new.args as jsonb), new.dedupe_key, new.priority,
        greatest(coalesce((select max(turn) from jobs
                           where state = 'queued' and not parked and priority = new.priority and space_id = new.space_id), 0),
                 coalesce((select min(turn) from jobs
                           where state = 'queued' and not parked and priority = new.priority), 0)) + 1,
        new.delay > interval '0', now() + new.delay, now() + new.delay + new.give_up_after, new.max_attempts
    from unnest(cast(:id as uuid[]), cast(:space_id as uuid[]), cast(:kind as text[]), cast(:args as text[]),
        cast(:dedupe_key as text[]), cast(:priority as smallint[]), cast(:delay as interval[]), cast(:give_up_after as interval[]),
        cast(:max_attempts as int[]))
        as new(id, space_id, kind, args, dedupe_key, priority, delay, give_up_after, max_attempts)
    where not exists (select from jobs known where known.dedupe_key = new.dedupe_key and known.state in ('queued', 'running'))
    on conflict (dedupe_key) where state in ('queued', 'running') do nothing
    returning id""")

STARTING: Final = """
    insert into jobs (id, space_id, kind, args, priority, state, attempt, max_attempts, fence, lease_owner, lease_until,
                      started_at, give_up_at)
    select :job_id, cast(:space_id as uuid), :kind, cast(:args as jsonb), :priority, 'running', 1, :max_attempts,
        nextval('job_fence'), :owner, clock_timestamp() + :lease, now(), now() + :give_up_after {source}
    returning fence"""
"""For a statement that inserts a job together with what it is about; see `starting`."""

# What waits for a later time is parked, out of the index that claims walk: 100,000 webhooks to a host that is away cost nothing.
# Few are woken at once, or they would lie in front of everybody else's claims.
_WAKE = text("""
    update jobs set parked = false from (
        select id from jobs where state = 'queued' and parked and run_at <= now()
        order by run_at limit 20 for update skip locked) due
    where jobs.id = due.id
    returning jobs.id""")

_READY = "state = 'queued' and not parked and run_at <= now() and lost_leases"
_TAKE = """
    update jobs set state = 'running', attempt = attempt + 1, fence = nextval('job_fence'), lease_owner = :owner,
        lease_until = clock_timestamp() + :lease, started_at = now(), error = null, error_code = null
    from ready where jobs.id = ready.id
    returning jobs.id, jobs.space_id, jobs.kind, jobs.args, jobs.attempt, jobs.fence, jobs.priority, jobs.turn"""

# Kinds with a limit of their own come last, and only as far as there is room: the second half is not run where the first fills it.
_CLAIM_MANY = text(f"""
    with free as (
        select id from jobs where kind = any(:kinds) and {_READY} < {SUSPECT_AFTER}
        order by priority desc, turn, id limit :limit for update skip locked),
    limited as (
        select one.id from unnest(:limited, :rooms) room(kind, room) cross join lateral (
            select id from jobs where jobs.kind = room.kind and {_READY} < {SUSPECT_AFTER}
            order by priority desc, turn, id limit room.room for update skip locked) one),
    ready as (select id from free union all select id from limited limit :limit) {_TAKE}""").bindparams(
    bindparam("kinds", type_=ARRAY(Text)), bindparam("limited", type_=ARRAY(Text)), bindparam("rooms", type_=ARRAY(Integer))
)
_CLAIM_SUSPECT = text(f"""
    with ready as (
        select id from jobs where kind = any(:kinds) and {_READY} >= {SUSPECT_AFTER}
        order by priority desc, turn, id limit 1 for update skip locked) {_TAKE}""").bindparams(
    bindparam("kinds", type_=ARRAY(Text))
)

_SUSPECT_WAITS = text(f"""
    select exists (select from jobs where state = 'queued' and not parked and kind = any(:kinds) and lost_leases >= {SUSPECT_AFTER}
                   and run_at <= now() - interval '30 seconds')""").bindparams(bindparam("kinds", type_=ARRAY(Text)))

# A job that its holder has ended is the holder's still: it may be telling others of it. A row that somebody else has locked is
# left out, so that it alone may lapse; a key share lock is the holder's own, see `hold`. In one order, so that two renewals cannot
# wait for each other. The lease begins when it is written: who waited for the table must not write one that is over already.
_RENEW = text("""
    with held as (select * from unnest(:ids, :fences) as held(id, fence)),
    taken as (
        select jobs.id from jobs join held on held.id = jobs.id and held.fence = jobs.fence
        where jobs.state in ('running', 'succeeded', 'failed') order by jobs.id for no key update of jobs skip locked),
    renewed as (
        update jobs set lease_until = case when state = 'running' then clock_timestamp() + cast(:lease as interval) end
        from taken where jobs.id = taken.id returning jobs.id)
    select jobs.fence, case when jobs.state = 'running' and jobs.cancel_requested then 'cancelled'
                            when renewed.id is null then 'locked' else 'renewed' end as renewal
    from jobs join held on held.id = jobs.id and held.fence = jobs.fence left join renewed on renewed.id = jobs.id
    where jobs.state in ('running', 'succeeded', 'failed')""").bindparams(
    bindparam("ids", type_=ARRAY(Uuid)), bindparam("fences", type_=ARRAY(BigInteger))
)

_MINE = "where id = :id and fence = :fence and state = 'running'"
_FREE = "lease_owner = null, lease_until = null"

# A key share lock keeps the sweeper away and lets renewals pass: the transaction that has it may wait for others for long.
_HOLD = text(f"select true from jobs {_MINE} for key share")
_FREE_KEY = text(f"update jobs set dedupe_key = null {_MINE}")
_FINISH = text(f"update jobs set state = 'succeeded', {_FREE}, finished_at = now(), progress = null {_MINE}")
_NOTE = text(f"update jobs set progress = :progress {_MINE} returning true").bindparams(bindparam("progress", type_=JSONB))
_REMARK = text(f"update jobs set error = :error {_MINE}")
# What is given back, or to be tried again, ends instead where that was asked for.
_RELEASE = text(f"""
    update jobs set {_FREE}, attempt = attempt - 1, run_at = now(), progress = null,
        state = case when cancel_requested then 'cancelled' else 'queued' end,
        finished_at = case when cancel_requested then now() end,
        error = case when cancel_requested then '{CANCELLED}' end {_MINE}
    returning state""")

_FAIL = text(f"""
    update jobs set {_FREE}, error = :error, error_code = :code, parked = true,
        state = case when :final then 'failed' when cancel_requested then 'cancelled'
                     when attempt >= max_attempts then 'dead' else 'queued' end,
        finished_at = case when :final or cancel_requested or attempt >= max_attempts then now() end,
        lost_leases = case when :alone then greatest(lost_leases, {SUSPECT_AFTER}) else lost_leases end,
        run_at = now() + case
            when :alone then (0.5 + random() / 2) * least(interval '300 seconds', interval '10 seconds' * power(2, attempt - 1))
            else random() * least(interval '300 seconds', interval '2 seconds' * power(2, attempt - 1)) end {_MINE}
    returning state""")

# A dependency that is away spends no attempt; what bounds it is the job's age. Half of the wait is random, so that a fleet of
# deferred jobs does not come back at once, and half is not, so that they do not hammer what is down.
_DEFER = text(f"""
    update jobs set {_FREE}, error = :error, error_code = :code, attempt = attempt - 1, deferrals = deferrals + 1, parked = true,
        state = case when cancel_requested then 'cancelled' when now() >= give_up_at then 'dead' else 'queued' end,
        finished_at = case when cancel_requested or now() >= give_up_at then now() end,
        run_at = now() + greatest(coalesce(cast(:retry_after as interval), interval '0') * (1 + random() / 4),
            least(interval '60 seconds', interval '1 second' * power(2, least(deferrals, 10))) * (0.5 + random() / 2)) {_MINE}
    returning state""")

_PING = text("select 1")

_SWEEP = text(f"""
    with expired as (
        select id from jobs where state = 'running' and lease_until < now() and id <> all(:without)
        order by lease_until limit 100 for update skip locked)
    update jobs set lost_leases = lost_leases + 1, parked = true,
        state = case when cancel_requested then 'cancelled' when attempt >= max_attempts then 'dead' else 'queued' end,
        finished_at = case when cancel_requested or attempt >= max_attempts then now() end,
        error = case when cancel_requested then '{CANCELLED}'
                     when attempt >= max_attempts then 'The worker died with this job ' || attempt || ' times.'
                     else 'The worker ' || lease_owner || ' went away; the job is run again.' end,
        error_code = 'lease_expired', lease_owner = null, lease_until = null,
        run_at = now() + random() * interval '1 second' * power(2, lost_leases)
    from expired where jobs.id = expired.id
    returning jobs.id, jobs.space_id, jobs.kind, jobs.args, jobs.attempt, jobs.fence, jobs.state, jobs.error""").bindparams(
    bindparam("without", type_=ARRAY(Uuid))
)

_CANCEL = text(f"""
    update jobs set cancel_requested = true,
        state = case when state = 'queued' then 'cancelled' else state end,
        finished_at = case when state = 'queued' then now() end,
        error = case when state = 'queued' then '{CANCELLED}' end
    where id = :id and state in ('queued', 'running')
    returning id, space_id, kind, args, attempt, fence, state, error""")

_RETRY = text("""
    update jobs set state = 'queued', attempt = 0, lost_leases = 0, deferrals = 0, cancel_requested = false, error = null,
        error_code = null, finished_at = null, parked = false, run_at = now(), give_up_at = now() + (give_up_at - created_at)
    where id = :id and state in ('failed', 'dead', 'cancelled')
        and not exists (select from jobs other where other.dedupe_key = jobs.dedupe_key and other.state in ('queued', 'running'))
    returning id, space_id, kind, args, attempt, fence, state, error""")

_WITHDRAW = text("delete from jobs where dedupe_key = :key and state = 'queued'")
_IS_UNDER_WAY = text("select exists (select from jobs where dedupe_key = :key and state in ('queued', 'running'))")

_CLAIM_SLOT = text("""
    insert into job_slots (name, slot) values (:name, date_bin(cast(:every as interval), now(), 'epoch'))
    on conflict do nothing returning slot""")

# What somebody else is deleting is left to them: of two that wait for each other one would fail.
_PRUNE = text("""
    delete from jobs where id in (
        select id from jobs where finished_at < now() - cast(:retention as interval)
        order by finished_at limit 1000 for update skip locked)
    returning id""")
_PRUNE_SLOTS = text("delete from job_slots where slot < now() - interval '30 days'")
_PRUNE_WORKERS = text("delete from workers where seen_at < now() - interval '1 hour'")

_WAITING = text("""
    select count(*) from (select from jobs where state = 'queued' and space_id = :space_id and kind = :kind limit :most) counted""")
_ENDED_LATELY = text("select count(*) from jobs where space_id = :space_id and finished_at > now() - interval '1 minute'")

# Each by an index of its own: most jobs have succeeded.
_COUNTS = text(
    " union all ".join(
        f"select kind, state, count(*) from jobs where state = '{state}' group by 1, 2" for state in ("queued", "running", "dead")
    )
)

_ENDED = text("""
    select state, count(*) filter (where finished_at > now() - interval '1 minute'), count(*) from jobs
    where finished_at > now() - interval '1 hour' group by state order by state""")

_HEARTBEAT = text("""
    insert into workers (id, name, kinds, concurrency, running, version, samples)
    values (:id, :name, :kinds, :concurrency, :running, :version, :samples)
    on conflict (id) do update set running = excluded.running, samples = excluded.samples, seen_at = now()""").bindparams(
    bindparam("kinds", type_=ARRAY(Text)), bindparam("samples", type_=JSONB)
)


@dataclass(frozen=True, slots=True)
class Enqueue:
    """What is to be enqueued. `dedupe_key`: while a job with it is queued or running, no second one is made."""

    kind: str
    space_id: UUID | None
    args: dict[str, Any]
    dedupe_key: str | None = None
    priority: int = 0
    delay: timedelta = timedelta(0)
    give_up_after: timedelta = timedelta(days=1)
    max_attempts: int = 5


@dataclass(frozen=True, slots=True)
class Heartbeat:
    """A row of `workers`; see models. `samples`: of telemetry."""

    id: UUID
    name: str
    kinds: list[str]
    concurrency: int
    running: int
    version: str
    samples: list[Any]


class JobRepository:
    """The kernel's statements within the caller's transaction."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def enqueue(self, job: Enqueue) -> UUID | None:
        """The new job's id, or None where its dedupe key is taken."""
        values = {name: getattr(job, name) for name in job.__slots__}
        return (await self._session.execute(_ENQUEUE, {"id": new_id(), **values})).scalar_one_or_none()

    async def enqueue_all(self, jobs: Sequence[Enqueue]) -> set[int]:
        """Which of the jobs, by their places, are new; the others' dedupe keys are taken."""
        ids = [new_id() for _ in jobs]
        columns = {name: [getattr(job, name) for job in jobs] for name in Enqueue.__slots__}
        columns["args"] = [json.dumps(job.args) for job in jobs]
        added = set((await self._session.execute(_ENQUEUE_ALL, {"id": ids, **columns})).scalars())
        return {place for place, id_ in enumerate(ids) if id_ in added}

    async def remark(self, job: Job, sentence: str) -> None:
        """What a job that succeeds could not do, for whoever looks at it."""
        await self._session.execute(_REMARK, {**_key(job), "error": sentence})

    async def note(self, job: Job, progress: dict[str, Any]) -> bool:
        """Whether the job is still its holder's, who tells how far it is."""
        return (await self._session.execute(_NOTE, {**_key(job), "progress": progress})).scalar_one_or_none() is not None

    async def withdraw(self, dedupe_key: str | None) -> None:
        """Take back a job that nobody has begun."""
        await self._session.execute(_WITHDRAW, {"key": dedupe_key})

    async def is_under_way(self, job: Enqueue) -> bool:
        """Whether one of its dedupe key waits or runs."""
        return bool((await self._session.execute(_IS_UNDER_WAY, {"key": job.dedupe_key})).scalar_one())

    async def wake(self) -> int:
        """Let a few of the jobs whose time has come be claimed. How many."""
        return len((await self._session.execute(_WAKE)).all())

    async def claim(
        self, kinds: Sequence[str], *, limit: int, owner: str, lease: timedelta, rooms: Mapping[str, int] | None = None
    ) -> list[Job]:
        """Up to `limit` jobs of `kinds`, and where there is room left, of those in `rooms`: so many of each."""
        rooms = {kind: room for kind, room in (rooms or {}).items() if room > 0}
        values = {"kinds": list(kinds), "limited": list(rooms), "rooms": list(rooms.values()), "limit": limit}
        rows = await self._session.execute(_CLAIM_MANY, {**values, "owner": owner, "lease": lease})
        return [Job(*row[:6]) for row in sorted(rows, key=lambda row: (-row.priority, row.turn, row.id))]

    async def claim_suspect(self, kinds: Sequence[str], *, owner: str, lease: timedelta) -> list[Job]:
        """A job that has lost its worker too often to be run beside others."""
        values = {"kinds": list(kinds), "owner": owner, "lease": lease}
        return [Job(*row[:6]) for row in await self._session.execute(_CLAIM_SUSPECT, values)]

    async def suspect_waits(self, kinds: Sequence[str]) -> bool:
        return bool((await self._session.execute(_SUSPECT_WAITS, {"kinds": list(kinds)})).scalar_one())

    async def renew(self, held: Collection[Job], lease: timedelta) -> dict[int, Renewal]:
        """The fences of the held jobs that are still ours, and what became of their leases."""
        values = {"ids": [job.id for job in held], "fences": [job.fence for job in held], "lease": lease}
        return {row.fence: row.renewal for row in await self._session.execute(_RENEW, values)}

    async def hold(self, job: Job) -> bool:
        """Whether the job is still ours, and stays so until the transaction ends."""
        return (await self._session.execute(_HOLD, _key(job))).scalar_one_or_none() is not None

    async def free_key(self, job: Job) -> None:
        """Let a second job of its dedupe key be enqueued from now on: what this one has begun to read, it will not read again."""
        await self._session.execute(_FREE_KEY, _key(job))

    async def finish(self, job: Job) -> bool:
        return (await self._session.execute(_FINISH, _key(job))).rowcount == 1  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType, reportUnknownVariableType]

    async def fail(self, job: Job, *, error: str, code: str, final: bool, alone: bool = False) -> State | None:
        """The state that the job has now; None where it was not ours any more. The same for the next two.

        `alone`: it is tried again as one that may kill its worker, and after a longer pause.
        """
        values = {**_key(job), "error": error, "code": code, "final": final, "alone": alone}
        return (await self._session.execute(_FAIL, values)).scalar_one_or_none()

    async def defer(self, job: Job, *, error: str, code: str, retry_after: float | None) -> State | None:
        wait = timedelta(seconds=min(retry_after, 300)) if retry_after is not None else None
        values = {**_key(job), "error": error, "code": code, "retry_after": wait}
        return (await self._session.execute(_DEFER, values)).scalar_one_or_none()

    async def release(self, job: Job) -> State | None:
        return (await self._session.execute(_RELEASE, _key(job))).scalar_one_or_none()

    async def ping(self) -> None:
        """Return when PostgreSQL answers; `now()` stays what it was before."""
        await self._session.execute(_PING)

    async def sweep(self, without: Collection[UUID] = ()) -> list[Change]:
        """Take the jobs whose lease ran out, `without` some, from their holders."""
        return [_change(row) for row in await self._session.execute(_SWEEP, {"without": list(without)})]

    async def cancel(self, id_: UUID) -> Change | None:
        """Cancel a queued job at once, ask a running one's holder; None where it had ended."""
        row = (await self._session.execute(_CANCEL, {"id": id_})).one_or_none()
        return _change(row) if row is not None else None

    async def retry(self, id_: UUID) -> Change | None:
        """Queue an ended job again; None where it is not one, or its successor is queued or running already."""
        row = (await self._session.execute(_RETRY, {"id": id_})).one_or_none()
        return _change(row) if row is not None else None

    async def claim_slot(self, name: str, every: timedelta) -> datetime | None:
        return (await self._session.execute(_CLAIM_SLOT, {"name": name, "every": every})).scalar_one_or_none()

    async def prune(self, retention: timedelta) -> bool:
        """Delete up to 1,000 jobs that ended long ago, and old slots and workers. Whether there were any."""
        await self._session.execute(_PRUNE_SLOTS)
        await self._session.execute(_PRUNE_WORKERS)
        return bool((await self._session.execute(_PRUNE, {"retention": retention})).all())

    async def heartbeat(self, beat: Heartbeat) -> None:
        await self._session.execute(_HEARTBEAT, {name: getattr(beat, name) for name in beat.__slots__})

    async def get(self, id_: UUID) -> JobRow | None:
        return await self._session.get(JobRow, id_)

    async def page(
        self, *, space_id: UUID | None, state: str | None, kind: str | None, before: UUID | None, limit: int
    ) -> Sequence[JobRow]:
        """Newest first. `space_id` None: of the whole installation."""
        query = select(JobRow).order_by(JobRow.id.desc()).limit(limit)
        for column, value in ((JobRow.space_id, space_id), (JobRow.state, state), (JobRow.kind, kind)):
            if value is not None:
                query = query.where(column == value)
        if before is not None:
            query = query.where(JobRow.id < before)
        return (await self._session.scalars(query)).all()

    async def counts(self) -> list[tuple[str, str, int]]:
        """(kind, state, jobs) of what has not ended, and of the dead."""
        return [(row[0], row[1], row[2]) for row in await self._session.execute(_COUNTS)]

    async def ended(self) -> list[tuple[str, int, int]]:
        """(state, jobs that ended within the last minute, within the last hour)."""
        return [(row[0], row[1], row[2]) for row in await self._session.execute(_ENDED)]

    async def waiting(self, space_id: UUID, kind: str, most: int) -> int:
        """How many jobs of a kind are queued in a space, counted up to `most`."""
        return (await self._session.execute(_WAITING, {"space_id": space_id, "kind": kind, "most": most})).scalar_one()

    async def ended_lately(self, space_id: UUID) -> int:
        """How many jobs of a space ended within the last minute."""
        return (await self._session.execute(_ENDED_LATELY, {"space_id": space_id})).scalar_one()

    async def now(self) -> datetime:
        """What time it is by PostgreSQL's clock, which all times of jobs and workers are of."""
        return (await self._session.execute(select(func.now()))).scalar_one()

    async def workers(self) -> Sequence[WorkerRow]:
        query = select(WorkerRow).where(WorkerRow.seen_at > text("now() - interval '1 minute'")).order_by(WorkerRow.name)
        return (await self._session.scalars(query)).all()


def starting(job: Enqueue, *, owner: str, lease: timedelta) -> dict[str, Any]:
    """The values of STARTING, under an id that is new."""
    values = {name: getattr(job, name) for name in ("kind", "space_id", "priority", "give_up_after", "max_attempts")}
    return {"job_id": new_id(), "args": json.dumps(job.args), "owner": owner, "lease": lease, **values}


def _key(job: Job) -> dict[str, Any]:
    return {"id": job.id, "fence": job.fence}


def _change(row: Row[Any]) -> Change:
    return Change(Job(row.id, row.space_id, row.kind, row.args, row.attempt, row.fence), row.state, row.error)
