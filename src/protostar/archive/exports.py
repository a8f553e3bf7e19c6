"""What goes into an archive: pages of a space's answers, documents and vectors. The bytes are downloaded like any document's."""

from collections.abc import Sequence
from typing import Any, Final
from uuid import UUID

from protostar.answers.models import AnswerRow, ConversationRow, CorrectionDocumentRow
from protostar.archive.repository import ExportRepository
from protostar.archive.schemas import (
    ArchivedAnswer,
    ArchivedCorrection,
    ArchivedDocument,
    ArchivedSpace,
    ArchivedVersion,
    Overview,
    ReliedOn,
)
from protostar.archive.vectors import VectorPage, VectorsHeader, encode
from protostar.db.session import Database
from protostar.documents.models import DocumentRow, DocumentVersionRow
from protostar.errors import InvalidInput
from protostar.spaces.service import Spaces

VECTORS: Final = 500  # of one page: 4 MB at the most that a vector can have
_FIRST: Final = (-1, UUID(int=0))


class Exports:
    def __init__(self, database: Database, spaces: Spaces) -> None:
        self._database = database
        self._spaces = spaces

    async def overview(self, space_id: UUID) -> Overview:
        space = ArchivedSpace.model_validate(await self._spaces.get(space_id))
        async with self._database.transaction() as session:
            counts = await ExportRepository(session).overview(space_id)
        return Overview(space=space, documents=counts.documents, answers=counts.answers, vectors=counts.vectors, bytes=counts.bytes)

    async def documents(self, space_id: UUID, *, before: UUID | None, limit: int) -> list[ArchivedDocument]:
        async with self._database.transaction() as session:
            rows = await ExportRepository(session).documents(space_id, before=before, limit=limit)
        return [_document(document, versions) for document, versions in rows]

    async def answers(self, space_id: UUID, *, before: UUID | None, limit: int) -> list[ArchivedAnswer]:
        async with self._database.transaction() as session:
            rows = await ExportRepository(session).answers(space_id, before=before, limit=limit)
            relied_on = await ExportRepository(session).relied_on(
                [answer.id for answer, _ in rows if answer.correction is not None]
            )
        return [_answer(answer, conversation, relied_on) for answer, conversation in rows]

    async def vectors(self, space_id: UUID, after: str | None) -> bytes:
        """A page, of one model, as `vectors.encode` writes it."""
        async with self._database.transaction() as session:
            rows = await ExportRepository(session).vectors(space_id, after=_place(after), limit=VECTORS)
        page = [row for row in rows if row.id == rows[0].id]
        more = len(rows) == VECTORS or len(page) < len(rows)
        header = VectorsHeader(
            model=page[0].name if page else "",
            dimensions=page[0].dimensions if page else 0,
            count=len(page),
            after=f"{page[-1].id}.{page[-1].text_hash}" if more else None,
        )
        return encode(VectorPage(header, [(row.text_hash, row.vector) for row in page]))


def _answer(answer: AnswerRow, conversation: ConversationRow, relied_on: Sequence[CorrectionDocumentRow]) -> ArchivedAnswer:
    its: dict[str, Any] = {"conversation_created_at": conversation.created_at, "visitor_id": conversation.visitor_id}
    if (correction := answer.correction) is not None:
        documents = [ReliedOn.model_validate(each) for each in relied_on if each.answer_id == answer.id]
        its["correction"] = ArchivedCorrection(
            text=correction.text, created_at=correction.created_at, updated_at=correction.updated_at, documents=documents
        )
    return ArchivedAnswer.model_validate({**_columns(answer), **its})


def _document(document: DocumentRow, versions: list[DocumentVersionRow]) -> ArchivedDocument:
    shown = [ArchivedVersion.model_validate(version) for version in versions]
    its = {"metadata": document.meta, "versions": shown, "latest_version": shown[-1].version}
    return ArchivedDocument.model_validate({**_columns(document), **its})


def _columns(row: AnswerRow | DocumentRow) -> dict[str, Any]:
    """The columns that an archive carries."""
    schema = ArchivedAnswer if isinstance(row, AnswerRow) else ArchivedDocument
    return {name: getattr(row, name) for name in schema.model_fields if name in row.__mapper__.attrs}


def _place(after: str | None) -> tuple[int, UUID]:
    if not after:
        return _FIRST
    model, _, hash_ = after.partition(".")
    try:
        place = int(model), UUID(hash_)
    except ValueError:
        place = None
    if place is None or not 0 <= place[0] < 2**15:  # a smallint
        raise InvalidInput("«after» is not one that a page of vectors gave out.")
    return place
