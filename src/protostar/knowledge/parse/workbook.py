"""What sheets of Excel show, whatever the format of the workbook: from the values of their cells to the rows of a table."""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta
from itertools import chain
from typing import Any, Final, Protocol

from protostar.errors import UnreadableDocument
from protostar.knowledge.parse import number_formats
from protostar.knowledge.parse.builder import TextBuilder
from protostar.knowledge.parse.tables import Cell, add_table, spread

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


@dataclass(slots=True)
class Layout:
    """`merged`: by column, the first and the last row of cells that are merged downwards. Rows and columns are counted from 1.
    `last_row`: the last one with a cell; LibreOffice writes the end of the sheet, too.

    What is folded away in an outline, or filtered out for the moment, is not hidden: a click shows it.
    """

    merged: defaultdict[int, dict[int, int]] = field(default_factory=lambda: defaultdict(dict))
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
    """Add a sheet, if anything is on it. `number`: from 1; `boxes`: the texts that lie on it."""
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
    merged = _Merged(layout.merged)
    passed = filled = blank = number = 0  # the last rows of each kind
    for number, row in enumerate(written, 1):
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


def _cells(row: Sequence[Written], number: int, merged: _Merged, layout: Layout) -> list[Cell]:
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
            minutes = round(value.total_seconds() / 60)
            return f"{minutes // 60}:{minutes % 60:02}"
        case _:
            return str(value).strip()
