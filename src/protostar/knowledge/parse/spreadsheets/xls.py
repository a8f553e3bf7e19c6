"""Workbooks in the binary format of Excel 97 to 2003 ([MS-XLS]): each visible sheet is a heading and its tables."""

import os
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any, Final, NamedTuple

import xlrd
from openpyxl.styles.numbers import is_date_format, is_timedelta_format
from openpyxl.utils import datetime as serial
from xlrd.biffh import XLRDError
from xlrd.compdoc import CompDocError
from xlrd.formula import FormulaError

from protostar.errors import UnreadableDocument
from protostar.knowledge.parse import zip_guard
from protostar.knowledge.parse.failures import ENCRYPTED, damaged
from protostar.knowledge.parse.model import ParsedText
from protostar.knowledge.parse.spreadsheets import workbook
from protostar.knowledge.parse.text.builder import TextBuilder

_KIND: Final = "an Excel workbook (.xls)"
_ERRORS: Final = (XLRDError, CompDocError, FormulaError, AssertionError, UnboundLocalError, struct.error, *zip_guard.ERRORS)
_RECORD: Final = struct.Struct("<HH")
_FILTER_MODE, _DIMENSIONS = 0x9B, 0x200

_from_serial: Any = serial.from_excel  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]


class _Cell(NamedTuple):
    value: Any
    number_format: str


def read(path: Path, max_chars: int) -> ParsedText:
    builder = TextBuilder(max_chars)
    allowance = workbook.Allowance()
    with damaged(_KIND, *_ERRORS), Path(os.devnull).open("w") as log, _open(path, log) as book:
        for number in _shown(book):
            sheet = book.sheet_by_index(number)
            rows = workbook.rows(_cells(book, sheet), allowance, _layout(book, sheet, number))
            workbook.add_sheet(builder, number + 1, sheet.name, rows)
            book.unload_sheet(number)
        return builder.build(page_count=book.nsheets)


def _open(path: Path, log: IO[str]) -> Any:
    """`log`: for what xlrd remarks on the workbook, now and with each sheet."""
    try:
        return xlrd.open_workbook(str(path), logfile=log, formatting_info=True, on_demand=True, ragged_rows=True)
    except XLRDError as error:
        if "encrypted" in str(error):
            raise UnreadableDocument(ENCRYPTED) from error
        raise


def _shown(book: Any) -> Iterator[int]:
    """Which sheets are visible, from 0. Each has a place of its own, but where a file was made to swell."""
    places = set[int]()
    for number, (place, hidden) in enumerate(zip(book._sh_abs_posn, book._sheet_visibility, strict=True)):  # noqa: SLF001
        if not hidden and place not in places:
            places.add(place)
            yield number


def _layout(book: Any, sheet: Any, number: int) -> workbook.Layout:
    layout = workbook.Layout()
    for first_row, end_row, first_column, end_column in sheet.merged_cells:
        layout.merged.add(workbook.Range(first_row + 1, end_row, first_column + 1, end_column))
    layout.hidden_columns.update(at + 1 for at, column in sheet.colinfo_map.items() if _is_hidden(column, column.width))
    if not _is_filtered(book, number):
        layout.hidden_rows.update(at + 1 for at, row in sheet.rowinfo_map.items() if _is_hidden(row, row.height))
    return layout


def _is_hidden(line: Any, size: int | None) -> bool:
    return bool(line.hidden or size == 0) and not line.outline_level


def _is_filtered(book: Any, number: int) -> bool:
    """Whether rows are filtered out for the moment, which the file hides like all others."""
    at: int = book._sh_abs_posn[number]  # noqa: SLF001 - xlrd passes filters over
    while at + _RECORD.size <= len(book.mem):
        kind, size = _RECORD.unpack_from(book.mem, at)
        if kind in {_FILTER_MODE, _DIMENSIONS}:
            return kind == _FILTER_MODE
        at += _RECORD.size + size
    return False


def _cells(book: Any, sheet: Any) -> Iterator[list[_Cell]]:
    for row in range(sheet.nrows):
        yield [_cell(book, cell) for cell in sheet.row(row)]


def _cell(book: Any, cell: Any) -> _Cell:
    code: str = book.format_map[book.xf_list[cell.xf_index].format_key].format_str
    match cell.ctype:
        case xlrd.XL_CELL_TEXT:
            return _Cell(cell.value, code)
        case xlrd.XL_CELL_NUMBER | xlrd.XL_CELL_DATE:
            return _Cell(_number(cell.value, code, serial.MAC_EPOCH if book.datemode else serial.WINDOWS_EPOCH), code)
        case xlrd.XL_CELL_BOOLEAN:
            return _Cell(bool(cell.value), code)
        case xlrd.XL_CELL_ERROR:
            return _Cell(xlrd.error_text_from_code.get(cell.value), code)
        case _:
            return _Cell(None, code)


def _number(value: float, code: str, epoch: Any) -> Any:
    """A number, or the date, time or duration that it stands for in its format."""
    if is_date_format(code):
        try:
            return _from_serial(value, epoch, timedelta=is_timedelta_format(code))
        except (ValueError, OverflowError):  # further away than years go
            return value
    return int(value) if value.is_integer() else value
