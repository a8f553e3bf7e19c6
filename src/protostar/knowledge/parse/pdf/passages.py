"""Where a passage of the stored text stands on the pages of a PDF."""

import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from ctypes import byref, c_int
from dataclasses import dataclass
from itertools import accumulate, groupby
from typing import Any, Final

import pypdfium2
from pypdfium2 import raw

from protostar.knowledge.parse.model import ParsedText, Passage
from protostar.knowledge.parse.pdf.glyphs import HYPHENS, LEVEL, characters
from protostar.knowledge.parse.pdf.layout import Layout, lay_out
from protostar.knowledge.parse.pdf.lines import Line
from protostar.knowledge.parse.pdf.paragraphs import Rows
from protostar.knowledge.parse.pdf.reader import text_of

_PDFIUM: Final[Any] = raw
_GRID: Final = 1_000_000  # PDFium places the points of a page on a device of whole pixels
_WIDEST_GAP: Final = 1.5  # of a line's height: what is further apart stands in another column
_SAME_LINE: Final = 0.5  # of the lower one's height that has to overlap
_CELL_END: Final = re.compile(r"(\n| \| )")
_NO_HYPHENS: Final = str.maketrans("", "", HYPHENS)
_AS_HYPHENS: Final = str.maketrans(HYPHENS, "-" * len(HYPHENS))
_PLAIN: Final = LEVEL | str.maketrans("", "", "|")
_PROBE: Final = 40  # characters
_MARGIN: Final = 6
"""Pages before and after that are laid out too: running heads show only there, and the page that was found may be a neighbour."""

_LONGEST_TABLE: Final = 200  # pages


@dataclass(frozen=True, slots=True)
class Box:
    """On a page as it is shown, turned and cropped, from its upper left corner."""

    left: float
    top: float
    right: float
    bottom: float


@dataclass(frozen=True, slots=True)
class _Strand:
    """Text that stands together on a page, a paragraph or a cell, squeezed. `start`: in the whole text, squeezed."""

    page: int
    start: int
    text: str


def find(document: Any, passage: Passage, max_chars: int) -> Iterator[tuple[int, list[Box]]]:
    """(page, boxes line by line) of the passage; a page's sides are 1.

    Only some pages are laid out. An earlier release may have stored the text otherwise than the document is read today: then the
    passage is found by its words, and where they are not, there are no boxes.
    """
    wanted = _squeezed(passage.quote)
    if not wanted:
        return
    pages, expected, ends = _around(document, passage)
    layout = lay_out(document, max_chars, pages)
    while (begin := _beginning_of_table(layout, pages)) is not None:
        pages = range(begin, pages.stop)
        layout = lay_out(document, max_chars, pages)
    parsed = text_of(document, layout, max_chars)
    expected -= ends[pages.start - 1] if pages.start else 0
    at = _place(_squeezed(parsed.text), _squeezed(passage.before), wanted, expected)
    if at is None:
        return
    for number, strands in groupby(_strands(parsed), key=lambda strand: strand.page):
        pieces = list(_pieces(strands, at, at + len(wanted)))
        if pieces and (boxes := _boxes(document[number - 1], _lines_of(layout, number), pieces)):
            yield number, boxes


def _around(document: Any, passage: Passage) -> tuple[range, int, list[int]]:
    """The pages where the passage stands, as raw text tells, and some around them; about where it begins; where the pages end."""
    texts = [_squeezed(_raw_text(document, index)) for index in range(len(document))]
    ends = list(accumulate(map(len, texts)))
    probe = max((_squeezed(piece) for piece in _CELL_END.split(passage.quote)), key=len)[:_PROBE]
    expected = round(ends[-1] * passage.start / max(passage.chars, 1))
    at = _nearest("".join(texts), probe, expected)
    at = expected if at is None else at
    first, last = bisect_right(ends, at), bisect_right(ends, at + len(passage.quote))
    begin = max(0, first - _MARGIN)
    return range(begin, min(len(texts), last + 1 + _MARGIN)), at, ends


def _beginning_of_table(layout: Layout, pages: range) -> int | None:
    """A page before these to begin with, if they begin within a table: only its first page may have the head."""
    begins_with = layout.pages[pages.start + 1][:1]
    if not pages.start or len(pages) > _LONGEST_TABLE or not any(isinstance(part, Rows) for part in begins_with):
        return None
    return max(0, pages.start - len(pages))


def _raw_text(document: Any, index: int) -> str:
    try:
        page = document[index]
        text_page = page.get_textpage()
    except pypdfium2.PdfiumError:
        return ""
    text: str = text_page.get_text_bounded()
    text_page.close()
    page.close()
    return text.translate(_NO_HYPHENS)


def _place(text: str, before: str, wanted: str, expected: int) -> int | None:
    """Where `wanted` stands in `text`: after `before` or the end of that, if it does; near to where it is expected."""
    longest = min(len(before), expected)
    for length in (longest, longest // 4, 0):  # of what is laid out
        at = _nearest(text, before[len(before) - length :] + wanted, expected - length)
        if at is not None:
            return at + length
    return None


def _strands(parsed: ParsedText) -> Iterator[_Strand]:
    at = 0
    for block in parsed.blocks:
        text = parsed.text[block.start : block.end]
        for piece in _CELL_END.split(text) if block.kind == "table" else [text]:
            squeezed = _squeezed(piece)
            if squeezed:
                yield _Strand(block.page or 1, at, squeezed)
            at += len(squeezed)


def _pieces(strands: Iterable[_Strand], start: int, end: int) -> Iterator[tuple[int, str]]:
    """What of a page lies in the squeezed text[start:end], each with the number of the page's characters in front of it."""
    before = 0
    for strand in strands:
        first = max(0, start - strand.start)
        piece = strand.text[first : max(0, end - strand.start)]
        if piece:
            yield before + first, piece
        before += len(strand.text)


def _lines_of(layout: Layout, number: int) -> list[Line]:
    return [line for part in layout.pages[number] for line in part.lines]


def _boxes(page: Any, lines: Sequence[Line], pieces: Iterable[tuple[int, str]]) -> list[Box]:
    """Boxes of the `pieces` of a page whose `lines` are these; each with the number of characters, without blanks, in front of it.

    That is about right, since the columns of a long table are named again in the text: so the nearest place is meant.
    """
    text_page = page.get_textpage()
    shown = [
        (plain, index)
        for line in lines
        for character, index in characters(text_page, line.start, line.end)
        if (plain := _squeezed(character.translate(_AS_HYPHENS if line.text.endswith("-") else _NO_HYPHENS)))
    ]
    text = "".join(character for character, _ in shown)
    width, height = page.get_size()
    placed: list[Box] = []
    drift = 0
    for before, piece in pieces:
        at = _nearest(text, piece, before + drift)
        if at is not None:
            drift = at - before
            boxes = (text_page.get_charbox(index, loose=True) for _, index in shown[at : at + len(piece)])
            placed += [_placed(page, box, width, height) for box in boxes]
    return [
        Box(max(0.0, b.left / width), max(0.0, b.top / height), min(1.0, b.right / width), min(1.0, b.bottom / height))
        for b in _joined(placed)
    ]


def _placed(page: Any, canvas: tuple[float, float, float, float], width: float, height: float) -> Box:
    """A box of the file's canvas (left, bottom, right, top) on the page, in points."""
    corners: list[tuple[float, float]] = []
    for x, y in (canvas[:2], canvas[2:]):
        across, down = c_int(), c_int()
        _PDFIUM.FPDF_PageToDevice(page, 0, 0, _GRID, _GRID, 0, x, y, byref(across), byref(down))
        corners.append((across.value / _GRID * width, down.value / _GRID * height))
    (x1, y1), (x2, y2) = corners
    return Box(min(x1, x2), min(y1, y2), max(x1, x2), max(y1, y2))


def _joined(boxes: Iterable[Box]) -> list[Box]:
    """Boxes of characters, in reading order, as boxes of lines."""
    lines: list[Box] = []
    for box in boxes:
        if lines and _continues(line := lines[-1], box):
            lines[-1] = Box(
                min(line.left, box.left), min(line.top, box.top), max(line.right, box.right), max(line.bottom, box.bottom)
            )
        else:
            lines.append(box)
    return lines


def _continues(line: Box, box: Box) -> bool:
    lower = min(line.bottom - line.top, box.bottom - box.top)
    overlap = min(line.bottom, box.bottom) - max(line.top, box.top)
    return overlap >= _SAME_LINE * lower and abs(box.left - line.right) <= _WIDEST_GAP * (line.bottom - line.top)


def _nearest(text: str, wanted: str, at: int) -> int | None:
    """Where `wanted` stands in `text`, as near to `at` as it does; None where it does not."""
    places = [place for place in (text.rfind(wanted, 0, at + len(wanted)), text.find(wanted, at)) if place >= 0]
    return min(places, key=lambda place: abs(place - at), default=None)


def _squeezed(text: str) -> str:
    """Without blanks and what stands between the cells of a table in the stored text alone, and with nothing raised."""
    return "".join(text.translate(_PLAIN).split())
