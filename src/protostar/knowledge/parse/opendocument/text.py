"""OpenDocument texts (ISO 26300): paragraphs, lists and tables in the order of the document."""

import re
import xml.etree.ElementTree as ET
from bisect import bisect_left
from collections.abc import Iterator
from itertools import repeat
from pathlib import Path

from protostar.knowledge.parse.model import ParsedText
from protostar.knowledge.parse.office import style_names
from protostar.knowledge.parse.office.package import children, open_package, title
from protostar.knowledge.parse.office.writer import Writer
from protostar.knowledge.parse.opendocument.names import (
    CELL,
    COLUMN,
    CONTENT,
    COVERED,
    DISPLAY,
    DRAW,
    METADATA,
    OFFICE,
    ROW,
    SVG,
    TABLE,
    TEXT,
    TEXT_STYLE,
    VISIBILITY,
    H,
    P,
)
from protostar.knowledge.parse.opendocument.styles import OUTLINE, Styles
from protostar.knowledge.parse.text.builder import TextBuilder
from protostar.knowledge.parse.text.numerals import raised
from protostar.knowledge.parse.text.tables import Cell

_KIND = "an OpenDocument text (.odt)"
_BLANKS = re.compile(r"[ \t\r\n]+")
_MOST_REPEATED = 1_000
_DEEPEST_LEVEL = 10

_LIST, _ITEM, _NOTE = (f"{TEXT}{name}" for name in ("list", "list-item", "note"))
_TBL = f"{TABLE}table"
_SPANS = ("columns-spanned", "rows-spanned", "columns-repeated")
_OBJECTS = frozenset((P, H, _LIST, _TBL))
_CHARACTERS = {f"{TEXT}s": " ", f"{TEXT}tab": "\t", f"{TEXT}line-break": "\n"}
# Deleted text, remarks, reading aids, programs; lists that repeat headings and captions.
_UNSEEN = frozenset(
    (
        *(f"{TEXT}{name}" for name in ("tracked-changes", "ruby-text", "script", "note-citation")),
        *(f"{TEXT}{name}" for name in ("table-of-content", "illustration-index", "table-index", "alphabetical-index")),
        *(f"{TEXT}{name}" for name in ("object-index", "user-index", "bibliography-source", "sequence-decls")),
        *(f"{OFFICE}{name}" for name in ("annotation", "forms", "binary-data")),
        *(f"{SVG}{name}" for name in ("title", "desc")),
    )
)
_HIDING = f"{TEXT}hidden-paragraph[@{TEXT}is-hidden='true']"  # hides what it stands in
_GROUPS = frozenset(f"{TABLE}{name}" for name in ("table-header-rows", "table-rows", "table-row-group"))
_COLUMN_GROUPS = frozenset(f"{TABLE}{name}" for name in ("table-header-columns", "table-columns", "table-column-group"))


def read(path: Path, max_chars: int) -> ParsedText:
    builder = TextBuilder(max_chars)
    with open_package(path, _KIND) as archive:
        known = Styles.of(archive)
        writer = TextWriter(builder, known)
        with archive.open(CONTENT) as part:
            for element in children(part, "automatic-styles", "text"):
                if not known.add(element):
                    writer.add(element)
        writer.add_notes()
        return builder.build(title=title(archive, METADATA))


class TextWriter(Writer):
    """Adds the elements that texts consist of, and the shapes of slides."""

    _FLOATING = (DRAW,)

    def __init__(self, builder: TextBuilder, known: Styles) -> None:
        super().__init__(builder)
        self._styles = known
        self._marker = ""
        """Of the list item whose text comes next."""

    def add(self, element: ET.Element) -> None:
        if not self.is_unseen(element):
            self._add_object(element)

    def _add_object(self, element: ET.Element) -> None:
        if element.tag == _LIST:
            self._add_list(element)
        elif element.tag == _TBL:
            rows = list(_rows(element))
            heads = sum(1 for head in element.iterfind(f"{TABLE}table-header-rows") for _ in _rows(head))
            _leave_out(_collapsed(element), rows)
            self._add_rows([row.findall(CELL) for row in rows], map(self._cells, rows), heads)
        else:
            self._add(element)

    def _add_text(self, paragraph: ET.Element, text: str) -> None:
        if not text.strip():
            return
        names = list(self._styles.names(paragraph))
        level = next((level for level in map(style_names.level, names) if level is not None), None)
        kind = next(filter(None, map(style_names.kind, names)), "paragraph")
        marker, self._marker = self._marker, ""
        if paragraph.tag == H:
            level = min(max(1, int(paragraph.get(f"{TEXT}outline-level", "1"))), _DEEPEST_LEVEL)
            number = marker.strip().removeprefix("-") or self._number(OUTLINE, level - 1, paragraph)
            self._lines.heading(level, f"{number} {text}")
        elif marker:
            self._lines.add("list", text, marker)
        elif level is not None:
            self._lines.heading(level, text)
        elif kind != "contents":
            self._lines.add(kind, text)

    def _add_list(self, element: ET.Element) -> None:
        for marker, child in self._items(element):
            self._marker = marker
            self.add(child)
        self._marker = ""

    def _items(self, element: ET.Element, style: str = "", depth: int = 0) -> Iterator[tuple[str, ET.Element]]:
        """What a list holds, with what stands before each paragraph."""
        style = element.get(TEXT_STYLE, style)
        if not depth and element.get(f"{TEXT}continue-numbering") != "true" and f"{TEXT}continue-list" not in element.attrib:
            self._counters.restart(style)
        for item in element:
            numbered = item.tag == _ITEM  # and not the list's head
            for child in item:
                if child.tag == _LIST:
                    yield from self._items(child, style, depth + 1)
                elif child.tag in {P, H}:
                    yield "  " * depth + (self._item_marker(style, depth, item) if numbered else "  "), child
                    numbered = False
                else:
                    yield "", child

    def flat(self, node: ET.Element) -> str:
        if node.tag != _LIST:
            return super().flat(node)
        return " ".join(f"{marker.strip()} {self.flat(child)}" for marker, child in self._items(node) if not self.is_unseen(child))

    def _item_marker(self, style: str, depth: int, item: ET.Element) -> str:
        number = self._number(style, depth, item)
        return f"{number}. " if number.isalnum() else f"{number or '-'} "

    def _number(self, style: str, depth: int, item: ET.Element) -> str:
        """The number of an item or a heading, as it is shown; empty where it has none."""
        own = self._styles.numbers.get((style, depth))
        if own is None:
            return ""
        start = item.get(f"{TEXT}start-value")
        counted = self._counters.advance(style, depth, int(start) if start else None, start=own.start)
        levels = ((at, self._styles.numbers.get((style, at))) for at in range(max(0, depth + 1 - own.levels), depth + 1))
        numbers = ((level, counted[min(at, len(counted) - 1)]) for at, level in levels if level is not None)
        shown = (level.spelled(level.start if number is None else number) for level, number in numbers)
        return own.prefix + ".".join(shown) + own.suffix

    def _cells(self, row: ET.Element) -> Iterator[Cell]:
        """Those that a merged one covers are in the file too, and left out here."""
        for cell in row.iterfind(CELL):
            columns, rows, repeated = (int(cell.get(f"{TABLE}number-{name}", "1")) for name in _SPANS)
            text = self.flat(cell)
            if text.strip():
                yield from repeat(Cell(text, columns, rows), min(repeated, max(1, _MOST_REPEATED // len(text))))
            else:
                yield Cell(text, columns * min(repeated, _MOST_REPEATED), rows)

    def _pieces(self, node: ET.Element) -> Iterator[str | ET.Element]:
        yield _BLANKS.sub(" ", node.text or "")
        for child in node:
            if child.tag in _CHARACTERS:
                yield _CHARACTERS[child.tag] * min(int(child.get(f"{TEXT}c", "1")), _MOST_REPEATED)
            elif child.tag == _NOTE:
                self._notes.append(child)
            elif self.is_unseen(child):
                pass
            elif child.tag in _OBJECTS or child.tag.startswith(DRAW):
                yield child
            elif self._styles.raises(child):
                yield from (piece if not isinstance(piece, str) else raised(piece) or piece for piece in self._pieces(child))
            else:
                yield from self._pieces(child)
            yield _BLANKS.sub(" ", child.tail or "")

    def is_unseen(self, element: ET.Element) -> bool:
        if element.tag in _UNSEEN or element.get(f"{TEXT}is-hidden") == "true" or element.find(_HIDING) is not None:
            return True
        if "none" in {element.get(DISPLAY), element.get(f"{DRAW}display")}:
            return True
        return element.get(VISIBILITY) == "collapse" or self._styles.hides(element)


def _rows(table: ET.Element) -> Iterator[ET.Element]:
    """Those that are shown."""
    for child in table:
        if child.tag == ROW:
            if child.get(VISIBILITY) != "collapse":
                yield child
        elif child.tag in _GROUPS:
            yield from _rows(child)


def _columns(table: ET.Element) -> Iterator[ET.Element]:
    for child in table:
        if child.tag == COLUMN:
            yield child
        elif child.tag in _COLUMN_GROUPS:
            yield from _columns(child)


def _collapsed(table: ET.Element) -> list[int]:
    """Which columns are not shown, in order, from 0."""
    found: list[int] = []
    at = 0
    for column in _columns(table):
        repeated = min(_span(column, "columns-repeated"), _MOST_REPEATED - at)
        if column.get(VISIBILITY) == "collapse":
            found += range(at, at + repeated)
        at += max(0, repeated)
    return found


def _leave_out(columns: list[int], rows: list[ET.Element]) -> None:
    """Take the cells of some columns out of the rows. A merged one stays where it covers one that is shown."""
    for row in rows if columns else ():
        at = 0
        for cell in [*row]:
            if cell.tag not in {CELL, COVERED}:
                continue
            start = at
            at += _span(cell, "columns-repeated")
            name = "columns-spanned" if _span(cell, "columns-spanned") > 1 else "columns-repeated"
            end = start + _span(cell, name)
            left = end - start - (bisect_left(columns, end) - bisect_left(columns, start))
            cell.set(f"{TABLE}number-{name}", str(left))
            if not left:
                row.remove(cell)


def _span(element: ET.Element, name: str) -> int:
    return int(element.get(f"{TABLE}number-{name}", "1"))
