"""What a space holds, as its owner looks at it: documents, their versions, their sum."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from protostar.db.session import Database
from protostar.documents.models import DocumentRow, DocumentVersionRow
from protostar.documents.repository import DocumentRepository, Pair
from protostar.documents.schemas import Document, DocumentVersion, Progress, Versions
from protostar.errors import NotFound
from protostar.jobs.progress import LiveProgress


@dataclass(frozen=True, slots=True)
class Usage:
    """What a space holds: `documents` by the status of their latest version, and the bytes of all versions.

    `room`: how many of them may wait to be read.
    """

    documents: Mapping[str, int]
    size: int
    room: int

    def count(self, *statuses: str) -> int:
        """Documents with one of the statuses; all of them where none is named."""
        return sum(self.documents.get(status, 0) for status in statuses or self.documents)


class Holdings:
    def __init__(self, database: Database, live: LiveProgress, *, room: int) -> None:
        """`room`: how many documents of a space may wait to be read."""
        self._database = database
        self._live = live
        self._room = room

    async def get(self, space_id: UUID, id_: UUID) -> Document:
        return await self.show(await self.rows(space_id, id_))

    async def rows(self, space_id: UUID, id_: UUID) -> Pair:
        async with self._database.transaction() as session:
            return await existing(session, space_id, id_)

    async def version(self, space_id: UUID, id_: UUID, number: int | None) -> DocumentVersionRow:
        """A version of the document; the one that answers questions where none is named."""
        async with self._database.transaction() as session:
            document, latest = await existing(session, space_id, id_)
            number = number or document.current_version or latest.version
            version = await DocumentRepository(session).version(id_, number)
        if version is None:
            raise NotFound(f"The document has no version {number}.")
        return version

    async def versions(self, space_id: UUID, id_: UUID) -> Versions:
        async with self._database.transaction() as session:
            document, _latest = await existing(session, space_id, id_)
            rows = await DocumentRepository(session).versions(id_)
        return Versions(current_version=document.current_version, items=[DocumentVersion.model_validate(row) for row in rows])

    async def page(
        self, space_id: UUID, *, statuses: Sequence[str] = (), words: str = "", before: UUID | None, limit: int
    ) -> Sequence[Document]:
        """Newest first. `statuses`: any where empty. `words`: each stands in the title or in the file's name."""
        async with self._database.transaction() as session:
            pairs = await DocumentRepository(session).page(space_id, statuses=statuses, words=words, before=before, limit=limit)
        return [await self.show(pair) for pair in pairs]

    async def some(self, space_id: UUID, ids: Collection[UUID]) -> Sequence[Document]:
        """Those of the documents that are there, newest first."""
        async with self._database.transaction() as session:
            pairs = await DocumentRepository(session).some(space_id, ids)
        return [await self.show(pair) for pair in pairs]

    async def answering(self, space_id: UUID, ids: Collection[UUID]) -> Collection[UUID]:
        """Those of the documents that have a version from which questions are answered."""
        if not ids:
            return ()
        async with self._database.transaction() as session:
            current = await DocumentRepository(session).current_versions(space_id, ids)
        return {id_ for id_, version in current.items() if version}

    async def deleted(self, space_id: UUID, *, words: str = "", limit: int) -> Sequence[DocumentRow]:
        """Those that can be restored, the latest first."""
        async with self._database.transaction() as session:
            return await DocumentRepository(session).deleted(space_id, words=words, limit=limit)

    async def restorable(self, space_id: UUID, id_: UUID) -> DocumentRow | None:
        """The document, where it is deleted and can be restored."""
        async with self._database.transaction() as session:
            repository = DocumentRepository(session)
            pair = await repository.any(space_id, id_)
            return pair[0] if pair is not None and await repository.is_restorable(id_) else None

    async def space_of(self, id_: UUID) -> UUID | None:
        """Whose the document is: for an admin alone, who may see every space."""
        async with self._database.transaction() as session:
            return await DocumentRepository(session).space_of(id_)

    async def usage(self, space_id: UUID) -> Usage:
        async with self._database.transaction() as session:
            counted = await DocumentRepository(session).usage(space_id)
        documents = {status: documents for status, documents, _size in counted}
        return Usage(documents, sum(size for _status, _documents, size in counted), self._room)

    async def show(self, pair: Pair) -> Document:
        """What the API says about a document; a running one's progress is asked of Redis first."""
        document, version = pair
        progress = version.stage
        if version.status == "processing":
            progress = await self._live.of(version.job_id) or progress
        return Document(
            id=document.id,
            title=document.title,
            filename=version.filename,
            url=version.url,
            media_type=version.media_type,
            size=version.size,
            sha256=version.sha256,
            version=version.version,
            current_version=document.current_version,
            status=version.status,  # pyright: ignore[reportArgumentType]
            progress=Progress(**progress) if progress is not None and version.status == "processing" else None,
            error=version.error,
            summary=version.summary,
            summary_model=version.summary_model,
            chunk_count=version.chunk_count,
            unread_pages=version.unread_pages,
            metadata=document.meta,
            job_id=version.job_id,
            created_at=document.created_at,
            updated_at=document.updated_at,
        )


async def existing(session: AsyncSession, space_id: UUID, id_: UUID, *, lock: bool = False) -> Pair:
    pair = await DocumentRepository(session).get(space_id, id_, lock=lock)
    if pair is None:
        raise NotFound("There is no document with that id.")
    return pair
