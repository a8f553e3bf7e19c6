"""Markdown: the text stays what the author wrote; markdown-it-py only tells where its blocks begin and end."""

import re
from collections.abc import Iterator
from itertools import accumulate
from pathlib import Path
from typing import NamedTuple

from markdown_it import MarkdownIt
from markdown_it.token import Token

from protostar.knowledge.parse.builder import TextBuilder
from protostar.knowledge.parse.charset import decode
from protostar.knowledge.parse.failures import too_long
from protostar.knowledge.parse.model import Block, ParsedText
from protostar.knowledge.parse.normalise import clean, one_line, split_front_matter
from protostar.knowledge.parse.outline import Outline

# Link definitions stay paragraphs: the rule would take a footnote of one word for one, and its text would be in no block.
_PARSER = MarkdownIt("commonmark").enable("table").disable("reference")
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
    if len(text) > max_chars:
        raise too_long(max_chars)
    blocks = list(find_blocks(text, Outline()))
    return ParsedText(text, blocks, encoding, title=title or _first_heading(blocks))


def add_markdown(builder: TextBuilder, text: str) -> None:
    """Add a text to a larger document, under the headings that are open there."""
    text = clean(text).strip("\n").rstrip()
    builder.include(text, list(find_blocks(text, builder.outline)))


class _Found(NamedTuple):
    start: int
    end: int
    token: Token
    title: str
    """Of a heading, else empty."""


def find_blocks(text: str, outline: Outline) -> Iterator[Block]:
    """The blocks of the outermost level of a cleaned text.

    markdown-it needs twenty times the size of its input, so it gets one segment after the other. The last block of a segment may go
    on behind it: the next segment begins with that block again. Lists, tables and the like are cut when they outgrow 1 MiB.
    """
    start, size = 0, _SEGMENT
    while start < len(text):
        end = _line_end(text, start + size)
        found = _parse(text, start, end)
        if end < len(text) and len(found) > 1:
            end, size = found.pop().start, _SEGMENT
        elif end < len(text) and found and found[0].token.type == "fence":
            end = _fence_end(text, found[0])
            found = [found[0]._replace(end=end)]
        elif end < len(text) and found and size < _LONGEST_BLOCK:
            size = _LONGEST_BLOCK
            continue
        for block in found:
            if block.title:
                outline.enter(int(block.token.tag[1]), block.title)
            yield Block(block.start, block.end, _KINDS[block.token.type], outline.path)
        start = end


def _line_end(text: str, at: int) -> int:
    newline = text.find("\n", at) if at < len(text) else -1
    return newline + 1 if newline >= 0 else len(text)


def _fence_end(text: str, fence: _Found) -> int:
    """Where a code fence ends: with the line that closes it, or the text."""
    closing = re.compile(rf"^ {{0,3}}{re.escape(fence.token.markup)}{re.escape(fence.token.markup[0])}*[ \t]*$", re.MULTILINE)
    match = closing.search(text, _line_end(text, fence.start))
    return fence.start + len(text[fence.start : match.end() if match else None].rstrip())


def _parse(text: str, start: int, end: int) -> list[_Found]:
    """The outermost blocks of `text[start:end]`, as far as that goes."""
    segment = text[start:end]
    tokens: list[Token] = []
    _PARSER.block.parse(segment, _PARSER, {}, tokens)
    lines = [0, *accumulate(len(line) + 1 for line in segment.split("\n"))]
    found: list[_Found] = []
    for index, token in enumerate(tokens):
        if token.level or token.nesting < 0 or token.map is None:
            continue
        first = lines[token.map[0]]
        length = len(segment[first : lines[token.map[1]]].rstrip())
        title = _plain(tokens[index + 1].content) if token.type == "heading_open" else ""
        if length:  # a form feed alone is a paragraph to the parser
            found.append(_Found(start + first, start + first + length, token, title))
    return found


def _plain(title: str) -> str:
    """A heading without its marks: «`pg_dump` and [links](to)» → «pg_dump and links»."""
    if title.isalnum():
        return title
    inline = _PARSER.parseInline(title)[0].children or []
    return one_line("".join(" " if token.type == "softbreak" else token.content for token in inline))


def _first_heading(blocks: list[Block]) -> str | None:
    return next((block.heading_path[-1] for block in blocks if block.kind == "heading" and block.heading_path), None)
