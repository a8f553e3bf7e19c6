"""OpenDocument texts (ISO 26300): paragraphs, lists and tables in the order of the document."""

import re
import xml.etree.ElementTree as ET
from bisect import bisect_left
from collections.abc import Iterable, Iterator
from itertools import repeat
from pathlib import Path
from typing import NamedTuple, Self

from protostar.knowledge.parse import numerals, styles
from protostar.knowledge.parse.builder import TextBuilder
from protostar.knowledge.parse.model import ParsedText
from protostar.knowledge.parse.package import children, open_package, title
from protostar.knowledge.parse.tables import Cell
from protostar.knowledge.parse.writer import Writer

_KIND = "an OpenDocument text (.odt)"
_STYLES = "styles.xml"
_BLANKS = re.compile(r"[ \t\r\n]+")
_ESCAPED = re.compile(r"_([0-9a-f]{2,5})_")
_MOST_REPEATED = 1_000
_LONGEST_CHAIN = 20
_DEEPEST_LEVEL = 10

_OFFICE, _STYLE, _TEXT, _TABLE, _DRAW, _SVG = (
    f"{{urn:oasis:names:tc:opendocument:xmlns:{name}:1.0}}"
    for name in ("office", "style", "text", "table", "drawing", "svg-compatible")
)
_P, _H, _LIST, _ITEM, _NOTE = (f"{_TEXT}{name}" for name in ("p", "h", "list", "list-item", "note"))
_TBL, _ROW, _CELL, _COVERED, _COLUMN = (
    f"{_TABLE}{name}" for name in ("table", "table-row", "table-cell", "covered-table-cell", "table-column")
)
_SPANS = ("columns-spanned", "rows-spanned", "columns-repeated")
_OBJECTS = frozenset((_P, _H, _LIST, _TBL))
_VISIBILITY = f"{_TABLE}visibility"
_STYLE_NAME, _DISPLAY = f"{_TEXT}style-name", f"{_TEXT}display"
_LINE_STYLE, _LINE_TYPE = (f"{_STYLE}text-line-through-{name}" for name in ("style", "type"))
_CHARACTERS = {f"{_TEXT}s": " ", f"{_TEXT}tab": "\t", f"{_TEXT}line-break": "\n"}
# Deleted text, remarks, reading aids, programs; lists that repeat headings and captions.
_UNSEEN = frozenset(
    (
        *(f"{_TEXT}{name}" for name in ("tracked-changes", "ruby-text", "script", "note-citation")),
        *(f"{_TEXT}{name}" for name in ("table-of-content", "illustration-index", "table-index", "alphabetical-index")),
        *(f"{_TEXT}{name}" for name in ("object-index", "user-index", "bibliography-source", "sequence-decls")),
        *(f"{_OFFICE}{name}" for name in ("annotation", "forms", "binary-data")),
        *(f"{_SVG}{name}" for name in ("title", "desc")),
    )
)
_HIDING = f"{_TEXT}hidden-paragraph[@{_TEXT}is-hidden='true']"  # hides what it stands in
_NUMBERINGS = frozenset((f"{_TEXT}list-style", f"{_TEXT}outline-style"))
_OUTLINE = ""
# Formats are named by their first numbers («가, 나, 다, ...»).
_LETTERS = {
    letters[0]: letters
    for letters in (
        *(numerals.LETTERS, numerals.LETTERS.lower(), numerals.GANADA, numerals.CHOSUNG),
        *(numerals.CIRCLED, numerals.KOREAN, numerals.CHINESE),
    )
}
_GROUPS = frozenset(f"{_TABLE}{name}" for name in ("table-header-rows", "table-rows", "table-row-group"))
_COLUMN_GROUPS = frozenset(f"{_TABLE}{name}" for name in ("table-header-columns", "table-columns", "table-column-group"))
# Of the styles that elements name: those of two families may have one name.
_FAMILIES = {_P: "paragraph", _H: "paragraph", f"{_TEXT}span": "text", f"{_TEXT}a": "text"}


def read(path: Path, max_chars: int) -> ParsedText:
    builder = TextBuilder(max_chars)
    with open_package(path, _KIND) as archive:
        known = _Styles()
        if _STYLES in archive.NameToInfo:
            with archive.open(_STYLES) as part:
                for element in children(part, "styles"):
                    known.add(element)
        writer = _Writer(builder, known)
        with archive.open("content.xml") as part:
            for element in children(part, "automatic-styles", "text"):
                if not known.add(element):
                    writer.add(element)
        writer.add_notes()
        return builder.build(title=title(archive, "meta.xml"))


class _Number(NamedTuple):
    """`levels`: how many, the last one being its own, it shows the numbers of."""

    form: str
    prefix: str
    suffix: str
    levels: int
    start: int

    @classmethod
    def of(cls, level: ET.Element) -> Self:
        form, prefix, suffix = (level.get(f"{_STYLE}num-{name}", "") for name in ("format", "prefix", "suffix"))
        return cls(form, prefix, suffix, int(level.get(f"{_TEXT}display-levels", "1")), int(level.get(f"{_TEXT}start-value", "1")))

    def spelled(self, number: int) -> str:
        if self.form[:1] in {"I", "i"}:
            return numerals.roman(number) if self.form[0] == "I" else numerals.roman(number).lower()
        return numerals.spelled(number, _LETTERS.get(self.form[:1], ""))


class _Styles:
    """Styles are derived from one another: those of a document's own paragraphs from those that have a name."""

    def __init__(self) -> None:
        self._styles: dict[tuple[str, str | None], ET.Element] = {}
        self.numbers: dict[tuple[str, int], _Number] = {}
        """How a style of lists numbers, by its name, and its levels, from 0; the headings' style is called «»."""

    def add(self, element: ET.Element) -> bool:
        """Whether it is the definition of a style that counts."""
        name = element.get(f"{_STYLE}name", "")
        if element.tag == f"{_STYLE}style":
            self._styles[element.get(f"{_STYLE}family", ""), name] = element
        elif element.tag in _NUMBERINGS:
            for level in element.iterfind(f"*[@{_STYLE}num-format]"):
                if level.get(f"{_STYLE}num-format"):
                    known_as = name if element.tag == f"{_TEXT}list-style" else _OUTLINE
                    self.numbers[known_as, int(level.get(f"{_TEXT}level", "1")) - 1] = _Number.of(level)
        else:
            return False
        return True

    def names(self, element: ET.Element) -> Iterator[str]:
        """What the styles of a paragraph are called, its own first."""
        for style in self._chain(element):
            name = style.get(f"{_STYLE}display-name") or style.get(f"{_STYLE}name", "")
            yield _ESCAPED.sub(lambda code: chr(int(code[1], 16)), name)

    def hides(self, element: ET.Element) -> bool:
        """Whether its text is hidden or struck."""
        found = (style.find(f"{_STYLE}text-properties") for style in self._chain(element))
        properties = [each for each in found if each is not None]
        shown = (each.get(_DISPLAY) for each in properties)
        lines = (each.get(_LINE_STYLE) or each.get(_LINE_TYPE) for each in properties)
        return _first(shown) == "none" or _first(lines) not in {None, "none"}

    def _chain(self, element: ET.Element) -> Iterator[ET.Element]:
        family = _FAMILIES.get(element.tag, "")
        style = self._styles.get((family, element.get(_STYLE_NAME)))
        for _ in range(_LONGEST_CHAIN):
            if style is None:
                return
            yield style
            style = self._styles.get((family, style.get(f"{_STYLE}parent-style-name")))


class _Writer(Writer):
    def __init__(self, builder: TextBuilder, known: _Styles) -> None:
        super().__init__(builder)
        self._styles = known
        self._marker = ""
        """Of the list item whose text comes next."""

    def add(self, element: ET.Element) -> None:
        """Add one of the elements that the text consists of."""
        if not self._is_unseen(element):
            self._add_object(element)

    def _add_object(self, element: ET.Element) -> None:
        if element.tag == _LIST:
            self._add_list(element)
        elif element.tag == _TBL:
            rows = list(_rows(element))
            heads = sum(1 for head in element.iterfind(f"{_TABLE}table-header-rows") for _ in _rows(head))
            _leave_out(_collapsed(element), rows)
            self._add_rows([row.findall(_CELL) for row in rows], map(self._cells, rows), heads)
        else:
            self._add(element)

    def _add_text(self, paragraph: ET.Element, text: str) -> None:
        if not text.strip():
            return
        names = list(self._styles.names(paragraph))
        level = next((level for level in map(styles.level, names) if level is not None), None)
        kind = next(filter(None, map(styles.kind, names)), "paragraph")
        marker, self._marker = self._marker, ""
        if paragraph.tag == _H:
            level = min(max(1, int(paragraph.get(f"{_TEXT}outline-level", "1"))), _DEEPEST_LEVEL)
            number = marker.strip().removeprefix("-") or self._number(_OUTLINE, level - 1, paragraph)
            self._lines.heading(level, f"{number} {text}")
        elif marker:
            self._lines.add("list", text, marker)
        elif level is not None:
            self._lines.heading(level, text)
        elif kind != "contents":
            self._lines.add(kind, text)

    def _add_list(self, element: ET.Element, style: str = "", depth: int = 0) -> None:
        style = element.get(_STYLE_NAME, style)
        if not depth and element.get(f"{_TEXT}continue-numbering") != "true" and f"{_TEXT}continue-list" not in element.attrib:
            self._counters.restart(style)
        for item in element:
            numbered = item.tag == _ITEM  # and not the list's head
            for child in item:
                if child.tag == _LIST:
                    self._add_list(child, style, depth + 1)
                    continue
                if child.tag in {_P, _H}:
                    self._marker = "  " * depth + (self._item_marker(style, depth, item) if numbered else "  ")
                    numbered = False
                self.add(child)
            self._marker = ""

    def _item_marker(self, style: str, depth: int, item: ET.Element) -> str:
        number = self._number(style, depth, item)
        return f"{number}. " if number.isalnum() else f"{number or '-'} "

    def _number(self, style: str, depth: int, item: ET.Element) -> str:
        """The number of an item or a heading, as it is shown; empty where it has none."""
        own = self._styles.numbers.get((style, depth))
        if own is None:
            return ""
        start = item.get(f"{_TEXT}start-value")
        counted = self._counters.advance(style, depth, int(start) if start else None, start=own.start)
        levels = ((at, self._styles.numbers.get((style, at))) for at in range(max(0, depth + 1 - own.levels), depth + 1))
        numbers = ((level, counted[min(at, len(counted) - 1)]) for at, level in levels if level is not None)
        shown = (level.spelled(level.start if number is None else number) for level, number in numbers)
        return own.prefix + ".".join(shown) + own.suffix

    def _cells(self, row: ET.Element) -> Iterator[Cell]:
        """Those that a merged one covers are in the file too, and left out here."""
        for cell in row.iterfind(_CELL):
            columns, rows, repeated = (int(cell.get(f"{_TABLE}number-{name}", "1")) for name in _SPANS)
            text = self._flat(cell)
            if text.strip():
                yield from repeat(Cell(text, columns, rows), min(repeated, max(1, _MOST_REPEATED // len(text))))
            else:
                yield Cell(text, columns * min(repeated, _MOST_REPEATED), rows)

    def _pieces(self, node: ET.Element) -> Iterator[str | ET.Element]:
        yield _BLANKS.sub(" ", node.text or "")
        for child in node:
            if child.tag in _CHARACTERS:
                yield _CHARACTERS[child.tag] * min(int(child.get(f"{_TEXT}c", "1")), _MOST_REPEATED)
            elif child.tag == _NOTE:
                self._notes.append(child)
            elif self._is_unseen(child):
                pass
            elif child.tag in _OBJECTS or child.tag.startswith(_DRAW):
                yield child
            else:
                yield from self._pieces(child)
            yield _BLANKS.sub(" ", child.tail or "")

    def _is_unseen(self, element: ET.Element) -> bool:
        if element.tag in _UNSEEN or element.get(f"{_TEXT}is-hidden") == "true" or element.find(_HIDING) is not None:
            return True
        return element.get(_DISPLAY) == "none" or element.get(_VISIBILITY) == "collapse" or self._styles.hides(element)


def _first(values: Iterable[str | None]) -> str | None:
    return next((value for value in values if value is not None), None)


def _rows(table: ET.Element) -> Iterator[ET.Element]:
    """Those that are shown."""
    for child in table:
        if child.tag == _ROW:
            if child.get(_VISIBILITY) != "collapse":
                yield child
        elif child.tag in _GROUPS:
            yield from _rows(child)


def _columns(table: ET.Element) -> Iterator[ET.Element]:
    for child in table:
        if child.tag == _COLUMN:
            yield child
        elif child.tag in _COLUMN_GROUPS:
            yield from _columns(child)


def _collapsed(table: ET.Element) -> list[int]:
    """Which columns are not shown, in order, from 0."""
    found: list[int] = []
    at = 0
    for column in _columns(table):
        repeated = min(_span(column, "columns-repeated"), _MOST_REPEATED - at)
        if column.get(_VISIBILITY) == "collapse":
            found += range(at, at + repeated)
        at += max(0, repeated)
    return found


def _leave_out(columns: list[int], rows: list[ET.Element]) -> None:
    """Take the cells of some columns out of the rows. A merged one stays where it covers one that is shown."""
    for row in rows if columns else ():
        at = 0
        for cell in [*row]:
            if cell.tag not in {_CELL, _COVERED}:
                continue
            start = at
            at += _span(cell, "columns-repeated")
            name = "columns-spanned" if _span(cell, "columns-spanned") > 1 else "columns-repeated"
            end = start + _span(cell, name)
            left = end - start - (bisect_left(columns, end) - bisect_left(columns, start))
            cell.set(f"{_TABLE}number-{name}", str(left))
            if not left:
                row.remove(cell)


def _span(element: ET.Element, name: str) -> int:
    return int(element.get(f"{_TABLE}number-{name}", "1"))
