"""Workbooks: each visible sheet is a heading and its tables. Values, not formulas: a formula that was never computed is empty."""

import re
import zipfile
from collections.abc import Iterator
from datetime import datetime, time, timedelta
from itertools import chain
from pathlib import Path
from typing import Any

import openpyxl
from openpyxl.utils.exceptions import InvalidFileException

from protostar.errors import UnreadableDocument
from protostar.knowledge.parse import number_formats, zip_guard
from protostar.knowledge.parse.builder import TextBuilder
from protostar.knowledge.parse.failures import damaged
from protostar.knowledge.parse.model import ParsedText
from protostar.knowledge.parse.tables import Cell, add_table, spread
from protostar.knowledge.parse.xlsx_layout import Layout

_KIND = "an Excel workbook (.xlsx)"
_LITERAL = re.compile(r'"[^"]*"|\\.|\[[^\]]*\]')  # of a format: what is shown as it is, and what is not shown
_DAY = re.compile(r"[dDhHsS]|^General$")
_LAST_ROW = 1_048_576
_MAX_ROWS = 200_000
_MAX_COLUMNS = 1_000
_MAX_CELLS = 1_000_000


def read(path: Path, max_chars: int) -> ParsedText:
    zip_guard.check(path, _KIND)
    builder = TextBuilder(max_chars)
    with damaged(_KIND, *zip_guard.ERRORS, InvalidFileException), path.open("rb") as file, zipfile.ZipFile(path) as archive:
        workbook: Any = openpyxl.load_workbook(file, read_only=True, data_only=True)
        allowance = _Allowance()
        for number, sheet in enumerate(workbook.worksheets, 1):
            if sheet.sheet_state != "visible":
                continue
            rows = _rows(sheet, allowance, Layout.of(archive, sheet._worksheet_path))  # noqa: SLF001 - openpyxl has no other way
            first = next(rows, None)
            if first is not None:
                builder.heading(1, sheet.title, page=number)
                add_table(builder, spread(chain([first], rows)), page=number)
        return builder.build(title=workbook.properties.title, page_count=len(workbook.worksheets))


class _Allowance:
    """Cells that may still be read in this workbook."""

    def __init__(self) -> None:
        self._rows = _MAX_ROWS
        self._cells = _MAX_CELLS

    def spend(self, cells: int) -> None:
        self._rows -= 1
        self._cells -= cells
        if self._rows < 0 or self._cells < 0 or cells > _MAX_COLUMNS:
            raise UnreadableDocument(
                f"The workbook is larger than {_MAX_ROWS:,} rows, {_MAX_COLUMNS:,} columns or {_MAX_CELLS:,} cells; split it up."
            )


def _rows(sheet: Any, allowance: _Allowance, layout: Layout) -> Iterator[list[Cell]]:
    """The rows that are shown; a gap of any height between them is one blank row."""
    # The size that the file declares may be wrong, and every row would be padded to it; gaps between rows are filled.
    sheet.reset_dimensions()
    last = dict.fromkeys(layout.merged, 0)
    is_below_gap, covered = False, 0
    for number, row in enumerate(sheet.iter_rows(max_row=_LAST_ROW), 1):
        cells = [Cell(_shown(cell)) for cell in row]
        for column, firsts in layout.merged.items():
            if number <= last[column] and column <= len(cells):
                cells[column - 1] = Cell("", goes_on=True)
            last[column] = firsts.get(number, last[column])
            covered = max(covered, last[column])
        if number in layout.hidden_rows:
            continue
        cells = [cell for column, cell in enumerate(cells, 1) if column not in layout.hidden_columns]
        while cells and not cells[-1].text and not cells[-1].goes_on:
            cells.pop()
        if cells:
            allowance.spend(len(cells))
            if is_below_gap:
                yield []
            yield cells
        is_below_gap = not cells and number > covered


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
