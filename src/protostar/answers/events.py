"""The events of one answer while it is written: kept in this process, and in Redis for whoever lost the connection.

`start`, then `delta`…, then exactly one of `done` and `error`; `reset` says that the text begins anew.
"""

import asyncio
import json
import re
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final, Literal
from uuid import UUID

from redis.asyncio import Redis

from protostar.redis.client import RedisClient

Name = Literal["start", "delta", "reset", "done", "error"]
_LAST: Final = ("done", "error")
_ID: Final = re.compile(r"([0-9]{1,19})-([0-9]{1,19})")
_LENGTH: Final = 5000  # entries of one answer's stream; an answer of that many pieces is not written in ten minutes


@dataclass(frozen=True, slots=True)
class Event:
    """`fence` and `seq` make its id: a later holder of the answer's job has a higher fence."""

    name: Name
    data: dict[str, Any]
    fence: int
    seq: int

    @property
    def id(self) -> str:
        return f"{self.fence}-{self.seq}"

    @property
    def is_last(self) -> bool:
        return self.name in _LAST


def parse_id(id_: str) -> tuple[int, int] | None:
    """(fence, seq) of an event id; None for anything else."""
    match = _ID.fullmatch(id_)
    return (int(match[1]), int(match[2])) if match else None


def stream_key(answer_id: UUID, fence: int) -> str:
    return f"protostar:answer:{answer_id}:{fence}"


class Feed:
    """The events of an answer that this process writes, for any number of readers, at any time."""

    def __init__(self, answer_id: UUID, fence: int) -> None:
        self.answer_id = answer_id
        self.fence = fence
        self._events: list[Event] = []
        self._changed = asyncio.Event()
        self._closed = False
        self._has_text = False

    def publish(self, name: Name, data: dict[str, Any]) -> None:
        self._has_text = name == "delta" or (self._has_text and name != "reset")
        self._events.append(Event(name, data, self.fence, len(self._events) + 1))
        self._wake()

    def reset(self) -> None:
        """Take back the text so far, where there is any."""
        if self._has_text:
            self.publish("reset", {"answer_id": str(self.answer_id)})

    def close(self) -> None:
        """Nothing more comes: the answer has ended, or another process writes it now."""
        self._closed = True
        self._wake()

    def _wake(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()

    async def follow(self, seq: int = 0) -> AsyncGenerator[list[Event]]:
        """The events after `seq` as they come, all that are there at a time, until the feed is closed."""
        while True:
            changed = self._changed
            if pending := self._events[seq:]:
                seq = pending[-1].seq
                yield pending
            elif self._closed:
                return
            else:
                await changed.wait()


class Recorder:
    """Copies a feed into a capped, expiring Redis stream, a few times a second; Redis away costs the resume and nothing else."""

    def __init__(self, redis: RedisClient | None, ttl: timedelta, interval: float = 0.1) -> None:
        self._redis = redis
        self._ttl = ttl
        self._interval = interval

    async def record(self, feed: Feed) -> None:
        """Until the feed is closed."""
        if self._redis is None:
            return
        async for events in feed.follow():
            await self._append(self._redis, feed, events)
            if not events[-1].is_last:
                await asyncio.sleep(self._interval)

    async def _append(self, redis: RedisClient, feed: Feed, events: list[Event]) -> None:
        key = stream_key(feed.answer_id, feed.fence)

        async def command(client: Redis) -> None:
            async with client.pipeline(transaction=False) as pipe:
                for event in events:
                    fields: dict[Any, Any] = {"name": event.name, "data": json.dumps(event.data, ensure_ascii=False)}
                    pipe.xadd(key, fields, id=event.id, maxlen=_LENGTH, approximate=True)
                pipe.expire(key, self._ttl)
                await pipe.execute()

        await redis.attempt(command)


async def recorded(redis: RedisClient, answer_id: UUID, fence: int, seq: int, seconds: float) -> list[Event]:
    """The recorded events after `seq`, waiting up to `seconds` for the first. Raises RedisUnavailable."""
    entries = await redis.read_stream(stream_key(answer_id, fence), f"{fence}-{seq}", seconds)
    events: list[Event] = []
    for id_, fields in entries:
        at = parse_id(id_)
        if at is not None:
            events.append(Event(fields["name"], json.loads(fields["data"]), *at))  # pyright: ignore[reportArgumentType]
    return events
