"""Statements about webhooks."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import Boolean, delete, func, literal_column, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from protostar.db.locks import serialize
from protostar.webhooks.models import WebhookRow

_LISTENERS = text("select id from webhooks where space_id = :space_id and :event = any(events) order by id")
_IS_OPEN = literal_column("(select deleted_at is null from spaces where spaces.id = webhooks.space_id)", Boolean())


class WebhookRepository:
    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def serialize(self, space_id: UUID) -> None:
        """Let webhooks of a space be made by one transaction at a time, so that all of them are counted."""
        await serialize(self._session, f"webhooks/{space_id}")

    async def count(self, space_id: UUID) -> int:
        query = select(func.count()).select_from(WebhookRow).where(WebhookRow.space_id == space_id)
        return (await self._session.execute(query)).scalar_one()

    async def add(self, row: WebhookRow) -> WebhookRow:
        self._session.add(row)
        await self._session.flush()
        return row

    async def get(self, space_id: UUID, id_: UUID) -> WebhookRow | None:
        query = select(WebhookRow).where(WebhookRow.id == id_, WebhookRow.space_id == space_id)
        return (await self._session.execute(query)).scalar_one_or_none()

    async def page(self, space_id: UUID, *, before: UUID | None, limit: int) -> Sequence[WebhookRow]:
        query = select(WebhookRow).where(WebhookRow.space_id == space_id).order_by(WebhookRow.id.desc()).limit(limit)
        query = query.where(WebhookRow.id < before) if before is not None else query
        return (await self._session.scalars(query)).all()

    async def delete(self, space_id: UUID, id_: UUID) -> bool:
        """Whether there was one."""
        statement = delete(WebhookRow).where(WebhookRow.id == id_, WebhookRow.space_id == space_id)
        return (await self._session.scalars(statement.returning(WebhookRow.id))).one_or_none() is not None

    async def listeners(self, space_id: UUID, event: str) -> Sequence[UUID]:
        """The webhooks of the space that want the event."""
        return (await self._session.execute(_LISTENERS, {"space_id": space_id, "event": event})).scalars().all()

    async def target(self, id_: UUID) -> tuple[WebhookRow, bool] | None:
        """The webhook for a delivery, and whether its space is open; None once it is deleted."""
        row = (await self._session.execute(select(WebhookRow, _IS_OPEN).where(WebhookRow.id == id_))).one_or_none()
        return None if row is None else (row[0], row[1])
