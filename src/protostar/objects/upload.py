"""A stream into the object store: counted, hashed, in parts, and never half of it.

A process that is killed leaves its multipart upload open: a bucket needs the lifecycle rule AbortIncompleteMultipartUpload.
"""

import asyncio
import hashlib
from collections.abc import AsyncIterator
from typing import Final, TypeAlias

from obstore.store import LocalStore, MemoryStore, S3Store

from protostar.errors import TooLarge
from protostar.objects.failures import translated

MiB: Final = 1024 * 1024
PART: Final = 8 * MiB  # S3 takes 10,000 parts: 80 GB
PARTS_IN_FLIGHT: Final = 2  # obstore's 12 cost 30 MB more per upload and gained nothing
BLOCK: Final = MiB  # handing a block over costs a change of threads
BLOCKS_WAITING: Final = 2
ABORT_SECONDS: Final = 10

Backend: TypeAlias = S3Store | LocalStore | MemoryStore


class _Aborted(Exception):
    """Makes obstore abort an upload, because its source failed."""


class Source:
    """The caller's chunks, counted against a limit, hashed, and regrouped."""

    def __init__(self, chunks: AsyncIterator[bytes], limit: int) -> None:
        self._chunks = chunks
        self._limit = limit
        self._digest = hashlib.sha256()
        self.size = 0

    @property
    def sha256(self) -> str:
        """Hex digest of what was taken so far."""
        return self._digest.hexdigest()

    async def take(self, size: int) -> bytearray:
        """At least `size` bytes; fewer only at the end. Raises TooLarge past the limit."""
        taken = bytearray()
        async for chunk in self._chunks:
            self.size += len(chunk)
            if self.size > self._limit:
                raise TooLarge(f"The upload is larger than the limit of {_readable(self._limit)}.")
            self._digest.update(chunk)
            taken += chunk
            if len(taken) >= size:
                break
        return taken


class Uploads:
    """Multipart uploads to one store. Whatever ends them early, none is left open."""

    def __init__(self, store: Backend) -> None:
        self._store = store
        self._running: set[asyncio.Task[None]] = set()  # an abort may outlive its caller; unreferenced, it could vanish

    async def run(self, key: str, head: bytearray, source: Source) -> None:
        """Store `head` and the rest of the source under `key`; raises ObjectsUnavailable, and what the source raises."""
        # A cancelled put_async leaves its upload open on the server; one whose source raises aborts it. So obstore
        # reads a queue in a task of its own that nobody cancels, and every way out makes the queue raise.
        queue = _BlockQueue()
        upload = asyncio.create_task(self._put(key, queue))
        self._running.add(upload)
        upload.add_done_callback(self._running.discard)
        upload.add_done_callback(queue.release)
        try:
            block = head
            while block and not upload.done():
                await queue.put(block)
                block = await source.take(BLOCK)
            await queue.put(None)
            await asyncio.wait({upload})
        except BaseException:
            queue.abort()
            await asyncio.wait({upload}, timeout=ABORT_SECONDS)
            raise
        upload.result()

    async def _put(self, key: str, queue: "_BlockQueue") -> None:
        with translated():
            await self._store.put_async(key, queue.blocks(), chunk_size=PART, max_concurrency=PARTS_IN_FLIGHT)


class _BlockQueue:
    """A few blocks between the task that reads the source and the one that uploads. None is the end."""

    def __init__(self) -> None:
        self._queue: asyncio.Queue[bytearray | None] = asyncio.Queue(BLOCKS_WAITING)
        self._aborted = False

    async def put(self, block: bytearray | None) -> None:
        await self._queue.put(block)

    async def blocks(self) -> AsyncIterator[bytearray]:
        while (block := await self._queue.get()) is not None:
            yield block
        if self._aborted:
            raise _Aborted

    def abort(self) -> None:
        """Make `blocks` raise instead of ending."""
        self._aborted = True
        self._empty()
        self._queue.put_nowait(None)

    def release(self, upload: asyncio.Task[None]) -> None:
        """The upload is over: let nobody wait for room, and count its error as seen."""
        self._empty()
        if not upload.cancelled():
            upload.exception()

    def _empty(self) -> None:
        while not self._queue.empty():
            self._queue.get_nowait()


def _readable(size: int) -> str:
    for unit, name in ((1024 * MiB, "GiB"), (MiB, "MiB"), (1024, "KiB")):
        if size % unit == 0 and size:
            return f"{size // unit} {name}"
    return f"{size:,} bytes"
