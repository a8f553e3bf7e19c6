"""Paragraphs and list items as blocks, for the formats that say of each paragraph what it is."""

from collections import defaultdict

from protostar.knowledge.parse.text.builder import TextBuilder
from protostar.knowledge.parse.text.look import Look

_LEVELS = 10


class Lines:
    """Neighbouring paragraphs of one list, one listing or one quotation become one block."""

    def __init__(self, builder: TextBuilder) -> None:
        self._builder = builder
        self._kind = "paragraph"
        self._look: Look | None = None
        self._lines: list[str] = []

    def heading(self, level: int, title: str) -> None:
        self.end()
        self._builder.heading(level, title)

    def add(self, kind: str, text: str, marker: str = "", look: Look | None = None) -> None:
        """Add a paragraph; the marker of a list item brings its indentation."""
        if kind != self._kind or kind == "paragraph":
            self.end()
        self._kind = kind
        self._look = look
        self._lines.append(marker + (text.rstrip() if kind == "code" else text.strip()))

    def end(self) -> None:
        """Whatever follows is another block."""
        self._builder.block(self._kind, "\n".join(self._lines), look=self._look)
        self._lines.clear()


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
