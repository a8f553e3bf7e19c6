"""Removes objects that no row names: what uploads and jobs that were killed have left behind.

A store belongs to one database, whose mark lies in it. To any other all of its objects would seem to be left behind: where a URL is
wrong, or the objects of a back-up are there before its rows.
"""

import hmac
from collections.abc import AsyncGenerator
from contextlib import aclosing
from datetime import UTC, datetime, timedelta
from typing import Final

import structlog

from protostar.access.repository import AccessRepository
from protostar.db.session import Database
from protostar.documents.repository import DocumentRepository
from protostar.errors import ConfigurationError, ObjectMissing
from protostar.objects.store import ObjectStore

log = structlog.get_logger()

MARK: Final = "installation"  # the object that says whose the store is

# An upload may be writing its object for as long as it takes; a row follows at once or never.
_AGE: Final = timedelta(days=1)
_PREFIXES: Final = ("documents", "texts")
_AT_ONCE: Final = 1000
_LENGTH: Final = 64


async def remove_unnamed(database: Database, objects: ObjectStore) -> int:
    """How many objects were removed. Raises ConfigurationError, before the first, where the store is another database's."""
    await _check_owner(database, objects)
    removed = 0
    async with aclosing(_unnamed(database, objects)) as batches:
        async for _keys, unnamed in batches:
            for key in unnamed:
                await objects.delete(key)
            removed += len(unnamed)
    return removed


async def _check_owner(database: Database, objects: ObjectStore) -> None:
    async with database.transaction() as session:
        secret = await AccessRepository(session).secret()  # a dump takes it along
    own = hmac.digest(secret, MARK.encode(), "sha256").hex().encode()
    owner = await _owner(objects)
    if owner is None and await _may_be_ours(database, objects):
        await objects.put(MARK, _once(own), limit=_LENGTH)
    elif owner != own:
        error = ConfigurationError(
            f"The object store holds another database's objects, so nothing is removed from it. Check PROTOSTAR_DATABASE_URL and"
            f" PROTOSTAR_OBJECTS_URL: each installation needs a store of its own, or a prefix. Where both are right and the"
            f" documents are there, delete the object «{MARK}»."
        )
        log.error("objects_of_another_database", error=str(error))
        raise error


async def _owner(objects: ObjectStore) -> bytes | None:
    try:
        return b"".join([chunk async for chunk in objects.read(MARK, end=_LENGTH)])
    except ObjectMissing:
        return None


async def _may_be_ours(database: Database, objects: ObjectStore) -> bool:
    """Whether one of the objects is named by a row of this database, or there are none; a release before this one left no mark."""
    is_empty = True
    async with aclosing(_unnamed(database, objects)) as batches:
        async for keys, unnamed in batches:
            if len(unnamed) < len(keys):
                return True
            is_empty = False
    return is_empty


async def _unnamed(database: Database, objects: ObjectStore) -> AsyncGenerator[tuple[list[str], list[str]]]:
    """(keys of old objects, those of them that no row names), so many at a time."""
    async with aclosing(_old(objects)) as batches:
        async for keys in batches:
            async with database.transaction() as session:
                named = await DocumentRepository(session).referenced(keys)
            yield keys, [key for key in keys if key not in named]


async def _old(objects: ObjectStore) -> AsyncGenerator[list[str]]:
    keys: list[str] = []
    for prefix in _PREFIXES:
        async for info in objects.list(prefix):
            if info.last_modified < datetime.now(UTC) - _AGE:
                keys.append(info.key)
            if len(keys) >= _AT_ONCE:
                yield keys
                keys = []
    if keys:
        yield keys


async def _once(content: bytes) -> AsyncGenerator[bytes]:
    yield content
