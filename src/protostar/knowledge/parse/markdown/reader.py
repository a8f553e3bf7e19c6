"""Markdown: the text stays what the author wrote, but for HTML; markdown-it-py only tells where its blocks begin and end."""

import re
from collections.abc import Iterator
from functools import cached_property
from html import escape
from itertools import accumulate
from pathlib import Path
from typing import NamedTuple

from markdown_it import MarkdownIt
from markdown_it.token import Token

from protostar.knowledge.parse.failures import too_long
from protostar.knowledge.parse.html.reader import add_html
from protostar.knowledge.parse.markdown.markup import (
    Unseen,
    cells_without_tags,
    is_html,
    opens_unseen,
    pieces,
    without_attributes,
    without_pictures,
    without_remarks,
    without_tags,
)
from protostar.knowledge.parse.model import Block, ParsedText
from protostar.knowledge.parse.text.builder import TextBuilder
from protostar.knowledge.parse.text.charset import decode
from protostar.knowledge.parse.text.normalise import clean, one_line, split_front_matter
from protostar.knowledge.parse.text.outline import Outline

# Link definitions stay paragraphs: the rule would take a footnote of one word for one, and its text would be in no block.
_PARSER = MarkdownIt("commonmark").enable("table").disable("reference")
_CODE = frozenset({"fence", "code_block"})
_NOT_SHOWN = ("<", "{", "]:")
_PART_OF_TABLE = re.compile(r"\s*<(?:t[dhr]|tbody|tfoot|thead|caption)\b", re.IGNORECASE)
_COMMENT_END = re.compile(r"-->.*")
_SEGMENT = 256 * 1024
_LONGEST_BLOCK = 1024 * 1024
_KINDS = {
    "heading_open": "heading",
    "paragraph_open": "paragraph",
    "bullet_list_open": "list",
    "ordered_list_open": "list",
    "table_open": "table",
    "fence": "code",
    "code_block": "code",
    "blockquote_open": "quote",
    "hr": "rule",
    "html_block": "html",
}


def read(path: Path, max_chars: int) -> ParsedText:
    text, encoding = decode(path.read_bytes())
    text, title = split_front_matter(clean(text))
    text, blocks = _as_shown(without_pictures(text), Outline(), max_chars)
    return ParsedText(text, blocks, encoding, title=title or _first_heading(blocks))


def add_markdown(builder: TextBuilder, text: str) -> None:
    """Add a text to a larger document, under the headings that are open there."""
    text = without_pictures(clean(text)).strip("\n").rstrip()
    builder.include(*_as_shown(text, builder.outline, builder.max_chars))


class _Found(NamedTuple):
    start: int
    end: int
    token: Token
    title: str
    """Of a heading, else empty."""
    code: list[tuple[int, int]]
    """The stretches of code within a list or a quotation."""


def find_blocks(text: str, outline: Outline) -> Iterator[Block]:
    """The blocks of the outermost level of a cleaned text."""
    return (_block(found, found.start, found.end, outline) for found in _find(text))


def _block(found: _Found, start: int, end: int, outline: Outline) -> Block:
    if found.title:
        outline.enter(int(found.token.tag[1]), found.title)
    return Block(start, end, _KINDS[found.token.type], outline.path)


def _as_shown(text: str, outline: Outline, max_chars: int) -> tuple[str, list[Block]]:
    """A cleaned text without what its readers do not see, and its blocks."""
    if len(text) > max_chars:
        raise too_long(max_chars)
    if not any(mark in text for mark in _NOT_SHOWN):
        return text, list(find_blocks(text, outline))
    shown = _Shown(text, outline, max_chars)
    for found in _find(text):
        shown.add(found)
    return shown.finish()


class _Shown:
    """Copies a text block by block, with what stands between them; stretches of HTML are read as pages are."""

    def __init__(self, text: str, outline: Outline, max_chars: int) -> None:
        self._text = text
        self._outline = outline
        self._max_chars = max_chars
        self._parts: list[str] = []
        self._length = 0
        self._blocks: list[Block] = []
        self._at = 0
        self._html: list[str] = []
        self._before_html = ""
        self._unseen = Unseen()

    def add(self, found: _Found) -> None:
        before = self._text[self._at : found.start]
        self._at = found.end
        if found.token.type == "html_block" or self._unseen.is_open:
            self._before_html = self._before_html if self._html else before
            self._html.append(self._as_html(found))
            return
        self._end_html()
        if text := _shown(self._text, found):
            start = self._append(before, text)
            self._blocks.append(_block(found, start, self._length, self._outline))

    def finish(self) -> tuple[str, list[Block]]:
        self._end_html()
        self._append(self._text[self._at :], "")
        return "".join(self._parts), self._blocks

    def _end_html(self) -> None:
        """Read the HTML up to here: blank lines, behind which Markdown is possible, do not end its tables."""
        if not self._html:
            return
        builder = TextBuilder(self._max_chars)
        builder.outline = self._outline
        _add_html(builder, "\n\n".join(self._html))
        self._html.clear()
        page = builder.build()
        if page.blocks:
            start = self._append(self._before_html, page.text)
            self._blocks += [Block(start + b.start, start + b.end, b.kind, b.heading_path) for b in page.blocks]

    def _as_html(self, found: _Found) -> str:
        """HTML, or Markdown within an element that is hidden."""
        written = self._text[found.start : found.end]
        if found.token.type in _CODE:
            return ""
        self._unseen.read_block(
            (at, tag) for at, tag in _tags(self._text, found) if not opens_unseen(tag) or at in self._closed_behind
        )
        if found.token.type == "html_block":
            return written
        return "".join(escape(piece) if isinstance(piece, str) else piece[0] for _, piece in _pieces(self._text, found))

    @cached_property
    def _closed_behind(self) -> set[int]:
        """Where the hidden elements begin that end, be it some blocks later."""
        unseen, closed = Unseen(), set[int]()
        for found in _find(self._text):
            if found.token.type == "html_block" or (unseen.is_open and found.token.type not in _CODE):
                closed.update(unseen.read_block(_tags(self._text, found)))
        return closed

    def _append(self, before: str, text: str) -> int:
        """Add a text; returns where it begins."""
        start = self._length + len(before) if self._parts else 0
        self._parts += [before, text] if self._parts else [text]
        self._length = start + len(text)
        if self._length > self._max_chars:
            raise too_long(self._max_chars)
        return start


def _pieces(text: str, found: _Found) -> Iterator[tuple[int, str | re.Match[str]]]:
    """The pieces of a block, code in it as text; with each, where in the text the places of its stretch are counted from."""
    at = found.start
    for start, end in [*found.code, (found.end, found.end)]:
        yield from ((at, piece) for piece in pieces(text[at:start]))
        yield at, text[start : min(end, found.end)]
        at = min(end, found.end)


def _tags(text: str, found: _Found) -> Iterator[tuple[int, re.Match[str]]]:
    """The tags of a block with their places; a paragraph's end where the next one begins."""
    for at, piece in _pieces(text, found):
        if not isinstance(piece, str) and piece["name"].lower() != "p":
            yield at + piece.start(), piece


def _shown(text: str, found: _Found) -> str:
    """A block without tags, comments and names for links."""
    kind, written = _KINDS[found.token.type], text[found.start : found.end]
    if kind in {"code", "rule"} or not any(mark in written for mark in _NOT_SHOWN):
        return written
    if kind == "paragraph":
        return without_tags(without_remarks(written), "\n").strip()
    if kind == "heading":
        written = without_attributes(without_tags(written, " "))
        return written.strip() if any(map(str.isalnum, written)) else ""
    if kind == "table":
        return cells_without_tags(written)
    parts: list[str] = []
    at = found.start
    for start, end in found.code:
        parts += [without_tags(text[at:start], " "), text[start : min(end, found.end)]]
        at = min(end, found.end)
    parts.append(without_tags(text[at : found.end], " "))
    return "".join(parts).strip("\n").rstrip()


def _add_html(builder: TextBuilder, html: str) -> None:
    """Add HTML that stands in Markdown: a page's or a table's part, or Markdown within the components of a site generator."""
    if not is_html(html):
        for paragraph in without_tags(html, "\n", any_tag=True).split("\n\n"):
            builder.block("paragraph", paragraph)
    elif "alt=" in html or any(isinstance(piece, str) and piece.strip() for piece in pieces(html)):
        add_html(builder, f"<table>{html}" if _PART_OF_TABLE.match(html) else html)


def _find(text: str) -> Iterator[_Found]:
    """The blocks of the outermost level.

    markdown-it needs twenty times the size of its input, so it gets one segment after the other. The last block of a segment may go
    on behind it: the next segment begins with that block again. Lists, tables and the like are cut when they outgrow 1 MiB.
    """
    start, size = 0, _SEGMENT
    while start < len(text):
        end = _line_end(text, start + size)
        found = _parse(text, start, end)
        if end < len(text) and len(found) > 1:
            end, size = found.pop().start, _SEGMENT
        elif end < len(text) and found and (closed := _closed_end(text, found[0])) is not None:
            end = closed
            found = [found[0]._replace(end=end)]
        elif end < len(text) and found and size < _LONGEST_BLOCK:
            size = _LONGEST_BLOCK
            continue
        yield from found
        start = end


def _line_end(text: str, at: int) -> int:
    newline = text.find("\n", at) if at < len(text) else -1
    return newline + 1 if newline >= 0 else len(text)


def _closed_end(text: str, found: _Found) -> int | None:
    """Where a code fence or a comment ends, however long it is: with the line that closes it, or the text."""
    mark = found.token.markup
    if found.token.type == "fence":
        closing = re.compile(rf"^ {{0,3}}{re.escape(mark)}{re.escape(mark[0])}*[ \t]*$", re.MULTILINE)
    elif found.token.content.lstrip().startswith("<!--"):
        closing = _COMMENT_END
    else:
        return None
    match = closing.search(text, _line_end(text, found.start) if mark else found.start)
    return found.start + len(text[found.start : match.end() if match else None].rstrip())


def _parse(text: str, start: int, end: int) -> list[_Found]:
    """The outermost blocks of `text[start:end]`, as far as that goes."""
    segment = text[start:end]
    tokens: list[Token] = []
    _PARSER.block.parse(segment, _PARSER, {}, tokens)
    lines = [0, *accumulate(len(line) + 1 for line in segment.split("\n"))]
    found: list[_Found] = []
    for index, token in enumerate(tokens):
        if token.nesting < 0 or token.map is None:
            continue
        first = lines[token.map[0]]
        if token.level:
            if token.type in _CODE and found:
                found[-1].code.append((start + first, start + lines[token.map[1]]))
            continue
        length = len(segment[first : lines[token.map[1]]].rstrip())
        title = _plain(without_attributes(without_tags(tokens[index + 1].content, " "))) if token.type == "heading_open" else ""
        if length:  # a form feed alone is a paragraph to the parser
            found.append(_Found(start + first, start + first + length, token, title, []))
    return found


def _plain(title: str) -> str:
    """A heading without its marks: «`pg_dump` and [links](to)» → «pg_dump and links»."""
    if title.isalnum():
        return title
    inline = _PARSER.parseInline(title)[0].children or []
    return one_line("".join(" " if token.type == "softbreak" else token.content for token in inline if token.type != "html_inline"))


def _first_heading(blocks: list[Block]) -> str | None:
    return next((block.heading_path[-1] for block in blocks if block.kind == "heading" and block.heading_path), None)
