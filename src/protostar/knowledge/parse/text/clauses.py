"""The parts and articles of Korean statutes, terms and rules («제2장 요금», «제3조(환불) …»): headings without another mark."""

import re
from collections.abc import Iterator
from dataclasses import replace
from itertools import islice
from typing import Final

from protostar.knowledge.parse.model import Block, ParsedText
from protostar.knowledge.parse.text.normalise import one_line
from protostar.knowledge.parse.text.outline import Outline

_CLAUSE: Final = re.compile(
    r"^[ \t]*(?P<title>제[ ]?\d{1,4}[ ]?(?P<part>[편장절관])(?:의[ ]?\d{1,3})?(?:[ \t]++[^\n]{1,60}?(?<![.,다\d]))?(?=[ \t]*+$)"
    r"|(?P<last>부[ ]{0,3}칙)(?:[ \t]*[<(〈][^\n]{1,40}[>)〉])?(?=[ \t]*$)"
    r"|제[ ]?\d{1,4}[ ]?조(?:의[ ]?\d{1,3})?[ ]?[(（【][^\n)）】]{1,60}[)）】](?=\s|$))",
    re.MULTILINE,
)
_LEVELS: Final = {"편": 1, "장": 2, "절": 3, "관": 4}
_ARTICLE: Final = 5
_LEAST: Final = 3  # of them: a text that only speaks of an article has none
_ENDS: Final = frozenset(".。다요음함임!?:;)]】>」』\"'”’")
_DIVIDED: Final = frozenset({"paragraph", "list"})


def with_clauses(parsed: ParsedText) -> ParsedText:
    """The text with its clauses below the headings that it has; a title that stands alone is a heading itself."""
    if sum(1 for _ in islice(_CLAUSE.finditer(parsed.text), _LEAST)) < _LEAST:
        return parsed  # as nearly all are, and no block has to be made anew
    blocks, found = list[Block](), 0
    outline, above = Outline(), ()
    for block in parsed.blocks:
        if block.heading_path != above:
            outline, above = Outline(), block.heading_path
        for part, clause in _parts(parsed.text, block):
            if clause is not None:
                found += 1
                outline.enter(_level(clause), one_line(clause["title"]))
            is_title = clause is not None and clause.end("title") >= part.end
            kind = "heading" if is_title else part.kind
            blocks.append(replace(part, kind=kind, heading_path=(*above, *outline.path)))
    return replace(parsed, blocks=blocks) if found >= _LEAST else parsed


def _level(clause: re.Match[str]) -> int:
    return 1 if clause["last"] else _LEVELS.get(clause["part"] or "", _ARTICLE)


def _parts(text: str, block: Block) -> Iterator[tuple[Block, re.Match[str] | None]]:
    """The block cut before each clause, which the part then begins with."""
    start, clause = block.start, None
    for found in _CLAUSE.finditer(text, block.start, block.end) if block.kind in _DIVIDED else ():
        end = _end(text, start, found.start())
        is_below_title = clause is not None and clause.end("title") >= end
        if end > start and text[end - 1] not in _ENDS and not is_below_title:
            continue  # a line of prose may begin like an article
        if end > start:
            yield replace(block, start=start, end=end), clause
        start, clause = found.start("title"), found
    yield replace(block, start=start), clause


def _end(text: str, start: int, end: int) -> int:
    """Where a stretch of text ends without its last blanks; nothing is copied, for each line may begin like an article."""
    while end > start and text[end - 1].isspace():
        end -= 1
    return end
