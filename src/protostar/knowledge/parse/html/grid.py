"""The table under way."""

import re
from itertools import takewhile

from selectolax.lexbor import LexborNode

from protostar.knowledge.parse.text.builder import TextBuilder
from protostar.knowledge.parse.text.normalise import one_line
from protostar.knowledge.parse.text.numerals import whole
from protostar.knowledge.parse.text.tables import Cell, add_table, spread

_ALL_ROWS = 65_534  # what `rowspan="0"` comes to
_BLANK_LINES = re.compile(r"\n{2,}")
_PROSE = 200  # characters of a cell that has several lines: boards put whole letters into one


class Grid:
    """Collects the rows of a table; those of one that arranges a page become tables where they stand together."""

    def __init__(self, builder: TextBuilder) -> None:
        self._builder = builder
        self._cells: list[Cell] = []
        self._heads = self._others = 0
        self._rows: list[list[Cell]] = []
        self._named: list[bool] = []
        self._has_heads = False

    def cell(self, node: LexborNode, text: str) -> None:
        attributes = node.attributes
        self._cells.append(
            Cell(text.strip(), whole(attributes.get("colspan"), 1), whole(attributes.get("rowspan"), 1) or _ALL_ROWS)
        )
        is_head = node.tag == "th" and attributes.get("scope") not in {"row", "rowgroup"}
        self._heads += is_head and bool(text.strip())
        self._others += not is_head and (bool(text.strip()) or len(self._cells) > 1)  # the corner may be blank
        self._has_heads |= node.tag == "th"

    def end_row(self) -> None:
        if any(len(cell.text) > _PROSE and "\n" in cell.text for cell in self._cells):
            self.end()
            for cell in self._cells:
                for paragraph in _BLANK_LINES.split("\n".join(map(one_line, cell.text.split("\n")))):
                    self._builder.block("paragraph", paragraph)
        else:
            self._rows.append(self._cells)
            self._named.append(self._heads > 1 and not self._others)
        self._cells, self._heads, self._others = [], 0, 0

    def end(self) -> None:
        if self._rows:
            add_table(self._builder, spread(self._rows), heads=self._names())
            self._rows, self._named, self._has_heads = [], [], False

    def _names(self) -> int | None:
        """How many of the first rows name the columns: those of heads alone, and what stands above them.

        Where only labels of rows are marked as heads, none does. Without any mark they have no gaps.
        """
        if any(self._named):
            first = self._named.index(True)
            return first + sum(1 for _ in takewhile(bool, self._named[first:]))
        first_row = next((row for row in self._rows if len(row) > 1), self._rows[0])
        return 0 if self._has_heads or any(not cell.text for cell in first_row) else None
