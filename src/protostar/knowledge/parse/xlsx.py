"""Workbooks: each visible sheet is a heading, its tables, and the text of its shapes.

Values, not formulas: a formula that was never computed is empty.
"""

import re
import xml.etree.ElementTree as ET
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, time, timedelta
from itertools import chain
from pathlib import Path
from typing import Any

import openpyxl
from openpyxl.utils.exceptions import InvalidFileException

from protostar.knowledge.parse import drawings, number_formats, zip_guard
from protostar.knowledge.parse.builder import TextBuilder
from protostar.knowledge.parse.failures import damaged
from protostar.knowledge.parse.model import ParsedText
from protostar.knowledge.parse.tables import Cell, add_table, spread
from protostar.knowledge.parse.workbook import Allowance
from protostar.knowledge.parse.xlsx_layout import LAST_ROW, Layout, related

_KIND = "an Excel workbook (.xlsx)"
_LITERAL = re.compile(r'"[^"]*"|\\.|\[[^\]]*\]')  # of a format: what is shown as it is, and what is not shown
_DAY = re.compile(r"[dDhHsS]|^General$")


def read(path: Path, max_chars: int) -> ParsedText:
    zip_guard.check(path, _KIND)
    builder = TextBuilder(max_chars)
    with damaged(_KIND, *zip_guard.ERRORS, InvalidFileException), path.open("rb") as file, zipfile.ZipFile(path) as archive:
        workbook: Any = openpyxl.load_workbook(file, read_only=True, data_only=True)
        allowance = Allowance()
        parts = set[str]()
        for number, sheet in enumerate(workbook.worksheets, 1):
            part: str = sheet._worksheet_path  # noqa: SLF001 - openpyxl has no other way
            if sheet.sheet_state != "visible" or part in parts:  # each is one sheet's, but where a file was made to swell
                continue
            parts.add(part)
            rows = _rows(sheet, allowance, Layout.of(archive, part, parts))
            first = next(rows, None)
            boxes = [text for text in _boxes(archive, part, parts) if text]
            if first is not None or boxes:
                builder.page = number
                builder.heading(1, sheet.title)
                add_table(builder, spread(chain([] if first is None else [first], rows)))
            for text in boxes:
                builder.block("paragraph", text)
        return builder.build(title=workbook.properties.title, page_count=len(workbook.worksheets))


def _boxes(archive: zipfile.ZipFile, part: str, parts: set[str]) -> Iterator[str]:
    """The texts that lie on a sheet."""
    for drawing in related(archive, part, "drawing"):
        if drawing not in parts:
            parts.add(drawing)
            yield from drawings.shapes(ET.fromstring(archive.read(drawing)))  # noqa: S314  (as in xlsx_layout.py)


class _Merged:
    """The cells that are merged downwards, for rows that are asked about from the first to the last."""

    def __init__(self, merged: Mapping[int, Mapping[int, int]]) -> None:
        begins = ((first, column, last) for column, firsts in merged.items() for first, last in firsts.items())
        self._begins = sorted(begins, reverse=True)
        self._last: dict[int, int] = {}
        self._covered = 0

    def goes_on(self, column: int, number: int) -> bool:
        """Whether a cell belongs to one above it, after `begin_above(number)`."""
        return number <= self._last.get(column, 0)

    def begin_above(self, number: int) -> None:
        while self._begins and self._begins[-1][0] < number:
            _, column, last = self._begins.pop()
            self._last[column] = last
            self._covered = max(self._covered, last)

    def divides(self, number: int) -> bool:
        """Whether no merged cell goes through a row, or on below it."""
        self.begin_above(number + 1)
        return number > self._covered


def _rows(sheet: Any, allowance: Allowance, layout: Layout) -> Iterator[list[Cell]]:
    """The rows that are shown; a gap of any height between them is one blank row."""
    # The size that the file declares may be wrong, and every row would be padded to it; gaps between rows are filled.
    sheet.reset_dimensions()
    merged = _Merged(layout.merged)
    passed = filled = blank = number = 0  # the last rows of each kind
    for number, row in enumerate(sheet.iter_rows(max_row=min(layout.last_row, LAST_ROW)), 1):
        if row:
            allowance.pass_over(number - passed + len(row))
            passed = number
        if number in layout.hidden_rows:
            continue
        if not row:
            blank = number
            continue
        is_below_gap = blank > filled and merged.divides(blank)
        cells = _cells(row, number, merged, layout)
        if not cells:
            blank = number
            continue
        filled = number
        allowance.spend(len(cells))
        if is_below_gap:
            yield []
        yield cells
    allowance.pass_over(number - passed)


def _cells(row: Sequence[Any], number: int, merged: _Merged, layout: Layout) -> list[Cell]:
    """Those of a row that are shown, up to the last one that is not blank."""
    merged.begin_above(number)
    width = len(row)
    while width and row[width - 1].value is None and not merged.goes_on(width, number):
        width -= 1
    cells = [
        Cell("", goes_on=True) if merged.goes_on(column, number) else Cell(_shown(cell))
        for column, cell in enumerate(row[:width], 1)
        if column not in layout.hidden_columns
    ]
    while cells and not cells[-1].text and not cells[-1].goes_on:
        cells.pop()
    return cells


def _shown(cell: Any) -> str:
    match value := cell.value:
        case None:
            return ""
        case bool():
            return str(value).upper()
        case int() | float():
            return number_formats.shown(value, cell.number_format)
        case datetime() if not _DAY.search(_LITERAL.sub("", cell.number_format)):
            return value.isoformat(" ")[: len("2026-03")]
        case datetime():
            return value.date().isoformat() if value.time() == time() else value.isoformat(" ", "minutes")
        case time():
            return value.isoformat("minutes")
        case timedelta():
            minutes = round(value.total_seconds() / 60)
            return f"{minutes // 60}:{minutes % 60:02}"
        case _:
            return str(value).strip()
