"""Statements about spaces."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Row, delete, func, select, text, update
from sqlalchemy.ext.asyncio import AsyncSession

from protostar.spaces.models import SpaceRow

TABLES: Final = (
    "conversations", "embeddings", "term_deltas", "term_frequencies", "idempotency_keys", "webhooks", "space_keys",
)  # fmt: skip
"""The tables of what a space holds besides its documents, children before parents."""

_BEGIN_ERASURE = text("""
    update spaces set erase_at = null
    where id = :id and deleted_at is not null and (erase_at is null or erase_at <= clock_timestamp()) returning id""")
_DELETION = text("""
    select deleted_at is not null as deleted, greatest(erase_at - clock_timestamp(), interval '0') as left
    from spaces where id = :id for update""")
# Few rows at a time: no statement may take longer than the database's patience, however old the space is.
_ERASE_SOME: Final = "delete from {table} where ctid in (select ctid from {table} where space_id = :id limit 1000) returning 1"
_KEEPING = text("""
    select id, (settings ->> 'keep_conversations_days')::int as days from spaces
    where deleted_at is null and settings ->> 'keep_conversations_days' is not null order by id""")
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

    async def keeping(self) -> Sequence[tuple[UUID, int]]:
        """(id, days) of the spaces that keep conversations for so many days alone."""
        return [(row.id, row.days) for row in await self._session.execute(_KEEPING)]

    # -- erasing

    async def deletion(self, id_: UUID) -> Row[Any] | None:
        """(deleted, left): whether it is, and how long that can still be taken back. Waits for whoever does so at this moment."""
        return (await self._session.execute(_DELETION, {"id": id_})).one_or_none()

    async def begin_erasure(self, id_: UUID) -> bool:
        """Whether the space is to be erased by now; then nobody can restore it any more."""
        return (await self._session.execute(_BEGIN_ERASURE, {"id": id_})).one_or_none() is not None

    async def erase_some(self, id_: UUID, table: str) -> bool:
        """Delete up to 1,000 rows of one of `TABLES`; whether there were any."""
        return bool((await self._session.execute(text(_ERASE_SOME.format(table=table)), {"id": id_})).all())

    async def erase(self, id_: UUID) -> None:
        """Delete the space, and what has come meanwhile."""
        for table in TABLES:
            await self._session.execute(text(f"delete from {table} where space_id = :id"), {"id": id_})
        await self._session.execute(delete(SpaceRow).where(SpaceRow.id == id_))
