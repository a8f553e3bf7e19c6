"""Puts a text together for the formats whose text is not the file itself."""

from protostar.knowledge.parse.failures import too_long
from protostar.knowledge.parse.model import Block, ParsedText
from protostar.knowledge.parse.text.look import Look, with_headings
from protostar.knowledge.parse.text.normalise import clean, one_line
from protostar.knowledge.parse.text.outline import Outline


class TextBuilder:
    """Collects blocks in reading order; `separator` is what stands before a block. Raises when the text outgrows `max_chars`."""

    def __init__(self, max_chars: int) -> None:
        self.outline = Outline()
        self.max_chars = max_chars
        self.page: int | None = None
        """That of what is added next, from 1."""
        self._parts: list[str] = []
        self._blocks: list[Block] = []
        self._looks: dict[int, Look] = {}
        self._left: set[int] = set()
        """The numbers of the blocks before which all sections end."""
        self._headings = 0
        self._length = 0

    def heading(self, level: int, title: str, *, text: str | None = None) -> None:
        """Add a heading; the blocks after it lie under it. `text`: how the page shows it, where that differs."""
        title = one_line(clean(title))
        if title:
            self.outline.enter(level, title)
            self._headings += 1
            self._place("heading", clean(text) if text else title, "\n\n")

    def leave(self) -> None:
        """End all sections: what follows stands under no heading."""
        self.outline.leave()
        self._left.add(len(self._blocks))

    def block(self, kind: str, text: str, *, separator: str = "\n\n", look: Look | None = None) -> None:
        """Add a text as it is, but for blank lines around it and blanks at its end. A blank text adds nothing.

        `look`: by which it may turn out to be a heading, if the document has no others but its title.
        """
        text = clean(text).strip("\n").rstrip()
        if text:
            if look is not None:
                self._looks[len(self._blocks)] = look
            self._place(kind, text, separator)

    def include(self, text: str, blocks: list[Block]) -> None:
        """Add a cleaned text whose blocks, counted from its own start, are known."""
        if blocks:
            base = self._append(text, "\n\n")
            self._blocks += [Block(base + b.start, base + b.end, b.kind, b.heading_path, b.page) for b in blocks]

    def build(
        self, *, title: str | None = None, encoding: str | None = None, page_count: int | None = None, unread_pages: int = 0
    ) -> ParsedText:
        title = one_line(clean(title)) or None if title else None
        text, blocks = "".join(self._parts), self._blocks
        if self._looks and self.lacks_headings:
            blocks = with_headings(text, blocks, self._looks, self._left)
        return ParsedText(text, blocks, encoding, page_count, title, unread_pages)

    @property
    def lacks_headings(self) -> bool:
        """Whether there is none so far but perhaps a title, so that looks count."""
        return self._headings <= 1

    @property
    def size(self) -> int:
        """How many blocks there are."""
        return len(self._blocks)

    def _place(self, kind: str, text: str, separator: str) -> None:
        start = self._append(text, separator)
        self._blocks.append(Block(start, start + len(text), kind, self.outline.path, self.page))

    def _append(self, text: str, separator: str) -> int:
        if self._parts:
            self._parts.append(separator)
            self._length += len(separator)
        start = self._length
        self._parts.append(text)
        self._length += len(text)
        if self._length > self.max_chars:
            raise too_long(self.max_chars)
        return start
