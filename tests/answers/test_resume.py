"""Reading on what another process writes: nothing twice, nothing left out, whatever Redis has lost and whoever writes."""

from collections.abc import AsyncGenerator, Sequence
from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import text

from protostar.answers.events import Event, Feed, Recorder, stream_key
from protostar.answers.models import AnswerRow, ConversationRow
from protostar.answers.repository import AnswerRepository
from protostar.answers.resume import Resume
from protostar.db.session import Database
from protostar.ids import new_id
from protostar.jobs.repository import Enqueue, JobRepository
from protostar.redis.client import RedisClient

WORDS = ("Backups ", "are kept ", "for 30 days.")


class Writing:
    """An answer that is being written, and a reader of it."""

    def __init__(self, database: Database, redis: RedisClient, row: AnswerRow) -> None:
        self.row = row
        self.fence = 0
        self.here: Feed | None = None
        self._database = database
        self._redis = redis
        self._resume = Resume(database, redis, lambda _id: self.here, lambda: False)

    async def taken(self) -> None:
        """By its first writer, or by the next one."""
        async with self._database.transaction() as session:
            await session.execute(text("update jobs set state = 'queued', lease_owner = null, lease_until = null"))
            (job,) = await JobRepository(session).claim(["k"], limit=1, owner="w", lease=timedelta(minutes=1))
        self.fence = job.fence

    async def written(self, *words: str, ends: bool = False) -> Feed:
        """So much by who writes now, each word as an entry of its own in Redis."""
        feed = Feed(self.row.id, self.fence)
        recorder = Recorder(self._redis, timedelta(minutes=1), interval=60)
        async with recorder.recording(feed):
            for word in words:
                feed.publish("delta", {"text": word})
                await recorder._write(self._redis, list(recorder._feeds.items()))
            if ends:
                feed.publish("done", {"answer": {}})
        return feed

    async def lost(self, seq: int) -> None:
        """Redis loses an entry."""
        await self._redis.run(lambda client: client.xdel(stream_key(self.row.id, self.fence), f"{self.fence}-{seq}"))

    async def finished(self) -> None:
        async with self._database.transaction() as session:
            await AnswerRepository(session).finish(self.row.id, {"state": "done", "text": "".join(WORDS)})

    def read(self, seq: int, fence: int | None = None) -> AsyncGenerator[list[Event]]:
        """What comes after this event."""
        return self._resume.events(self.row, (fence or self.fence, seq))


@pytest.fixture
async def writing(database: Database, redis: RedisClient, space_id: UUID) -> Writing:
    async with database.transaction() as session:
        job_id = await JobRepository(session).enqueue(Enqueue("k", space_id, {}))
        conversation = ConversationRow(id=new_id(), space_id=space_id, visitor_id=None)
        row = AnswerRow(id=new_id(), space_id=space_id, conversation_id=conversation.id, question="How long?", job_id=job_id)
        await AnswerRepository(session).add(row, conversation)
    writing = Writing(database, redis, row)
    await writing.taken()
    return writing


def names(events: Sequence[Event]) -> list[str]:
    return [event.name for event in events]


def shown(before: str, events: Sequence[Event]) -> str:
    """What a reader sees who had this before."""
    for event in events:
        before = "" if event.name == "reset" else before + event.data.get("text", "")
    return before


async def rest(reading: AsyncGenerator[list[Event]]) -> list[Event]:
    return [event async for events in reading for event in events]


async def test_a_change_of_the_writer_begins_the_text_anew(writing: Writing) -> None:
    await writing.written(*WORDS[:2])
    reading = writing.read(0)
    assert shown("", await anext(reading)) == "Backups are kept "
    await writing.taken()
    await writing.written("All ", "anew", ends=True)
    told = await rest(reading)
    assert names(told) == ["reset", "delta", "delta", "done"]
    assert shown("Backups are kept ", told) == "All anew"


async def test_who_read_another_writer_does_not_go_on_with_what_is_written_here(writing: Writing) -> None:
    """Its first words would be taken for those that the reader has."""
    before = writing.fence
    await writing.taken()
    writing.here = await writing.written(*WORDS, ends=True)
    told = await rest(writing.read(1, before))
    assert names(told) == ["reset", "delta", "delta", "delta", "done"]


async def test_the_rest_of_what_is_finished_comes_from_redis(writing: Writing) -> None:
    await writing.written(*WORDS, ends=True)
    await writing.finished()
    assert names(await rest(writing.read(1))) == ["delta", "delta", "done"]


@pytest.mark.parametrize("seq", [2, 4], ids=["in the middle", "at the end"])
async def test_where_redis_has_lost_some_of_it_the_text_begins_anew(writing: Writing, seq: int) -> None:
    await writing.written(*WORDS, ends=True)
    await writing.lost(seq)
    await writing.finished()
    told = await rest(writing.read(1))
    assert names(told) == ["reset", "delta", "done"]
    assert shown(WORDS[0], told) == "".join(WORDS)


async def test_what_redis_has_lost_while_it_is_written_is_not_left_out(writing: Writing) -> None:
    await writing.written(*WORDS)
    await writing.lost(2)
    reading = writing.read(0)
    told = list(await anext(reading))
    assert shown("", told) == WORDS[0]
    await writing.finished()
    told = await rest(reading)
    assert shown(WORDS[0], told) == "".join(WORDS)
    assert names(told)[-1] == "done"
