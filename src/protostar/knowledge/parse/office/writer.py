"""What the readers of OpenDocument and HWPX do alike, whatever the elements are called."""

import xml.etree.ElementTree as ET
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Sequence
from typing import ClassVar

from protostar.knowledge.parse.text.builder import TextBuilder
from protostar.knowledge.parse.text.counters import Counters
from protostar.knowledge.parse.text.lines import Lines
from protostar.knowledge.parse.text.tables import Cell, add_table, spread


class Writer(ABC):
    """Turns paragraphs into blocks. Tables and text boxes stand inside paragraphs, and paragraphs inside them."""

    _FLOATING: ClassVar[tuple[str, ...]] = ()
    """With what the names of objects begin that stand beside the text of their paragraph, and not between its words."""

    def __init__(self, builder: TextBuilder) -> None:
        self._builder = builder
        self._lines = Lines(builder)
        self._counters = Counters()
        self._notes: list[ET.Element] = []
        """Footnotes and endnotes, for the end of the text."""

    @abstractmethod
    def _pieces(self, node: ET.Element) -> Iterator[str | ET.Element]:
        """The text directly in a paragraph or container, and the objects between it. Notes are put aside."""

    @abstractmethod
    def _add_text(self, paragraph: ET.Element, text: str) -> None: ...

    @abstractmethod
    def _add_object(self, element: ET.Element) -> None:
        """Add a paragraph, a table or what else `_pieces` finds."""

    def add_notes(self) -> None:
        """Add what was put aside: the text has ended."""
        self._lines.end()
        self._builder.leave()
        for note in self._notes:
            self._add(note)
            self._lines.end()

    def _add(self, node: ET.Element) -> None:
        """Add a paragraph with the objects in it, or all that a cell, a box or a note contains."""
        text: list[str] = []
        floating: list[ET.Element] = []
        for piece in self._pieces(node):
            if isinstance(piece, str):
                text.append(piece)
            elif piece.tag.startswith(self._FLOATING) and any(map(str.strip, text)):
                floating.append(piece)
            else:
                self._add_text(node, "".join(text))
                text.clear()
                self._add_object(piece)
        self._add_text(node, "".join(text))
        for element in floating:
            self._add_object(element)

    def _add_rows(self, rows: Sequence[Sequence[ET.Element]], cells: Iterable[Iterable[Cell]], heads: int) -> None:
        """Add a table, as its `cells` say; where no row has a second one, it is a frame around text.

        `heads`: how many of the first rows are marked as those that name the columns.
        """
        self._lines.end()
        if any(len(row) > 1 for row in rows):
            add_table(self._builder, spread(cells), heads=heads or None)
            return
        for row in rows:
            for cell in row:
                self._add(cell)
                self._lines.end()

    def flat(self, node: ET.Element) -> str:
        """All text below it, for a cell in a line."""
        return "".join(piece if isinstance(piece, str) else f" {self.flat(piece)} " for piece in self._pieces(node))
