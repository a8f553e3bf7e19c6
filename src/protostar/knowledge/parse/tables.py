"""Tables as text: one row is one line, its cells separated by ` | `."""

import re
from collections.abc import Iterable, Iterator, Sequence

from protostar.knowledge.parse.builder import TextBuilder
from protostar.knowledge.parse.normalise import one_line

# A block of rows is about one chunk long, so that the header repeated at its top reaches every chunk of a long table.
_BLOCK_CHARS = 650
_LONGEST_HEADER = 300
_TITLE_ROWS = 3
_NUMBER = re.compile(r"[-+]?[\d.,:/%\s-]+")


def add_table(builder: TextBuilder, rows: Iterable[Sequence[str]], *, page: int | None = None) -> None:
    """Add rows of cells; blank rows are left out, and so are blanks at the end of a row and around a single cell."""
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
        if header is None and number < _TITLE_ROWS and _is_header(cells) and len(line) <= _LONGEST_HEADER:
            header = line
    builder.block("table", "\n".join(lines), page=page)


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
