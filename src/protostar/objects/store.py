"""The object store: a folder, an S3-compatible store, or memory (tests), all through obstore.

Objects carry no metadata: size, sha256, name and media type live in the row that names the key. No conditional writes: obstore
reads a whole stream into memory for them. Errors are ObjectsUnavailable, ObjectMissing, ObjectCorrupt and TooLarge.
"""

import asyncio
import copy
from collections.abc import AsyncGenerator, AsyncIterator, Generator, Sequence
from contextlib import aclosing, asynccontextmanager, contextmanager, nullcontext, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final, Protocol
from urllib.parse import unquote

from obstore.store import LocalStore, MemoryStore, S3Store

from protostar.config import S3Settings
from protostar.errors import ConfigurationError, ObjectCorrupt, ObjectMissing, ObjectsUnavailable
from protostar.ids import new_id
from protostar.objects.bucket import WRITE_TIMEOUT, connect
from protostar.objects.failures import corrupt, missing, translated
from protostar.objects.folder import Folder
from protostar.objects.keys import check_foreign_key, check_key, is_ours
from protostar.objects.scratch import ScratchFile
from protostar.objects.upload import PART, Backend, MiB, Source, Uploads
from protostar.retry import Breaker

if TYPE_CHECKING:  # exists for type checkers alone
    from obstore import GetOptions, ObjectMeta

READ: Final = MiB  # bytes per chunk that a reader gets
AT_ONCE: Final = 64 * 1024  # bytes that are written to a temporary file sooner than a thread has woken for it
LISTED: Final = 1000  # keys per request, the most that S3 returns
EMPTY_PREFIX: Final = "protostar-probe"  # below it stands what tells whether something can be written


@dataclass(frozen=True, slots=True)
class StoredObject:
    """Bytes in the store; `sha256` in hex."""

    key: str
    size: int
    sha256: str


@dataclass(frozen=True, slots=True)
class ObjectInfo:
    """What a listing tells about an object; `last_modified` is aware."""

    key: str
    size: int
    last_modified: datetime


class Guard(Protocol):
    """Whoever knows whether the place is the right one."""

    async def check(self) -> None:
        """Raise ObjectsUnavailable where it is not."""
        ...

    async def verify(self) -> None:
        """The same, of the place as it is now."""
        ...


@dataclass(slots=True)
class _Refusal:
    """Whether the last write failed: a key that may only read, or a full bucket, lets a listing pass."""

    stands: bool = False

    @contextmanager
    def noted(self) -> Generator[None]:
        try:
            yield
        except ObjectsUnavailable:
            self.stands = True
            raise
        self.stands = False


class ObjectStore:
    """Named bytes. Keys are Protostar's own, lower-case segments of `[a-z0-9._-]`; another one is a ValueError."""

    def __init__(
        self, reader: Backend, *, writer: Backend | None = None, probe: Backend | None = None, folder: Folder | None = None
    ) -> None:
        """`writer` and `probe` are the same place with other timeouts; `folder` is where a LocalStore keeps its files."""
        self._reader = reader
        self._writer = writer or reader
        self._probe = probe or reader
        self._probe_key = f"{EMPTY_PREFIX}/{new_id()}"
        self._folder = folder
        self._uploads = Uploads(self._writer)
        # A full bucket can be read. A folder answers at once, whatever it answers.
        self._reads, self._writes = _breaker("reading", reader), _breaker("writing", self._writer)
        self._guard: Guard | None = None
        self._refusal = _Refusal()

    def guarded(self, guard: Guard) -> "ObjectStore":
        """The same objects, for those that use what the place says: they are asked for and stored where `guard` lets them.

        Where one is missing or another than was stored, `guard` is asked whether the place is to be believed.
        """
        view = copy.copy(self)
        view._guard = guard  # noqa: SLF001 - its own
        return view

    async def put(self, key: str, chunks: AsyncIterator[bytes], *, limit: int) -> StoredObject:
        """Stream to the store; nothing is visible under `key` unless all of it arrived.

        Raises TooLarge past `limit` bytes, and whatever `chunks` raises. A caller that is cancelled while the last request
        is under way may leave a whole object behind.
        """
        check_key(key)
        await self._check_place()
        if not await self._contains(key):
            raise ObjectsUnavailable("A symbolic link leads out of the folder of the object store.")
        source = Source(chunks, limit)
        # obstore makes a multipart upload of any stream, three requests for 2 KB: what fits into one part is one PUT.
        head = await source.take(PART)
        with self._refusal.noted():
            if len(head) < PART:
                async with self._writes:
                    with translated():
                        await self._writer.put_async(key, head, use_multipart=False)
            else:
                await self._uploads.run(key, head, source)
        if self._folder is not None:
            await asyncio.to_thread(self._folder.sync, key)
        return StoredObject(key, source.size, source.sha256)

    def read(self, key: str, *, start: int = 0, end: int | None = None, size: int | None = None) -> AsyncGenerator[bytes]:
        """The bytes of `[start, end)` as far as the object reaches. Raises ObjectMissing before the first chunk.

        `size`: of the object as it was stored; where it has another one by now, ObjectCorrupt is raised in place of a chunk.
        """
        check_key(key)
        if start < 0:
            raise ValueError(f"a range cannot start at {start}")
        return self._doubting(self._read(key, start, end, size))

    @asynccontextmanager
    async def local_copy(self, stored: StoredObject) -> AsyncGenerator[Path]:
        """A temporary file with the object's bytes, removed on every way out; even of a folder's object it is a copy.

        Raises ObjectMissing, and ObjectCorrupt unless size and sha256 are the ones that were stored.
        """
        scratch = ScratchFile()  # not in a thread: one that a cancelled caller leaves behind would keep its file
        try:
            async with self._doubted():
                await self._fill(scratch, stored)
            yield scratch.path
        finally:
            await asyncio.to_thread(scratch.remove)

    async def copy(self, source: str, target: str, *, limit: int) -> StoredObject:
        """Copy an object whose key somebody else may have chosen, as one below `incoming/`.

        Its bytes pass through here, so that size and sha256 are known. Raises InvalidInput for a key that no store is sure
        to understand, ObjectMissing, and TooLarge.
        """
        check_foreign_key(source)
        async with aclosing(self._doubting(self._read(source))) as chunks:
            return await self.put(target, chunks, limit=limit)

    async def delete(self, key: str) -> None:
        """Delete the object; one that is not there is deleted already."""
        check_key(key)
        await self._check_place()
        if not await self._contains(key):
            return
        with suppress(ObjectMissing):  # S3 is silent about a missing key, LocalStore raises
            async with self._writes:
                with translated(key):
                    await self._writer.delete_async(key)

    async def list(self, prefix: str) -> AsyncGenerator[ObjectInfo]:
        """Every object below the folder `prefix` (`a` holds `a/b` but not `ab`), in no order; "" is all of them.

        Only keys that Protostar could have made: whatever else lies in the place is somebody else's.
        """
        if prefix:
            check_key(prefix)
        await self._contains(prefix)
        with translated():
            async for batch in self._reader.list(prefix or None, chunk_size=LISTED):  # pyright: ignore[reportUnknownMemberType]
                for meta in await self._ours(batch):
                    yield ObjectInfo(meta["path"], meta["size"], meta["last_modified"])

    async def size(self, key: str, *, expected: int | None = None) -> int:
        """Bytes of the object. Raises ObjectMissing, and ObjectCorrupt where they are not as many as are expected."""
        check_key(key)
        async with self._doubted():
            size = await self._size(key)
            _check_size(key, size, expected)
        return size

    async def ready(self, timeout: float = 3) -> None:  # noqa: ASYNC109 - the time is part of the question
        """Raise ObjectsUnavailable unless the store answers within `timeout` seconds; where the last write failed, also a write."""
        try:
            async with asyncio.timeout(timeout):
                if self._folder is not None:
                    await asyncio.to_thread(self._folder.check_writable)
                # A HEAD cannot tell a missing bucket from a missing key; a LIST can.
                with translated():
                    await self._probe.list_with_delimiter_async(EMPTY_PREFIX)  # pyright: ignore[reportUnknownMemberType]
                if self._refusal.stands:
                    await self._write_and_delete()
        except TimeoutError as error:
            raise ObjectsUnavailable("The object store did not answer in time.") from error

    async def writable(self, timeout: float = 3) -> None:  # noqa: ASYNC109 - as above
        """Raise ObjectsUnavailable unless the store takes something, and lets it be deleted, within `timeout` seconds."""
        try:
            async with asyncio.timeout(timeout):
                await self._write_and_delete()
        except TimeoutError as error:
            raise ObjectsUnavailable("The object store did not answer in time.") from error

    async def now(self) -> datetime:
        """What the clock says by which the store dates its objects. Raises ObjectsUnavailable where it takes none."""
        await self._check_place()
        with self._refusal.noted(), translated():
            await self._probe.put_async(self._probe_key, b"", use_multipart=False)
            written = (await self._probe.head_async(self._probe_key))["last_modified"]
            await self._probe.delete_async(self._probe_key)
        return written

    async def _write_and_delete(self) -> None:
        with self._refusal.noted(), translated():
            await self._probe.put_async(self._probe_key, b"", use_multipart=False)
            await self._probe.delete_async(self._probe_key)

    async def _check_place(self) -> None:
        if self._guard is not None:
            await self._guard.check()

    @asynccontextmanager
    async def _doubted(self) -> AsyncGenerator[None]:
        await self._check_place()
        try:
            yield
        except (ObjectMissing, ObjectCorrupt):
            if self._guard is not None:
                await self._guard.verify()
            raise

    async def _doubting(self, chunks: AsyncGenerator[bytes]) -> AsyncGenerator[bytes]:
        async with self._doubted(), aclosing(chunks):
            async for chunk in chunks:
                yield chunk

    async def _contains(self, key: str) -> bool:
        """False where a symbolic link leads out of the folder: what lies there is not in the store."""
        if self._folder is None:
            return True
        return await asyncio.to_thread(self._folder.contains, key)

    async def _ours(self, batch: Sequence["ObjectMeta"]) -> Sequence["ObjectMeta"]:
        ours = [meta for meta in batch if is_ours(meta["path"])]
        if self._folder is None:
            return ours
        inside = await asyncio.to_thread(self._folder.inside, [meta["path"] for meta in ours])
        return [meta for meta in ours if meta["path"] in inside]

    async def _require(self, key: str) -> None:
        if not await self._contains(key):
            raise missing(key)

    async def _size(self, key: str) -> int:
        await self._require(key)
        async with self._reads:
            with translated(key):
                try:
                    meta = await self._reader.head_async(key)
                except FileNotFoundError:  # a HEAD's 404 has no body that tells a missing bucket from a missing key
                    meta = (await self._reader.get_async(key)).meta
        return meta["size"]

    async def _read(self, key: str, start: int = 0, end: int | None = None, expected: int | None = None) -> AsyncGenerator[bytes]:
        options: GetOptions = {}
        if start or end is not None:
            size = await self._size(key)
            _check_size(key, size, expected)
            end = size if end is None else min(end, size)
            if start >= end:  # every store refuses an empty range, each in its own words
                return
            options["range"] = (start, end)
        await self._require(key)
        async with self._reads:
            with translated(key):
                result = await self._reader.get_async(key, options=options)
        _check_size(key, result.meta["size"], expected)
        with translated(key):
            first, last = result.range
            if last - first <= READ:  # of a folder's object a stream costs eight times as much
                yield bytes(await result.bytes_async())
                return
            async for chunk in result.stream(min_chunk_size=READ):
                yield bytes(chunk)

    async def _fill(self, scratch: ScratchFile, stored: StoredObject) -> None:
        async with aclosing(self._read(stored.key, expected=stored.size)) as chunks:
            async for chunk in chunks:
                if len(chunk) <= AT_ONCE:
                    scratch.write(chunk)
                else:
                    await asyncio.to_thread(scratch.write, chunk)
        if scratch.size <= AT_ONCE:
            scratch.finish()
        else:
            await asyncio.to_thread(scratch.finish)
        if (scratch.size, scratch.sha256) != (stored.size, stored.sha256):
            raise corrupt(stored.key)


def _check_size(key: str, size: int, expected: int | None) -> None:
    if expected not in (None, size):
        raise corrupt(key)


def _breaker(doing: str, backend: Backend) -> Breaker | nullcontext[None]:
    return Breaker(f"{doing} objects", ObjectsUnavailable) if isinstance(backend, S3Store) else nullcontext()


def open_object_store(url: str, s3: S3Settings) -> ObjectStore:
    """Open `file:///folder` (made where it is missing), `s3://bucket` with an optional `/prefix`, or `memory:///`.

    Raises ConfigurationError for a URL that cannot be meant, ObjectsUnavailable for a folder that cannot be used. Nothing is
    asked of an S3 store yet. Not fork-safe: a child that os.fork makes hangs in obstore, so children are spawned.
    """
    if url.startswith("file:///"):
        path = Path(unquote(url.removeprefix("file://")))
        if path == Path("/"):
            raise ConfigurationError("The object store needs a folder of its own: file:///folder")
        folder = Folder(path)
        return ObjectStore(LocalStore(folder.root, automatic_cleanup=True), folder=folder)
    if url.startswith("s3://"):
        writer = connect(url, s3, read_timeout=WRITE_TIMEOUT)
        return ObjectStore(connect(url, s3), writer=writer, probe=connect(url, s3, retries=0))
    if url == "memory:///":
        return ObjectStore(MemoryStore())
    raise ConfigurationError(f"The object store must be file:///folder or s3://bucket, not {url}")
