"""Beginnings before ends: whoever sees nothing yet goes before whoever has the whole text and waits for its last event."""

import asyncio
from collections.abc import Generator
from contextlib import contextmanager, suppress
from typing import Final

_LONGEST: Final = 0.25  # seconds that an end gives way


class Precedence:
    """Of the answers that one process writes.

    Under load they wait for the same cores, and each one's end (its citations, its row) would stand before the others' beginnings.
    """

    def __init__(self) -> None:
        self._beginning = 0
        self._none = asyncio.Event()

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

    async def give_way(self) -> None:
        """Wait until none begins, but not for long: new ones may come without end."""
        with suppress(TimeoutError):
            async with asyncio.timeout(_LONGEST):
                while self._beginning:  # the next step of the same one, too
                    await self._none.wait()
