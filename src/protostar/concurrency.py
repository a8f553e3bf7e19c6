"""A limit to what a process does at once, and when to come back for whoever finds no place."""

import time
from collections import Counter, deque
from collections.abc import Callable, Generator, Hashable
from contextlib import contextmanager
from typing import Final, NoReturn

from protostar.errors import Unavailable

_WINDOW: Final = 30.0  # seconds that the rate is measured over
_SAMPLES: Final = 1_000
_UNKNOWN: Final = 2.0  # seconds, where nothing has ended yet
_LONGEST: Final = 60.0


class ConcurrencyLimit:
    """At most `limit` at once. `sentence` tells whoever is refused why."""

    def __init__(self, limit: int, sentence: str, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._free = limit
        self._held = Counter[Hashable]()
        self._sentence = sentence
        self._clock = clock
        self._left = deque[float](maxlen=_SAMPLES)
        self._refused = deque[float](maxlen=_SAMPLES)

    def enter(self) -> None:
        """Take a place. Raises Unavailable, with the time by which those refused so far will have found one."""
        if self._free <= 0:
            self._refuse()
        self._free -= 1

    def leave(self) -> None:
        self._free += 1
        self._left.append(self._clock())

    @contextmanager
    def taken(self, of: Hashable) -> Generator[None]:
        """A place for the block. `of`: who takes it, and may hold up to twice as many as are free: two thirds of all where nobody
        else comes, and the last ones are for others (dynamic thresholds: Choudhury, Hahne 1998).
        """
        if self._held[of] >= 2 * self._free:
            self._refuse()
        self.enter()
        self._held[of] += 1
        try:
            yield
        finally:
            self._held[of] -= 1
            if not self._held[of]:
                del self._held[of]
            self.leave()

    def _refuse(self) -> NoReturn:
        self._refused.append(self._clock())
        raise Unavailable(self._sentence, retry_after=self._wait())

    def _wait(self) -> float:
        now = self._clock()
        for times in (self._left, self._refused):
            while times and now - times[0] > _WINDOW:
                times.popleft()
        if not self._left:
            return _UNKNOWN
        per_second = len(self._left) / max(1.0, now - self._left[0])
        return min(_LONGEST, max(1.0, len(self._refused) / per_second))
