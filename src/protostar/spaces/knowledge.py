"""What the answers of a space rest on."""

from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from protostar.db.session import after_commit
from protostar.redis.announcements import Announcements
from protostar.spaces.repository import SpaceRepository


async def renew_knowledge(session: AsyncSession, announcements: Announcements, space_id: UUID) -> None:
    """It has changed: no answer of before is given again, and other processes are told once this is committed."""
    await SpaceRepository(session).new_knowledge(space_id)
    after_commit(session, lambda: announcements.tell("knowledge", str(space_id)))
