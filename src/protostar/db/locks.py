"""Locks of PostgreSQL that are named, and end with the transaction that took them."""

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

_LOCK = text("select pg_advisory_xact_lock(hashtextextended(:name, 0))")


async def serialize(session: AsyncSession, name: str) -> None:
    """Wait until no other transaction holds the lock of this name."""
    await session.execute(_LOCK, {"name": name})
