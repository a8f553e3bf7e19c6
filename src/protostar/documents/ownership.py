"""Whose an object store is. It belongs to one database, whose mark lies in it (decision 17).

To any other database its objects would seem to be left behind, and that database's files would seem to be gone. Where a URL is
wrong, or something answers in the store's place, the store is away: nothing is put into it, and what it lacks is not lost.
"""

import asyncio
import hmac
from collections.abc import AsyncGenerator
from contextlib import aclosing
from datetime import UTC, datetime, timedelta
from typing import Final

import structlog

from protostar.access.repository import AccessRepository
from protostar.db.session import Database
from protostar.documents.repository import DocumentRepository
from protostar.errors import ObjectMissing, ObjectsUnavailable, WrongStore
from protostar.objects.store import ObjectStore

log = structlog.get_logger()

MARK: Final = "installation"  # the object that says whose the store is
ADOPT: Final = b"adopt"  # what an operator writes there, so that the database that finds it takes the store over
PREFIXES: Final = ("documents", "texts")

# An upload may be writing its object for as long as it takes; a row follows at once or never.
AGE: Final = timedelta(days=1)
_LENGTH: Final = 64
_SAMPLE: Final = 20  # of the oldest and of the newest objects that rows name: one that is there will do

_CHECK: Final = "Check PROTOSTAR_DATABASE_URL and PROTOSTAR_OBJECTS_URL: each installation needs a store of its own, or a prefix."
_ANOTHERS: Final = (
    f"The object store is not this database's: its object «{MARK}» is another's, or something else answers in its place. {_CHECK}"
)
_STRANGE: Final = (
    f"The object store is not this database's: it has no object «{MARK}», and none of the files that this database names, or it has"
    f" those of others. {_CHECK}"
)


class Ownership:
    """Of one store, as one process knows it; a guard of the store's objects. `objects`: itself not guarded."""

    def __init__(self, database: Database, objects: ObjectStore) -> None:
        self._database = database
        self._objects = objects
        self._is_ours = False
        self._secret: bytes | None = None
        self._told: str | None = None
        self._looking: asyncio.Task[None] | None = None

    async def check(self) -> None:
        """Raise WrongStore unless the store was found to be this database's. A new one is marked, and is from then on."""
        if not self._is_ours:
            await self.verify()

    async def verify(self) -> None:
        """The same, of the store as it is now. Raises also ObjectsUnavailable and DatabaseUnavailable.

        Who comes while somebody looks hears the same: one that hangs is not waited for in a queue.
        """
        if self._looking is None:
            self._looking = asyncio.create_task(self._look())
            self._looking.add_done_callback(self._looked)
        await asyncio.shield(self._looking)

    def _looked(self, task: asyncio.Task[None]) -> None:
        self._looking = None
        if not task.cancelled():
            task.exception()  # whoever asked may have left

    async def problem(self) -> str | None:
        """What is wrong, as a sentence; nothing is written."""
        return (await self._judge())[0]

    async def _look(self) -> None:
        problem, mark = await self._judge()
        self._is_ours = problem is None
        if problem is not None and problem != self._told:
            log.error("objects_of_another_database", error=problem)
        self._told = problem
        if problem is not None:
            raise WrongStore(problem)
        if mark is not None:
            try:
                await self._objects.put(MARK, _once(mark), limit=_LENGTH)
            except ObjectsUnavailable as error:  # what is there can be read from a store that is full
                log.warning("store_not_marked", error=str(error))

    async def _judge(self) -> tuple[str | None, bytes | None]:
        """What is wrong, as a sentence; and the mark that the store should get."""
        own, found = await self._own_mark(), await self._mark()
        if found == own:
            return None, None
        if found is None and not await self._may_be_ours():
            return _STRANGE, None
        if found not in (None, ADOPT):
            return _ANOTHERS, None
        return None, own

    async def _own_mark(self) -> bytes:
        if self._secret is None:
            async with self._database.transaction() as session:
                self._secret = await AccessRepository(session).secret()  # a dump takes it along
        return hmac.digest(self._secret, MARK.encode(), "sha256").hex().encode()

    async def _mark(self) -> bytes | None:
        try:
            async with aclosing(self._objects.read(MARK)) as chunks:
                return (await anext(chunks, b""))[: _LENGTH + 1].strip()
        except ObjectMissing:
            return None

    async def _may_be_ours(self) -> bool:
        """Whether an object is there that this database names; where it names none, whether the store is new.

        A release before this one left no mark.
        """
        async with self._database.transaction() as session:
            keys = await DocumentRepository(session).some_keys(_SAMPLE)
        if not keys:
            return not await self._holds_old_objects()
        for key in keys:
            try:
                await self._objects.size(key)
            except ObjectMissing:
                continue
            return True
        return False

    async def _holds_old_objects(self) -> bool:
        for prefix in PREFIXES:
            async with aclosing(self._objects.list(prefix)) as found:
                async for info in found:
                    if info.last_modified < datetime.now(UTC) - AGE:
                        return True
        return False


async def _once(content: bytes) -> AsyncGenerator[bytes]:
    yield content
