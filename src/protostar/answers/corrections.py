"""What the owner says instead of an answer: shown to whoever has the answer, and given to first questions that ask the same.

A correction relies on documents as they were when it was made. Once one of them has a new version or is deleted, the correction is
stale: the owner is told, transcripts keep it, and new questions are answered from the documents again until it is confirmed.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from protostar.answers.likeness import alike, sense
from protostar.answers.markers import numbers_in
from protostar.answers.models import AnswerRow, CorrectionRow
from protostar.answers.repository import AnswerRepository, CorrectionRepository, answer_terms
from protostar.answers.schemas import Correction, CorrectionDocument, CorrectionPut
from protostar.db.session import Database
from protostar.documents.repository import DocumentRepository
from protostar.errors import Conflict, NotFound
from protostar.redis.announcements import Announcements
from protostar.spaces.knowledge import renew_knowledge


@dataclass(frozen=True, slots=True)
class Given:
    """A correction that answers a question. `answer_id`: whose it is; `citations`: those of the corrected answer that it keeps."""

    answer_id: UUID
    text: str
    citations: list[dict[str, Any]]


class Corrections:
    def __init__(self, database: Database, announcements: Announcements) -> None:
        self._database = database
        self._announcements = announcements

    async def put(self, space_id: UUID, answer_id: UUID, body: CorrectionPut) -> tuple[AnswerRow, Correction | None]:
        """Correct the answer, or confirm its correction, from the documents as they are now."""
        async with self._database.transaction() as session:
            row = await _existing(session, space_id, answer_id)
            if row.state != "done":
                raise Conflict("Only an answer that is finished can be corrected.")
            documents = await _relied_on(session, space_id, row, body.documents)
            correction = CorrectionRow(answer_id=row.id, space_id=space_id, sense=sense(row.question).key, text=body.text)
            await CorrectionRepository(session).put(correction, documents)
            return await self._changed(session, row, body.text)

    async def delete(self, space_id: UUID, answer_id: UUID) -> None:
        """Let the answer stand as it was written."""
        async with self._database.transaction() as session:
            row = await _existing(session, space_id, answer_id)
            if not await CorrectionRepository(session).delete(row.id):
                raise NotFound("This answer has no correction.")
            await self._changed(session, row, "")

    async def _changed(self, session: AsyncSession, row: AnswerRow, text: str) -> tuple[AnswerRow, Correction | None]:
        """What was made of the answer's text is made anew, and cached answers to questions like its own are void."""
        terms = answer_terms(row.space_id, row.question, row.text, text)
        row = await AnswerRepository(session).renew(row, terms)
        views = await owners_views(session, [row])
        await renew_knowledge(session, self._announcements, row.space_id)
        return row, views.get(row.id)


async def given(session: AsyncSession, space_id: UUID, question: str) -> Given | None:
    """The correction that answers a first question: of the same words before one of the same sense, the latest first."""
    asked = sense(question)
    candidates = await CorrectionRepository(session).of_sense(space_id, asked.key)
    same = [row for row in candidates if normalised(row.question) == normalised(question)]
    for row in same or (row for row in candidates if alike(asked, sense(row.question))):
        return Given(row.answer_id, row.text, cited(row.text, row.citations))
    return None


def normalised(question: str) -> str:
    return " ".join(question.lower().split())


def cited(text: str, citations: Sequence[Any]) -> list[Any]:
    """The citations whose markers the owner left in the text."""
    numbers = numbers_in(text)
    return [citation for citation in citations if citation["marker"] in numbers]


async def owners_views(session: AsyncSession, rows: Sequence[AnswerRow]) -> dict[UUID, Correction]:
    """What the owner sees of the corrections of these answers, by the answer's id."""
    corrected = {row.id: row.correction for row in rows if row.correction is not None}
    if not corrected:
        return {}
    documents: dict[UUID, list[CorrectionDocument]] = {id_: [] for id_ in corrected}
    for document in await CorrectionRepository(session).documents(list(corrected)):
        documents[document.answer_id].append(CorrectionDocument.model_validate(document))
    return {
        row.id: Correction.model_validate(
            {
                "original_text": row.text,
                "original_citations": row.citations,
                "documents": documents[row.id],
                "stale": any(document.changed for document in documents[row.id]),
                "updated_at": corrected[row.id].updated_at,
            }
        )
        for row in rows
        if row.id in corrected
    }


async def _existing(session: AsyncSession, space_id: UUID, answer_id: UUID) -> AnswerRow:
    """Whoever erases its conversation waits for the end of the transaction, or has been waited for."""
    row = await AnswerRepository(session).get(space_id, answer_id, keep=True)
    if row is None:
        raise NotFound("There is no answer with that id.")
    return row


async def _relied_on(session: AsyncSession, space_id: UUID, row: AnswerRow, named: list[UUID] | None) -> dict[UUID, int]:
    """Document → its current version: those that the owner names, else those that the answer cites and that are still there; none
    where they only came near one."""
    cited = row.citations if row.found else []
    wanted = set(named) if named is not None else {UUID(citation["document_id"]) for citation in cited}
    found = await DocumentRepository(session).current_versions(space_id, wanted)
    if named is not None and wanted - found.keys():
        raise NotFound("There is no document with that id.")
    return found
