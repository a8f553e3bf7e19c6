"""What sheets of Excel show, whatever the format of the workbook: from the values of their cells to the rows of a table."""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta
from itertools import chain
from typing import Any, Final, NamedTuple, Protocol

from protostar.errors import UnreadableDocument
from protostar.knowledge.parse.spreadsheets import number_formats
from protostar.knowledge.parse.text.builder import TextBuilder
from protostar.knowledge.parse.text.tables import Cell, add_table, spread

MOST_COLUMNS: Final = 1_000
_MOST_ROWS: Final = 200_000
_MOST_CELLS: Final = 1_000_000
_MOST_BLANKS: Final = 30_000_000
_LITERAL: Final = re.compile(r'"[^"]*"|\\.|\[[^\]]*\]')  # of a format: what is shown as it is, and what is not shown
_DAY: Final = re.compile(r"[dDhHsS]|^General$")


class Written(Protocol):
    """A cell of a file: its value, and the code by which that is shown."""

    @property
    def value(self) -> Any: ...

    @property
    def number_format(self) -> str: ...


class Range(NamedTuple):
    first_row: int
    last_row: int
    first_column: int
    last_column: int


@dataclass(slots=True)
class Layout:
    """Rows and columns are counted from 1. `merged`: what is one cell.
    `last_row`: the last one with a cell; LibreOffice writes the end of the sheet, too.

    What is folded away in an outline, or filtered out for the moment, is not hidden: a click shows it.
    """

    merged: set[Range] = field(default_factory=set[Range])
    hidden_rows: set[int] = field(default_factory=set[int])
    hidden_columns: set[int] = field(default_factory=set[int])
    last_row: int = 1


class Allowance:
    """Cells that may still be read in this workbook, and rows and cells that may be passed over: far apart ones cost time, too."""

    def __init__(self) -> None:
        self._rows = _MOST_ROWS
        self._cells = _MOST_CELLS
        self._blanks = _MOST_BLANKS

    def spend(self, cells: int) -> None:
        """For a row of so many cells. Raises UnreadableDocument."""
        self._rows -= 1
        self._cells -= cells
        if self._rows < 0 or self._cells < 0 or cells > MOST_COLUMNS:
            raise UnreadableDocument(
                f"The workbook is larger than {_MOST_ROWS:,} rows, {MOST_COLUMNS:,} columns or {_MOST_CELLS:,} cells; split it up."
            )

    def pass_over(self, blanks: int) -> None:
        """Raises UnreadableDocument."""
        self._blanks -= blanks
        if self._blanks < 0:
            raise UnreadableDocument(
                f"The workbook has more than {_MOST_BLANKS:,} blank rows and cells between others; delete some."
            )


def add_sheet(builder: TextBuilder, number: int, name: str, rows: Iterator[list[Cell]], boxes: Sequence[str] = ()) -> None:
    """Add a sheet, if anything is on it. `number`: from 1; `boxes`: the texts that lie on it, once its rows have been read."""
    first = next(filter(None, rows), None)
    if first is None and not boxes:
        return
    builder.page = number
    builder.heading(1, name)
    add_table(builder, spread(chain([] if first is None else [first], rows)))
    for text in boxes:
        builder.block("paragraph", text)


def rows(written: Iterable[Sequence[Written]], allowance: Allowance, layout: Layout) -> Iterator[list[Cell]]:
    """The rows of a sheet that are shown; a gap of any height between them is one blank row.

    `written`: all rows from the first one on, each up to its last cell; empty ones where there are none.
    """
    grid = _Grid(layout)
    passed = filled = blank = number = 0  # the last rows of each kind
    for number, row in enumerate(written, 1):
        if row:
            allowance.pass_over(number - passed + len(row))
            passed = number
        if number in layout.hidden_rows:
            grid.hide(row, number)
            continue
        if grid.is_blank(row):
            blank = number
            continue
        is_below_gap = blank > filled and grid.divides(blank)
        cells = grid.cells(row, number)
        if not cells:
            blank = number
            continue
        filled = number
        allowance.spend(len(cells))
        if is_below_gap:
            yield []
        yield cells
    allowance.pass_over(number - passed)


class _Grid:
    """The cells of a sheet as they are shown, of rows that are asked for from the first to the last.

    A merged cell stands in its first column that is shown, and what it says in its first row that is.
    """

    def __init__(self, layout: Layout) -> None:
        self._hidden_columns = layout.hidden_columns
        next_shown: dict[int, int] = {}
        for column in sorted(layout.hidden_columns, reverse=True):
            next_shown[column] = next_shown.get(column + 1, column + 1)
        self._begins: list[tuple[int, int, int]] = []
        self._moved: defaultdict[int, dict[int, int]] = defaultdict(dict)
        """By row and column, the column of the file that is shown there."""
        for merged in layout.merged:
            column = next_shown.get(merged.first_column, merged.first_column)
            if column <= merged.last_column:
                self._begins.append((merged.first_row, column, merged.last_row))
                if column != merged.first_column:
                    self._moved[merged.first_row][column] = merged.first_column
        self._begins.sort(reverse=True)
        self._last: dict[int, int] = {}
        self._covered = 0
        self._kept: dict[int, Written] = {}
        """What is to be shown by the next row, of merged cells that begin in hidden ones."""

    def cells(self, row: Sequence[Written], number: int) -> list[Cell]:
        """Those of a row that are shown, up to the last one that is not blank."""
        self._begin_above(number)
        cells: list[Cell] = []
        blanks = 0
        for column in range(1, max((len(row), *self._moved.get(number, ()), *self._kept)) + 1):
            if column in self._hidden_columns:
                continue
            cell = self._cell(row, column, number)
            if cell is None:
                blanks += 1
            else:
                cells += [Cell("")] * blanks + [cell]
                blanks = 0
        self._kept.clear()
        return cells

    def hide(self, row: Sequence[Written], number: int) -> None:
        """Pass over a row that is not shown."""
        self._begin_above(number)
        while self._begins and self._begins[-1][0] == number:
            column = self._begin()
            if (written := self._written(row, column, number)) is not None:
                self._kept[column] = written

    def is_blank(self, row: Sequence[Written]) -> bool:
        return not row and not self._kept

    def divides(self, number: int) -> bool:
        """Whether no merged cell goes through a row, or on below it."""
        self._begin_above(number + 1)
        return number > self._covered

    def _cell(self, row: Sequence[Written], column: int, number: int) -> Cell | None:
        if number > self._last.get(column, 0):
            written = self._written(row, column, number)
        elif (written := self._kept.get(column)) is None:
            return Cell("", goes_on=True)
        text = "" if written is None else _shown(written)
        return Cell(text) if text else None

    def _written(self, row: Sequence[Written], column: int, number: int) -> Written | None:
        at = self._moved[number].get(column, column) if number in self._moved else column
        return row[at - 1] if at <= len(row) else None

    def _begin_above(self, number: int) -> None:
        while self._begins and self._begins[-1][0] < number:
            self._begin()

    def _begin(self) -> int:
        _, column, self._last[column] = self._begins.pop()
        self._covered = max(self._covered, self._last[column])
        self._kept.pop(column, None)
        return column


def _shown(cell: Written) -> str:
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
            hours, minutes = divmod(abs(round(value.total_seconds() / 60)), 60)
            return f"{'-' * (value < timedelta())}{hours}:{minutes:02}"
        case _:
            return str(value).strip()
