"""The headings of a PDF: those that its outline names, or else the lines that are larger or bolder than the text."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from protostar.knowledge.parse.pdf.bonds import BULLET
from protostar.knowledge.parse.pdf.grid import Table
from protostar.knowledge.parse.pdf.lines import Line

_LARGER: Final = 1.15  # than most of the text
_SAME: Final = 0.04
_LONGEST: Final = 120
_LONGEST_BOLD: Final = 60
_MOST_LINES: Final = 3
_NEXT_LINE: Final = 2.0  # of the size: so far below at most a heading goes on
_DEEPEST: Final = 6
_LETTER: Final = re.compile(r"[^\W\d_]")
_SENTENCE_END: Final = re.compile(r"[.!?。,;]['\"”’)\]]*$")
_SIGN: Final = re.compile(r"[\W_]+")
_BULLET: Final = re.compile(rf"{BULLET}\s")


@dataclass(frozen=True, slots=True)
class Bookmark:
    level: int
    title: str


@dataclass(frozen=True, slots=True)
class Heading:
    """`lines`: none where the page words it otherwise."""

    level: int
    title: str
    lines: list[Line]


Item = Line | Table
Marked = Line | Table | Heading


def by_outline(items: Sequence[Item], bookmarks: Iterable[Bookmark]) -> list[Marked]:
    """The items of a page, with those lines as headings that show its bookmarks."""
    marked: list[Marked] = []
    squeezed = [_squeeze(item.text) if isinstance(item, Line) else "\n" for item in items]
    at = 0
    for bookmark in bookmarks:
        wanted = _squeeze(bookmark.title)
        spans = ((start, start + height) for start in range(at, len(items)) for height in range(1, _MOST_LINES + 1))
        start, end = next((span for span in spans if _shows("".join(squeezed[slice(*span)]), wanted)), (at, at))
        marked += items[at:start]
        marked.append(Heading(bookmark.level, bookmark.title, [line for line in items[start:end] if isinstance(line, Line)]))
        at = end
    return [*marked, *items[at:]]


class BySize:
    """Knows how large the text of a file is, and by that which of its lines are headings, and of which level."""

    def __init__(self, lines: Iterable[Line]) -> None:
        lines = list(lines)
        sizes, bold = Counter[float](), Counter[bool]()
        for line in lines:
            sizes[round(line.size, 1)] += len(line.text)
            bold[line.is_bold] += len(line.text)
        self._usual = max(sizes, key=lambda size: sizes[size], default=0.0)
        self._bold_is_usual = bold[True] > bold[False]
        large = sorted({round(line.size) for line in lines if self._is_large(line)}, reverse=True)
        self._levels = {size: min(level, _DEEPEST - 1) for level, size in enumerate(large, 1)}

    def mark(self, items: Sequence[Item]) -> Iterator[Marked]:
        """The items of a page, with lines that are headings as such."""
        for run in _runs(items):
            lines = [item for item in run if isinstance(item, Line)]
            if lines and self._is_heading(lines):
                level = self._levels[round(lines[0].size)] if self._is_large(lines[0]) else _DEEPEST
                yield Heading(level, " ".join(line.text for line in lines), lines)
            else:
                yield from run

    def _is_heading(self, lines: Sequence[Line]) -> bool:
        if len(lines) > _MOST_LINES or not (self._is_large(lines[0]) or self._is_bold(lines)):
            return False
        text = " ".join(line.text for line in lines)
        return len(text) <= _LONGEST and _LETTER.search(text) is not None and not _BULLET.match(text)

    def _is_large(self, line: Line) -> bool:
        return line.size >= _LARGER * self._usual

    def _is_bold(self, lines: Sequence[Line]) -> bool:
        (line, *more) = lines
        return (
            line.is_bold
            and not self._bold_is_usual
            and not more
            and line.size >= (1 - _SAME) * self._usual
            and len(line.text) <= _LONGEST_BOLD
            and not _SENTENCE_END.search(line.text)
        )


def _runs(items: Sequence[Item]) -> Iterator[list[Item]]:
    """Lines that go on in the same way, together."""
    run: list[Item] = []
    for item in items:
        last = run[-1] if run else None
        if last is not None and not (isinstance(last, Line) and isinstance(item, Line) and _goes_on(last, item)):
            yield run
            run = []
        run.append(item)
    if run:
        yield run


def _goes_on(line: Line, after: Line) -> bool:
    return (
        abs(after.size - line.size) <= _SAME * line.size
        and after.is_bold == line.is_bold
        and 0 < line.baseline - after.baseline <= _NEXT_LINE * line.size
    )


def _squeeze(text: str) -> str:
    """PDFs lose blanks and find others, and outlines have no signs of other fonts: «1장 (°)» may come out as «1 장 ()»."""
    return _SIGN.sub("", text).casefold() or "".join(text.split())


def _shows(line: str, title: str) -> bool:
    """Outlines may leave out the number of a section."""
    return line.endswith(title) and not line[: -len(title)].strip("0123456789")
