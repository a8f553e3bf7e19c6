"""The jobs of documents: `document.fetch`; `objects.sweep` removes objects that no row names, and forgotten idempotency keys, and
sees to it that what was deleted is erased."""

from datetime import timedelta

import structlog

from protostar.access.repository import AccessRepository
from protostar.db.session import Database
from protostar.documents.fetch import Fetcher
from protostar.documents.kinds import FETCH, purge
from protostar.documents.ownership import Ownership
from protostar.documents.repository import DocumentRepository
from protostar.documents.sweep import remove_unnamed
from protostar.jobs.context import JobContext
from protostar.jobs.registry import Task
from protostar.jobs.service import Jobs
from protostar.objects.store import ObjectStore

log = structlog.get_logger()

SWEEP = "objects.sweep"
# Other people's servers may be slow, and must not take every slot of a worker from the documents that are waiting.
_FETCHES = 4
_BATCH = 1000
_OVERDUE = timedelta(hours=1)


def tasks(database: Database, objects: ObjectStore, ownership: Ownership, fetcher: Fetcher, jobs: Jobs) -> list[Task]:
    async def sweep(_context: JobContext) -> None:
        async with database.transaction() as session:
            await AccessRepository(session).forget_old()
            # Its job may be dead: the store may have been away for longer than a job is tried.
            for space_id, document_id in await DocumentRepository(session).overdue(_OVERDUE, limit=_BATCH):
                await jobs.enqueue(session, purge(space_id, document_id))
        log.info("objects_swept", removed=await remove_unnamed(database, objects, ownership))

    return [Task(FETCH, fetcher.fetch, on_change=fetcher.follow, limit=_FETCHES), Task(SWEEP, sweep)]
