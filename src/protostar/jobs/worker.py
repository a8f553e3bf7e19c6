"""The worker: claims jobs, runs their tasks, settles them, and sweeps up after workers that died."""

import asyncio
import os
import random
import socket
import time
from collections import defaultdict
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any, Literal
from uuid import UUID

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from protostar.config import WorkerSettings
from protostar.db.errors import is_passing
from protostar.db.session import Database
from protostar.errors import DatabaseUnavailable, LeaseLost, ProtostarError, Unavailable
from protostar.ids import new_id
from protostar.jobs.bell import Bell
from protostar.jobs.context import JobContext
from protostar.jobs.leases import Contact, Leases
from protostar.jobs.model import CANCELLED, Change, Job, State
from protostar.jobs.registry import Registry, Task
from protostar.jobs.repository import Enqueue, Heartbeat, JobRepository
from protostar.redis.client import RedisClient
from protostar.telemetry import Metrics, Trouble, samples_of

log = structlog.get_logger()

HEARTBEAT = timedelta(seconds=5)


def process_name() -> str:
    return f"{socket.gethostname()}:{os.getpid()}"


class Worker:
    """Runs jobs of `kinds` (all where empty) until `stop` is set; then finishes what it holds within the grace time."""

    def __init__(
        self,
        database: Database,
        redis: RedisClient | None,
        registry: Registry,
        settings: WorkerSettings,
        metrics: Metrics,
        *,
        kinds: frozenset[str] = frozenset(),
        version: str = "",
    ) -> None:
        self._database = database
        self._redis = redis
        self._bell = Bell(redis)
        self._registry = registry
        self._settings = settings
        self._metrics = metrics
        self._kinds = sorted(kinds & registry.tasks.keys() if kinds else registry.tasks.keys())
        self._version = version
        self._id = new_id()
        self._name = process_name()
        self._leases = Leases(database, settings.lease)
        self._contact = Contact(settings.lease)
        # By fence: a job whose lease was lost may be claimed here again while its attempt before still ends.
        self._running: dict[int, asyncio.Task[None]] = {}
        self._waiting = defaultdict[str, defaultdict[str, Trouble]](
            lambda: defaultdict(lambda: Trouble("job_waits_for_dependency"))
        )
        """What jobs wait for, by their kind and the code of the error."""
        self._unswept = set[UUID]()
        self._slot_free = asyncio.Event()
        self._listening: asyncio.Task[None] | None = None
        self._draining_for_suspect = False
        self._after_suspect = False
        self._kind_was_full = False
        self._wake_again = time.monotonic()
        self.stop = asyncio.Event()

    async def run(self) -> None:
        async with asyncio.TaskGroup() as group:
            background = [
                group.create_task(self._leases.keep()),
                group.create_task(self._every(self._settings.lease / 5, self._sweep)),
                group.create_task(self._every(HEARTBEAT, self._heartbeat)),
                group.create_task(self._every(timedelta(seconds=10), self._schedule)),
            ]
            log.info("worker_started", kinds=self._kinds, concurrency=self._settings.concurrency)
            await self._claim_until_stopped()
            await self._drain()
            for task in background:
                task.cancel()
        log.info("worker_stopped")

    # -- claiming

    async def _claim_until_stopped(self) -> None:
        stopping = asyncio.create_task(self.stop.wait())
        failing = Trouble("claim_failed")
        try:
            while not self.stop.is_set():
                self._slot_free.clear()
                try:
                    claimed = await self._claim()
                    failing.ended()
                except DatabaseUnavailable as error:
                    failing.met(error=str(error))
                    claimed = 0
                except Exception:  # a worker that ended would take its jobs along; the next claim may succeed
                    log.exception("claim_raised")
                    claimed = 0
                if not claimed or self._free_slots() == 0:
                    await self._wait_for_work(stopping)
        finally:
            await _cancel(stopping)
            await self._listen(listen=False)

    async def _wait_for_work(self, stopping: "asyncio.Task[Literal[True]]") -> None:
        """For the bell where there is a free slot, for the end of a job where that makes room, or the end."""
        has_room = self._free_slots() > 0 and not self._draining_for_suspect
        await self._listen(listen=has_room)
        ended = None
        if not has_room or self._kind_was_full:
            ended = asyncio.create_task(self._slot_free.wait())
        waiting = [task for task in (stopping, self._listening, ended) if task is not None]
        await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        await _cancel(ended)

    async def _listen(self, *, listen: bool) -> None:
        """Go on listening to the bell, or stop: that costs a connection to Redis, so it goes on while jobs of full kinds end."""
        if not listen or (self._listening is not None and self._listening.done()):
            await _cancel(self._listening)
            self._listening = None
        if listen and self._listening is None:
            self._listening = asyncio.create_task(self._bell.wait(self._kinds, self._settings.poll))

    def _free_slots(self) -> int:
        return self._settings.concurrency - len(self._running)

    async def _claim(self) -> int:
        """Start what there is room for, each as soon as it is claimed: the next claim may fail. How many were started."""
        if not self._running:
            self._draining_for_suspect = False
            after_suspect, self._after_suspect = self._after_suspect, False
            # Alone: if it is what kills workers, it takes nobody along. But many of them do not go before all others.
            if not after_suspect and (suspects := await self._start_claimed(suspect=True)):
                self._draining_for_suspect = self._after_suspect = True
                return suspects
        if self._draining_for_suspect or self._free_slots() <= 0:
            return 0
        started = await self._start_claimed()
        is_due = not started or time.monotonic() >= self._wake_again
        if is_due and await self._wake() and self._free_slots() > 0:
            started += await self._start_claimed()
        return started

    async def _wake(self) -> int:
        self._wake_again = time.monotonic() + 1
        async with self._database.autocommit() as session:
            return await JobRepository(session).wake()

    async def _start_claimed(self, *, suspect: bool = False) -> int:
        async with self._database.autocommit() as session:
            repository, owner, lease = JobRepository(session), self._name, self._settings.lease
            if suspect:
                jobs = await repository.claim_suspect(self._kinds, owner=owner, lease=lease)
            else:
                rooms = self._rooms()
                self._kind_was_full = min(rooms.values(), default=1) <= 0
                unlimited = [kind for kind in self._kinds if kind not in rooms]
                jobs = await repository.claim(unlimited, limit=self._free_slots(), owner=owner, lease=lease, rooms=rooms)
        for job in jobs:
            self._start(job)
        return len(jobs)

    def _rooms(self) -> dict[str, int]:
        """How many more there may be of each kind that has a limit."""
        limits = {kind: self._registry.tasks[kind].limit for kind in self._kinds}
        return {kind: limit - self._count(kind) for kind, limit in limits.items() if limit is not None}

    def _count(self, kind: str) -> int:
        return sum(1 for task in self._running.values() if task.get_name() == kind)

    def _start(self, job: Job) -> None:
        task = asyncio.create_task(self._run_job(job), name=job.kind)
        self._running[job.fence] = task
        self._leases.hold(job, task)
        task.add_done_callback(lambda _done: self._ended(job))

    def _ended(self, job: Job) -> None:
        task = self._running.pop(job.fence)
        self._leases.drop(job)
        self._slot_free.set()
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("job_not_settled", job=str(job.id), kind=job.kind, exc_info=error)

    # -- running and settling

    async def _run_job(self, job: Job) -> None:
        task = self._registry.tasks[job.kind]
        context = JobContext(job, self._database, self._redis)
        started = time.monotonic()
        with structlog.contextvars.bound_contextvars(job=str(job.id), kind=job.kind, attempt=job.attempt):
            outcome = await self._attempt(task, context)
            seconds = time.monotonic() - started
            self._metrics.jobs.labels(job.kind, outcome).inc()
            self._metrics.job_seconds.labels(job.kind).observe(seconds)
            if outcome != "deferred":  # which is told as what is waited for, and may happen to thousands every minute
                self._waiting.pop(job.kind, None)
                log.info("job_ended", outcome=outcome, seconds=round(seconds, 3))

    async def _attempt(self, task: Task, context: JobContext) -> str:
        job = context.job
        try:
            await task.run(context)
            if context.finished:
                return "succeeded"
            return await self._settle(job, lambda repository: self._finish(repository, job))
        except asyncio.CancelledError:  # its lease is lost, its cancellation was asked for, or the worker stops
            return await self._settle(job, lambda repository: repository.release(job), name="released")
        except LeaseLost:
            return "lost"
        except ProtostarError as error:
            return await self._settle_error(job, error)
        except Exception as error:  # the one place where a job's unforeseen error ends: it is settled, not swallowed
            log.exception("job_raised")
            return await self._settle_error(job, ProtostarError(f"Unforeseen: {type(error).__name__}: {error}"), final=False)

    @staticmethod
    async def _finish(repository: JobRepository, job: Job) -> State | None:
        return "succeeded" if await repository.finish(job) else None

    async def _settle_error(self, job: Job, error: ProtostarError, *, final: bool | None = None) -> str:
        text = error.told[:2000]  # people with a space's key may read it
        if isinstance(error, Unavailable):
            self._waiting[job.kind][error.code].met(error=str(error))
            return await self._settle(
                job,
                lambda repository: repository.defer(job, error=text, code=error.code, retry_after=error.retry_after),
                error=text,
                name="deferred",
            )
        spent = not error.retryable if final is None else final
        if error.retryable:
            log.warning("job_attempt_failed", code=error.code, error=str(error))
        return await self._settle(
            job,
            lambda repository: repository.fail(job, error=text, code=error.code, final=spent, alone=error.alone),
            error=text,
        )

    async def _settle(
        self,
        job: Job,
        change: Callable[[JobRepository], Awaitable[State | None]],
        *,
        error: str | None = None,
        name: str = "queued",
    ) -> str:
        """Write how the attempt ended; goes on trying while PostgreSQL is away, for as long as the job is ours.

        Returns the outcome: the job's state, or `name` where it is queued again.
        """
        wait, waiting = 0.1, Trouble("job_not_settled_yet")
        while True:
            try:
                async with self._database.transaction() as session:
                    state = await change(JobRepository(session))
                    if state is not None and state != "succeeded":
                        await self._registry.changed(session, Change(job, state, CANCELLED if state == "cancelled" else error))
            except DatabaseUnavailable as away:
                waiting.met(error=str(away))
                if self.stop.is_set() and wait > 1:
                    return "unsettled"  # the lease runs out and another worker takes over
                await asyncio.sleep(wait * random.uniform(0.5, 1))  # noqa: S311
                wait = min(2, wait * 2)
            else:
                return "lost" if state is None else name if state == "queued" else state

    async def _drain(self) -> None:
        """SIGTERM: let running jobs end within the grace time, then give the rest back without spending their attempt."""
        running = set(self._running.values())
        if not running:
            return
        log.info("worker_draining", jobs=len(running), grace=self._settings.grace.total_seconds())
        _done, late = await asyncio.wait(running, timeout=self._settings.grace.total_seconds())
        for task in late:
            task.cancel()
        if late:
            await asyncio.wait(late, timeout=5)

    # -- housekeeping

    async def _every(self, interval: timedelta, work: Callable[[], Awaitable[None]]) -> None:
        waiting = Trouble("housekeeping_waits")
        while True:
            try:
                await work()
                waiting.ended()
            except DatabaseUnavailable as error:
                waiting.met(error=str(error))
            except Exception:  # as above
                log.exception("housekeeping_raised")
            await asyncio.sleep(interval.total_seconds() * random.uniform(0.8, 1.2))  # noqa: S311

    async def _sweep(self) -> None:
        async with self._database.transaction() as session:
            repository = JobRepository(session)
            await repository.ping()
            changes = await repository.sweep(self._unswept) if self._contact.answered() else []
            for change in changes:
                log.warning("job_lease_expired", job=str(change.job.id), kind=change.job.kind, state=change.state)
                await self._tell_swept(session, change)
            if not self._draining_for_suspect and self._running:
                self._draining_for_suspect = await repository.suspect_waits(self._kinds)

    async def _tell_swept(self, session: AsyncSession, change: Change) -> None:
        """One that cannot be told would be met again by each sweep, and keep all others from being swept."""
        try:
            await self._registry.changed(session, change)
        except Exception as error:
            if not isinstance(error, DatabaseUnavailable) and not is_passing(error):
                self._unswept.add(change.job.id)
                log.warning("job_not_swept", job=str(change.job.id), kind=change.job.kind)
            raise

    async def _heartbeat(self) -> None:
        async with self._database.transaction() as session:
            beat = Heartbeat(
                id=self._id,
                name=self._name,
                kinds=self._kinds,
                concurrency=self._settings.concurrency,
                running=len(self._running),
                version=self._version,
                samples=samples_of(self._metrics.registry),
            )
            await JobRepository(session).heartbeat(beat)

    async def _schedule(self) -> None:
        """Enqueue the periodic jobs whose slot nobody has taken yet."""
        for periodic in self._registry.periodics:
            async with self._database.transaction() as session:
                repository = JobRepository(session)
                if await repository.claim_slot(periodic.kind, periodic.every) is not None:
                    await repository.enqueue(Enqueue(periodic.kind, None, {}, dedupe_key=periodic.kind))


async def _cancel(task: asyncio.Task[Any] | None) -> None:
    if task is not None:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
