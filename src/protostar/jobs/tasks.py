"""`jobs.prune`: the kernel's own housekeeping."""

from datetime import timedelta
from typing import Final

from protostar.jobs.context import JobContext
from protostar.jobs.registry import Task
from protostar.jobs.repository import JobRepository

PRUNE: Final = "jobs.prune"


def tasks(retention: timedelta) -> list[Task]:
    async def prune(context: JobContext) -> None:
        more = True
        while more:
            async with context.writing() as session:
                more = await JobRepository(session).prune(retention)

    return [Task(PRUNE, prune)]
