"""OpenDocument spreadsheets (ISO 26300): each visible sheet is a heading, its tables, and the text of its shapes.

Cells as they are shown.
"""

import xml.etree.ElementTree as ET
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TypeAlias

from protostar.knowledge.parse.failures import too_long
from protostar.knowledge.parse.model import ParsedText
from protostar.knowledge.parse.office.package import open_package, title, walk
from protostar.knowledge.parse.opendocument.names import (
    CELL,
    COLUMN,
    CONTENT,
    COVERED,
    DRAW,
    METADATA,
    OFFICE,
    ROW,
    STYLE,
    TABLE,
    VISIBILITY,
    P,
)
from protostar.knowledge.parse.opendocument.styles import Styles
from protostar.knowledge.parse.opendocument.text import TextWriter
from protostar.knowledge.parse.spreadsheets.workbook import MOST_COLUMNS, Allowance, add_sheet
from protostar.knowledge.parse.text.builder import TextBuilder
from protostar.knowledge.parse.text.tables import Cell

_KIND = "an OpenDocument spreadsheet (.ods)"
_SHEET, _SHAPES = f"{TABLE}table", f"{TABLE}shapes"
_GROUPS = frozenset(f"{TABLE}{name}" for name in ("table-row-group", "table-column-group"))
_VALUES = tuple(f"{OFFICE}{name}" for name in ("string-value", "date-value", "time-value", "boolean-value", "value"))
_STYLE, _SHEETS, _SHEET_STYLE, _DISPLAY = f"{STYLE}style", f"{OFFICE}spreadsheet", f"{TABLE}style-name", f"{TABLE}display"
_Elements: TypeAlias = Iterator[tuple[str, ET.Element, list[ET.Element]]]


def read(path: Path, max_chars: int) -> ParsedText:
    builder = TextBuilder(max_chars)
    with open_package(path, _KIND) as archive:
        with archive.open(CONTENT) as part:
            sheets = _read_sheets(part, builder)
        return builder.build(title=title(archive, METADATA), page_count=sheets)


def _read_sheets(part: IO[bytes], builder: TextBuilder) -> int:
    """How many there are."""
    known = Styles()
    writer = TextWriter(builder, known)
    allowance = Allowance()
    sheets = 0
    elements = _elements(part)
    for event, element, above in elements:
        if event == "end" and element.tag == _STYLE:
            known.add(element)
        elif event == "start" and element.tag == _SHEET and above[-1].tag == _SHEETS:
            sheets += 1
            if known.property("table", element.get(_SHEET_STYLE), "table", _DISPLAY) == "false":
                continue
            sheet = _Sheet(element, writer, allowance, builder.max_chars)
            add_sheet(builder, sheets, element.get(f"{TABLE}name", ""), sheet.rows(elements), sheet.boxes)
    return sheets


def _elements(part: IO[bytes]) -> _Elements:
    """All of a document; each row of a sheet is let go when the next element is asked for."""
    for event, element, above in walk(part):
        yield event, element, above
        if event == "end" and element.tag == ROW and not _is_in_row(above):
            above[-1].clear()


def _is_in_row(above: Sequence[ET.Element]) -> bool:
    return any(element.tag == ROW for element in above)


class _Sheet:
    """What is folded away in an outline, or filtered out for the moment, is not hidden: a click shows it."""

    def __init__(self, sheet: ET.Element, writer: TextWriter, allowance: Allowance, max_chars: int) -> None:
        self._sheet = sheet
        self._writer = writer
        self._allowance = allowance
        self._max_chars = max_chars
        self._columns = 0
        self._hidden_columns: list[int] = []
        self._row = 0
        self._merged: dict[int, _Merged] = {}
        """By their columns, the cells that go on below or behind the element that says them."""
        self.boxes: list[str] = []
        """The texts that lie on the sheet, once its rows have been read."""

    def rows(self, elements: _Elements) -> Iterator[list[Cell]]:
        """Those that are shown, up to the end of the sheet; blank ones that follow one another are one."""
        for event, element, above in elements:
            if event == "start":
                continue
            if element is self._sheet:
                return
            if element.tag == ROW and not _is_in_row(above):
                yield from self._repeated(element, above)
            elif element.tag == COLUMN and not _is_in_row(above):
                self._add_columns(element, above)
            elif element.tag == _SHAPES and above[-1] is self._sheet:
                self._add_boxes(element)

    def _add_columns(self, element: ET.Element, above: Sequence[ET.Element]) -> None:
        first = self._columns
        self._columns = min(first + _number(element, "columns-repeated"), MOST_COLUMNS)
        if _is_hidden(element, above):
            self._hidden_columns += range(first, self._columns)

    def _repeated(self, element: ET.Element, above: Sequence[ET.Element]) -> Iterator[list[Cell]]:
        times = _number(element, "rows-repeated")
        if _is_hidden(element, above):
            self._hide(element)
        else:
            cells = self._cells(element)
            for _ in range(times if cells else 1):
                self._allowance.spend(len(cells))
                yield cells
        self._row += times

    def _hide(self, row: ET.Element) -> None:
        """Pass over a row that is not shown."""
        for cell, column, _ in _placed(row):
            if cell.tag == CELL and _number(cell, "rows-spanned") > 1:
                _take_shapes(cell)
                self._begin_merged(cell, column, self._text(cell), is_said=False)

    def _cells(self, row: ET.Element) -> list[Cell]:
        """Those of a row that are shown, up to the last one that is not blank."""
        cells: list[Cell] = []
        blanks = 0
        for element, column, end in _placed(row):
            for cell, times in self._covered(column, end) if element.tag == COVERED else self._own(element, column, end):
                if cell is None:
                    blanks += times
                else:
                    cells += [Cell("")] * blanks + [cell] * times
                    blanks = 0
        return cells

    def _own(self, cell: ET.Element, column: int, end: int) -> Iterator[tuple[Cell | None, int]]:
        """What a cell says (None: nothing), and in how many columns that are shown."""
        shown = self._shown(column, end)
        shapes = _take_shapes(cell)
        text = self._text(cell)
        if len(text) * shown > self._max_chars:
            raise too_long(self._max_chars)
        self._begin_merged(cell, column, text, is_said=shown > 0)
        if shown:
            self._add_boxes(shapes)
            yield Cell(text) if text else None, shown

    def _covered(self, column: int, end: int) -> Iterator[tuple[Cell | None, int]]:
        """The same of cells that merged ones cover."""
        self._allowance.pass_over(end - column)
        for at in range(column, end):
            if not self._shown(at, at + 1):
                continue
            merged = self._merged.get(at)
            if merged is None or merged.last_row < self._row:
                yield None, 1
            elif merged.unsaid:
                yield Cell(merged.unsaid), 1
                merged.unsaid = ""
            else:
                yield Cell("", goes_on=True), 1

    def _begin_merged(self, cell: ET.Element, column: int, text: str, *, is_said: bool) -> None:
        """Note a cell that says something, if it is merged: it stands in its first column that is shown."""
        columns, rows = (_number(cell, f"{name}-spanned") for name in ("columns", "rows"))
        end = min(column + columns, MOST_COLUMNS)
        at = next((at for at in range(column, end) if self._shown(at, at + 1)), end)
        self._allowance.pass_over(at - column)
        if text and at < end and (rows > 1 or not is_said):
            self._merged[at] = _Merged(self._row + rows - 1, "" if is_said else text)

    def _shown(self, column: int, end: int) -> int:
        """How many columns from one to another are shown."""
        return end - column - (bisect_left(self._hidden_columns, end) - bisect_left(self._hidden_columns, column))

    def _add_boxes(self, shapes: Iterable[ET.Element]) -> None:
        texts = (self._writer.flat(shape).strip() for shape in shapes if not self._writer.is_unseen(shape))
        self.boxes += filter(None, texts)

    def _text(self, cell: ET.Element) -> str:
        """As it is shown; where the program that wrote the file does not say, its value."""
        if (text := self._writer.flat(cell).strip()) or cell.find(P) is not None:
            return text
        return next(filter(None, map(cell.get, _VALUES)), "")


@dataclass(slots=True)
class _Merged:
    """`unsaid`: what the cell says, until it stands in a row and a column that are shown."""

    last_row: int
    unsaid: str


def _placed(row: ET.Element) -> Iterator[tuple[ET.Element, int, int]]:
    """The cells of a row, each with its first column and the one behind it, from 0."""
    column = 0
    for element in row:
        if element.tag in {CELL, COVERED}:
            end = column + max(1, min(_number(element, "columns-repeated"), MOST_COLUMNS + 1 - column))
            yield element, column, end
            column = end


def _take_shapes(cell: ET.Element) -> list[ET.Element]:
    """What lies on the sheet, held by a cell."""
    shapes = [child for child in cell if child.tag.startswith(DRAW)]
    if shapes:
        cell[:] = [child for child in cell if not child.tag.startswith(DRAW)]
    return shapes


def _is_hidden(element: ET.Element, above: Sequence[ET.Element]) -> bool:
    return element.get(VISIBILITY) == "collapse" and not any(group.tag in _GROUPS for group in above)


def _number(element: ET.Element, name: str) -> int:
    return int(element.get(f"{TABLE}number-{name}", "1"))
