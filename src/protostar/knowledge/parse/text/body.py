"""How most of a document's text is set: titles differ from that."""

from collections import Counter
from collections.abc import Iterable
from typing import Final, Protocol

_LARGER: Final = 1.15
_SAME: Final = 0.04


class Typeset(Protocol):
    """Text as it is set; `size` in points."""

    @property
    def size(self) -> float: ...

    @property
    def is_bold(self) -> bool: ...


class Body:
    """`texts`: of each its characters, and how it is set. `size`: in points, 0 where there is no text."""

    def __init__(self, texts: Iterable[tuple[int, Typeset]]) -> None:
        sizes, bold = Counter[float](), Counter[bool]()
        for characters, text in texts:
            sizes[round(text.size, 1)] += characters
            bold[text.is_bold] += characters
        self.size = max(sizes, key=lambda size: sizes[size], default=0.0)
        self._bold_is_usual = bold[True] > bold[False]

    def is_smaller_than(self, text: Typeset) -> bool:
        return text.size >= _LARGER * self.size

    def is_lighter_than(self, text: Typeset) -> bool:
        """Whether `text` is bold as the body is not, and no smaller."""
        return text.is_bold and not self._bold_is_usual and text.size >= (1 - _SAME) * self.size
