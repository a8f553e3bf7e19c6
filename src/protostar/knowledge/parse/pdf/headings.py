"""The headings of a PDF: those that its outline names, or else the lines that are larger or bolder than the text."""

import re
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from string import digits
from typing import Final

from protostar.knowledge.parse.pdf.bonds import BULLET, is_spread
from protostar.knowledge.parse.pdf.grid import Table
from protostar.knowledge.parse.pdf.lines import Line
from protostar.knowledge.parse.text.body import Body

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
_SECTION_SIGN: Final = re.compile(r"[□■○●◇◆◎▣▶]\s")
"""Of sections as of items: Korean offices begin both with it."""

_CONTENTS: Final = frozenset(("목차", "차례", "contents", "tableofcontents", "目次", "目录"))
"""Titles of tables of contents, squeezed: whatever their size, no chapter belongs to them."""


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


def by_outline(items: Sequence[Item], bookmarks: Sequence[Bookmark]) -> list[Marked]:
    """The items of a page, with those lines as headings that show its bookmarks."""
    marked: list[Marked] = []
    spans = _spans(items) if bookmarks else {}
    at = 0
    for bookmark in bookmarks:
        shown = spans.get(_squeeze(bookmark.title), [])
        found = bisect_left(shown, (at,))
        start, end = shown[found] if found < len(shown) else (at, at)
        marked += items[at:start]
        marked.append(Heading(bookmark.level, bookmark.title, [line for line in items[start:end] if isinstance(line, Line)]))
        at = end
    return [*marked, *items[at:]]


class BySize:
    """Knows how large the text of a file is, and by that which of its lines are headings, and of which level."""

    def __init__(self, lines: Iterable[Line]) -> None:
        lines = list(lines)
        self._body = Body((len(line.text), line) for line in lines)
        large = sorted({round(line.size) for line in lines if self._is_large(line)}, reverse=True)
        self._levels = {size: min(level, _DEEPEST - 1) for level, size in enumerate(large, 1)}

    def mark(self, items: Sequence[Item]) -> Iterator[Marked]:
        """The items of a page, with lines that are headings as such."""
        for run in _runs(items):
            lines = [item for item in run if isinstance(item, Line)]
            if lines and self._is_heading(lines):
                title = " ".join(line.text for line in lines)
                yield Heading(self._level(lines[0], title), title, lines)
            else:
                yield from run

    def names_more(self, pages: Iterable[Sequence[Marked]]) -> bool:
        """Whether there are more pages with titles of which the outline shows none than titles that it shows."""
        named, others = 0, set[str]()
        for items in pages:
            shown = sum(isinstance(item, Heading) and bool(item.lines) for item in items)
            named += shown
            if not shown:
                left = [item for item in items if not isinstance(item, Heading)]
                titles = (item.title for item in self.mark(left) if isinstance(item, Heading) and item.level < _DEEPEST)
                others.update(islice(titles, 1))
        return len(others) > named

    def _level(self, line: Line, title: str) -> int:
        is_large = self._is_large(line) and _squeeze(title) not in _CONTENTS
        return self._levels[round(line.size)] if is_large else _DEEPEST

    def _is_heading(self, lines: Sequence[Line]) -> bool:
        is_large = self._is_large(lines[0])
        if len(lines) > _MOST_LINES or not (is_large or self._is_bold(lines)):
            return False
        text = " ".join(line.text for line in lines)
        if _BULLET.match(text) and not (is_large and self._is_section(text, lines)):
            return False
        return len(text) <= _LONGEST and _LETTER.search(text) is not None

    def _is_large(self, line: Line) -> bool:
        return self._body.is_smaller_than(line) and not line.is_aside

    def _is_section(self, text: str, lines: Sequence[Line]) -> bool:
        is_bold = all(self._body.is_lighter_than(line) for line in lines)
        return is_bold and _SECTION_SIGN.match(text) is not None and not _SENTENCE_END.search(text)

    def _is_bold(self, lines: Sequence[Line]) -> bool:
        (line, *more) = lines
        return (
            self._body.is_lighter_than(line)
            and not (more or line.is_aside)
            and len(line.text) <= _LONGEST_BOLD
            and not _SENTENCE_END.search(line.text)
            and not (" " in line.text and is_spread(line))  # the head of a table without rules
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


def _spans(items: Sequence[Item]) -> dict[str, list[tuple[int, int]]]:
    """(start, end) of all lines and of those that follow one another, in order, by their squeezed text and by what of it stands
    behind a number at its beginning: outlines may leave out that of a section.
    """
    squeezed = [_squeeze(item.text) if isinstance(item, Line) else "\n" for item in items]
    spans: defaultdict[str, list[tuple[int, int]]] = defaultdict(list)
    for start in range(len(items)):
        for end in range(start + 1, min(start + _MOST_LINES, len(items)) + 1):
            text = "".join(squeezed[start:end])
            for title in {text, text.lstrip(digits)}:
                spans[title].append((start, end))
    return spans
