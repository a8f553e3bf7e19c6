"""Statements about summaries."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncSession

_VERSION = text("""
    select d.title, d.space_id, v.text_sha256, v.summary, v.chunk_count
    from documents d join document_versions v on v.document_id = d.id
    where d.id = :document_id and v.version = :version and d.deleted_at is null""")

# The same text has the same summary, whichever document and version it came in.
_KNOWN = text("""
    select v.summary from document_versions v join documents d on d.id = v.document_id
    where v.text_sha256 = :text_sha256 and d.space_id = :space_id and v.summary is not null
        and v.summary_model is not distinct from :model limit 1""")

# The beginning, where documents say what they are, and an even sample of the rest.
_SAMPLE = text("""
    select text from chunks where document_id = :document_id and version = :version
        and (ordinal < 4 or ordinal % greatest(1, (:chunk_count / 24)) = 0)
    order by ordinal limit 32""")

_SET = text("""
    update document_versions set summary = :summary, summary_model = :model
    where document_id = :document_id and version = :version""")

# Of a corrected answer what its owner says counts.
_TURN = text("""
    select a.question, coalesce(c.text, a.text) as text, a.summary
    from answers a left join corrections c on c.answer_id = a.id where a.id = :id""")
_SET_TURN = text("update answers set summary = :summary where id = :id")


class SummaryRepository:
    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def version(self, document_id: UUID, version: int) -> Row[Any] | None:
        """(title, space_id, text_sha256, summary, chunk_count)"""
        return (await self._session.execute(_VERSION, {"document_id": document_id, "version": version})).one_or_none()

    async def known(self, space_id: UUID, text_sha256: str, model: str | None) -> str | None:
        """The summary that this model made of the same text before."""
        values = {"space_id": space_id, "text_sha256": text_sha256, "model": model}
        return (await self._session.execute(_KNOWN, values)).scalar_one_or_none()

    async def sample(self, document_id: UUID, version: int, chunk_count: int) -> Sequence[str]:
        values = {"document_id": document_id, "version": version, "chunk_count": chunk_count}
        return (await self._session.execute(_SAMPLE, values)).scalars().all()

    async def set(self, document_id: UUID, version: int, summary: str, model: str | None) -> None:
        values = {"document_id": document_id, "version": version, "summary": summary, "model": model}
        await self._session.execute(_SET, values)

    async def turn(self, answer_id: UUID) -> Row[Any] | None:
        """(question, text, summary) of one turn of a conversation."""
        return (await self._session.execute(_TURN, {"id": answer_id})).one_or_none()

    async def set_turn(self, answer_id: UUID, summary: str) -> None:
        await self._session.execute(_SET_TURN, {"id": answer_id, "summary": summary})
