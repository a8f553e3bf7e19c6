"""Local copies that stay for a moment: who looks at a page of a large file asks for the next one soon."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Final, Self

from protostar.errors import ObjectsUnavailable
from protostar.objects.store import ObjectStore, StoredObject

KEPT_SECONDS: Final = 15.0
MOST: Final = 8  # copies; where there are more, one that nobody uses goes at once


class _Copy:
    """`path` is there once the file is whole. `due`: it need not be kept any longer."""

    def __init__(self) -> None:
        self.path: asyncio.Future[Path] = asyncio.get_running_loop().create_future()
        self.due = asyncio.Event()
        self.users = 0
        self.left_at = 0.0


class Copies:
    """Each is removed within twice `seconds` after its last use, and all of them at the end of the block."""

    def __init__(self, objects: ObjectStore, *, seconds: float = KEPT_SECONDS) -> None:
        self._objects = objects
        self._seconds = seconds
        self._copies: dict[str, _Copy] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    @asynccontextmanager
    async def open(self, stored: StoredObject) -> AsyncGenerator[Path]:
        """As `ObjectStore.local_copy`; whoever asks for the same object meanwhile gets the same file, which nobody may change."""
        copy = self._copies.get(stored.key) or self._begin(stored)
        copy.users += 1
        try:
            yield await asyncio.shield(copy.path)
        finally:
            copy.users -= 1
            copy.left_at = asyncio.get_running_loop().time()
            if len(self._copies) > MOST:
                copy.due.set()

    def _begin(self, stored: StoredObject) -> _Copy:
        copy = self._copies[stored.key] = _Copy()
        task = asyncio.create_task(self._hold(stored, copy))
        self._tasks.add(task)
        task.add_done_callback(partial(self._ended, stored.key, copy))
        return copy

    async def _hold(self, stored: StoredObject, copy: _Copy) -> None:
        async with self._objects.local_copy(stored) as path:
            copy.path.set_result(path)
            await self._kept(copy)
            del self._copies[stored.key]  # before the file goes

    async def _kept(self, copy: _Copy) -> None:
        """Return when nobody needs the copy any more."""
        loop = asyncio.get_running_loop()
        while True:
            with suppress(TimeoutError):
                await asyncio.wait_for(copy.due.wait(), self._seconds)
            if not copy.users and (copy.due.is_set() or loop.time() - copy.left_at >= self._seconds):
                return
            copy.due.clear()

    def _ended(self, key: str, copy: _Copy, task: asyncio.Task[None]) -> None:
        """Nobody waits for ever: whoever does is told what went wrong."""
        self._tasks.discard(task)
        if self._copies.get(key) is copy:
            del self._copies[key]
        error = ObjectsUnavailable("The server is stopping.") if task.cancelled() else task.exception()
        if error is not None and not copy.path.done():
            copy.path.set_exception(error)
            copy.path.exception()  # there may be nobody who waits
