"""Headings by how they look, where a document has none by its styles but a title: short lines, larger or bolder than the text."""

import re
from collections import Counter
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Final, NamedTuple, Self

from protostar.knowledge.parse.model import Block
from protostar.knowledge.parse.text.body import Body
from protostar.knowledge.parse.text.outline import Outline

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


def with_headings(text: str, blocks: Sequence[Block], looks: Mapping[int, Look], left: Container[int]) -> list[Block]:
    """The blocks with those as headings that look like it.

    `looks`: by the number of a block; one without never is a heading. `left`: the blocks before which all sections end.
    """
    body = Body((blocks[at].end - blocks[at].start, look) for at, look in looks.items())
    levels = dict(_levels(text, blocks, looks, body))
    paragraphs = sum(1 for at in looks if blocks[at].kind == "paragraph")
    if not levels or len(levels) > _MOST * paragraphs:
        return list(blocks)
    outline = Outline()
    marked: list[Block] = []
    for at, block in enumerate(blocks):
        if at in left:
            outline.leave()
        if at in levels or block.kind == "heading":
            outline.enter(levels.get(at, 0), text[block.start : block.end])
            marked.append(replace(block, kind="heading", heading_path=outline.path))
        else:
            marked.append(replace(block, heading_path=outline.path))
    return marked


def _levels(text: str, blocks: Sequence[Block], looks: Mapping[int, Look], body: Body) -> Iterator[tuple[int, int]]:
    """(number, level) of each that looks like a heading: by their sizes, and those that are only bold below all others."""
    found = {at: look for at, look in looks.items() if _is_heading(text, blocks[at], look, body)}
    large = sorted({round(look.size) for look in found.values() if body.is_smaller_than(look)}, reverse=True)
    levels = {size: level for level, size in enumerate(large, 1)}
    for at, look in found.items():
        yield at, min(levels[round(look.size)] if body.is_smaller_than(look) else len(large) + 1, _DEEPEST)


def _is_heading(text: str, block: Block, look: Look, body: Body) -> bool:
    if block.kind != "paragraph" or block.end - block.start > _LONGEST:
        return False
    if not (body.is_smaller_than(look) or body.is_lighter_than(look)):
        return False
    line = text[block.start : block.end]
    return "\n" not in line and _WORD.search(line) is not None and not _SENTENCE_END.search(line)
