"""Paragraphs and list items as blocks, for the formats that say of each paragraph what it is."""

from protostar.knowledge.parse.text.builder import TextBuilder
from protostar.knowledge.parse.text.look import Look


class Lines:
    """Neighbouring paragraphs of one list, one listing or one quotation become one block."""

    def __init__(self, builder: TextBuilder) -> None:
        self._builder = builder
        self._kind = "paragraph"
        self._look: Look | None = None
        self._lines: list[str] = []

    def heading(self, level: int, title: str) -> None:
        self.end()
        self._builder.heading(level, title)

    def add(self, kind: str, text: str, marker: str = "", look: Look | None = None) -> None:
        """Add a paragraph; the marker of a list item brings its indentation."""
        if kind != self._kind or kind == "paragraph":
            self.end()
        self._kind = kind
        self._look = look
        self._lines.append(marker + (text.rstrip() if kind == "code" else text.strip()))

    def end(self) -> None:
        """Whatever follows is another block."""
        self._builder.block(self._kind, "\n".join(self._lines), look=self._look)
        self._lines.clear()
