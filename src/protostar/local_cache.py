"""What a process knows from PostgreSQL and keeps for a while, so that it need not ask each time, and can go on without it."""

import time
from collections import OrderedDict
from dataclasses import dataclass
from datetime import timedelta
from typing import Final, Generic, TypeAlias, TypeVar

K = TypeVar("K")
V = TypeVar("V")

FRESH: Final = timedelta(seconds=60)
STALE: Final = timedelta(minutes=10)
_SIZE: Final = 10_000

Mark: TypeAlias = tuple[float, int, int]


@dataclass(frozen=True, slots=True)
class _Kept(Generic[V]):
    value: V
    read_at: float
    doubts: int


class LocalCache(Generic[K, V]):
    """Values that were read within the last ten minutes; those of the last minute are fresh, unless there is a doubt."""

    def __init__(self) -> None:
        self._kept: OrderedDict[K, _Kept[V]] = OrderedDict()
        self._forgotten = 0
        self._doubts = 0

    def mark(self) -> Mark:
        """To be taken before a value is read, and given back with it."""
        return time.monotonic(), self._forgotten, self._doubts

    def keep(self, key: K, value: V, mark: Mark) -> None:
        """Keep what was read since `mark`, unless something was forgotten meanwhile: it may have been this."""
        read_at, forgotten, doubts = mark
        if forgotten != self._forgotten:
            return
        self._kept[key] = _Kept(value, read_at, doubts)
        self._kept.move_to_end(key)
        while len(self._kept) > _SIZE:
            self._kept.popitem(last=False)

    def fresh(self, key: K) -> V | None:
        """A value that can be used without asking."""
        kept = self._kept.get(key)
        return kept.value if kept is not None and kept.doubts == self._doubts and _age(kept) < FRESH else None

    def known(self, key: K) -> V | None:
        """A value for while PostgreSQL is away."""
        kept = self._kept.get(key)
        return kept.value if kept is not None and _age(kept) < STALE else None

    def forget(self, key: K) -> None:
        """The value has changed: what is being read just now may be what it was before."""
        self._forgotten += 1
        self._kept.pop(key, None)

    def drop(self, key: K) -> None:
        """The value turned out to be none: no reading that is under way is wrong for that."""
        self._kept.pop(key, None)

    def doubt(self) -> None:
        """Nothing is fresh any more: what was to be forgotten may not have been heard."""
        self._doubts += 1


def _age(kept: _Kept[V]) -> timedelta:
    return timedelta(seconds=time.monotonic() - kept.read_at)
