"""A timer that is put off far more often than it expires, as between the tokens of an answer."""

import asyncio
import math
from collections.abc import Callable


class ResettableTimer:
    """Calls `callback` once a moment has passed. To put it off costs next to nothing: the loop's timer looks, and sleeps on."""

    __slots__ = ("_callback", "_loop", "_timer", "_when")

    def __init__(self, callback: Callable[[], None]) -> None:
        self._callback = callback
        self._loop = asyncio.get_running_loop()
        self._timer: asyncio.TimerHandle | None = None
        self._when = math.inf

    def set(self, when: float) -> None:
        """Call at `when`, on the loop's clock, and no more at the moment before."""
        self._when = when
        if when < math.inf and (self._timer is None or when < self._timer.when()):
            self._start()

    def clear(self) -> None:
        """Do not call, until it is set again."""
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
            self._callback()
        elif self._when < math.inf:
            self._start()
