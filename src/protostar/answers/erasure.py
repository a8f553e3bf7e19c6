"""Conversations that are erased, with everything that was made of them."""

from typing import Final
from uuid import UUID

from protostar.answers.repository import AnswerRepository
from protostar.cache import Cache
from protostar.db.session import Database, after_commit
from protostar.errors import Conflict, NotFound
from protostar.redis.announcements import Announcements
from protostar.spaces.repository import SpaceRepository

_RUNNING: Final = "An answer of this conversation is being written; it can be deleted when that has ended."


class Erasure:
    def __init__(self, database: Database, cache: Cache, announcements: Announcements) -> None:
        self._database = database
        self._cache = cache
        self._announcements = announcements

    async def conversation(self, space_id: UUID, id_: UUID) -> None:
        """Erase its answers, what they cite, what was thought of them, and their corrections.

        Of its texts none is given to another question any more, whoever has them in the cache: while Redis is away they stay there
        until they expire. Raises NotFound, and Conflict while one of its answers is being written.
        """
        async with self._database.transaction() as session:
            repository = AnswerRepository(session)
            if not await repository.lock_conversation(space_id, id_):
                raise NotFound("There is no conversation with that id.")
            if await repository.is_being_written(id_):
                raise Conflict(_RUNNING)
            await repository.erase_conversation(space_id, id_)
            await SpaceRepository(session).new_knowledge(space_id)
            after_commit(session, lambda: self._announcements.tell("knowledge", str(space_id)))
        await self._cache.clear(space_id)
