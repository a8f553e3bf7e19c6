"""What becomes of the jobs of knowledge when they end otherwise than hoped."""

from unittest.mock import Mock
from uuid import UUID

import pytest
from sqlalchemy import text

from protostar.db.session import Database
from protostar.ids import new_id
from protostar.jobs.bell import Bell
from protostar.jobs.model import Change, Job, State
from protostar.jobs.registry import Registry
from protostar.jobs.service import Jobs
from protostar.knowledge.tasks import tasks


@pytest.mark.parametrize(("state", "again"), [("dead", 1), ("failed", 1), ("queued", 0)])
async def test_a_space_that_could_not_be_erased_is_erased_later(
    database: Database, space_id: UUID, state: State, again: int
) -> None:
    registry = Registry.of(*tasks(Mock(), Mock(), Mock(), Mock(), Jobs(Bell(None), max_attempts=5)))
    job = Job(new_id(), space_id, "space.purge", {"space_id": str(space_id)}, 5, 1)
    async with database.transaction() as session:
        for _ in range(2):
            await registry.changed(session, Change(job, state, "The object store is away."))
    async with database.transaction() as session:
        later = text("""
            select args->>'space_id' from jobs
            where kind = 'space.purge' and state = 'queued' and run_at > now() + interval '50 minutes'""")
        assert list((await session.execute(later)).scalars()) == [str(space_id)] * again
