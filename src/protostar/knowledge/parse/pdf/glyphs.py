"""The characters of a page of a PDF: what PDFium says of each.

Places are points on the page as a reader holds it, x to the right and y upwards. Each call costs as much as a dozen lines of
Python.
"""

from collections.abc import Iterable, Iterator
from ctypes import byref, c_double, c_int, c_ushort, create_string_buffer
from functools import lru_cache
from typing import Any, Final

from pypdfium2 import raw

from protostar.errors import UnreadableDocument
from protostar.knowledge.parse.text.normalise import clean

_PDFIUM: Final[Any] = raw
NEW_LINE: Final = frozenset("\r\n")
HYPHENS: Final = "\ufffe\x02"
"""PDFium puts U+FFFE (formerly U+0002) where a word is broken at the end of a line."""

# Bullets of the fonts Symbol and Wingdings, which have no Unicode of their own.
BULLETS: Final = str.maketrans({"\uf0b7": "•", "\uf0a7": "▪", "\uf0a8": "▪", "\uf06e": "▪", "\uf0d8": "▪", "\uf0fc": "✓"})

_LEVEL, _RAISED = "0123456789-−+()", "⁰¹²³⁴⁵⁶⁷⁸⁹⁻⁻⁺⁽⁾"
RAISED: Final = str.maketrans(_LEVEL, _RAISED)
LEVEL: Final = str.maketrans(_RAISED + "−", _LEVEL.replace("−", "-") + "-")
"""The other way round."""

_MOST_CHARACTERS: Final = 1_000_000
"""Of a page. Full ones hold some ten thousand, a site that a browser prints on one more; forms that draw forms make millions."""

_BOLD: Final = 600
_BOLD_NAMES: Final = (b"Bold", b"Black", b"Heavy")


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
    return character if character in NEW_LINE or character in HYPHENS else clean(character)


class Glyphs:
    """The characters of a page, by their numbers, while PDFium has it open."""

    def __init__(self, page: Any, text_page: Any) -> None:
        self._text_page = text_page.raw
        self._whole = text_page
        self._boxes: dict[int, tuple[float, float, float, float]] = {}
        self._turned: int = page.get_rotation()

    def all(self) -> list[tuple[str, int]]:
        """Raises UnreadableDocument where there are too many: a part of them would pass for all."""
        count = self._whole.count_chars()
        if count > _MOST_CHARACTERS:
            raise UnreadableDocument(f"A page of this PDF holds more than {_MOST_CHARACTERS:,} characters; split it up.")
        return list(characters(self._whole, 0, count))

    def generated(self, blanks: Iterable[int]) -> set[int]:
        """Those blanks that the file does not write, but leaves room for."""
        ask, text_page = _PDFIUM.FPDFText_IsGenerated, self._text_page
        return {index for index in blanks if ask(text_page, index) == 1}

    def box(self, index: int) -> tuple[float, float, float, float]:
        """(left, bottom, right, top) of a character, as wide as it moves the next one on."""
        known = self._boxes.get(index)
        if known is None:
            box = _PDFIUM.FS_RECTF()
            _PDFIUM.FPDFText_GetLooseCharBox(self._text_page, index, byref(box))
            known = self._boxes[index] = self.turn(box.left, box.bottom, box.right, box.top)
        return known

    def origin(self, index: int) -> float:
        """How high a character stands."""
        x, y = c_double(), c_double()
        _PDFIUM.FPDFText_GetCharOrigin(self._text_page, index, byref(x), byref(y))
        return self.turn(x.value, y.value, x.value, y.value)[1]

    def turn(self, left: float, bottom: float, right: float, top: float) -> tuple[float, float, float, float]:
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

    def size(self, index: int) -> float:
        matrix = _PDFIUM.FS_MATRIX()
        _PDFIUM.FPDFText_GetMatrix(self._text_page, index, byref(matrix))
        return abs(self.named_size(index)) * ((matrix.c**2 + matrix.d**2) ** 0.5 or 1.0)

    def named_size(self, index: int) -> float:
        """Of its font, as the file names it; a file that names 1 always, scales its characters otherwise."""
        return float(_PDFIUM.FPDFText_GetFontSize(self._text_page, index))

    def is_bold(self, index: int) -> bool:
        if _PDFIUM.FPDFText_GetFontWeight(self._text_page, index) >= _BOLD:
            return True
        name = create_string_buffer(128)
        _PDFIUM.FPDFText_GetFontInfo(self._text_page, index, name, len(name), byref(c_int()))
        return any(bold in name.value for bold in _BOLD_NAMES)
