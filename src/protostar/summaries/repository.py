"""Statements about summaries."""

from typing import Any
from uuid import UUID

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncSession

# The same text has the same summary, whichever document and version it came in; where there is none, it is made of the beginning,
# where documents say what they are, and an even sample of the rest.
_VERSION = text("""
    select d.title, d.space_id, v.text_sha256, v.summary, known.summary as known,
        case when v.summary is null and known.summary is null then array(
            select c.text from chunks c where c.document_id = v.document_id and c.version = v.version
                and (c.ordinal < 4 or c.ordinal % greatest(1, (v.chunk_count / 24)) = 0)
            order by c.ordinal limit 32) end as sample
    from documents d join document_versions v on v.document_id = d.id
    left join lateral (
        select o.summary from document_versions o join documents od on od.id = o.document_id
        where o.text_sha256 = v.text_sha256 and od.space_id = d.space_id and o.summary is not null
            and o.summary_model is not distinct from :model limit 1) known on true
    where d.id = :document_id and v.version = :version
        and (d.deleted_at is null or d.erase_at > now())""")

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

    async def version(self, document_id: UUID, version: int, model: str | None) -> Row[Any] | None:
        """(title, space_id, text_sha256, summary, known, sample) of a version.

        `known`: the summary that this model made of the same text before; `sample`: passages, where there is no summary yet.
        """
        values = {"document_id": document_id, "version": version, "model": model}
        return (await self._session.execute(_VERSION, values)).one_or_none()

    async def set(self, document_id: UUID, version: int, summary: str, model: str | None) -> None:
        values = {"document_id": document_id, "version": version, "summary": summary, "model": model}
        await self._session.execute(_SET, values)

    async def turn(self, answer_id: UUID) -> Row[Any] | None:
        """(question, text, summary) of one turn of a conversation."""
        return (await self._session.execute(_TURN, {"id": answer_id})).one_or_none()

    async def set_turn(self, answer_id: UUID, summary: str) -> None:
        await self._session.execute(_SET_TURN, {"id": answer_id, "summary": summary})
