"""The pages of a PDF in the child: their sizes, how one looks, and where a passage of the stored text stands on them."""

from collections.abc import Iterator
from contextlib import suppress
from ctypes import byref, c_int
from dataclasses import astuple, dataclass
from importlib import import_module
from itertools import groupby
from pathlib import Path
from typing import Any, Final

import pypdfium2
from pypdfium2 import raw

from protostar.errors import NotFound, UnreadableDocument
from protostar.knowledge.parse import pdf
from protostar.knowledge.parse.child import IMAGE, RESULT, write
from protostar.knowledge.parse.model import ParsedText

MOST_PAGES: Final = 10_000
"""Of which sizes are told."""

_MOST_PIXELS: Final = 6_000_000
_LONGEST_SIDE: Final = 16_000  # pixels; WebP holds 16,383
_QUALITY, _EFFORT = 80, 2  # text stays sharp at a third of a PNG's size
_PDFIUM: Final[Any] = raw
_GRID: Final = 1_000_000  # PDFium places the points of a page on a device of whole pixels
_WIDEST_GAP: Final = 1.5  # of a line's height: what is further apart stands in another column
_SAME_LINE: Final = 0.5  # of the lower one's height that has to overlap
_A4: Final = (595.0, 842.0)


@dataclass(frozen=True, slots=True)
class Box:
    """On a page as it is shown, turned and cropped, from its upper left corner."""

    left: float
    top: float
    right: float
    bottom: float


def sizes(document: Any) -> list[tuple[float, float]]:
    """Width and height of the pages in points; A4 where a page is broken."""
    found: list[tuple[float, float]] = []
    for index in range(min(len(document), MOST_PAGES)):
        size = _A4
        with suppress(pypdfium2.PdfiumError):
            size = document.get_page_size(index)
        found.append(size if min(size) > 0 else _A4)
    return found


def describe(path: Path, work_dir: Path, max_chars: int, start: int, quote: str) -> None:
    """Write down how many pages there are, their sizes, and the boxes of the passage."""
    document = pdf.open_document(path)
    if not len(document):
        raise UnreadableDocument("The file has no pages.")
    found = find(document, pdf.read(path, max_chars), quote, start) if quote else ()
    boxes = [(number, [[round(side, 5) for side in astuple(box)] for box in each]) for number, each in found]
    write(work_dir / RESULT, {"page_count": len(document), "sizes": sizes(document), "boxes": boxes})


def draw(path: Path, work_dir: Path, number: int, width: int) -> None:
    """Write page `number`, 1 for the first, as a WebP image; of a very long page a narrower one. Raises NotFound past the last."""
    load()
    document = pdf.open_document(path)
    with suppress(pypdfium2.PdfiumError):  # what is filled in is part of the page
        document.init_forms()
    page = _open(document, number)
    across, down = page.get_size()
    # PDFium gets whole pixels by rounding up.
    scale = min((width - 0.5) / across, (_MOST_PIXELS / (across * down)) ** 0.5, _LONGEST_SIDE / down)
    page.render(scale=scale).to_pil().save(work_dir / IMAGE, "WEBP", quality=_QUALITY, method=_EFFORT)
    write(work_dir / RESULT, {})


def load() -> None:
    """Load what drawing takes: only encoders, as PDFium has read whatever a file holds."""
    import_module("PIL.Image").preinit()
    import_module("PIL.WebPImagePlugin")


def find(document: Any, parsed: ParsedText, quote: str, start: int) -> Iterator[tuple[int, list[Box]]]:
    """(page, boxes line by line) of the passage that reads `quote` and begins at `start` in the stored text; a page's sides are 1.

    `parsed`: how the document is read today, which may differ from the stored text of an earlier release. So the passage is looked
    for near its place, blanks left out; where its words are not found, there are no boxes.
    """
    pages = [(number, _squeezed(text)) for number, text in _texts(parsed)]
    wanted = _squeezed(quote)
    at = _nearest("".join(text for _, text in pages), wanted, len(_squeezed(parsed.text[:start]))) if wanted else None
    if at is None:
        return
    for number, text in pages:
        first, last = max(0, at), min(len(text), at + len(wanted))
        if first < last and (boxes := _boxes(_open(document, number), text[first:last], first)):
            yield number, boxes
        at -= len(text)


def _texts(parsed: ParsedText) -> Iterator[tuple[int, str]]:
    """The pages that have text, in order."""
    for number, blocks in groupby(parsed.blocks, key=lambda block: block.page):
        if number is not None:
            yield number, "\n".join(parsed.text[block.start : block.end] for block in blocks)


def _open(document: Any, number: int) -> Any:
    if number > len(document):
        raise NotFound(f"The document has {len(document)} pages.")
    try:
        return document[number - 1]
    except pypdfium2.PdfiumError as error:
        raise UnreadableDocument("This page of the file is damaged.") from error


def _boxes(page: Any, wanted: str, before: int) -> list[Box]:
    """Boxes of the characters `wanted`, of which the page has `before` others in front.

    The reader leaves out blanks and what is no character, and keeps the order of all else: so the n-th of its characters is
    PDFium's n-th, unless the file holds text beside the page; then the nearest place that has these characters is meant.
    """
    text_page = page.get_textpage()
    shown = list(_characters(text_page))
    at = _nearest("".join(character for character, _ in shown), wanted, before)
    if at is None:
        return []
    width, height = page.get_size()
    placed = (_placed(page, text_page.get_charbox(index, loose=True), width, height) for _, index in shown[at : at + len(wanted)])
    return [
        Box(max(0.0, b.left / width), max(0.0, b.top / height), min(1.0, b.right / width), min(1.0, b.bottom / height))
        for b in _lines(placed)
    ]


def _characters(text_page: Any) -> Iterator[tuple[str, int]]:
    """The characters of a page that the stored text has, without blanks, each with its index in PDFium's list."""
    high = 0
    for index in range(text_page.count_chars()):
        unit: int = _PDFIUM.FPDFText_GetUnicode(text_page, index)
        if 0xD800 <= unit < 0xDC00:
            high = unit
            continue
        if 0xDC00 <= unit < 0xE000:
            unit = 0x10000 + ((high - 0xD800) << 10) + unit - 0xDC00 if high else 0
        high = 0
        for character in _squeezed(pdf.as_stored(chr(unit))):
            yield character, index


def _placed(page: Any, canvas: tuple[float, float, float, float], width: float, height: float) -> Box:
    """A box of the file's canvas (left, bottom, right, top) on the page, in points."""
    corners: list[tuple[float, float]] = []
    for x, y in (canvas[:2], canvas[2:]):
        across, down = c_int(), c_int()
        _PDFIUM.FPDF_PageToDevice(page, 0, 0, _GRID, _GRID, 0, x, y, byref(across), byref(down))
        corners.append((across.value / _GRID * width, down.value / _GRID * height))
    (x1, y1), (x2, y2) = corners
    return Box(min(x1, x2), min(y1, y2), max(x1, x2), max(y1, y2))


def _lines(boxes: Iterator[Box]) -> list[Box]:
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
    return "".join(text.split())
