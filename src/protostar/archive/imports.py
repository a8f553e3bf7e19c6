"""How an archive becomes a space: every step may be repeated, and nothing is there twice.

Versions of a document are staged one by one, and nobody sees it before all of them are there; then the version that answers
questions is read again, like any upload. Where it reads as it did, it keeps its number; where this release reads it differently,
the archived text stays that version's, for old citations, and a following version is made (see `knowledge.pipeline`).
"""

import time
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from protostar.answers.likeness import sense
from protostar.answers.repository import answer_terms
from protostar.archive.models import ImportRow
from protostar.archive.receiving import ReceivedVersion, Receiving
from protostar.archive.repository import ImportRepository
from protostar.archive.schemas import (
    Answers,
    ArchivedAnswer,
    ArchivedCorrection,
    ArchivedDocument,
    ArchivedVersion,
    Import,
    ImportCreate,
    ImportedDocument,
)
from protostar.archive.vectors import VectorPage
from protostar.db.session import Database
from protostar.documents.kinds import index
from protostar.documents.models import DocumentRow, DocumentVersionRow
from protostar.errors import Conflict, NotFound
from protostar.ids import derived_id, new_id
from protostar.jobs.service import Jobs
from protostar.knowledge.vectors import Vectors
from protostar.spaces.models import SpaceRow


class Imports:
    def __init__(self, database: Database, receiving: Receiving, jobs: Jobs) -> None:
        self.receiving = receiving
        self._database = database
        self._jobs = jobs

    async def begin(self, body: ImportCreate) -> Import:
        """The import of this archive under this name: a new one, or the one that was begun before."""
        self.receiving.check_size(body.largest)
        name = body.name or body.space.name
        async with self._database.transaction() as session:
            repository = ImportRepository(session)
            await repository.serialize(body.space.id)
            row = await repository.find(body.archive_id, name)
            if row is None:
                id_ = new_id() if await repository.is_space(body.space.id) else body.space.id
                space = SpaceRow(
                    id=id_,
                    name=f"{name} (import unfinished)",
                    settings=body.space.settings.model_dump(),
                    # Above whatever a space of this id reached here before: answers of that one may still be in the cache.
                    knowledge_version=int(time.time()),
                )
                row = ImportRow(archive_id=body.archive_id, name=name, space_id=id_, source_space_id=body.space.id)
                row = await repository.begin(row, space)
        return _shown(row)

    async def finish(self, id_: UUID) -> Import:
        """Everything is there: the space gets its name."""
        async with self._importing(id_) as (session, row):
            if row.finished_at is None:
                await ImportRepository(session).finish(row)
        return _shown(row)

    # -- documents

    async def document(self, id_: UUID, document_id: UUID) -> ImportedDocument:
        async with self._importing(id_) as (session, row):
            document = await _document(session, row, document_id)
            if document is None:
                return ImportedDocument(complete=False, versions=[])
            versions = await ImportRepository(session).versions(document.id)
        return ImportedDocument(complete=_is_complete(document), versions=[version.version for version in versions])

    async def add_version(self, id_: UUID, document_id: UUID, content_type: str, body: AsyncIterator[bytes]) -> ImportedDocument:
        """Stage a version with its bytes; one that is there already stays as it is."""
        await self.document(id_, document_id)  # refused before a byte is read
        async with AsyncExitStack() as stack:
            received = await self.receiving.version(content_type, body)
            stack.push_async_callback(self.receiving.discard, *received.objects)
            async with self._importing(id_) as (session, row):
                repository = ImportRepository(session)
                target = _id(row, document_id)
                staged = DocumentRow(id=target, space_id=row.space_id, title="", filename=received.record.filename)
                await repository.stage_document(staged)
                document = await _document(session, row, document_id, lock=True)
                assert document is not None  # noqa: S101 - it was staged a line above
                present = [version.version for version in await repository.versions(target)]
                if not _is_complete(document) and received.record.version not in present:
                    await repository.add_version(_version(target, received))
                    present.append(received.record.version)
                    stack.pop_all()  # from here on the commit decides, whose answer may be lost
        return ImportedDocument(complete=_is_complete(document), versions=sorted(present))

    async def finish_document(self, id_: UUID, archived: ArchivedDocument) -> ImportedDocument:
        """Let the document be seen, and have its text read for the search. Raises Conflict while versions are missing."""
        async with self._importing(id_) as (session, row):
            document = await _document(session, row, archived.id, lock=True)
            versions = await ImportRepository(session).versions(document.id) if document is not None else ()
            numbers = [version.version for version in versions]
            complete = document is not None and _is_complete(document)
            if document is None or not (complete or numbers == [version.version for version in archived.versions]):
                raise Conflict("Not all versions of the document are there yet.")
            if not complete:
                _complete(document, archived)
                for version in versions:
                    if _answers(version, archived):
                        await self._index(session, document, version)
                await session.flush()
        return ImportedDocument(complete=True, versions=numbers)

    async def _index(self, session: AsyncSession, document: DocumentRow, version: DocumentVersionRow) -> None:
        version.status, version.error, version.ready_at = "queued", None, None
        job_id = await self._jobs.enqueue(session, index(document.space_id, document.id, version.version))
        version.job_id = job_id or version.job_id

    # -- the rest

    async def add_answers(self, id_: UUID, body: Answers) -> None:
        """Add the answers and their conversations that are not there yet."""
        async with self._importing(id_) as (session, row):
            if not body.items:
                return
            answers = [_answer(row, answer) for answer in body.items]
            conversations = {each.conversation_id: _conversation(row, each) for each in body.items}
            if not await ImportRepository(session).add_answers(row.space_id, list(conversations.values()), answers):
                raise Conflict("The id of an answer or a conversation is another space's here.")
            corrections = [_correction(row, each, each.correction) for each in body.items if each.correction is not None]
            relied_on = [each for _, documents in corrections for each in documents]
            await ImportRepository(session).add_corrections([correction for correction, _ in corrections], relied_on)

    async def add_vectors(self, id_: UUID, page: VectorPage) -> None:
        """Keep vectors, so that their texts need not be paid for again."""
        async with self._importing(id_) as (_session, row):
            space_id = row.space_id
        if page.vectors:
            vectors = Vectors(self._database)
            await vectors.add(space_id, await vectors.model_id(page.header.model, page.header.dimensions), page.vectors)

    @asynccontextmanager
    async def _importing(self, id_: UUID) -> AsyncGenerator[tuple[AsyncSession, ImportRow]]:
        async with self._database.transaction() as session:
            row = await ImportRepository(session).get(id_)
            if row is None:
                raise NotFound("There is no import with that id, or its space was deleted.")
            yield session, row


def _shown(row: ImportRow) -> Import:
    return Import(
        id=row.id,
        space_id=row.space_id,
        name=row.name,
        keeps_ids=_keeps_ids(row),
        created_at=row.created_at,
        finished_at=row.finished_at,
    )


def _keeps_ids(row: ImportRow) -> bool:
    """The ids of a space's things are free where its own is: all of them are erased before it."""
    return row.space_id == row.source_space_id


def _id(row: ImportRow, id_: UUID) -> UUID:
    return id_ if _keeps_ids(row) else derived_id(id_, row.space_id)


async def _document(session: AsyncSession, row: ImportRow, document_id: UUID, *, lock: bool = False) -> DocumentRow | None:
    document = await ImportRepository(session).document(_id(row, document_id), lock=lock)
    if document is not None and document.space_id != row.space_id:
        raise Conflict(f"The id of the document {document_id} is another space's here.")
    return document


def _is_complete(document: DocumentRow) -> bool:
    """A staged one has no latest version yet. One that was deleted since is complete too: it does not come back."""
    return document.latest_version > 0


def _complete(document: DocumentRow, archived: ArchivedDocument) -> None:
    document.title, document.title_given, document.filename = archived.title, archived.title_given, archived.filename
    document.meta = archived.metadata
    document.latest_version = archived.latest_version
    document.created_at, document.updated_at = archived.created_at, archived.updated_at
    document.deleted_at = None


def _answers(version: DocumentVersionRow, archived: ArchivedDocument) -> bool:
    """Whether the version answered questions, or may yet; one that had failed gets another chance, as this is another place."""
    is_next = version.version == archived.latest_version and version.status != "ready"
    return is_next or version.version == archived.current_version


def _version(document_id: UUID, received: ReceivedVersion) -> DocumentVersionRow:
    record = received.record
    carried = {name: getattr(record, name) for name in ArchivedVersion.model_fields}
    return DocumentVersionRow(
        **carried,
        document_id=document_id,
        object_key=received.original.key,
        text_key=received.text.key if received.text is not None else None,
        job_id=new_id(),  # no job read it here
    )


def _conversation(row: ImportRow, answer: ArchivedAnswer) -> dict[str, Any]:
    id_ = _id(row, answer.conversation_id)
    return {"id": id_, "created_at": answer.conversation_created_at, "visitor_id": answer.visitor_id}


def _answer(row: ImportRow, answer: ArchivedAnswer) -> dict[str, Any]:
    values = answer.model_dump(exclude={"conversation_created_at", "visitor_id", "citations", "correction"})
    citations = [{**each.model_dump(mode="json"), "document_id": str(_id(row, each.document_id))} for each in answer.citations]
    ids = {
        "id": _id(row, answer.id),
        "conversation_id": _id(row, answer.conversation_id),
        "corrected_by": _id(row, answer.corrected_by) if answer.corrected_by is not None else None,
    }
    texts = answer.question, answer.text, answer.correction.text if answer.correction is not None else ""
    return {**values, **ids, "citations": citations, "terms": answer_terms(row.space_id, *texts)}


def _correction(
    row: ImportRow, answer: ArchivedAnswer, correction: ArchivedCorrection
) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """The rows of a correction and of what it relies on."""
    id_ = _id(row, answer.id)
    values = {"answer_id": id_, "space_id": row.space_id, "sense": sense(answer.question).key}
    documents = [
        {"answer_id": id_, "document_id": _id(row, each.document_id), "version": each.version} for each in correction.documents
    ]
    return {**correction.model_dump(exclude={"documents"}), **values}, documents
