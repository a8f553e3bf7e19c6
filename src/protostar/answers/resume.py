"""Reading an answer on from where a lost connection left it: from its writer, from Redis, or from its finished row."""

import asyncio
import time
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from protostar.answers.draft import show
from protostar.answers.events import Event, Feed, recorded
from protostar.answers.models import AnswerRow
from protostar.answers.repository import AnswerRepository
from protostar.db.patience import patiently
from protostar.db.session import Database
from protostar.errors import DatabaseUnavailable, NotFound, ProtostarError, RedisUnavailable
from protostar.problems import problem
from protostar.redis.client import RedisClient
from protostar.sse import KEEP_ALIVE

_WAIT: Final = 1.0  # seconds to wait for an event before asking again who writes
_BEHIND: Final = 0.5  # seconds that the recording of an answer may be behind its row
_FROM_ROW: Final = 1_000_000  # seq of events that are made from the finished row; no writer gets that far


@dataclass(slots=True)
class _Position:
    """The last event that the reader has. `whole`: whether nothing is missing up to it."""

    fence: int
    seq: int
    whole: bool = True

    @property
    def has_text(self) -> bool:
        return self.seq > 0

    def follow(self, events: Sequence[Event]) -> list[Event]:
        """The events that come next; a gap means that Redis lost some, and only the finished row has it all."""
        following: list[Event] = []
        for event in events:
            if event.seq != self.seq + 1:
                self.whole = False
                break
            self.seq = event.seq
            following.append(event)
        return following


class Resume:
    """`feed_of`: the feed of an answer that this process writes. `ended`: whether it serves no readers any more, and leaves those
    of unfinished answers to the others."""

    def __init__(
        self,
        database: Database,
        redis: RedisClient | None,
        feed_of: Callable[[UUID], Feed | None],
        ended: Callable[[], bool],
    ) -> None:
        self._database = database
        self._redis = redis
        self._feed_of = feed_of
        self._ended = ended

    async def events(self, row: AnswerRow, last: tuple[int, int] | None) -> AsyncGenerator[list[Event]]:
        """Every event after `last` (fence, seq), through any change of the writing process, up to `done` or `error`.

        As many as are there at a time; none where nothing came for a while, so that the connection can be kept open.
        """
        position = _Position(*last) if last is not None else None
        async for events in self._here(row.id, position):
            if events:
                position = _Position(events[-1].fence, events[-1].seq)
            yield events
            if events and events[-1].is_last:
                return
        spoke_at = time.monotonic()
        while (fence := await self._writer(row)) is not None:
            if self._ended():
                return
            events = list[Event]()
            if position is None or position.fence != fence:
                if position is not None:
                    events.append(_reset(row, fence, 0))
                position = _Position(fence, 0)
            events += position.follow(await self._next(row.id, position))
            if events or time.monotonic() - spoke_at > KEEP_ALIVE:
                spoke_at = time.monotonic()
                yield events
            if events and events[-1].is_last:
                return
        yield [event async for event in self._finished(row, position)]

    async def _here(self, answer_id: UUID, position: _Position | None) -> AsyncGenerator[list[Event]]:
        """Straight from memory where this process writes what the reader was reading: no other is asked for anything."""
        feed = self._feed_of(answer_id)
        if feed is None or (position is not None and position.fence != feed.fence):
            return
        async for events in feed.follow(position.seq if position is not None else 0, KEEP_ALIVE):
            yield events

    async def _writer(self, row: AnswerRow) -> int | None:
        """The fence of whoever writes the answer now; None once it is finished. Waits while PostgreSQL is away."""
        while True:
            try:
                async with self._database.transaction() as session:
                    repository = AnswerRepository(session)
                    current = await repository.by_id(row.id)
                    if current is None or current.state != "running" or current.job_id is None:
                        return None
                    return await repository.job_fence(current.job_id)
            except DatabaseUnavailable:
                await asyncio.sleep(_WAIT)

    async def _next(self, answer_id: UUID, position: _Position) -> Sequence[Event]:
        """What another process wrote after the position, as soon as there is something; nothing after about a second."""
        if self._redis is not None and position.whole:
            with suppress(RedisUnavailable):
                return await recorded(self._redis, answer_id, position.fence, position.seq, _WAIT)
        await asyncio.sleep(_WAIT)
        return []

    async def _finished(self, row: AnswerRow, position: _Position | None) -> AsyncGenerator[Event]:
        """The rest of a finished answer where Redis still has it, else all of it from the row."""
        if position is not None and position.has_text and (rest := await self._rest(row.id, position)):
            for event in rest:
                yield event
            return
        latest = await patiently(lambda: self._latest(row))
        row = latest or row
        fence = position.fence if position is not None else 0
        if position is not None and position.has_text:
            yield _reset(row, fence, _FROM_ROW)
        if row.state != "done":
            reason = ProtostarError() if latest is not None else NotFound("The answer was deleted while it was written.")
            error: dict[str, Any] = row.error or problem(reason)
            yield Event.of("error", {"problem": error}, fence, _FROM_ROW + 1)
            return
        if row.shown_text:
            yield Event.of("delta", {"text": row.shown_text}, fence, _FROM_ROW + 1)
        yield Event.of("done", {"answer": show(row).model_dump(mode="json")}, fence, _FROM_ROW + 2)

    async def _rest(self, answer_id: UUID, position: _Position) -> Sequence[Event]:
        """All recorded events after the position, down to the last; none where one is missing."""
        rest: list[Event] = []
        with suppress(RedisUnavailable):
            while self._redis is not None:
                found = position.follow(await recorded(self._redis, answer_id, position.fence, position.seq, _BEHIND))
                rest += found
                if not found or found[-1].is_last:
                    break
        return rest if rest and rest[-1].is_last else []

    async def _latest(self, row: AnswerRow) -> AnswerRow | None:
        async with self._database.transaction() as session:
            return await AnswerRepository(session).by_id(row.id)


def _reset(row: AnswerRow, fence: int, seq: int) -> Event:
    return Event.of("reset", {"answer_id": str(row.id)}, fence, seq)
