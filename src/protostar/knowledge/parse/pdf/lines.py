"""What stands on a page of a PDF: its lines of text as PDFium finds them, and the ruled lines between them.

Places are points on the page as a reader holds it, x to the right and y upwards. PDFium's calls are made for a few characters of a
line only: each costs as much as a dozen lines of Python.
"""

from collections.abc import Iterable, Iterator, Sequence
from ctypes import byref, c_double, c_int, c_ushort, create_string_buffer
from dataclasses import dataclass
from functools import lru_cache
from itertools import groupby, islice
from statistics import median
from typing import Any, Final

import pypdfium2
from pypdfium2 import raw

from protostar.knowledge.parse.normalise import clean
from protostar.knowledge.parse.pdf.columns import Piece, with_columns
from protostar.knowledge.parse.pdf.rules import THIN, Rule, edges, rules_of

_PDFIUM: Final[Any] = raw
_NEW_LINE: Final = frozenset("\r\n")
HYPHENS: Final = "\ufffe\x02"
"""PDFium puts U+FFFE (formerly U+0002) where a word is broken at the end of a line."""

# Bullets of the fonts Symbol and Wingdings, which have no Unicode of their own.
BULLETS: Final = str.maketrans({"\uf0b7": "•", "\uf0a7": "▪", "\uf0a8": "▪", "\uf06e": "▪", "\uf0d8": "▪", "\uf0fc": "✓"})
_SCRIPT_GAP: Final = 0.28  # of the size: typesetters leave a quarter between Hangul and Latin letters or digits
_TYPED: Final = 0.1  # of all blanks, in a file that writes its own: between the cells of tables there are none
_CLOSING: Final = frozenset(".,:;!?)]}”’")
_BOLD: Final = 600
_BOLD_NAMES: Final = (b"Bold", b"Black", b"Heavy")
_MOST_OBJECTS: Final = 20_000
_MOST_RULES: Final = 2_000  # more are a drawing
_SLANT: Final = 0.5  # of the size: so much higher or lower stand letters of a line that does not run across

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
    lines: list[Line]
    rules: list[Rule]


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


def characters(text_page: Any, start: int, end: int) -> Iterator[tuple[str, int]]:
    """Characters as the stored text has them, each with its index in PDFium's list; those that it leaves out are missing."""
    high = 0
    for index, unit in enumerate(_units(text_page, start, end), start):
        if 0xD800 <= unit < 0xDC00:
            high = unit
            continue
        code = unit if not 0xDC00 <= unit < 0xE000 else 0x10000 + ((high - 0xD800) << 10) + unit - 0xDC00 if high else 0
        high = 0
        if kept := _kept(code):
            yield kept, index


def _units(text_page: Any, start: int, end: int) -> Iterable[int]:
    """UTF-16, in one call unless PDFium leaves some out."""
    buffer = (c_ushort * (end - start + 1))()
    if _PDFIUM.FPDFText_GetText(text_page, start, end - start, buffer) == len(buffer):
        return buffer[:-1]
    return [_PDFIUM.FPDFText_GetUnicode(text_page, index) for index in range(start, end)]


@lru_cache(maxsize=8192)
def _kept(code: int) -> str:
    character = chr(code).translate(BULLETS)
    return character if character in _NEW_LINE or character in HYPHENS else clean(character)


class _Canvas:
    """A page while PDFium has it open."""

    def __init__(self, page: Any, text_page: Any) -> None:
        self._page = page
        self._text_page = text_page
        self._turned: int = page.get_rotation()
        self._bounds: tuple[float, float, float, float] = self._turn(*page.get_bbox())

    def read(self) -> Page:
        """The lines in the order of the file, cut where an upright rule stands in a blank, or the columns of a table part."""
        lines = list(self._lines())
        rules = list(islice(self._rules(), _MOST_RULES))
        if len(rules) == _MOST_RULES:
            rules.clear()
        rules = with_columns(rules, lambda bottom, top: self._pieces(lines, bottom, top))
        uprights = [rule for rule in rules if rule.is_upright]
        return Page([self._line(part) for line in lines for part in self._cut(line, uprights) if _has_words(part)], rules)

    def _lines(self) -> Iterator[_Characters]:
        """With those blanks that a reader sees."""
        shown = list(characters(self._text_page, 0, self._text_page.count_chars()))
        blanks = [index for character, index in shown if character == " "]
        gaps = {index for index in blanks if _PDFIUM.FPDFText_IsGenerated(self._text_page, index) == 1}
        lines = [self._on_page(line) for line in _split(shown)]
        narrow = set[int]()
        typed = len(blanks) - len(gaps)
        if typed >= _TYPED * len(blanks):
            narrow = {c[1] for line in lines for n, c in enumerate(line) if c[1] in gaps and self._is_script_gap(line, n)}
        for line in lines:
            yield [c for c in line if c[1] not in narrow] if 0 < len(narrow) <= typed else line

    def _pieces(self, lines: Iterable[_Characters], bottom: float, top: float) -> Iterator[Piece]:
        """What of the lines stands between these heights, cut at wide blanks."""
        for line in lines:
            solid = [(character, index) for character, index in line if character not in HYPHENS]
            baseline = self._origin(solid[0][1])
            if not bottom < baseline < top:
                continue
            size = self._size(solid[0][1])
            for is_blank, word in groupby(solid, key=lambda one: one[0].isspace()):
                if not is_blank:
                    indices = [index for _, index in word]
                    left, _, right, _ = _around(self._box(indices[0]), self._box(indices[-1]))
                    yield Piece(left, right, baseline, size)

    def _rules(self) -> Iterator[Rule]:
        """Thin areas, and the straight edges of others."""
        count: int = _PDFIUM.FPDFPage_CountObjects(self._page)
        for number in range(count if count <= _MOST_OBJECTS else 0):
            found = _PDFIUM.FPDFPage_GetObject(self._page, number)
            if _PDFIUM.FPDFPageObj_GetType(found) == _PDFIUM.FPDF_PAGEOBJ_PATH:
                for corners in edges(found):
                    yield from rules_of(*self._turn(*corners))

    def _on_page(self, line: _Characters) -> _Characters:
        """The line without what stands beside the page."""
        left, bottom, right, top = self._bounds

        def is_on_page(index: int) -> bool:
            box = self._box(index)
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
        if second not in _CLOSING and not _are_two_scripts(first, second):
            return False
        gap = self._box(right)[0] - self._box(left)[2]
        return gap < _SCRIPT_GAP * self._size(right)

    def _cut(self, line: _Characters, uprights: Sequence[Rule]) -> Iterator[_Characters]:
        if not line or not uprights:
            yield line
            return
        left, bottom, right, top = _around(self._box(line[0][1]), self._box(line[-1][1]))
        middle = (bottom + top) / 2
        crossing = [rule.at for rule in uprights if rule.start <= middle <= rule.end and left < rule.at < right]
        start = 0
        for at, (character, _) in enumerate(line) if crossing else ():
            if character == " " and start < at < len(line) - 1:
                before, after = self._box(line[at - 1][1])[2], self._box(line[at + 1][1])[0]
                if any(before - THIN < x < after + THIN for x in crossing):
                    yield line[start:at]
                    start = at + 1
        yield line[start:]

    def _line(self, part: _Characters) -> Line:
        is_broken = part[-1][0] in HYPHENS
        solid = [index for character, index in part if not character.isspace()]
        sampled = [solid[0], solid[len(solid) // 2], solid[-1 - is_broken]]
        left, bottom, right, top = _around(*(self._box(index) for index in sampled))
        heights = sorted(self._origin(index) for index in sampled)
        size = median(self._size(index) for index in sampled) or 1.0
        return Line(
            text="".join(character for character, _ in part[: len(part) - is_broken]).strip(),
            start=part[0][1],
            end=part[-1][1] + 1,
            left=left,
            bottom=bottom,
            right=right,
            top=top,
            baseline=heights[1],
            size=size,
            is_bold=self._is_bold(sampled[1]),
            is_broken=is_broken,
            is_complete=part[-1][0].isspace(),
            is_aside=heights[2] - heights[0] > _SLANT * size,
        )

    def _box(self, index: int) -> tuple[float, float, float, float]:
        """(left, bottom, right, top) of a character, as wide as it moves the next one on."""
        box = _PDFIUM.FS_RECTF()
        _PDFIUM.FPDFText_GetLooseCharBox(self._text_page, index, byref(box))
        return self._turn(box.left, box.bottom, box.right, box.top)

    def _origin(self, index: int) -> float:
        """How high a character stands."""
        x, y = c_double(), c_double()
        _PDFIUM.FPDFText_GetCharOrigin(self._text_page, index, byref(x), byref(y))
        return self._turn(x.value, y.value, x.value, y.value)[1]

    def _turn(self, left: float, bottom: float, right: float, top: float) -> tuple[float, float, float, float]:
        """As it is seen on a page that is turned clockwise by this many degrees."""
        match self._turned:
            case 90:
                return bottom, -right, top, -left
            case 180:
                return -right, -top, -left, -bottom
            case 270:
                return -top, left, -bottom, right
            case _:
                return left, bottom, right, top

    def _size(self, index: int) -> float:
        matrix = _PDFIUM.FS_MATRIX()
        _PDFIUM.FPDFText_GetMatrix(self._text_page, index, byref(matrix))
        size: float = _PDFIUM.FPDFText_GetFontSize(self._text_page, index)
        return abs(size) * ((matrix.c**2 + matrix.d**2) ** 0.5 or 1.0)

    def _is_bold(self, index: int) -> bool:
        if _PDFIUM.FPDFText_GetFontWeight(self._text_page, index) >= _BOLD:
            return True
        name = create_string_buffer(128)
        _PDFIUM.FPDFText_GetFontInfo(self._text_page, index, name, len(name), byref(c_int()))
        return any(bold in name.value for bold in _BOLD_NAMES)


def _split(shown: _Characters) -> Iterator[_Characters]:
    """The lines, each with the hyphen or the blank at its end; blank ones are left out."""
    line: _Characters = []
    for character in [*shown, ("\n", 0)]:
        if character[0] not in _NEW_LINE:
            line.append(character)
        if character[0] in _NEW_LINE or character[0] in HYPHENS:
            if _has_words(line):
                yield line
            line = []


def _has_words(line: _Characters) -> bool:
    return any(character not in HYPHENS and not character.isspace() for character, _ in line)


def _are_two_scripts(one: str, other: str) -> bool:
    """Whether one is Hangul and the other a Latin letter, a digit or an opening bracket."""
    is_hangul = ["가" <= character <= "힣" for character in (one, other)]
    return any(is_hangul) and any(character.isascii() and (character.isalnum() or character in "([") for character in (one, other))


def _around(*boxes: tuple[float, float, float, float]) -> tuple[float, float, float, float]:
    lefts, bottoms, rights, tops = zip(*boxes, strict=True)
    return min(lefts), min(bottoms), max(rights), max(tops)
