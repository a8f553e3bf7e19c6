"""Workbooks: each visible sheet is a heading and a table. Values, not formulas: a formula that was never computed is empty."""

import re
import zipfile
from collections import defaultdict
from collections.abc import Iterator
from datetime import datetime, time
from itertools import chain
from pathlib import Path
from typing import Any

import openpyxl
from openpyxl.utils import column_index_from_string
from openpyxl.utils.exceptions import InvalidFileException

from protostar.errors import UnreadableDocument
from protostar.knowledge.parse import zip_guard
from protostar.knowledge.parse.builder import TextBuilder
from protostar.knowledge.parse.failures import damaged
from protostar.knowledge.parse.model import ParsedText
from protostar.knowledge.parse.tables import Cell, add_table, spread

_KIND = "an Excel workbook (.xlsx)"
_LITERAL = re.compile(r'"[^"]*"|\\.')  # of a number format: what is shown as it is
_MERGED = re.compile(rb'<(?:\w+:)?mergeCell [^>]{0,99}?\bref="([A-Z]{1,3})(\d{1,7}):[A-Z]{1,3}(\d{1,7})"')
_MERGED_CHARS = 200  # at most
_READ = 1024 * 1024
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
            rows = _rows(sheet, allowance, _merged(archive, sheet._worksheet_path))  # noqa: SLF001 - openpyxl has no other way
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


def _merged(archive: zipfile.ZipFile, part: str) -> dict[int, dict[int, int]]:
    """By column, the first and the last row of cells that are merged downwards. openpyxl tells it only of sheets read whole."""
    found: defaultdict[int, dict[int, int]] = defaultdict(dict)
    with archive.open(part) as file:
        window = b""
        while more := file.read(_READ):
            window += more
            end = 0
            for match in _MERGED.finditer(window):
                found[column_index_from_string(match[1].decode())][int(match[2])] = int(match[3])
                end = match.end()
            window = window[max(end, len(window) - _MERGED_CHARS) :]
    return found


def _rows(sheet: Any, allowance: _Allowance, merged: dict[int, dict[int, int]]) -> Iterator[list[Cell]]:
    # The size that the file declares may be wrong, and every row would be padded to it; gaps between rows are filled.
    sheet.reset_dimensions()
    last = dict.fromkeys(merged, 0)
    for number, row in enumerate(sheet.iter_rows(max_row=_LAST_ROW), 1):
        cells = [Cell(_shown(cell)) for cell in row]
        for column, firsts in merged.items():
            if number <= last[column] and column <= len(cells):
                cells[column - 1] = Cell("", goes_on=True)
            last[column] = firsts.get(number, last[column])
        while cells and not cells[-1].text and not cells[-1].goes_on:
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
        case int() | float() if "#,##0" in _LITERAL.sub("", cell.number_format):
            return format(value, ",.15g")
        case float():
            return format(value, ".15g")
        case datetime():
            return value.date().isoformat() if value.time() == time() else value.isoformat(" ", "minutes")
        case time():
            return value.isoformat("minutes")
        case _:
            return str(value).strip()
