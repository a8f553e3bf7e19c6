"""Running heads and feet: what stands at the same place of page after page, with the number of the page or without."""

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Final

from protostar.knowledge.parse.pdf.bonds import are_level
from protostar.knowledge.parse.pdf.lines import Line
from protostar.knowledge.parse.text.body import Body

_NEAR_PAGES: Final = 4
"""So far apart at most are two pages with the same one: a chapter's name may stand on every other page."""

_OFTEN: Final = 3
_AT_AN_EDGE: Final = 2  # rows
_SAME_PLACE: Final = 4.0  # points
_DISTANCE: Final = 1.0
"""Of a line's size between the running lines and the text: the head of a table that begins every page is nearer."""

_NUMBER: Final = re.compile(r"(?<![\d.,])[0-9]{1,5}(?![\d.,])")
_MOST_NUMBERS: Final = 8
_NO_LETTER: Final = re.compile(r"[\W\d_]+")
_BETWEEN_DASHES: Final = re.compile(r"[-–—]\s*\d{1,5}\s*[-–—]")
_PAGE_NUMBER: Final = re.compile(
    r"(?:page|p\.)?\s*(\d{1,5})\s*(?:쪽|페이지)?\s*(?:(?:/|of)\s*\d{1,5}\s*(?:쪽|페이지)?)?", re.IGNORECASE
)
_NUMBERING: Final[frozenset[str]] = frozenset(("", "page", "pageof", "of", "p", "쪽", "페이지"))

_Place = tuple[str, int]


@dataclass(frozen=True, slots=True)
class _Edge:
    """`rows` above or below all others of a page and apart from them, outermost first."""

    is_top: bool
    rows: list[list[Line]]


def without_running_lines(pages: Sequence[Sequence[Line]], body: Body, first: int = 0) -> list[list[Line]]:
    """The lines of each page but those. One whose words stand nowhere else is kept the first time.

    `first`: how many pages of the file come before these.
    """
    edges = [list(_edges(lines)) for lines in pages]
    repeats = _Repeats(edges, body, first)
    running = [set(repeats.running(index)) for index in range(len(pages))]
    kept = [[line for line in lines if line not in running[index]] for index, lines in enumerate(pages)]
    said = "\n".join(_letters(line.text) for lines in kept for line in lines)
    known: set[str] = {*_NUMBERING}
    for index, lines in enumerate(pages):
        new: set[Line] = set()
        for line in lines:
            if line in running[index] and (words := _letters(line.text)) not in known:
                known.add(words)
                if words not in said:
                    new.add(line)
        if new:
            kept[index] = [line for line in lines if line in new or line not in running[index]]
    return kept


class _Repeats:
    """Knows what stands at the edges of which pages."""

    def __init__(self, pages: Sequence[Sequence[_Edge]], body: Body, first: int) -> None:
        self._pages = pages
        self._body = body
        self._first = first
        self._often = max(2, min(_OFTEN, len(pages)))
        self._where: defaultdict[_Place, set[int]] = defaultdict(set)
        for index, edges in enumerate(pages):
            for edge in edges:
                for line in (line for row in edge.rows for line in row):
                    for place in (_place(line), *self._counts(line, index)):
                        self._where[place].add(index)

    def running(self, index: int) -> Iterator[Line]:
        """Those of a page: from its edge to the first line that is its title."""
        for edge in self._pages[index]:
            for row in edge.rows:
                lines = [line for line in row if self._is_running(line, edge, index)]
                others = set(row).difference(lines)
                if self._is_page_number(row, edge, index) or (lines and not any(map(_has_words, others))):
                    lines = row
                yield from lines
                if any(self._is_title(line, edge, index) for line in row if line not in lines):
                    break

    def _is_running(self, line: Line, edge: _Edge, index: int) -> bool:
        is_same = _is_often(self._where, _place(line), index, self._often)
        is_weak = self._often < _OFTEN  # two pages: what differs, or is a number, may be part of the text
        if is_same and not (is_weak and not _letters(line.text)):
            return True
        if is_weak and edge.is_top and _letters(line.text):
            return False
        return self._is_counted(line, index) and not self._is_title(line, edge, index)

    def _is_counted(self, line: Line, index: int) -> bool:
        return any(_is_often(self._where, place, index, self._often) for place in self._counts(line, index))

    def _is_title(self, line: Line, edge: _Edge, index: int) -> bool:
        """Titles count too («Step 3»), and not always otherwise than the pages; but they are larger, or bold on numbered pages."""
        if not edge.is_top or not _letters(line.text):
            return False
        return self._body.is_smaller_than(line) or (self._body.is_lighter_than(line) and self._is_numbered(index))

    def _is_numbered(self, index: int) -> bool:
        """Whether the page has a number that stands by itself."""
        lines = (line for edge in self._pages[index] for row in edge.rows for line in row)
        return any(not _letters(line.text) and self._is_counted(line, index) for line in lines)

    def _is_page_number(self, row: Sequence[Line], edge: _Edge, index: int) -> bool:
        text = " ".join(line.text for line in sorted(row, key=lambda line: line.left))
        if _BETWEEN_DASHES.fullmatch(text):
            return True
        match = None if edge.is_top else _PAGE_NUMBER.fullmatch(text)
        return match is not None and int(match[1]) == self._first + index + 1

    def _counts(self, line: Line, index: int) -> Iterator[_Place]:
        """The line with each of its numbers as if that counted the pages: amounts do not, and tell pages apart."""
        for number in islice(_NUMBER.finditer(line.text), _MOST_NUMBERS):
            more = int(number[0]) - (self._first + index)
            if self._often == _OFTEN or more == 1:
                yield f"{line.text[: number.start()]}{more:+}{line.text[number.end() :]}", _height(line)


def _edges(lines: Sequence[Line]) -> Iterator[_Edge]:
    for is_top in (True, False):
        ordered = sorted(lines, key=lambda line: -line.top if is_top else line.bottom)
        rows = list(islice(_rows(ordered), _AT_AN_EDGE + 1))
        for end in range(_AT_AN_EDGE, 0, -1):
            outer, inner = rows[:end], rows[end : end + 1]
            if inner and _distance(outer[-1], inner[0]) > _DISTANCE * outer[-1][0].size:
                yield _Edge(is_top, outer)
                break


def _rows(ordered: Sequence[Line]) -> Iterator[list[Line]]:
    row: list[Line] = []
    for line in ordered:
        if row and not are_level(row[0], line):
            yield row
            row = []
        row.append(line)
    if row:
        yield row


def _distance(one: Sequence[Line], other: Sequence[Line]) -> float:
    bottoms, tops = zip(*((min(line.bottom for line in row), max(line.top for line in row)) for row in (one, other)), strict=True)
    return max(bottoms[0] - tops[1], bottoms[1] - tops[0])


def _place(line: Line) -> _Place:
    return line.text, _height(line)


def _height(line: Line) -> int:
    return round(line.bottom / _SAME_PLACE)


def _is_often(where: Mapping[_Place, set[int]], place: _Place, index: int, often: int) -> bool:
    text, height = place
    near = range(index - _NEAR_PAGES, index + _NEAR_PAGES + 1)
    found = [where.get((text, height + beside), ()) for beside in (-1, 0, 1)]
    return sum(any(page in pages for pages in found) for page in near) >= often


def _has_words(line: Line) -> bool:
    return any(character.isalnum() for character in line.text)


def _letters(text: str) -> str:
    return _NO_LETTER.sub("", text).casefold()
