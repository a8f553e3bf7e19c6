"""What an answer is written in: its space as of now, the conversation so far, and what the owner has said to its question."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from protostar.answers.corrections import Given, given
from protostar.answers.history import history
from protostar.answers.models import AnswerRow
from protostar.answers.repository import AnswerRepository
from protostar.db.session import Database
from protostar.llm.prompts import Turn
from protostar.local_cache import LocalCache, Mark
from protostar.spaces.schemas import SpaceSettings


@dataclass(frozen=True, slots=True)
class AnswerContext:
    """`earlier`: as much of the conversation as the prompt carries."""

    knowledge_version: int
    space: SpaceSettings
    turns: Sequence[AnswerRow]
    earlier: Sequence[Turn]
    given: Given | None

    @property
    def is_first(self) -> bool:
        return not self.turns


@dataclass(frozen=True, slots=True)
class SpaceRead:
    """What was read of a space, and the mark taken before."""

    knowledge_version: int
    settings: dict[str, Any]
    mark: Mark
    has_corrections: bool = True


class ContextReader:
    """Reads contexts, and remembers the knowledge version and the settings of each space."""

    def __init__(self, database: Database, *, earlier_chars: int) -> None:
        self._database = database
        self._earlier_chars = earlier_chars
        self._spaces = LocalCache[UUID, tuple[int, SpaceSettings]]()

    def mark(self) -> Mark:
        """To be taken before anything of a space is read, and given back with it."""
        return self._spaces.mark()

    def known(self, space_id: UUID) -> tuple[int, SpaceSettings] | None:
        """Knowledge version and settings, as far as this process knows."""
        return self._spaces.known(space_id)

    def forget(self, space_id: UUID) -> None:
        """Its documents or settings have changed."""
        self._spaces.forget(space_id)

    async def of(self, row: AnswerRow) -> AnswerContext:
        mark = self.mark()
        async with self._database.autocommit() as session:
            repository = AnswerRepository(session)
            version, settings = await repository.space(row.space_id)
            turns = [turn for turn in await repository.turns(row.conversation_id, before=row, limit=20) if turn.state == "done"]
            correction = await given(session, row.space_id, row.question) if not turns else None
        return self._context(row, SpaceRead(version, settings, mark), turns, correction)

    async def of_first(self, row: AnswerRow, read: SpaceRead) -> AnswerContext:
        """Of the first answer of a conversation, whose space has been read."""
        correction = None
        if read.has_corrections:
            async with self._database.autocommit() as session:
                correction = await given(session, row.space_id, row.question)
        return self._context(row, read, (), correction)

    def _context(self, row: AnswerRow, read: SpaceRead, turns: Sequence[AnswerRow], correction: Given | None) -> AnswerContext:
        space = SpaceSettings.stored(read.settings)
        known = self.known(row.space_id)
        if known is not None and known[1] == space:
            space = known[1]  # one for all answers that are under way
        self._spaces.keep(row.space_id, (read.knowledge_version, space), read.mark)
        return AnswerContext(read.knowledge_version, space, turns, history(turns, self._earlier_chars), correction)
