"""Tables that go on over the page, with their head on the first one alone."""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Final

from protostar.knowledge.parse.pdf.grid import GridCell, Table
from protostar.knowledge.parse.pdf.headings import Marked

_SAME_EDGE: Final = 3.0  # points
_LONGEST: Final = 300
_NUMBER: Final = re.compile(r"[-+]?[\d.,:/%\s-]+")
_COLUMNS: Final = 3
"""With fewer, a first row that looks like the others is one of them: a name and what is said of it."""

_Row = Sequence[GridCell]


def with_heads(pages: Iterable[Sequence[Marked]]) -> Iterator[list[Marked]]:
    """The items of the pages, where a table that begins a page knows the head of the one that ended the page before."""
    before: Table | None = None
    for items in pages:
        marked = list(items)
        if marked and isinstance(first := marked[0], Table) and before is not None and _is_continued(before, first):
            marked[0] = replace(first, head=_head(before))
        last = marked[-1] if marked else None
        before = last if isinstance(last, Table) else None
        yield marked


def _is_continued(before: Table, table: Table) -> bool:
    head, first = _head(before), table.rows[0]
    ends = [[cell.right for cell in row] for row in (head, first)]
    are_one = len(head) == len(first) and all(abs(one - other) < _SAME_EDGE for one, other in zip(*ends, strict=True))
    is_again = [_text(cell) for cell in head] == [_text(cell) for cell in first]
    return are_one and not is_again and (before.head is not None or _begins_with_head(before))


def _head(table: Table) -> _Row:
    return table.rows[0] if table.head is None else table.head


def _begins_with_head(table: Table) -> bool:
    """Whether the first row has words alone, and looks otherwise than the second or has several columns."""
    texts = [_text(cell) for cell in table.rows[0]]
    is_plain = all(cell.columns == cell.rows == 1 for cell in table.rows[0])
    is_head = is_plain and all(text and not _NUMBER.fullmatch(text) for text in texts) and sum(map(len, texts)) <= _LONGEST
    return is_head and (len(texts) >= _COLUMNS or (_is_bold(table.rows[0]) and not _is_bold(table.rows[1])))


def _is_bold(row: _Row) -> bool:
    return all(line.is_bold for cell in row for line in cell.lines)


def _text(cell: GridCell) -> str:
    return " ".join(line.text for line in cell.lines)
