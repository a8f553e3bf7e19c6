"""What every object store does alike: a folder, memory, the S3 protocol (moto), a real S3 server (`-m s3`)."""

import asyncio
import hashlib
import tempfile
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from tests.support.streams import chunks, collect, some_bytes

from protostar.errors import InvalidInput, ObjectCorrupt, ObjectMissing, TooLarge
from protostar.objects.scratch import ScratchFile
from protostar.objects.store import ObjectStore, StoredObject
from protostar.objects.upload import PART

CHUNK = 64 * 1024
PLENTY = 1 << 30


async def put(store: ObjectStore, key: str, content: bytes) -> StoredObject:
    return await store.put(key, chunks(content), limit=PLENTY)


async def keys(store: ObjectStore, prefix: str) -> set[str]:
    return {entry.key async for entry in store.list(prefix)}


def temporary_files() -> set[Path]:
    return set(Path(tempfile.gettempdir()).glob("protostar-*"))


@pytest.fixture(autouse=True)
def scratch(tmp_path, monkeypatch):
    """Temporary copies of this test alone."""
    folder = tmp_path / "scratch"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))


@pytest.mark.parametrize("size", [0, 1, PART - 1, PART, PART + 1, 3 * PART])
async def test_what_was_put_is_read_back(place, size):
    expected = some_bytes(size)
    stored = await put(place.store, "documents/a/original", expected)
    assert stored == StoredObject("documents/a/original", size, hashlib.sha256(expected).hexdigest())
    assert await place.store.size(stored.key) == size
    assert await collect(place.store.read(stored.key)) == expected
    async with place.store.local_copy(stored) as path:
        assert path.read_bytes() == expected
    assert not temporary_files()
    assert place.objects() == [stored.key]
    assert place.unfinished() == []


async def test_chunks_may_have_any_size(place):
    expected = some_bytes(PART + 12345)

    async def uneven() -> AsyncIterator[bytes]:
        yield b""
        yield expected[:1]
        yield expected[1 : PART - 7]
        yield b""
        yield expected[PART - 7 :]

    stored = await place.store.put("a/uneven", uneven(), limit=PLENTY)
    assert stored.size == len(expected)
    assert await collect(place.store.read("a/uneven")) == expected


async def test_a_second_put_replaces_the_first(place):
    await put(place.store, "a/b", b"first")
    await put(place.store, "a/b", b"second")
    assert await collect(place.store.read("a/b")) == b"second"


async def test_exactly_the_limit_is_allowed(place):
    stored = await place.store.put("a/b", chunks(some_bytes(1000)), limit=1000)
    assert stored.size == 1000


@pytest.mark.parametrize("size", [3 * CHUNK, 3 * PART])
async def test_past_the_limit_nothing_is_stored(place, size):
    with pytest.raises(TooLarge, match=r"larger than the limit of 64 KiB|larger than the limit of 16 MiB"):
        await place.store.put("a/b", chunks(some_bytes(size)), limit=CHUNK if size < PART else 2 * PART)
    assert place.objects() == []
    assert place.unfinished() == []


@pytest.mark.parametrize("after", [CHUNK, 2 * PART])
@pytest.mark.parametrize("error", [ConnectionError, FileNotFoundError, RuntimeError])
async def test_a_source_that_fails_leaves_nothing(place, after, error):
    async def failing() -> AsyncIterator[bytes]:
        async for chunk in chunks(some_bytes(after)):
            yield chunk
        raise error("client gone")

    with pytest.raises(error, match="client gone"):
        await place.store.put("a/b", failing(), limit=PLENTY)
    assert place.objects() == []
    assert place.unfinished() == []


@pytest.mark.parametrize("hung", [False, True])
@pytest.mark.parametrize("after", [CHUNK, 2 * PART])
async def test_a_cancelled_put_leaves_nothing(place, after, hung):
    reached = asyncio.Event()

    async def endless() -> AsyncIterator[bytes]:
        async for chunk in chunks(some_bytes(after)):
            yield chunk
        reached.set()
        while True:
            await (asyncio.Event().wait() if hung else asyncio.sleep(0))
            yield b"x"

    task = asyncio.create_task(place.store.put("a/b", endless(), limit=PLENTY))
    await reached.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert place.objects() == []
    assert place.unfinished() == []


async def test_many_puts_at_once(place):
    sizes = [1, CHUNK, PART + 1, 2 * PART]
    await asyncio.gather(*(put(place.store, f"a/{size}", some_bytes(size)) for size in sizes))
    assert [await place.store.size(f"a/{size}") for size in sizes] == sizes


@pytest.mark.parametrize(
    ("start", "end"),
    [(0, 1), (0, None), (5, 10), (5, None), (9_999, None), (9_999, 20_000), (10_000, None), (20_000, 30_000), (7, 7), (7, 3)],
)
async def test_ranges_are_half_open_and_end_with_the_object(place, start, end):
    expected = some_bytes(10_000)
    await put(place.store, "a/b", expected)
    assert await collect(place.store.read("a/b", start=start, end=end)) == expected[start:end]


async def test_an_empty_object_has_empty_ranges(place):
    await put(place.store, "a/b", b"")
    assert await collect(place.store.read("a/b", start=0, end=10)) == b""
    assert await collect(place.store.read("a/b", start=3)) == b""


async def test_a_range_may_cross_parts(place):
    expected = some_bytes(2 * PART)
    await put(place.store, "a/b", expected)
    assert await collect(place.store.read("a/b", start=PART - 100, end=PART + 100)) == expected[PART - 100 : PART + 100]


async def test_a_missing_object_is_told_before_the_first_chunk(place):
    for stream in (place.store.read("a/none"), place.store.read("a/none", start=5), place.store.read("a/none", end=0)):
        with pytest.raises(ObjectMissing, match="a/none"):
            await anext(stream)
    with pytest.raises(ObjectMissing):
        await place.store.size("a/none")
    with pytest.raises(ObjectMissing):
        async with place.store.local_copy(StoredObject("a/none", 1, "")):
            pass
    assert not temporary_files()


async def test_reading_can_stop_early(place):
    expected = some_bytes(3 * PART)
    await put(place.store, "a/b", expected)
    stream = place.store.read("a/b")
    assert expected.startswith(await anext(stream))
    await stream.aclose()
    assert await collect(place.store.read("a/b")) == expected


@pytest.mark.parametrize("actual", [b"other", b"longer than stored", b"", some_bytes(3 * PART)])
async def test_a_local_copy_of_other_bytes_is_refused(place, actual, monkeypatch):
    written, write = 0, ScratchFile.write

    def counted(self, chunk):
        nonlocal written
        written += len(chunk)
        write(self, chunk)

    monkeypatch.setattr(ScratchFile, "write", counted)
    stored = await put(place.store, "a/b", b"bytes")
    place.write("a/b", actual)
    with pytest.raises(ObjectCorrupt, match="a/b"):
        async with place.store.local_copy(stored):
            pytest.fail("handed out")
    assert not temporary_files()
    assert written in {0, stored.size}, "a disk is not filled with what is too large"


@pytest.mark.parametrize("actual", [b"byte", b"longer than stored", b"", some_bytes(3 * PART)])
async def test_an_object_of_another_size_is_not_read(place, actual):
    stored = await put(place.store, "a/b", b"bytes")
    place.write("a/b", actual)
    for start, end in ((0, None), (0, 2), (4, None)):
        with pytest.raises(ObjectCorrupt, match="a/b"):
            await collect(place.store.read("a/b", start=start, end=end, size=stored.size))
    with pytest.raises(ObjectCorrupt, match="a/b"):
        await place.store.size("a/b", expected=stored.size)
    assert await collect(place.store.read("a/b", start=1, size=len(actual))) == actual[1:]


async def test_a_local_copy_is_a_copy(place):
    stored = await put(place.store, "a/b", b"bytes")
    async with place.store.local_copy(stored) as path:
        path.write_bytes(b"altered")
    async with place.store.local_copy(stored) as path:
        path.unlink()
    assert await collect(place.store.read("a/b")) == b"bytes"


async def test_a_local_copy_goes_with_whatever_happens(place):
    stored = await put(place.store, "a/b", b"bytes")
    inside = asyncio.Event()

    async def use() -> None:
        async with place.store.local_copy(stored):
            inside.set()
            await asyncio.Event().wait()

    with pytest.raises(ZeroDivisionError):
        async with place.store.local_copy(stored):
            raise ZeroDivisionError
    assert not temporary_files()
    task = asyncio.create_task(use())
    await inside.wait()
    assert temporary_files()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert not temporary_files()


async def test_copy_takes_the_keys_of_others(place):
    names = [
        "보고서 (1).pdf",
        "a%20b",
        "a?b*c|d",
        "back\\slash",
        "r#1.pdf",
        "r#1#2",
        "r#",
        "plus+&amp;",
        "é",
        "e\u0301",
        "q'\"",
        ".hidden",
        "..x",
    ]
    for number, name in enumerate(names):
        source = f"incoming/space/{name}"
        place.write(source, name.encode())
        stored = await place.store.copy(source, f"documents/{number}", limit=100)
        assert stored == StoredObject(f"documents/{number}", len(name.encode()), hashlib.sha256(name.encode()).hexdigest())
        assert await collect(place.store.read(stored.key)) == name.encode()


async def test_copy_is_a_stream_with_a_limit(place):
    expected = some_bytes(2 * PART + 1)
    place.write("incoming/s/big", expected)
    assert (await place.store.copy("incoming/s/big", "a/b", limit=PLENTY)).sha256 == hashlib.sha256(expected).hexdigest()
    with pytest.raises(TooLarge):
        await place.store.copy("incoming/s/big", "a/c", limit=PART)
    with pytest.raises(ObjectMissing):
        await place.store.copy("incoming/s/none", "a/c", limit=PART)
    assert sorted(place.objects()) == ["a/b", "incoming/s/big"]
    assert place.unfinished() == []


async def test_copy_refuses_unsafe_keys(place):
    for key in (
        "",
        "/a",
        "a/",
        "a//b",
        "a/../b",
        "..",
        "a/./b",
        "a\nb",
        "a\x00",
        "a\x7f",
        "a\ud800",
        "a\u2028",
        "a" * 1025,
        "a#1",
        "#1",
        "b/a#22",
    ):
        with pytest.raises(InvalidInput, match="object key"):
            await place.store.copy(key, "a/b", limit=1)


async def test_delete_is_idempotent(place):
    await put(place.store, "a/b", b"1")
    await put(place.store, "a/c", b"2")
    await place.store.delete("a/b")
    await place.store.delete("a/b")
    await place.store.delete("never/was")
    assert place.objects() == ["a/c"]


async def test_list_tells_what_lies_below_a_folder(place):
    before = datetime.now(UTC) - timedelta(seconds=5)
    for key in ("documents/a/original", "documents/a/text", "documents/b/original", "documents-old/c", "other/d"):
        await put(place.store, key, key.encode())
    listed = {entry.key: entry async for entry in place.store.list("documents")}
    assert set(listed) == {"documents/a/original", "documents/a/text", "documents/b/original"}
    entry = listed["documents/a/text"]
    assert entry.size == len("documents/a/text")
    assert before < entry.last_modified < datetime.now(UTC) + timedelta(seconds=5)
    assert await keys(place.store, "") == {*listed, "documents-old/c", "other/d"}
    assert await keys(place.store, "documents/a") == {"documents/a/original", "documents/a/text"}
    assert await keys(place.store, "none") == set()


async def test_list_leaves_out_what_is_not_ours(place):
    await put(place.store, "a/b", b"1")
    place.write("a/Report.PDF", b"2")
    assert await keys(place.store, "a") == {"a/b"}


async def test_keys_that_are_not_ours_are_mistakes(place):
    for key in (
        "",
        "/a",
        "a/",
        "a//b",
        "../a",
        "a/../b",
        "A",
        "a b",
        "a#1",
        "é",
        "a\n",
        ".a",
        "-a",
        "a" * 101,
        "/".join("abcdefghi"),
    ):
        with pytest.raises(ValueError, match="not an object key"):
            await place.store.put(key, chunks(b""), limit=1)
        with pytest.raises(ValueError, match="not an object key"):
            place.store.read(key)
        with pytest.raises(ValueError, match="not an object key"):
            await place.store.size(key)
        with pytest.raises(ValueError, match="not an object key"):
            await place.store.delete(key)
    with pytest.raises(ValueError, match="cannot start at -1"):
        place.store.read("a", start=-1)


async def test_ready(place):

    await place.store.ready()
    await place.store.ready(timeout=10)
    assert place.objects() == []


async def test_the_clock_of_the_store_is_the_one_that_dates_objects(place):
    before = await place.store.now()
    await put(place.store, "documents/a", b"a")
    [listed] = [info async for info in place.store.list("documents")]
    after = await place.store.now()
    assert before <= listed.last_modified <= after
    assert abs(after - datetime.now(UTC)) < timedelta(minutes=1)
    assert place.objects() == ["documents/a"]
