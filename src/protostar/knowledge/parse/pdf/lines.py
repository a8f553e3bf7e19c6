"""What stands on a page of a PDF: its lines of text as PDFium finds them, and the ruled lines between them.

Places are points on the page as a reader holds it, x to the right and y upwards. PDFium's calls are made for a few characters of a
line only: each costs as much as a dozen lines of Python.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby, islice
from statistics import median
from typing import Any, Final

import pypdfium2
from pypdfium2 import raw

from protostar.knowledge.parse.pdf.glyphs import HYPHENS, NEW_LINE, RAISED, Glyphs
from protostar.knowledge.parse.pdf.level_rules import Piece, with_columns
from protostar.knowledge.parse.pdf.rules import THIN, Rule, bounds, edges, rules_of

_PDFIUM: Final[Any] = raw
_SCRIPT_GAP: Final = 0.28  # of the size: typesetters leave a quarter between Hangul and Latin letters or digits
_TOUCHING: Final = 0.1  # of the size
_TYPED: Final = 0.1  # of all blanks, in a file that writes its own: between the cells of tables there are none
_LINE_END: Final = NEW_LINE.union(HYPHENS)
_CLOSING: Final = frozenset(".,:;!?)]}”’")
_MOST_OBJECTS: Final = 20_000
_MOST_RULES: Final = 2_000  # more are a drawing
_STAMP: Final = 30  # characters: scanners and offices stamp numbers and dates on what they scan
_MOST_OF_IT: Final = 0.5
_SLANT: Final = 0.5  # of the size: so much higher or lower stand letters of a line that does not run across

_NUMBER: Final = re.compile(r"(?<!\d)(?<!\d[.,:/])(?:(?<!\s)\d+|\d{2,})")
"""What may be a note's, or have a power. No single digit between blanks, and no thousands."""
_CAN_BE_RAISED: Final = frozenset("0123456789+-−()")
_SMALL: Final = 0.9  # of the size
_HIGH: Final = 0.1  # of the size

_Characters = list[tuple[str, int]]
"""With PDFium's index of each."""


@dataclass(frozen=True, slots=True)
class Line:
    """A line, or the part of one that stands in a cell. `start`, `end`: PDFium's first character of it and the one past its last.

    `text`: as it is stored, without blanks around it. `baseline`: how high its letters stand. `is_broken`: its last word was cut by
    a hyphen, which is left out. `is_complete`: its last word was not cut, for a blank follows it. `is_aside`: it runs or lies
    across the text.
    """

    text: str
    start: int
    end: int
    left: float
    bottom: float
    right: float
    top: float
    baseline: float
    size: float
    is_bold: bool
    is_broken: bool
    is_complete: bool
    is_aside: bool = False

    @property
    def middle(self) -> tuple[float, float]:
        return (self.left + self.right) / 2, (self.bottom + self.top) / 2


@dataclass(frozen=True, slots=True)
class Page:
    """`is_picture`: whether pictures cover most of it, and what else stands there is no more than a stamp."""

    lines: list[Line]
    rules: list[Rule]
    is_picture: bool


def read_page(document: Any, index: int) -> Page | None:
    """None for a broken page, as the others are of use. Text beside the page is left out."""
    try:
        page = document[index]
        text_page = page.get_textpage()
    except pypdfium2.PdfiumError:
        return None
    read = _Canvas(page, text_page).read()
    text_page.close()
    page.close()
    return read


class _Canvas:
    """A page while PDFium has it open."""

    def __init__(self, page: Any, text_page: Any) -> None:
        self._page = page
        self._glyphs = Glyphs(page, text_page)
        self._bounds: tuple[float, float, float, float] = self._glyphs.turn(*page.get_bbox())

    def read(self) -> Page:
        """The lines in the order of the file, cut where an upright rule stands in a blank, or the columns of a table part."""
        lines = list(self._lines())
        rules = list(islice(self._rules(), _MOST_RULES))
        if len(rules) == _MOST_RULES:
            rules.clear()
        rules = with_columns(rules, lambda bottom, top: self._pieces(lines, bottom, top))
        uprights = [rule for rule in rules if rule.is_upright]
        parts = [self._line(part) for line in lines for part in self._cut(line, uprights) if _has_words(part)]
        return Page(parts, rules, is_picture=sum(map(len, lines)) <= _STAMP and self._pictured() > _MOST_OF_IT)

    def _lines(self) -> Iterator[_Characters]:
        """With those blanks that a reader sees."""
        shown = self._glyphs.all()
        blanks = [index for character, index in shown if character == " "]
        gaps = self._glyphs.generated(blanks)
        lines = [self._on_page(line) for line in _split(shown)]
        narrow = set[int]()
        typed = len(blanks) - len(gaps)
        if typed >= _TYPED * len(blanks):
            narrow = {c[1] for line in lines for n, c in enumerate(line) if c[1] in gaps and self._is_script_gap(line, n)}
        if len(narrow) > typed:
            narrow.clear()
        if typed < len(gaps):
            narrow |= {
                c[1]
                for line in lines
                for n, c in enumerate(line)
                if c[0] == " " and c[1] not in gaps and self._is_elsewhere(line, n)
            }
        for line in lines:
            yield [c for c in line if c[1] not in narrow] if narrow else line

    def _pieces(self, lines: Iterable[_Characters], bottom: float, top: float) -> Iterator[Piece]:
        """What of the lines stands between these heights, cut at wide blanks."""
        for line in lines:
            solid = [(character, index) for character, index in line if character not in HYPHENS]
            if not solid:  # of what stands beside the page nothing is left
                continue
            baseline = self._glyphs.origin(solid[0][1])
            if not bottom < baseline < top:
                continue
            size = self._glyphs.size(solid[0][1])
            for is_blank, word in groupby(solid, key=lambda one: one[0].isspace()):
                if not is_blank:
                    indices = [index for _, index in word]
                    left, _, right, _ = _around(self._glyphs.box(indices[0]), self._glyphs.box(indices[-1]))
                    yield Piece(left, right, baseline, size)

    def _rules(self) -> Iterator[Rule]:
        """Thin areas, and the straight edges of others."""
        for path in self._objects(_PDFIUM.FPDF_PAGEOBJ_PATH):
            for corners in edges(path):
                yield from rules_of(*self._glyphs.turn(*corners))

    def _pictured(self) -> float:
        """How much of the page pictures cover, 1 for all of it; what lies in two is counted twice."""
        left, bottom, right, top = self._bounds
        pictures = (self._glyphs.turn(*bounds(found)) for found in self._pictures())
        areas = (max(0, min(p[2], right) - max(p[0], left)) * max(0, min(p[3], top) - max(p[1], bottom)) for p in pictures)
        return sum(areas) / ((right - left) * (top - bottom) or 1)

    def _pictures(self) -> Iterator[Any]:
        """Also the forms that hold one, into which some programs put what was scanned."""
        yield from self._objects(_PDFIUM.FPDF_PAGEOBJ_IMAGE)
        for form in self._objects(_PDFIUM.FPDF_PAGEOBJ_FORM):
            count: int = min(_PDFIUM.FPDFFormObj_CountObjects(form), _MOST_OBJECTS)
            held = (_PDFIUM.FPDFFormObj_GetObject(form, number) for number in range(count))
            if any(_PDFIUM.FPDFPageObj_GetType(each) == _PDFIUM.FPDF_PAGEOBJ_IMAGE for each in held):
                yield form

    def _objects(self, kind: int) -> Iterator[Any]:
        count: int = _PDFIUM.FPDFPage_CountObjects(self._page)
        for number in range(count if count <= _MOST_OBJECTS else 0):
            found = _PDFIUM.FPDFPage_GetObject(self._page, number)
            if _PDFIUM.FPDFPageObj_GetType(found) == kind:
                yield found

    def _on_page(self, line: _Characters) -> _Characters:
        """The line without what stands beside the page."""
        left, bottom, right, top = self._bounds

        def is_on_page(index: int) -> bool:
            box = self._glyphs.box(index)
            return box[0] < right and box[2] > left and box[1] < top and box[3] > bottom

        if all(is_on_page(line[at][1]) for at in (0, len(line) // 2, -1)):
            return line
        return [(character, index) for character, index in line if is_on_page(index)]

    def _is_script_gap(self, line: _Characters, at: int) -> bool:
        """Whether the blank is what typesetters leave between Hangul and Latin letters or digits, or between two fonts."""
        before, after = line[at - 1 : at], line[at + 1 : at + 2]
        if not before or not after:
            return True
        (first, left), (second, right) = before[0], after[0]
        if second not in _CLOSING and not are_two_scripts(first, second):
            return False
        gap = self._glyphs.box(right)[0] - self._glyphs.box(left)[2]
        return gap < _SCRIPT_GAP * self._glyphs.size(right)

    def _is_elsewhere(self, line: _Characters, at: int) -> bool:
        """Whether a blank that the file writes stands away from its neighbours, which touch: where Hangul comes from another font,
        LibreOffice draws the blanks and the points of a line first."""
        if not 0 < at < len(line) - 1:
            return False
        before, blank, after = (self._glyphs.box(line[near][1]) for near in (at - 1, at, at + 1))
        return not before[0] <= blank[0] <= after[2] and after[0] - before[2] < _TOUCHING * self._glyphs.size(line[at + 1][1])

    def _cut(self, line: _Characters, uprights: Sequence[Rule]) -> Iterator[_Characters]:
        if not line or not uprights:
            yield line
            return
        left, bottom, right, top = _around(self._glyphs.box(line[0][1]), self._glyphs.box(line[-1][1]))
        middle = (bottom + top) / 2
        crossing = [rule.at for rule in uprights if rule.start <= middle <= rule.end and left < rule.at < right]
        start = 0
        for at, (character, _) in enumerate(line) if crossing else ():
            if character == " " and start < at < len(line) - 1:
                before, after = self._glyphs.box(line[at - 1][1])[2], self._glyphs.box(line[at + 1][1])[0]
                if any(before - THIN < x < after + THIN for x in crossing):
                    yield line[start:at]
                    start = at + 1
        yield line[start:]

    def _line(self, part: _Characters) -> Line:
        text = "".join([character for character, _ in part])
        is_broken = text[-1] in HYPHENS
        solid = [one for one in part if not one[0].isspace()][: -1 if is_broken else None]
        sampled = _three(solid)
        left, bottom, right, top = _around(*(self._glyphs.box(index) for _, index in sampled))
        if any(character in _CAN_BE_RAISED for character, _ in sampled):
            sampled = _three([one for one in solid if one[0] not in _CAN_BE_RAISED] or solid)
        heights = sorted([self._glyphs.origin(index) for _, index in sampled])
        size = median([self._glyphs.size(index) for _, index in sampled]) or 1.0
        return Line(
            text=self._with_raised(part, text, sampled[0][1], heights[1] + _HIGH * size)[: -1 if is_broken else None].strip(),
            start=part[0][1],
            end=part[-1][1] + 1,
            left=left,
            bottom=bottom,
            right=right,
            top=top,
            baseline=heights[1],
            size=size,
            is_bold=self._glyphs.is_bold(sampled[1][1]),
            is_broken=is_broken,
            is_complete=text[-1].isspace(),
            is_aside=heights[2] - heights[0] > _SLANT * size,
        )

    def _with_raised(self, part: _Characters, text: str, letter: int, height: float) -> str:
        """The text with those numbers raised that are smaller than the letter and stand as high as this: of notes, and powers."""

        def is_raised(at: int) -> bool:
            index = part[at][1]
            return (
                text[at] in _CAN_BE_RAISED
                and self._glyphs.size(index) < _SMALL * self._glyphs.size(letter)
                and self._glyphs.origin(index) > height
            )

        shown: list[str] = []
        done = 0
        named: float | None = None
        for number in _NUMBER.finditer(text):
            start, end = number.end() - 1, number.end()
            named = self._glyphs.named_size(letter) if named is None else named
            if start < done or self._glyphs.named_size(part[start][1]) == named != 1 or not is_raised(start):
                continue
            while start > done and is_raised(start - 1):
                start -= 1
            while end < len(text) and is_raised(end):
                end += 1
            shown += (text[done:start], text[start:end].translate(RAISED))
            done = end
        return "".join([*shown, text[done:]])


def _three(some: _Characters) -> _Characters:
    """The first one, the one in the middle, and the last."""
    return [some[0], some[len(some) // 2], some[-1]]


def _split(shown: _Characters) -> Iterator[_Characters]:
    """The lines, each with the hyphen or the blank at its end; blank ones are left out."""
    start = 0
    for at, (character, _) in enumerate([*shown, ("\n", 0)]):
        if character in _LINE_END:
            line = shown[start : at + (character in HYPHENS)]
            if _has_words(line):
                yield line
            start = at + 1


def _has_words(line: _Characters) -> bool:
    return any(character not in HYPHENS and not character.isspace() for character, _ in line)


def are_two_scripts(one: str, other: str) -> bool:
    """Whether one is Hangul and the other a Latin letter, a digit or an opening bracket."""
    is_hangul = ["가" <= character <= "힣" for character in (one, other)]
    return any(is_hangul) and any(character.isascii() and (character.isalnum() or character in "([") for character in (one, other))


def _around(*boxes: tuple[float, float, float, float]) -> tuple[float, float, float, float]:
    lefts, bottoms, rights, tops = zip(*boxes, strict=True)
    return min(lefts), min(bottoms), max(rights), max(tops)
