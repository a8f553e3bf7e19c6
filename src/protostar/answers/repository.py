"""Statements about conversations and answers."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import func, select, text, update
from sqlalchemy.ext.asyncio import AsyncSession

from protostar.answers.models import AnswerRow, ConversationRow

_SPACE = text("select knowledge_version, settings from spaces where id = :id")
_FENCE = text("select fence from jobs where id = :id")
_WRITTEN_UNDER = text("select exists (select from jobs where id = :id and fence = :fence and state = 'running')")


class AnswerRepository:
    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def add(self, answer: AnswerRow, conversation: ConversationRow | None) -> AnswerRow:
        """Add the answer, and its conversation where that is new."""
        if conversation is not None:
            self._session.add(conversation)
            await self._session.flush()
        self._session.add(answer)
        await self._session.flush()
        await self._session.refresh(answer)
        return answer

    async def get(self, space_id: UUID, id_: UUID) -> AnswerRow | None:
        query = select(AnswerRow).where(AnswerRow.id == id_, AnswerRow.space_id == space_id)
        return (await self._session.execute(query)).scalar_one_or_none()

    async def by_id(self, id_: UUID) -> AnswerRow | None:
        return await self._session.get(AnswerRow, id_)

    async def conversation(self, space_id: UUID, id_: UUID) -> ConversationRow | None:
        query = select(ConversationRow).where(ConversationRow.id == id_, ConversationRow.space_id == space_id)
        return (await self._session.execute(query)).scalar_one_or_none()

    async def turns(self, conversation_id: UUID, *, before: UUID | None = None, limit: int = 200) -> Sequence[AnswerRow]:
        """The conversation's latest `limit` answers below `before`, oldest first."""
        query = select(AnswerRow).where(AnswerRow.conversation_id == conversation_id).order_by(AnswerRow.id.desc()).limit(limit)
        query = query.where(AnswerRow.id < before) if before is not None else query
        return list((await self._session.scalars(query)).all())[::-1]

    async def finish(self, id_: UUID, values: dict[str, Any]) -> None:
        await self._session.execute(update(AnswerRow).where(AnswerRow.id == id_).values(finished_at=func.now(), **values))

    async def rate(self, id_: UUID, rating: str | None, reason: str | None) -> None:
        await self._session.execute(update(AnswerRow).where(AnswerRow.id == id_).values(rating=rating, rating_reason=reason))

    async def set_summary(self, id_: UUID, summary: str) -> None:
        await self._session.execute(update(AnswerRow).where(AnswerRow.id == id_).values(summary=summary))

    async def space(self, id_: UUID) -> tuple[int, dict[str, Any]]:
        """(knowledge_version, settings) of a space."""
        row = (await self._session.execute(_SPACE, {"id": id_})).one()
        return row.knowledge_version, row.settings

    async def job_fence(self, job_id: UUID) -> int | None:
        """The fence of an answer's job: who writes it; None where the job is gone."""
        return (await self._session.execute(_FENCE, {"id": job_id})).scalar_one_or_none()

    async def is_written_under(self, job_id: UUID, fence: int) -> bool:
        """Whether the holder of this fence may go on writing."""
        return bool((await self._session.execute(_WRITTEN_UNDER, {"id": job_id, "fence": fence})).scalar_one())
