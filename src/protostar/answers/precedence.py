"""Beginnings before ends: whoever sees nothing yet goes before whoever has the whole text and waits for its last event."""

import asyncio
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager, contextmanager, suppress
from typing import Final

_ENDS: Final = 2  # at once, while others begin
_LONGEST: Final = 0.25  # seconds that an end gives way


class Precedence:
    """Of the answers that one process writes.

    Under load they wait for the same cores, and each one's end (its citations, its row) would stand before the others' beginnings.
    Ends that have waited do not start all together: their readers' next questions would come all together, too.
    """

    def __init__(self) -> None:
        self._beginning = 0
        self._none = asyncio.Event()
        self._none.set()
        self._ends = asyncio.Semaphore(_ENDS)

    @contextmanager
    def beginning(self) -> Generator[None]:
        """Around what is done before the model is asked; whoever waits for the model takes nothing from others."""
        self._beginning += 1
        self._none.clear()
        try:
            yield
        finally:
            self._beginning -= 1
            if not self._beginning:
                self._none.set()

    @asynccontextmanager
    async def ending(self) -> AsyncGenerator[None]:
        """Wait until none begins and no other ends, but not for long: new ones may come without end."""
        entered = False
        try:
            with suppress(TimeoutError):
                async with asyncio.timeout(_LONGEST):
                    entered = await self._ends.acquire()
                    while self._beginning:
                        await self._none.wait()
                        await asyncio.sleep(0)  # for the next step of the one that begins
            yield
        finally:
            if entered:
                self._ends.release()
