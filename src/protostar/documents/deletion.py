"""Deleting a document, and taking that back while it is not erased yet.

A deleted document is hidden from every reader at once and stays whole until `erase_at`; from then on `document.purge` erases it.
Both sides lock its row before they look at the clock, so that whatever is erased was never given back.
"""

from datetime import timedelta
from typing import Final
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from protostar.documents import kinds
from protostar.documents.models import DocumentRow
from protostar.documents.repository import DocumentRepository, Pair
from protostar.errors import Conflict, NotFound, Unavailable
from protostar.jobs.context import JobContext
from protostar.jobs.repository import JobRepository
from protostar.jobs.service import Jobs
from protostar.redis.announcements import Announcements
from protostar.spaces.knowledge import renew_knowledge

_GONE: Final = "There is no document with that id; if there was one, it is erased by now."


async def hide(session: AsyncSession, jobs: Jobs, announcements: Announcements, document: DocumentRow, grace: timedelta) -> None:
    await DocumentRepository(session).hide(document, grace)
    await jobs.enqueue(session, kinds.purge(document.space_id, document.id, grace))
    await jobs.enqueue(session, kinds.fold(document.space_id))
    await renew_knowledge(session, announcements, document.space_id)


async def restore(session: AsyncSession, jobs: Jobs, announcements: Announcements, space_id: UUID, id_: UUID) -> Pair:
    """The document as it was; one that is not deleted stays as it is. Its reading goes on where the deletion ended that.

    Raises NotFound once it may be erased, and Conflict where its file or its URL has been taken in anew.
    """
    repository = DocumentRepository(session)
    for name in await repository.names(space_id, id_):
        await repository.serialize_uploads(space_id, name)
    await repository.lock(id_)
    pair = await repository.any(space_id, id_)
    if pair is None or (pair[0].deleted_at is not None and not await repository.is_restorable(id_)):
        raise NotFound(_GONE)
    if pair[0].deleted_at is not None:
        if await repository.is_taken_again(pair):
            raise Conflict(f"“{pair[0].filename}” was taken in again meanwhile, as another document. Delete that one first.")
        if not await repository.is_whole(id_):
            raise Conflict("A job is cleaning up after this document. Try again in a moment.")
        await repository.unhide(pair[0])
        await JobRepository(session).withdraw(kinds.purge(space_id, id_).dedupe_key)
        await jobs.enqueue(session, kinds.fold(space_id))
        await _go_on(session, jobs, pair[0])
        await renew_knowledge(session, announcements, space_id)
    return pair


async def _go_on(session: AsyncSession, jobs: Jobs, document: DocumentRow) -> None:
    """What was not read when the document was deleted is read now; and it gets the vectors that its space has come to use."""
    for version in await DocumentRepository(session).versions(document.id):
        if version.status in ("queued", "processing"):
            kind = kinds.fetch if version.original is None else kinds.index
            # None: the job of before has not ended yet, and will find the document there.
            job_id = await jobs.enqueue(session, kind(document.space_id, document.id, version.version))
            version.job_id, version.status, version.stage = job_id or version.job_id, "queued", None
    if document.current_version:
        await jobs.enqueue(session, kinds.embed(document.space_id, document.id, document.current_version))
    await session.flush()


async def end_unless_pending(context: JobContext, document_id: UUID, version: int) -> None:
    """End a job that has found its version done or its document deleted; if that is restored by now, the job is to be run again.

    Raises Unavailable then, and LeaseLost.
    """
    async with context.finishing() as session:
        repository = DocumentRepository(session)
        await repository.lock(document_id)
        if await repository.pending(document_id, version) is not None:
            raise Unavailable("The document was restored meanwhile.", retry_after=1)
