"""Keeps the leases of all jobs that a process holds, in one statement every third of a lease."""

import asyncio
import math
import random
import time
from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import timedelta

import structlog

from protostar.db.errors import is_crowded
from protostar.db.session import Database
from protostar.errors import DatabaseUnavailable
from protostar.jobs.model import Job, Renewal
from protostar.jobs.repository import JobRepository
from protostar.telemetry import Trouble

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class _Held:
    job: Job
    task: asyncio.Task[None]


class Contact:
    """Whether PostgreSQL has been answering for long enough that every holder that lives has renewed its leases.

    While it was away nobody could. Whoever swept at once when it is back would take the work of the living.
    """

    def __init__(self, lease: timedelta, clock: Callable[[], float] = time.monotonic) -> None:
        self._patience = lease.total_seconds() / 2
        self._clock = clock
        self._answered_at = -math.inf
        self._trusted_from = math.inf

    def answered(self) -> bool:
        """Note that PostgreSQL has just answered; to be called several times within half a lease."""
        now = self._clock()
        if now - self._answered_at > self._patience:
            self._trusted_from = now + self._patience
        self._answered_at = now
        return now >= self._trusted_from


class Leases:
    """The task that holds a job is cancelled, once, when its lease is lost or its cancellation was asked for."""

    def __init__(self, database: Database, lease: timedelta) -> None:
        self._database = database
        self.lease = lease
        self._held: dict[int, _Held] = {}  # by fence

    def __len__(self) -> int:
        return len(self._held)

    def hold(self, job: Job, task: asyncio.Task[None]) -> None:
        self._held[job.fence] = _Held(job, task)

    def drop(self, job: Job) -> None:
        self._held.pop(job.fence, None)

    async def keep(self) -> None:
        """Renew until cancelled. While PostgreSQL is away nothing is renewed and nothing is lost: nobody can sweep either.

        Begins at once, and goes on where nothing is held: the connection that is kept for it is there when all others are taken.
        """
        lease = self.lease.total_seconds()
        soon = min(1.0, lease / 15)
        failing = Trouble("leases_not_renewed")
        while True:
            wait = lease / 3
            try:
                if not await self.renew():
                    wait = soon
                failing.ended()
            except DatabaseUnavailable as error:
                if self._held:
                    failing.met(held=len(self._held), error=str(error))
                wait = soon  # a connection that was cut is found so by its next user alone
            except Exception:  # a process that ended would take its jobs along
                log.exception("renewal_raised", held=len(self._held))
                wait = soon
            await asyncio.sleep(wait * random.uniform(0.8, 1.0))  # noqa: S311

    async def renew(self) -> bool:
        """Whether no row was locked by somebody else; see Renewal."""
        held = dict(self._held)
        if not held:  # a connection that nobody uses is forgotten by whoever stands between
            await self._renew_through(self._database.reserved, ())
            return True
        ours = await self._renew([each.job for each in held.values()])
        for fence, each in held.items():
            is_over = fence in self._held and ours.get(fence) in (None, "cancelled")
            if is_over and not each.task.cancelling():  # it may be giving its job back
                each.task.cancel()
        return "locked" not in ours.values()

    async def _renew(self, jobs: Collection[Job]) -> dict[int, Renewal]:
        """Through the connection that is kept for this; through the pool where PostgreSQL has none left to make it anew."""
        try:
            return await self._renew_through(self._database.reserved, jobs)
        except DatabaseUnavailable as error:
            if not is_crowded(error):
                raise
            log.warning("lease_connection_missing", held=len(jobs), error=str(error))
            return await self._renew_through(self._database, jobs)

    async def _renew_through(self, database: Database, jobs: Collection[Job]) -> dict[int, Renewal]:
        try:
            async with asyncio.timeout(max(1.0, self.lease.total_seconds() / 3)), database.transaction() as session:
                return await JobRepository(session).renew(jobs, self.lease)
        except TimeoutError as error:
            raise DatabaseUnavailable("The database did not renew the leases in time.") from error
