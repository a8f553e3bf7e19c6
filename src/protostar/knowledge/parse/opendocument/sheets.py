"""OpenDocument spreadsheets (ISO 26300): each visible sheet is a heading and its tables. Cells as they are shown."""

import xml.etree.ElementTree as ET
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO, TypeAlias

from protostar.knowledge.parse.builder import TextBuilder
from protostar.knowledge.parse.model import ParsedText
from protostar.knowledge.parse.opendocument.names import (
    CELL,
    COLUMN,
    CONTENT,
    COVERED,
    METADATA,
    OFFICE,
    ROW,
    STYLE,
    TABLE,
    VISIBILITY,
)
from protostar.knowledge.parse.opendocument.styles import Styles
from protostar.knowledge.parse.opendocument.text import TextWriter
from protostar.knowledge.parse.package import open_package, title, walk
from protostar.knowledge.parse.tables import Cell
from protostar.knowledge.parse.workbook import MOST_COLUMNS, Allowance, add_sheet

_KIND = "an OpenDocument spreadsheet (.ods)"
_SHEET = f"{TABLE}table"
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
            add_sheet(builder, sheets, element.get(f"{TABLE}name", ""), _Sheet(element, writer, allowance).rows(elements))
    return sheets


def _elements(part: IO[bytes]) -> _Elements:
    """All of a document; each row of a sheet is let go when the next element is asked for."""
    for event, element, above in walk(part):
        yield event, element, above
        if event == "end" and element.tag == ROW and not _is_in_row(above):
            above[-1].remove(element)


def _is_in_row(above: Sequence[ET.Element]) -> bool:
    return any(element.tag == ROW for element in above)


class _Sheet:
    """What is folded away in an outline, or filtered out for the moment, is not hidden: a click shows it."""

    def __init__(self, sheet: ET.Element, writer: TextWriter, allowance: Allowance) -> None:
        self._sheet = sheet
        self._writer = writer
        self._allowance = allowance
        self._columns = 0
        self._hidden_columns: list[int] = []
        self._row = 0
        self._merged: dict[int, int] = {}
        """The last row of the cell that is merged downwards in a column."""

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

    def _add_columns(self, element: ET.Element, above: Sequence[ET.Element]) -> None:
        first = self._columns
        self._columns = min(first + _number(element, "columns-repeated"), MOST_COLUMNS)
        if _is_hidden(element, above):
            self._hidden_columns += range(first, self._columns)

    def _repeated(self, element: ET.Element, above: Sequence[ET.Element]) -> Iterator[list[Cell]]:
        times = _number(element, "rows-repeated")
        if not _is_hidden(element, above):
            cells = self._cells(element)
            for _ in range(times if cells else 1):
                self._allowance.spend(len(cells))
                yield cells
        self._row += times

    def _cells(self, row: ET.Element) -> list[Cell]:
        """Those of a row that are shown, up to the last one that is not blank."""
        cells: list[Cell] = []
        merged: dict[int, int] = {}
        column = blanks = 0
        for element in row:
            if element.tag not in {CELL, COVERED}:
                continue
            text = self._text(element) if element.tag == CELL else ""
            end = column + max(1, min(_number(element, "columns-repeated"), MOST_COLUMNS + 1 - column))
            shown = end - column - (bisect_left(self._hidden_columns, end) - bisect_left(self._hidden_columns, column))
            goes_on = element.tag == COVERED and self._row <= self._merged.get(column, -1)
            if text or goes_on:
                cells += [Cell("")] * blanks + [Cell(text, goes_on=goes_on)] * shown
                blanks = 0
            else:
                blanks += shown
            if text and (rows := _number(element, "rows-spanned")) > 1:
                merged[column] = self._row + rows - 1
            column = end
        self._merged |= merged
        return cells

    def _text(self, cell: ET.Element) -> str:
        """As it is shown; where the program that wrote the file does not say, its value."""
        return self._writer.flat(cell).strip() or next(filter(None, map(cell.get, _VALUES)), "")


def _is_hidden(element: ET.Element, above: Sequence[ET.Element]) -> bool:
    return element.get(VISIBILITY) == "collapse" and not any(group.tag in _GROUPS for group in above)


def _number(element: ET.Element, name: str) -> int:
    return int(element.get(f"{TABLE}number-{name}", "1"))
