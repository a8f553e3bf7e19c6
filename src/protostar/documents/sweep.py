"""Removes objects that no row names: what uploads and jobs that were killed have left behind.

Nothing is removed from the store of another database, to which all of its objects would seem to be left behind.
"""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Final

from protostar.db.session import Database
from protostar.documents.ownership import AGE, PREFIXES, Ownership
from protostar.documents.repository import DocumentRepository
from protostar.errors import ConfigurationError, WrongStore
from protostar.objects.store import ObjectStore

_AT_ONCE: Final = 1000


async def remove_unnamed(database: Database, objects: ObjectStore, ownership: Ownership) -> int:
    """How many objects were removed. Raises ConfigurationError, before the first, where the store is another database's."""
    try:
        await ownership.verify()
    except WrongStore as error:  # as it is now it will be in an hour: this is not waited for
        raise ConfigurationError(str(error)) from error
    removed = 0
    async with aclosing(_unnamed(database, objects)) as batches:
        async for unnamed in batches:
            for key in unnamed:
                await objects.delete(key)
            removed += len(unnamed)
    return removed


async def _unnamed(database: Database, objects: ObjectStore) -> AsyncGenerator[list[str]]:
    """Keys of old objects that no row names, some at a time."""
    async with aclosing(_old(objects)) as batches:
        async for keys in batches:
            async with database.transaction() as session:
                named = await DocumentRepository(session).referenced(keys)
            yield [key for key in keys if key not in named]


async def _old(objects: ObjectStore) -> AsyncGenerator[list[str]]:
    keys: list[str] = []
    # Dated by the store: where this machine's clock is ahead, what is being uploaded now would seem to be left behind.
    horizon = await objects.now() - AGE
    for prefix in PREFIXES:
        async for info in objects.list(prefix):
            if info.last_modified < horizon:
                keys.append(info.key)
            if len(keys) >= _AT_ONCE:
                yield keys
                keys = []
    if keys:
        yield keys
