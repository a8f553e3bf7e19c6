"""Headings by how they look, where a document has none by its styles but a title: short lines, larger or bolder than the text."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Final, NamedTuple, Self

from protostar.knowledge.parse.model import Block
from protostar.knowledge.parse.outline import Outline

_LARGER: Final = 1.15  # than most of the text
_SAME: Final = 0.96
_LONGEST: Final = 80
_DEEPEST: Final = 6
_MOST: Final = 0.4  # of the paragraphs: where more look like headings, none is one
_WORD: Final = re.compile(r"[^\W\d_]{2}")  # one letter alone begins a paragraph
_SENTENCE_END: Final = re.compile(r"[.!。,;:][\"'”’)\]]*$")


class Look(NamedTuple):
    """`size`: in points, of most of a paragraph's characters. `is_bold`: all of them are."""

    size: float
    is_bold: bool

    @classmethod
    def of(cls, runs: Iterable[tuple[int, float, bool]]) -> Self | None:
        """Of a paragraph whose runs are `(characters, size, whether bold)`; None where there are no characters."""
        sizes, bold = Counter[float](), True
        for characters, size, is_bold in runs:
            if characters:
                sizes[size] += characters
                bold = bold and is_bold
        return cls(sizes.most_common(1)[0][0], bold) if sizes else None


def with_headings(text: str, blocks: Sequence[Block], looks: Mapping[int, Look]) -> list[Block]:
    """The blocks with those as headings that look like it. `looks`: by the number of a block; one without never is a heading."""
    usual = _usual(blocks, looks)
    levels = dict(_levels(text, blocks, looks, usual))
    paragraphs = sum(1 for at in looks if blocks[at].kind == "paragraph")
    if not levels or len(levels) > _MOST * paragraphs:
        return list(blocks)
    outline = Outline()
    marked: list[Block] = []
    for at, block in enumerate(blocks):
        if at in levels or block.kind == "heading":
            outline.enter(levels.get(at, 0), text[block.start : block.end])
            marked.append(replace(block, kind="heading", heading_path=outline.path))
        else:
            marked.append(replace(block, heading_path=outline.path))
    return marked


def _usual(blocks: Sequence[Block], looks: Mapping[int, Look]) -> Look:
    sizes, bold = Counter[float](), Counter[bool]()
    for at, look in looks.items():
        characters = blocks[at].end - blocks[at].start
        sizes[look.size] += characters
        bold[look.is_bold] += characters
    return Look(max(sizes, key=lambda size: sizes[size], default=0.0), bold[True] > bold[False])


def _levels(text: str, blocks: Sequence[Block], looks: Mapping[int, Look], usual: Look) -> Iterator[tuple[int, int]]:
    """(number, level) of each that looks like a heading: by their sizes, and those that are only bold below all others."""
    found = {at: look for at, look in looks.items() if _is_heading(text, blocks[at], look, usual)}
    large = sorted({round(look.size) for look in found.values() if _is_large(look, usual)}, reverse=True)
    levels = {size: level for level, size in enumerate(large, 1)}
    for at, look in found.items():
        yield at, min(levels[round(look.size)] if _is_large(look, usual) else len(large) + 1, _DEEPEST)


def _is_heading(text: str, block: Block, look: Look, usual: Look) -> bool:
    if block.kind != "paragraph" or block.end - block.start > _LONGEST:
        return False
    is_bolder = look.is_bold and not usual.is_bold and look.size >= _SAME * usual.size
    if not (is_bolder or _is_large(look, usual)):
        return False
    line = text[block.start : block.end]
    return "\n" not in line and _WORD.search(line) is not None and not _SENTENCE_END.search(line)


def _is_large(look: Look, usual: Look) -> bool:
    return look.size >= _LARGER * usual.size
