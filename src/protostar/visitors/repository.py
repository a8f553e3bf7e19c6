"""Statements about visitors."""

from uuid import UUID

from sqlalchemy import Uuid, bindparam, text
from sqlalchemy.ext.asyncio import AsyncSession

_ADOPT = text("update conversations set visitor_id = :new where visitor_id = :old and space_id = :space").bindparams(
    bindparam("new", type_=Uuid), bindparam("old", type_=Uuid), bindparam("space", type_=Uuid)
)


class VisitorRepository:
    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def adopt(self, space_id: UUID, old: UUID, new: UUID) -> None:
        """Give one visitor's conversations to another."""
        await self._session.execute(_ADOPT, {"space": space_id, "old": old, "new": new})
