"""Statements about what goes into an archive and what comes out of one."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Row, and_, exists, func, select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from protostar.answers.models import AnswerRow, ConversationRow, CorrectionDocumentRow, CorrectionRow
from protostar.archive.models import ImportRow
from protostar.db.locks import serialize
from protostar.documents.models import DocumentRow, DocumentVersionRow
from protostar.spaces.models import SpaceRow

_OVERVIEW = text("""
    select (select count(*) from documents d where space_id = :space_id and deleted_at is null
            and exists (select from document_versions v where v.document_id = d.id and v.object_key is not null)) as documents,
        (select count(*) from answers where space_id = :space_id and state <> 'running') as answers,
        (select count(*) from embeddings where space_id = :space_id) as vectors,
        (select coalesce(sum(v.size + coalesce(v.text_size, 0)), 0)::bigint from document_versions v
            join documents d on d.id = v.document_id where d.space_id = :space_id and d.deleted_at is null)
        + (select coalesce(sum(16 + 2 * m.dimensions), 0) from embeddings e join embedding_models m on m.id = e.model_id
            where e.space_id = :space_id) as bytes""")

_VECTORS = text("""
    select m.id, m.name, m.dimensions, e.text_hash, e.vector from embeddings e join embedding_models m on m.id = e.model_id
    where e.space_id = :space_id and (e.model_id, e.text_hash) > (cast(:model_id as smallint), cast(:text_hash as uuid))
    order by e.model_id, e.text_hash limit :limit""")


class ExportRepository:
    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def overview(self, space_id: UUID) -> Row[Any]:
        """(documents, answers, vectors, bytes)"""
        return (await self._session.execute(_OVERVIEW, {"space_id": space_id})).one()

    async def documents(
        self, space_id: UUID, *, before: UUID | None, limit: int
    ) -> Sequence[tuple[DocumentRow, list[DocumentVersionRow]]]:
        """Newest first, each with its versions, oldest first; without those that have no bytes yet."""
        fetched = exists().where(DocumentVersionRow.document_id == DocumentRow.id, DocumentVersionRow.object_key.is_not(None))
        query = select(DocumentRow).where(DocumentRow.space_id == space_id, DocumentRow.deleted_at.is_(None), fetched)
        query = query.where(DocumentRow.id < before) if before is not None else query
        documents = (await self._session.scalars(query.order_by(DocumentRow.id.desc()).limit(limit))).all()
        mine = and_(
            DocumentVersionRow.document_id.in_([document.id for document in documents]), DocumentVersionRow.object_key.is_not(None)
        )
        versions: dict[UUID, list[DocumentVersionRow]] = {document.id: [] for document in documents}
        for version in await self._session.scalars(select(DocumentVersionRow).where(mine).order_by(DocumentVersionRow.version)):
            versions[version.document_id].append(version)
        return [(document, versions[document.id]) for document in documents]

    async def answers(self, space_id: UUID, *, before: UUID | None, limit: int) -> Sequence[Row[AnswerRow, ConversationRow]]:
        """(answer, its conversation), newest first."""
        query = (
            select(AnswerRow, ConversationRow)
            .join(ConversationRow, ConversationRow.id == AnswerRow.conversation_id)
            .where(AnswerRow.space_id == space_id, AnswerRow.state != "running")
        )
        query = query.where(AnswerRow.id < before) if before is not None else query
        return (await self._session.execute(query.order_by(AnswerRow.id.desc()).limit(limit))).all()

    async def relied_on(self, answer_ids: Sequence[UUID]) -> Sequence[CorrectionDocumentRow]:
        """What the corrections of these answers rely on."""
        query = select(CorrectionDocumentRow).where(CorrectionDocumentRow.answer_id.in_(answer_ids))
        return (await self._session.scalars(query)).all()

    async def vectors(self, space_id: UUID, *, after: tuple[int, UUID], limit: int) -> Sequence[Row[Any]]:
        """(model's id, name, dimensions, text_hash, vector), rising by the model's id and the hash."""
        values = {"space_id": space_id, "model_id": after[0], "text_hash": after[1], "limit": limit}
        return (await self._session.execute(_VECTORS, values)).all()


class ImportRepository:
    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def serialize(self, source_space_id: UUID) -> None:
        """Let archives of one space be begun by one transaction at a time."""
        await serialize(self._session, f"import/{source_space_id}")

    async def find(self, archive_id: UUID, name: str) -> ImportRow | None:
        """The import of this archive under this name whose space is still there."""
        query = select(ImportRow).where(ImportRow.archive_id == archive_id, ImportRow.name == name)
        return (await self._session.scalars(_living(query).order_by(ImportRow.id).limit(1))).one_or_none()

    async def get(self, id_: UUID) -> ImportRow | None:
        return (await self._session.scalars(_living(select(ImportRow).where(ImportRow.id == id_)))).one_or_none()

    async def is_space(self, id_: UUID) -> bool:
        """Whether a space has, or had until it is erased, this id."""
        return (await self._session.get(SpaceRow, id_)) is not None

    async def begin(self, row: ImportRow, space: SpaceRow) -> ImportRow:
        self._session.add(space)
        await self._session.flush()
        self._session.add(row)
        await self._session.flush()
        return row

    async def finish(self, row: ImportRow) -> None:
        await self._session.execute(
            update(SpaceRow).where(SpaceRow.id == row.space_id).values(name=row.name, updated_at=func.now())
        )
        await self._session.execute(update(ImportRow).where(ImportRow.id == row.id).values(finished_at=func.now()))
        await self._session.refresh(row)

    # -- documents

    async def document(self, id_: UUID, *, lock: bool = False) -> DocumentRow | None:
        query = select(DocumentRow).where(DocumentRow.id == id_)
        return (await self._session.scalars(query.with_for_update() if lock else query)).one_or_none()

    async def versions(self, document_id: UUID) -> Sequence[DocumentVersionRow]:
        query = select(DocumentVersionRow).where(DocumentVersionRow.document_id == document_id)
        return (await self._session.scalars(query.order_by(DocumentVersionRow.version))).all()

    async def stage_document(self, row: DocumentRow) -> None:
        """Make the row that the first versions hang on, unless it is there. Nobody sees it: it counts as deleted until then."""
        values = {
            "id": row.id, "space_id": row.space_id, "title": row.title, "filename": row.filename, "latest_version": 0,
            "deleted_at": func.now(),
        }  # fmt: skip
        await self._session.execute(insert(DocumentRow).values(**values).on_conflict_do_nothing())

    async def add_version(self, row: DocumentVersionRow) -> None:
        self._session.add(row)
        await self._session.flush()

    # -- answers

    async def add_answers(self, space_id: UUID, conversations: Sequence[dict[str, Any]], answers: Sequence[dict[str, Any]]) -> bool:
        """Add those that are not there yet; false where an id is another space's."""
        for row, values in ((ConversationRow, conversations), (AnswerRow, answers)):
            await self._session.execute(insert(row).on_conflict_do_nothing(), [{**each, "space_id": space_id} for each in values])
            ids = [each["id"] for each in values]
            query = select(func.count()).select_from(row).where(row.id.in_(ids), row.space_id == space_id)
            if (await self._session.execute(query)).scalar_one() != len(ids):
                return False
        return True

    async def add_corrections(self, corrections: Sequence[dict[str, Any]], documents: Sequence[dict[str, Any]]) -> None:
        """Add those that are not there yet."""
        for row, values in ((CorrectionRow, corrections), (CorrectionDocumentRow, documents)):
            if values:
                await self._session.execute(insert(row).on_conflict_do_nothing(), values)


def _living(query: Any) -> Any:
    return query.join(SpaceRow, SpaceRow.id == ImportRow.space_id).where(SpaceRow.deleted_at.is_(None))
