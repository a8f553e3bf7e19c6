"""Which tables hold data, and which only arrange a page."""

from collections.abc import Iterator

from selectolax.lexbor import LexborNode

from protostar.knowledge.parse.html.elements import HEADINGS, above

_ARRANGED = ", ".join(("table", "pre", *HEADINGS))  # a table that holds these is read as its contents
_SHORT = 200  # characters of a row that is one in spite of headings: some pages set every cell as one


class Layout:
    """Of a part of a page."""

    def __init__(self, root: LexborNode) -> None:
        self._arranging: set[int] = set()
        self._nesting: set[int] = set()
        if root.css_first("table") is not None:
            self._arranging = above(root.css(_ARRANGED))
            self._nesting = above(root.css("table, pre, h1"))

    def is_table(self, table: LexborNode) -> bool:
        return table.mem_id not in self._arranging

    def is_row(self, row: LexborNode) -> bool:
        """Whether a row of a table that arranges is one of data, as those of the table around a notice."""
        if row.mem_id in self._nesting or sum(bool(cell.text().strip()) for cell in _cells(row)) < 2:
            return False
        return row.mem_id not in self._arranging or len(row.text()) <= _SHORT


def _cells(row: LexborNode) -> Iterator[LexborNode]:
    return (child for child in row.iter() if child.tag in {"td", "th"})
