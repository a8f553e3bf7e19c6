"""Places for what a process does at once, and when to come back for whoever finds none."""

import time
from collections import deque
from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import Final

from protostar.errors import Unavailable

_WINDOW: Final = 30.0  # seconds that the rate is measured over
_SAMPLES: Final = 1_000
_UNKNOWN: Final = 2.0  # seconds, where nothing has ended yet
_LONGEST: Final = 60.0


class Places:
    """At most `limit` at once. `sentence` tells whoever is refused why."""

    def __init__(self, limit: int, sentence: str, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._free = limit
        self._sentence = sentence
        self._clock = clock
        self._left = deque[float](maxlen=_SAMPLES)
        self._refused = deque[float](maxlen=_SAMPLES)

    def enter(self) -> None:
        """Take a place. Raises Unavailable, with the time by which those refused so far will have found one."""
        if self._free <= 0:
            self._refused.append(self._clock())
            raise Unavailable(self._sentence, retry_after=self._wait())
        self._free -= 1

    def leave(self) -> None:
        self._free += 1
        self._left.append(self._clock())

    @contextmanager
    def taken(self) -> Generator[None]:
        self.enter()
        try:
            yield
        finally:
            self.leave()

    def _wait(self) -> float:
        now = self._clock()
        for times in (self._left, self._refused):
            while times and now - times[0] > _WINDOW:
                times.popleft()
        if not self._left:
            return _UNKNOWN
        per_second = len(self._left) / max(1.0, now - self._left[0])
        return min(_LONGEST, max(1.0, len(self._refused) / per_second))
