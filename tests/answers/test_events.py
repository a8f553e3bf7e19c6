"""Feeds: what an answer says, kept for whoever reads it, from wherever."""

import asyncio
from contextlib import aclosing
from datetime import timedelta
from typing import Any
from uuid import uuid4

from protostar.answers.events import Event, Feed, Recorder, recorded, stream_key
from protostar.redis.client import RedisClient


def written() -> Feed:
    feed = Feed(uuid4(), 7)
    for text in ("한 ", "two", '"\n'):
        feed.publish("delta", {"text": text})
    return feed


def test_events_are_kept_as_they_were_told() -> None:
    feed = written()
    feed.reset()
    feed.publish("done", {"answer": {"text": "빛"}})
    said = [(event.name, event.data, event.id) for event in feed.after(0)]
    assert said == [
        ("delta", {"text": "한 "}, "7-1"),
        ("delta", {"text": "two"}, "7-2"),
        ("delta", {"text": '"\n'}, "7-3"),
        ("reset", {"answer_id": str(feed.answer_id)}, "7-4"),
        ("done", {"answer": {"text": "빛"}}, "7-5"),
    ]
    assert [event.seq for event in feed.after(3)] == [4, 5]
    assert feed.after(5) == []
    assert feed.after(5_000) == []
    assert [event.is_last for event in feed.after(3)] == [False, True]


def test_there_is_nothing_to_take_back_twice() -> None:
    feed = written()
    feed.reset()
    feed.reset()
    assert feed.seq == 4


async def test_each_reader_follows_from_where_it_is() -> None:
    feed = written()

    async def read(seq: int) -> list[Event]:
        return [event async for events in feed.follow(seq) for event in events]

    async with asyncio.TaskGroup() as group:
        readers = [group.create_task(read(seq)) for seq in (0, 2, 3)]
        await asyncio.sleep(0)
        feed.publish("delta", {"text": "more"})
        await asyncio.sleep(0)
        feed.publish("done", {})
        feed.close()
    assert [[event.seq for event in reader.result()] for reader in readers] == [[1, 2, 3, 4, 5], [3, 4, 5], [4, 5]]


async def test_silence_is_told_and_told_again() -> None:
    feed = written()
    async with aclosing(feed.follow(0, 0.01)) as batches:
        assert len(await anext(batches)) == 3
        assert [await anext(batches), await anext(batches)] == [[], []]
        feed.publish("delta", {"text": "more"})
        assert [event.data for event in await anext(batches)] == [{"text": "more"}]
        assert await anext(batches) == []
        feed.close()
        assert [events async for events in batches] == []


async def test_what_comes_at_the_end_of_a_silence_is_not_lost() -> None:
    feed, loop = Feed(uuid4(), 7), asyncio.get_running_loop()
    async with aclosing(feed.follow(0, 0.01)) as batches:
        reading = asyncio.create_task(anext(batches))  # pyright: ignore[reportArgumentType, reportUnknownVariableType]
        await asyncio.sleep(0)
        due = loop.time() + 0.01
        loop.call_at(due, feed.publish, "delta", {"text": "late"})
        while loop.time() <= due:  # both timers end in one turn of the loop: first the silence, then this
            pass
        assert await reading == []
        assert [event.data for event in await anext(batches)] == [{"text": "late"}]


async def test_what_is_recorded_can_be_read_by_others_and_expires(redis: RedisClient) -> None:
    feeds = [written(), written()]
    keys = [stream_key(feed.answer_id, feed.fence) for feed in feeds]
    recorder = Recorder(redis, timedelta(seconds=90), interval=0.01)
    async with recorder.recording(feeds[0]), recorder.recording(feeds[1]):
        for feed in feeds:
            assert [event.seq for event in await recorded(redis, feed.answer_id, 7, 0, 5)] == [1, 2, 3]
            feed.publish("delta", {"text": "more"})
            assert [event.data for event in await recorded(redis, feed.answer_id, 7, 3, 5)] == [{"text": "more"}]
            feed.publish("done", {"answer": {"text": "빛"}})
    for feed in feeds:
        assert await recorded(redis, feed.answer_id, 7, 2, 0) == feed.after(2)

    async def expiries(client: Any) -> list[int]:
        return [await client.ttl(key) for key in keys]

    assert all(80 <= seconds <= 90 for seconds in await redis.run(expiries))


async def test_an_entry_that_fails_costs_no_other(redis: RedisClient) -> None:
    feeds = [written(), written()]

    async def run_ahead(client: Any) -> None:
        key = stream_key(feeds[0].answer_id, 7)
        await client.xadd(key, {"events": "[]"}, id="7-100")
        await client.expire(key, 90)

    await redis.run(run_ahead)
    recorder = Recorder(redis, timedelta(seconds=90), interval=0.01)
    async with recorder.recording(feeds[0]), recorder.recording(feeds[1]):
        assert await recorded(redis, feeds[1].answer_id, 7, 0, 5) == feeds[1].after(0)
