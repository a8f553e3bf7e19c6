"""What a reader returns. Offsets are code points into `ParsedText.text`, the one text that is stored, chunked and cited."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Block:
    """A stretch of the text that belongs together.

    `kind`: heading | paragraph | list | table | code | quote | rule | html. `heading_path`: the headings above it,
    outermost first; a heading includes itself. `page`: 1-based page, slide or sheet; None where the format has none.
    """

    start: int
    end: int
    kind: str
    heading_path: tuple[str, ...] = ()
    page: int | None = None


@dataclass(frozen=True, slots=True)
class ParsedText:
    """`blocks` are sorted, disjoint and inside `text`; what lies between them is blank or carries no content.

    `unread_pages`: how many are pictures, whose words are not in the text.
    """

    text: str
    blocks: list[Block]
    encoding: str | None = None
    page_count: int | None = None
    title: str | None = None
    unread_pages: int = 0


@dataclass(frozen=True, slots=True)
class Passage:
    """`quote`, which begins at `start` in a stored text of so many `chars`, and what stands `before` it there, or its end."""

    quote: str
    before: str
    start: int
    chars: int
