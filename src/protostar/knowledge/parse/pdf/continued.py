"""Tables that go on over the page, with their head on the first one alone."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Final

from protostar.knowledge.parse.pdf.grid import GridCell, Table
from protostar.knowledge.parse.pdf.headings import Marked
from protostar.knowledge.parse.text.columns import Columns

_SAME_EDGE: Final = 3.0  # points
_LONGEST: Final = 300
_SAMPLE: Final = 20  # rows by which the names of the columns are told

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
    """Whether the first row names the columns, by its words and those below, or by its look."""
    first, second = table.rows[:2]
    if any(cell.columns > 1 or cell.rows > 1 for cell in first) or sum(len(_text(cell)) for cell in first) > _LONGEST:
        return False
    rows = [[_text(cell) for cell in row] for row in table.rows[:_SAMPLE]]
    return Columns.of(rows, None).heads == range(1) or (_is_bold(first) and not _is_bold(second))


def _is_bold(row: _Row) -> bool:
    return all(line.is_bold for cell in row for line in cell.lines)


def _text(cell: GridCell) -> str:
    return " ".join(line.text for line in cell.lines)
