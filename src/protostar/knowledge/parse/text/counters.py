"""The running numbers of lists and headings, for the formats that leave counting to whoever shows them."""

from collections import defaultdict

_LEVELS = 10


class Counters:
    """The running numbers of lists, by the list and its levels, which are counted from 0."""

    def __init__(self) -> None:
        self._numbers: defaultdict[str, list[int | None]] = defaultdict(lambda: [None] * _LEVELS)

    def advance(self, list_id: str, level: int, to: int | None = None, *, start: int = 1) -> list[int | None]:
        """Count an item, or begin with it at `to`; returns the numbers of all levels, those below it being None again.

        `start`: the first number of the level.
        """
        numbers = self._numbers[list_id]
        level = max(0, min(level, _LEVELS - 1))
        last = numbers[level]
        numbers[level] = to if to is not None else start if last is None else last + 1
        numbers[level + 1 :] = [None] * (_LEVELS - level - 1)
        return list(numbers)

    def restart(self, list_id: str) -> None:
        self._numbers.pop(list_id, None)
