"""How most of the text of a PDF is set: titles differ from that."""

from collections import Counter
from collections.abc import Iterable
from typing import Final

from protostar.knowledge.parse.pdf.lines import Line

_LARGER: Final = 1.15
_SAME: Final = 0.04


class Body:
    """`size`: in points, 0 where there is no text."""

    def __init__(self, lines: Iterable[Line]) -> None:
        sizes, bold = Counter[float](), Counter[bool]()
        for line in lines:
            sizes[round(line.size, 1)] += len(line.text)
            bold[line.is_bold] += len(line.text)
        self.size = max(sizes, key=lambda size: sizes[size], default=0.0)
        self._bold_is_usual = bold[True] > bold[False]

    def is_smaller_than(self, line: Line) -> bool:
        return line.size >= _LARGER * self.size

    def is_lighter_than(self, line: Line) -> bool:
        """Whether the line is bold as the text is not, and no smaller."""
        return line.is_bold and not self._bold_is_usual and line.size >= (1 - _SAME) * self.size
