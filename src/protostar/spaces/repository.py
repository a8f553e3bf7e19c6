"""Statements about spaces."""

from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

from sqlalchemy import func, select, text, update
from sqlalchemy.ext.asyncio import AsyncSession

from protostar.spaces.models import SpaceRow

_NEW_KNOWLEDGE = text("update spaces set knowledge_version = knowledge_version + 1 where id = :id")


class SpaceRepository:
    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def get(self, id_: UUID) -> SpaceRow | None:
        query = select(SpaceRow).where(SpaceRow.id == id_, SpaceRow.deleted_at.is_(None))
        return (await self._session.execute(query)).scalar_one_or_none()

    async def lock(self, id_: UUID) -> None:
        """Wait for whoever deletes, restores or erases the space at this moment."""
        await self._session.execute(select(SpaceRow.id).where(SpaceRow.id == id_).with_for_update())

    async def page(self, *, before: UUID | None, limit: int) -> Sequence[SpaceRow]:
        query = select(SpaceRow).where(SpaceRow.deleted_at.is_(None)).order_by(SpaceRow.id.desc()).limit(limit)
        if before is not None:
            query = query.where(SpaceRow.id < before)
        return (await self._session.scalars(query)).all()

    async def deleted(self, *, before: UUID | None, limit: int) -> Sequence[SpaceRow]:
        """Those that can still be restored, by the clock as it is now."""
        query = select(SpaceRow).where(SpaceRow.erase_at > func.clock_timestamp()).order_by(SpaceRow.id.desc()).limit(limit)
        if before is not None:
            query = query.where(SpaceRow.id < before)
        return (await self._session.scalars(query)).all()

    async def add(self, row: SpaceRow) -> SpaceRow:
        self._session.add(row)
        await self._session.flush()
        await self._session.refresh(row)
        return row

    async def touch(self, row: SpaceRow) -> SpaceRow:
        await self._session.flush()
        await self._session.execute(update(SpaceRow).where(SpaceRow.id == row.id).values(updated_at=func.now()))
        await self._session.refresh(row)
        return row

    async def hide(self, id_: UUID, grace: timedelta) -> None:
        hidden = update(SpaceRow).where(SpaceRow.id == id_)
        await self._session.execute(hidden.values(deleted_at=func.now(), erase_at=func.now() + grace))

    async def unhide(self, id_: UUID) -> None:
        """The opposite, by the clock as it is now, for one that is not being erased yet."""
        hidden = update(SpaceRow).where(SpaceRow.id == id_, SpaceRow.erase_at > func.clock_timestamp())
        await self._session.execute(hidden.values(deleted_at=None, erase_at=None))

    async def new_knowledge(self, id_: UUID) -> None:
        """Answers of before may not be what they would be now. Last in its transaction: all writers of a space meet at this row."""
        await self._session.execute(_NEW_KNOWLEDGE, {"id": id_})
