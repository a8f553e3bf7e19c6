"""Plain text: paragraphs between blank lines."""

import re
from collections.abc import Iterator
from pathlib import Path

from protostar.knowledge.parse.failures import too_long
from protostar.knowledge.parse.model import Block, ParsedText
from protostar.knowledge.parse.text.builder import TextBuilder
from protostar.knowledge.parse.text.charset import decode
from protostar.knowledge.parse.text.normalise import clean

_BLANK_LINES = re.compile(r"\n\s*\n")


def read(path: Path, max_chars: int) -> ParsedText:
    text, encoding = decode(path.read_bytes())
    text = clean(text)
    if len(text) > max_chars:
        raise too_long(max_chars)
    return ParsedText(text, list(_blocks(text, ())), encoding)


def add_text(builder: TextBuilder, text: str) -> None:
    """Add a text to a larger document."""
    text = clean(text).strip()
    builder.include(text, list(_blocks(text, builder.outline.path)))


def _blocks(text: str, heading_path: tuple[str, ...]) -> Iterator[Block]:
    start = 0
    for gap in _BLANK_LINES.finditer(text):
        yield from _paragraph(text, start, gap.start(), heading_path)
        start = gap.end()
    yield from _paragraph(text, start, len(text), heading_path)


def _paragraph(text: str, start: int, end: int, heading_path: tuple[str, ...]) -> Iterator[Block]:
    paragraph = text[start:end]
    start += len(paragraph) - len(paragraph.lstrip())
    end = start + len(paragraph.strip())
    if start < end:
        yield Block(start, end, "paragraph", heading_path)
