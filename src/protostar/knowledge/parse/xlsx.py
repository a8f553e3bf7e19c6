"""Workbooks: each visible sheet is a heading and a table. Values, not formulas: a formula that was never computed is empty."""

import re
from collections.abc import Iterator
from datetime import datetime, time
from itertools import chain
from pathlib import Path
from typing import Any

import openpyxl
from openpyxl.utils.exceptions import InvalidFileException

from protostar.errors import UnreadableDocument
from protostar.knowledge.parse import zip_guard
from protostar.knowledge.parse.builder import TextBuilder
from protostar.knowledge.parse.failures import damaged
from protostar.knowledge.parse.model import ParsedText
from protostar.knowledge.parse.tables import add_table

_KIND = "an Excel workbook (.xlsx)"
_LITERAL = re.compile(r'"[^"]*"|\\.')  # of a number format: what is shown as it is
_LAST_ROW = 1_048_576
_MAX_ROWS = 200_000
_MAX_COLUMNS = 1_000
_MAX_CELLS = 1_000_000


def read(path: Path, max_chars: int) -> ParsedText:
    zip_guard.check(path, _KIND)
    builder = TextBuilder(max_chars)
    with damaged(_KIND, *zip_guard.ERRORS, InvalidFileException), path.open("rb") as file:
        workbook: Any = openpyxl.load_workbook(file, read_only=True, data_only=True)
        allowance = _Allowance()
        for number, sheet in enumerate(workbook.worksheets, 1):
            rows = _rows(sheet, allowance) if sheet.sheet_state == "visible" else iter(())
            first = next(rows, None)
            if first is not None:
                builder.heading(1, sheet.title, page=number)
                add_table(builder, chain([first], rows), page=number)
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


def _rows(sheet: Any, allowance: _Allowance) -> Iterator[list[str]]:
    # The size that the file declares may be wrong, and every row would be padded to it; gaps between rows are filled.
    sheet.reset_dimensions()
    for row in sheet.iter_rows(max_row=_LAST_ROW):
        cells = [_shown(cell) for cell in row]
        while cells and not cells[-1]:
            cells.pop()
        if cells:
            allowance.spend(len(cells))
            yield cells


def _shown(cell: Any) -> str:
    match value := cell.value:
        case None:
            return ""
        case bool():
            return str(value).upper()
        case int() | float() if "%" in _LITERAL.sub("", cell.number_format):
            return format(value * 100, ".10g") + "%"
        case float():
            return format(value, ".15g")
        case datetime():
            return value.date().isoformat() if value.time() == time() else value.isoformat(" ", "minutes")
        case time():
            return value.isoformat("minutes")
        case _:
            return str(value).strip()
