"""Tables as text: one row is one line, its cells separated by ` | `."""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from protostar.knowledge.parse.builder import TextBuilder
from protostar.knowledge.parse.normalise import one_line

# A block of rows is about one chunk long, so that the header repeated at its top reaches every chunk of a long table.
_BLOCK_CHARS = 650
_LONGEST_HEADER = 300
_TITLE_ROWS = 3
_LONGEST_LABEL = 100
_MOST_COLUMNS = 1_000
_NUMBER = re.compile(r"[-+]?[\d.,:/%\s-]+")


def add_table(builder: TextBuilder, rows: Iterable[Sequence[str]], *, page: int | None = None, has_header: bool = True) -> None:
    """Add rows of cells; blank rows are left out, and so are blanks at the end of a row and around a single cell.

    `has_header`: whether one of the first rows may hold the names of the columns, which are said again when a table is long.
    """
    header: str | None = None
    lines: list[str] = []
    size = 0
    for number, cells in enumerate(_filled(rows)):
        line = " | ".join(cells)
        if size + len(line) > _BLOCK_CHARS and lines:
            builder.block("table", "\n".join(lines), page=page)
            lines = [header] if header else []
            size = len(header or "")
        lines.append(line)
        size += len(line) + 1
        if has_header and header is None and number < _TITLE_ROWS and _is_header(cells) and len(line) <= _LONGEST_HEADER:
            header = line
    builder.block("table", "\n".join(lines), page=page)


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
    that has nothing but those is blank.
    """
    reaching: dict[int, tuple[str, int]] = {}  # column → the label, and how many rows more
    above: list[str] = []
    for cells in rows:
        row: list[str] = []
        begun: dict[int, tuple[str, int]] = {}
        is_blank = True
        for cell in cells:
            while len(row) in reaching:
                row.append(reaching[len(row)][0])
            column = len(row)
            text = "".join(above[column : column + 1]) if cell.goes_on else cell.text
            row += [text, *[""] * (min(cell.columns, _MOST_COLUMNS - column) - 1)]
            is_blank = is_blank and (cell.goes_on or not text.strip())
            if cell.rows > 1:
                begun |= {covered: (_label(row[covered]), cell.rows) for covered in range(column, len(row))}
        for column in sorted(reaching.keys() - range(len(row))):
            row += [""] * (column - len(row)) + [reaching[column][0]]
        reaching = {column: (label, left - 1) for column, (label, left) in (reaching | begun).items() if left > 1}
        above = [_label(text) for text in row]
        yield [] if is_blank else row


def _label(text: str) -> str:
    return text if len(text) <= _LONGEST_LABEL else ""


def _filled(rows: Iterable[Sequence[str]]) -> Iterator[list[str]]:
    for row in rows:
        cells = [one_line(cell) for cell in row]
        while cells and not cells[-1]:
            cells.pop()
        if any(cells[:-1]):
            yield cells
        elif cells:
            yield cells[-1:]


def _is_header(cells: list[str]) -> bool:
    """Titles may stand above a header; it is the first row with several cells, all of them words."""
    return len(cells) > 1 and all(cell and not _NUMBER.fullmatch(cell) for cell in cells)
