"""The kind of job that spaces need, and how it is enqueued."""

from datetime import timedelta
from typing import Final
from uuid import UUID

from protostar.jobs.repository import Enqueue

PURGE: Final = "space.purge"


def purge(space_id: UUID, delay: timedelta = timedelta(0)) -> Enqueue:
    """A deleted space's."""
    return Enqueue(PURGE, space_id, {"space_id": str(space_id)}, dedupe_key=f"{PURGE}:{space_id}", delay=delay)
