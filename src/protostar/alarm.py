"""A time limit that is put off far more often than it is reached, as between the tokens of an answer."""

import asyncio
import math
from collections.abc import Callable


class Alarm:
    """Calls `ring` once a moment has passed. To put it off costs next to nothing: its timer looks when it is due, and sleeps on."""

    __slots__ = ("_loop", "_ring", "_timer", "_when")

    def __init__(self, ring: Callable[[], None]) -> None:
        self._ring = ring
        self._loop = asyncio.get_running_loop()
        self._timer: asyncio.TimerHandle | None = None
        self._when = math.inf

    def set(self, when: float) -> None:
        """Ring at `when`, on the loop's clock, and no more at the moment before."""
        self._when = when
        if when < math.inf and (self._timer is None or when < self._timer.when()):
            self._start()

    def clear(self) -> None:
        """Do not ring, until it is set again."""
        self._when = math.inf

    def close(self) -> None:
        """To be called at the end: a timer keeps alive what it would call."""
        self.clear()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _start(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self._loop.call_at(self._when, self._look)

    def _look(self) -> None:
        self._timer = None
        if self._when <= self._loop.time():
            self.clear()
            self._ring()
        elif self._when < math.inf:
            self._start()
