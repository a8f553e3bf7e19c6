"""Conversations that are erased, with everything that was made of them: one, all of a visitor, and those that have been kept for as
long as their space wants.

An answer that is being written is erased like any other: its job goes along, and with it the writer's right to save.
"""

from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from datetime import timedelta
from functools import partial
from typing import Any, Final
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from protostar.answers.repository import AnswerRepository
from protostar.cache import Cache
from protostar.db.session import Database, after_commit
from protostar.errors import NotFound
from protostar.ids import first_id
from protostar.jobs.context import JobContext
from protostar.jobs.model import Change
from protostar.jobs.repository import Enqueue, JobRepository
from protostar.jobs.service import Jobs
from protostar.redis.announcements import Announcements
from protostar.spaces.repository import SpaceRepository

EXPIRE: Final = "conversations.expire"
ERASE_VISITOR: Final = "visitor.erase"

_AT_ONCE: Final = 100
_ON_THE_WAY: Final = timedelta(minutes=1)  # within which a page may have sent a question again by itself
_LATE: Final = timedelta(minutes=10)  # after which a question that was being taken in is there, or never will be
_WRITTEN: Final = timedelta(hours=1)  # within which an answer is, and cached from then on; see answer.write
_TRIED_AGAIN: Final = timedelta(hours=1)
_GIVE_UP: Final = timedelta(days=30)

Begin = Callable[[], AbstractAsyncContextManager[AsyncSession]]
"""A transaction."""

Lock = Callable[[AnswerRepository], Awaitable[Sequence[UUID]]]
"""Locks some conversations, so that no question is added to them; none where all are erased."""


class Erasure:
    def __init__(self, database: Database, cache: Cache, announcements: Announcements, jobs: Jobs, *, cache_ttl: timedelta) -> None:
        """`cache_ttl`: for how long an answer is cached."""
        self._database = database
        self._cache = cache
        self._cache_ttl = cache_ttl
        self._announcements = announcements
        self._jobs = jobs

    async def conversation(self, space_id: UUID, id_: UUID) -> None:
        """Erase its answers, what they cite, what was thought of them, and their corrections. Raises NotFound.

        Of its texts none is given to another question any more, whoever has them in the cache: while Redis is away they stay there
        until they expire.
        """
        async with self._database.transaction() as session:
            if not await AnswerRepository(session).lock_conversation(space_id, id_):
                raise NotFound("There is no conversation with that id.")
            await AnswerRepository(session).erase_conversations(space_id, [id_])
            await self._void_cached(session, space_id)

    async def visitor(self, space_id: UUID, visitor_id: UUID) -> int:
        """Erase all conversations of a visitor. How many there were.

        What is being taken in at this moment, which nobody can see yet, is erased by a job later, and so is the rest where this
        process dies.
        """
        async with self._database.transaction() as session:
            before = first_id(await JobRepository(session).now() + _ON_THE_WAY)
            args = {"visitor_id": str(visitor_id), "before": str(before)}
            await self._jobs.enqueue(session, _later(space_id, args, _LATE))
        return await self._all_of_visitor(self._database.transaction, space_id, visitor_id, before)

    async def visitor_again(self, context: JobContext) -> None:
        """`visitor.erase`: what has come since a visitor was erased, and was begun before."""
        if context.job.space_id is not None:
            visitor_id, before = UUID(context.job.args["visitor_id"]), UUID(context.job.args["before"])
            await self._all_of_visitor(context.writing, context.job.space_id, visitor_id, before)

    async def follow(self, session: AsyncSession, change: Change) -> None:
        """What was promised is tried without end."""
        if change.state in ("dead", "failed"):
            await self._jobs.enqueue(session, _later(change.job.space_id, change.job.args, _TRIED_AGAIN))

    async def expired(self, context: JobContext) -> None:
        """`conversations.expire`: of each space that says how long, those that nothing was added to for longer."""
        async with self._database.transaction() as session:
            now = await JobRepository(session).now()
            spaces = await SpaceRepository(session).keeping()
        for space_id, days in spaces:
            kept = timedelta(days=days)
            lock = partial(AnswerRepository.lock_some_expired, space_id=space_id, at=now - kept, limit=_AT_ONCE)
            await self._all(context.writing, space_id, lock, may_be_cached=kept < self._cache_ttl + _WRITTEN)

    async def _all_of_visitor(self, begin: Begin, space_id: UUID, visitor_id: UUID, before: UUID) -> int:
        lock = partial(
            AnswerRepository.lock_some_of_visitor, space_id=space_id, visitor_id=visitor_id, before=before, limit=_AT_ONCE
        )
        return await self._all(begin, space_id, lock, may_be_cached=True)

    async def _all(self, begin: Begin, space_id: UUID, lock: Lock, *, may_be_cached: bool) -> int:
        """Erase some at a time, so that nobody waits for long. How many."""
        erased = 0
        while True:
            async with begin() as session:
                ids = await lock(AnswerRepository(session))
                if not ids:
                    return erased
                await AnswerRepository(session).erase_conversations(space_id, ids)
                if may_be_cached:
                    await self._void_cached(session, space_id)
            erased += len(ids)

    async def _void_cached(self, session: AsyncSession, space_id: UUID) -> None:
        """Let no answer of before be given again: its version voids also what Redis, which may be away, goes on keeping, and what
        a writer that has saved an answer is just putting there.
        """
        await SpaceRepository(session).new_knowledge(space_id)
        after_commit(session, lambda: self._announcements.tell("knowledge", str(space_id)))
        after_commit(session, lambda: self._cache.clear(space_id))


def _later(space_id: UUID | None, args: dict[str, Any], delay: timedelta) -> Enqueue:
    return Enqueue(ERASE_VISITOR, space_id, args, delay=delay, give_up_after=_GIVE_UP)
