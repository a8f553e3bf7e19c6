"""What features call: enqueue within their transaction, and the operator's retry and cancel."""

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from protostar.db.session import after_commit
from protostar.errors import Conflict, RateLimited
from protostar.jobs.bell import Bell
from protostar.jobs.registry import Registry
from protostar.jobs.repository import Enqueue, JobRepository


class Jobs:
    """Enqueues jobs: the row in the caller's transaction, the bell after its commit."""

    def __init__(self, bell: Bell, *, max_attempts: int, queue_limit: int = 10_000) -> None:
        self._bell = bell
        self._max_attempts = max_attempts
        self.queue_limit = queue_limit

    async def enqueue(self, session: AsyncSession, job: Enqueue) -> UUID | None:
        """The new job's id, or None where its dedupe key is taken."""
        id_ = await JobRepository(session).enqueue(replace(job, max_attempts=self._max_attempts))
        if id_ is not None and not job.delay:
            after_commit(session, lambda: self._bell.ring(job.kind))
        return id_

    async def enqueue_all(self, session: AsyncSession, jobs: Sequence[Enqueue]) -> None:
        """Those whose dedupe keys are free, in one statement."""
        jobs = [replace(job, max_attempts=self._max_attempts) for job in jobs]
        for place in await JobRepository(session).enqueue_all(jobs):
            if not jobs[place].delay:
                after_commit(session, partial(self._bell.ring, jobs[place].kind))

    async def check_room(self, session: AsyncSession, space_id: UUID, kind: str) -> None:
        """Raises RateLimited while the space's queue of this kind is full, until about when a hundredth of it will be done."""
        repository = JobRepository(session)
        if await repository.waiting(space_id, kind, self.queue_limit) >= self.queue_limit:
            per_second = max(1, await repository.ended_lately(space_id)) / 60
            seconds = min(300, max(1, self.queue_limit / 100 / per_second))
            raise RateLimited("This space has as many documents waiting to be read as it may have.", retry_after=seconds)

    async def retry(self, session: AsyncSession, id_: UUID, registry: Registry) -> None:
        change = await JobRepository(session).retry(id_)
        if change is None:
            raise Conflict("Only a failed, dead or cancelled job can be retried, and only while none of the same work is queued.")
        await registry.changed(session, change)
        after_commit(session, lambda: self._bell.ring(change.job.kind))

    async def cancel(self, session: AsyncSession, id_: UUID, registry: Registry) -> None:
        repository = JobRepository(session)
        job = await repository.get(id_)
        if job is not None and (task := registry.tasks.get(job.kind)) is not None and task.kept is not None:
            raise Conflict(task.kept)
        change = await repository.cancel(id_)
        if change is None:
            raise Conflict("The job has ended already.")
        if change.state == "cancelled":
            await registry.changed(session, change)
