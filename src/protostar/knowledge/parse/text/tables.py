"""Tables as text: one row is one line, its cells separated by ` | `."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, groupby, islice
from typing import TypeAlias

from protostar.knowledge.parse.text.builder import TextBuilder
from protostar.knowledge.parse.text.columns import Columns
from protostar.knowledge.parse.text.normalise import one_line

# A block of rows is about one chunk long, so that the names of the columns, repeated at its top, reach every chunk of a long table.
_BLOCK_CHARS = 650
_SAMPLE = 20  # rows by which the names of the columns are told
_LONGEST_LABEL = 100
_MOST_COLUMNS = 1_000
_BETWEEN = " | "
# How many times its own text a table may grow by, and how much in any case: real ones come to a few times. Some of it is kept for
# blank cells, so that labels are given up long before columns are.
_TIMES = 10
_AGAIN = 400_000  # characters
_KEPT_FOR_BLANKS = 300_000


def add_table(builder: TextBuilder, rows: Iterable[Sequence[str]], *, heads: int | None = None) -> None:
    """Add rows of cells, without blanks at the end of a row and around a single cell; names of several levels become one row.

    Blank rows are left out. What stands below them may be another table, with names of its own, unless the format says `heads`: how
    many of the first rows name the columns. The names are said again when a table is long.
    """
    blocks = _Blocks(builder)
    columns: Columns | None = None
    for first, below in _parts(rows) if heads is None else _whole(rows):
        is_another = columns is None or not columns.go_on_in(first)
        if columns is None or is_another:
            is_below = columns is not None and columns.width > 1
            columns = Columns.of(first, heads, surely=is_below)
            blocks.begin(columns.repeated, apart=is_below)
        for cells in chain(columns.in_one(first) if is_another else first, below):
            blocks.add(_BETWEEN.join(cells))
    blocks.end()


class _Blocks:
    """Rows become blocks; the later ones of a table begin with the names of its columns."""

    def __init__(self, builder: TextBuilder) -> None:
        self._builder = builder
        self._names = ""
        self._lines: list[str] = []
        self._size = 0

    def begin(self, names: str, *, apart: bool) -> None:
        """Another table; `apart` from what has been added, which is no title of it."""
        if apart:
            self.end()
        self._names = names

    def add(self, line: str) -> None:
        if self._size + len(line) > _BLOCK_CHARS and self._lines:
            self.end()
            if self._names and line != self._names:
                self._lines, self._size = [self._names], len(self._names) + 1
        self._lines.append(line)
        self._size += len(line) + 1

    def end(self) -> None:
        self._builder.block("table", "\n".join(self._lines))
        self._lines, self._size = [], 0


@dataclass(frozen=True, slots=True)
class Cell:
    """One of a table in which cells may be merged: how many `columns` and `rows` it covers, or that the one above it `goes_on`."""

    text: str
    columns: int = 1
    rows: int = 1
    goes_on: bool = False


def spread(rows: Iterable[Iterable[Cell]]) -> Iterator[list[str]]:
    """The rows with every cell in its column (HTML Standard, 4.9.12).

    What a merged cell covers to its right is blank. Downwards a label is said again, for a row is found and quoted by itself; a row
    that has nothing but those is left out. Where all that grows to many times the table's own text, what is covered is blank; where
    the blank cells alone do, cells are as if not merged.
    """
    reaching: dict[int, tuple[str, int]] = {}  # column → the label, and how many rows more
    above: list[str] = []
    allowance = _Allowance()
    for cells in rows:
        row: list[str] = []
        if not allowance.covers(len(reaching)):
            reaching = {}
        if not allowance.repeats(label for label, _ in reaching.values()):
            reaching = {column: ("", left) for column, (_, left) in reaching.items()}
        begun: dict[int, tuple[str, int]] = {}
        is_blank, is_covered = True, bool(reaching)
        for cell in cells:
            while len(row) in reaching:
                row.append(reaching[len(row)][0])
            column = len(row)
            text = allowance.text(cell, above[column : column + 1])
            row.append(text)
            blanks = min(cell.columns, _MOST_COLUMNS - column) - 1
            if blanks > 0 and allowance.covers(blanks):
                row += [""] * blanks
            is_blank = is_blank and (cell.goes_on or not text.strip())
            is_covered = is_covered or cell.goes_on
            if cell.rows > 1:
                begun |= {covered: (_label(row[covered]), cell.rows) for covered in range(column, len(row))}
        for column in sorted(reaching.keys() - range(len(row))):
            row += [""] * (column - len(row)) + [reaching[column][0]]
        reaching = {column: (label, left - 1) for column, (label, left) in (reaching | begun).items() if left > 1}
        above = [_label(text) for text in row]
        if not (is_blank and is_covered):
            yield [] if is_blank else row


class _Allowance:
    """Of a table: the characters that it may grow by, more with each cell of its own."""

    def __init__(self) -> None:
        self._left = _AGAIN

    def covers(self, cells: int) -> bool:
        return self._spend(cells * len(_BETWEEN), keep=0)

    def repeats(self, labels: Iterable[str]) -> bool:
        return self._spend(sum(map(len, labels)), keep=_KEPT_FOR_BLANKS)

    def text(self, cell: Cell, above: Sequence[str]) -> str:
        """What a cell says, or what the one above it does."""
        if cell.goes_on:
            return "".join(above if self.repeats(above) else ())
        self._left += _TIMES * (len(cell.text) + len(_BETWEEN))
        return cell.text

    def _spend(self, characters: int, *, keep: int) -> bool:
        """Whether they are allowed; none always are."""
        if characters and characters > self._left - keep:
            return False
        self._left -= characters
        return True


def _label(text: str) -> str:
    return text if len(text) <= _LONGEST_LABEL else ""


_Part: TypeAlias = tuple[list[list[str]], Iterator[list[str]]]
"""The first rows, and those below."""


def _whole(rows: Iterable[Sequence[str]]) -> Iterator[_Part]:
    filled = filter(None, map(_trimmed, rows))
    yield list(islice(filled, _SAMPLE)), filled


def _parts(rows: Iterable[Sequence[str]]) -> Iterator[_Part]:
    """What stands between blank rows; titles, remarks and names above a blank row belong to what is below it."""
    runs = (run for is_filled, run in groupby(map(_trimmed, rows), key=bool) if is_filled)
    for run in runs:
        first, rest = list(islice(run, _SAMPLE)), run
        while len(first) < _SAMPLE and sum(len(row) > 1 for row in first) <= 1 and (below := next(runs, None)) is not None:
            first += islice(below, _SAMPLE - len(first))
            rest = below
        yield first, rest


def _trimmed(row: Sequence[str]) -> list[str]:
    cells = [one_line(cell) for cell in row]
    while cells and not cells[-1]:
        cells.pop()
    return cells if any(cells[:-1]) else cells[-1:]
