"""The events of one answer while it is written: kept in this process, and in Redis for whoever lost the connection.

`start`, then `delta`…, then exactly one of `done` and `error`; `reset` says that the text begins anew.
"""

import asyncio
import json
import math
import re
from array import array
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Any, Final, Literal, get_args
from uuid import UUID

from protostar.redis.client import Commands, RedisClient
from protostar.sse import to_json
from protostar.timer import ResettableTimer

Name = Literal["start", "delta", "reset", "done", "error"]
_NAMES: Final[tuple[Name, ...]] = get_args(Name)
_LAST: Final = ("done", "error")
_ID: Final = re.compile(r"([0-9]{1,19})-([0-9]{1,19})")
_LENGTH: Final = 10_000  # entries of one answer's stream: more than are written in ten minutes
_AT_ONCE: Final = 500  # feeds whose events go to Redis in one round trip
# One command for all of them: to write and read the others' took six times the CPU here. An entry that fails costs no other.
# A key gets its expiry with each entry: were it told seldom, a Redis that is full now and then would keep some for ever.
# ARGV: the length, in how many seconds keys expire, then for each key an id and the events.
_APPEND: Final = """
    local failed
    for number, key in ipairs(KEYS) do
        local id, events = unpack(ARGV, number * 2 + 1, number * 2 + 2)
        local added = redis.pcall('XADD', key, 'MAXLEN', '~', ARGV[1], id, 'events', events)
        if type(added) == 'table' and added.err then failed = added end
        redis.call('EXPIRE', key, ARGV[2])
    end
    return failed or 'OK'"""


@dataclass(frozen=True, slots=True)
class Event:
    """`json`: what it says, in UTF-8. `fence` and `seq` make its id: a later holder of the answer's job has a higher fence."""

    name: Name
    json: bytes
    fence: int
    seq: int

    @classmethod
    def of(cls, name: Name, data: dict[str, Any], fence: int, seq: int) -> "Event":
        return cls(name, to_json(data), fence, seq)

    @property
    def data(self) -> dict[str, Any]:
        return json.loads(self.json)

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
    return f"protostar:events:{answer_id}:{fence}"


class Feed:
    """The events of an answer that this process writes, for any number of readers, at any time.

    A long answer has thousands of them, so they are kept as the bytes that readers get, end to end.
    """

    def __init__(self, answer_id: UUID, fence: int) -> None:
        self.answer_id = answer_id
        self.fence = fence
        self._names = bytearray()  # positions in _NAMES
        self._json = bytearray()
        self._ends = array("L", [0])  # where the event of a seq ends in `_json`
        self._waiting: list[asyncio.Future[bool]] = []
        self.changed: Callable[[Feed], None] | None = None  # told of every event
        self._closed = False
        self._has_text = False

    @property
    def seq(self) -> int:
        """Of the last event; 0 before the first."""
        return len(self._names)

    def publish(self, name: Name, data: dict[str, Any]) -> None:
        self._has_text = name == "delta" or (self._has_text and name != "reset")
        self._json += to_json(data)
        self._ends.append(len(self._json))
        self._names.append(_NAMES.index(name))
        if self.changed is not None:
            self.changed(self)
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
        waiting, self._waiting = self._waiting, []
        for waiter in waiting:
            if not waiter.done():
                waiter.set_result(True)

    def after(self, seq: int) -> list[Event]:
        """The events after `seq` that are there."""
        return [self._event(number) for number in range(seq + 1, self.seq + 1)]

    def _event(self, seq: int) -> Event:
        return Event(_NAMES[self._names[seq - 1]], bytes(self._json[self._ends[seq - 1] : self._ends[seq]]), self.fence, seq)

    async def follow(self, seq: int = 0, silence: float = math.inf) -> AsyncGenerator[list[Event]]:
        """The events after `seq` as they come, all that are there at a time, until the feed is closed.

        An empty list says that nothing came for `silence` seconds.
        """
        loop = asyncio.get_running_loop()
        waiter: asyncio.Future[bool] = loop.create_future()

        def be_silent() -> None:
            if not waiter.done():
                waiter.set_result(False)

        timer = ResettableTimer(be_silent)
        try:
            while True:
                if pending := self.after(seq):
                    seq = pending[-1].seq
                    yield pending
                elif self._closed:
                    return
                else:
                    waiter = loop.create_future()
                    self._waiting.append(waiter)
                    timer.set(loop.time() + silence)
                    if not await waiter:
                        # It is there no more where something came before this reader's turn.
                        self._waiting = [each for each in self._waiting if each is not waiter]
                        yield []
        finally:
            timer.close()


@dataclass(slots=True)
class _Recorded:
    """How far a feed is recorded."""

    seq: int = 0


class Recorder:
    """Copies feeds into capped, expiring Redis streams, all of a process together, a few times a second.

    What a feed says in between is one entry. Redis away costs the resume and nothing else.
    """

    def __init__(self, redis: RedisClient | None, ttl: timedelta, interval: float = 0.1) -> None:
        self._redis = redis
        self._ttl = ttl
        self._interval = interval
        self._feeds: dict[Feed, _Recorded] = {}
        self._changed: set[Feed] = set()
        self._writing = asyncio.Lock()
        self._task: asyncio.Task[None] | None = None

    @asynccontextmanager
    async def recording(self, feed: Feed) -> AsyncGenerator[None]:
        """Record the feed within the block, down to its last event."""
        if self._redis is None:
            yield
            return
        recorded = self._feeds[feed] = _Recorded()
        self._changed.add(feed)
        feed.changed = self._changed.add
        self._task = self._task or asyncio.create_task(self._keep(self._redis), name="recorder")
        try:
            yield
        finally:
            del self._feeds[feed]
            self._changed.discard(feed)
            feed.changed = None
            await self._write(self._redis, [(feed, recorded)])

    async def _keep(self, redis: RedisClient) -> None:
        """While there are feeds."""
        try:
            while self._feeds:
                await asyncio.sleep(self._interval)
                feeds = [(feed, self._feeds[feed]) for feed in self._changed]
                self._changed.clear()
                for start in range(0, len(feeds), _AT_ONCE):
                    await self._write(redis, feeds[start : start + _AT_ONCE])
        finally:
            self._task = None

    async def _write(self, redis: RedisClient, feeds: Sequence[tuple[Feed, _Recorded]]) -> None:
        async with self._writing:
            await redis.attempt(partial(self._append, feeds=feeds))

    async def _append(self, client: Commands, *, feeds: Sequence[tuple[Feed, _Recorded]]) -> None:
        keys: list[str] = []
        args: list[str | bytes | int] = [_LENGTH, int(self._ttl.total_seconds())]
        for feed, recorded in feeds:
            if events := feed.after(recorded.seq):
                said = b",".join([b'["%s",%s]' % (event.name.encode(), event.json) for event in events])
                keys.append(stream_key(feed.answer_id, feed.fence))
                args += (events[-1].id, b"[%s]" % said)
                recorded.seq = events[-1].seq
        if keys:
            await client.register_script(_APPEND)(keys, args)


async def recorded(redis: RedisClient, answer_id: UUID, fence: int, seq: int, seconds: float) -> list[Event]:
    """The recorded events after `seq`, waiting up to `seconds` for the first. Raises RedisUnavailable."""
    entries = await redis.read_stream(stream_key(answer_id, fence), f"{fence}-{seq}", seconds)
    events: list[Event] = []
    for id_, fields in entries:
        if (at := parse_id(id_)) is not None:
            said = json.loads(fields["events"])
            first = at[1] - len(said) + 1
            events += [Event.of(name, data, at[0], number) for number, (name, data) in enumerate(said, first) if number > seq]
    return events
