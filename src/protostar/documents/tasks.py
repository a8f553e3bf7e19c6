"""The jobs of documents: `document.fetch`; `objects.sweep` removes objects that no row names, and forgotten idempotency keys, and
sees to it that what was deleted is erased."""

from datetime import UTC, datetime, timedelta

import structlog

from protostar.access.repository import AccessRepository
from protostar.db.session import Database
from protostar.documents.fetch import Fetcher
from protostar.documents.kinds import FETCH, purge
from protostar.documents.repository import DocumentRepository
from protostar.jobs.context import JobContext
from protostar.jobs.registry import Task
from protostar.jobs.service import Jobs
from protostar.objects.store import ObjectStore

log = structlog.get_logger()

SWEEP = "objects.sweep"
# Other people's servers may be slow, and must not take every slot of a worker from the documents that are waiting.
_FETCHES = 4
# An upload may be writing its object for as long as it takes; a row follows at once or never.
_AGE = timedelta(days=1)
_BATCH = 1000
_OVERDUE = timedelta(hours=1)


def tasks(database: Database, objects: ObjectStore, fetcher: Fetcher, jobs: Jobs) -> list[Task]:
    async def sweep(_context: JobContext) -> None:
        removed = 0
        for prefix in ("documents", "texts"):
            batch: list[str] = []
            async for info in objects.list(prefix):
                if info.last_modified < datetime.now(UTC) - _AGE:
                    batch.append(info.key)
                if len(batch) >= _BATCH:
                    removed += await _remove_orphans(database, objects, batch)
                    batch = []
            removed += await _remove_orphans(database, objects, batch)
        async with database.transaction() as session:
            await AccessRepository(session).forget_old()
            # Its job may be dead: the store may have been away for longer than a job is tried.
            for space_id, document_id in await DocumentRepository(session).overdue(_OVERDUE, limit=_BATCH):
                await jobs.enqueue(session, purge(space_id, document_id))
        log.info("objects_swept", removed=removed)

    return [Task(FETCH, fetcher.fetch, on_change=fetcher.follow, limit=_FETCHES), Task(SWEEP, sweep)]


async def _remove_orphans(database: Database, objects: ObjectStore, keys: list[str]) -> int:
    if not keys:
        return 0
    async with database.transaction() as session:
        referenced = await DocumentRepository(session).referenced(keys)
    orphans = [key for key in keys if key not in referenced]
    for key in orphans:
        await objects.delete(key)
    return len(orphans)
