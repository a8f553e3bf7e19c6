"""What a task is: the function that a kind of job runs; and the registry of all of them."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from protostar.jobs.context import JobContext
from protostar.jobs.model import Change

Run = Callable[[JobContext], Awaitable[None]]
OnChange = Callable[[AsyncSession, Change], Awaitable[None]]


async def _nothing(_session: AsyncSession, _change: Change) -> None:
    return None


@dataclass(frozen=True, slots=True)
class Task:
    """A kind of job: an idempotent function of ids.

    `on_change` runs in the transaction that changes the job's state, so that whatever the job is about never disagrees with it.
    `limit`: of this kind at once in one worker. `kept`: why it may not be cancelled, as a sentence for whoever tries.
    """

    kind: str
    run: Run
    on_change: OnChange = _nothing
    limit: int | None = None
    kept: str | None = None


@dataclass(frozen=True, slots=True)
class Periodic:
    """A job that somebody enqueues once per slot of `every`."""

    kind: str
    every: timedelta


@dataclass(frozen=True, slots=True)
class Registry:
    """All kinds of jobs. Every process knows all of them, whichever it runs: state changes concern each."""

    tasks: dict[str, Task] = field(default_factory=dict[str, Task])
    periodics: tuple[Periodic, ...] = ()

    @classmethod
    def of(cls, *tasks: Task, periodics: tuple[Periodic, ...] = ()) -> "Registry":
        return cls({task.kind: task for task in tasks}, periodics)

    async def changed(self, session: AsyncSession, change: Change) -> None:
        if (task := self.tasks.get(change.job.kind)) is not None:
            await task.on_change(session, change)
