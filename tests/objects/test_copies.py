"""Copies that stay for a moment."""

import asyncio
import hashlib
from collections.abc import AsyncGenerator
from pathlib import Path

import pytest
from obstore.store import MemoryStore
from tests.support.waiting import wait_until

from protostar.errors import ObjectMissing, ObjectsUnavailable
from protostar.objects import copies
from protostar.objects.copies import Copies
from protostar.objects.store import ObjectStore, StoredObject


async def stored(objects: ObjectStore, key: str, content: bytes = b"bytes") -> StoredObject:
    async def chunks() -> AsyncGenerator[bytes]:
        yield content

    return await objects.put(key, chunks(), limit=len(content))


class Counting(ObjectStore):
    """Counts what is copied; `go`: copies wait for it."""

    def __init__(self) -> None:
        super().__init__(MemoryStore())
        self.copied: list[str] = []
        self.go = asyncio.Event()
        self.go.set()

    async def _fill(self, scratch: object, wanted: StoredObject) -> None:
        self.copied.append(wanted.key)
        await self.go.wait()
        await super()._fill(scratch, wanted)


async def test_a_copy_serves_all_who_come_soon_and_goes_when_nobody_does() -> None:
    objects = Counting()
    one = await stored(objects, "a")
    async with Copies(objects, seconds=0.05) as kept:
        async with kept.open(one) as first:
            async with kept.open(one) as second:
                assert first == second
                assert first.read_bytes() == b"bytes"
            await asyncio.sleep(0.2)  # used for longer than it would be kept
            assert first.exists()
        async with kept.open(one) as third:
            assert third == first
        await wait_until(lambda: not first.exists())
        async with kept.open(one) as fourth:
            assert fourth.read_bytes() == b"bytes"
    assert objects.copied == ["a", "a"]


async def test_two_at_once_wait_for_one_copy_and_one_who_gives_up_disturbs_nobody() -> None:
    objects = Counting()
    one = await stored(objects, "a")
    objects.go.clear()
    async with Copies(objects) as kept:

        async def read() -> bytes:
            async with kept.open(one) as path:
                return path.read_bytes()

        gives_up, stays = asyncio.create_task(read()), asyncio.create_task(read())
        await wait_until(lambda: objects.copied)
        gives_up.cancel()
        await asyncio.wait({gives_up})
        objects.go.set()
        assert await stays == b"bytes"
    assert objects.copied == ["a"]


async def test_what_is_not_there_is_told_to_each_and_asked_for_again() -> None:
    objects = Counting()
    async with Copies(objects) as kept:
        nothing = StoredObject("a", 5, hashlib.sha256(b"bytes").hexdigest())

        async def fails() -> None:
            with pytest.raises(ObjectMissing):
                async with kept.open(nothing):
                    pass

        await asyncio.gather(fails(), fails())
        await stored(objects, "a")
        async with kept.open(nothing) as path:
            assert path.read_bytes() == b"bytes"


async def test_where_there_are_many_none_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(copies, "MOST", 2)
    objects = Counting()
    all_stored = [await stored(objects, f"{number}") for number in range(4)]
    paths: list[Path] = []
    async with Copies(objects, seconds=60) as kept:
        for one in all_stored:
            async with kept.open(one) as path:
                paths.append(path)
        await wait_until(lambda: sum(path.exists() for path in paths) == 2)
    assert not any(path.exists() for path in paths)  # the end of the block removes all


async def test_the_end_is_told_to_who_waits() -> None:
    objects = Counting()
    one = await stored(objects, "a")
    objects.go.clear()
    async with Copies(objects) as kept:

        async def read() -> None:
            async with kept.open(one):
                pass

        waiting = asyncio.create_task(read())
        await wait_until(lambda: objects.copied)
    with pytest.raises(ObjectsUnavailable):
        await waiting
