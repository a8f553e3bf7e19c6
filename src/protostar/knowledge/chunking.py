"""Cut a text into passages: each is exactly `text[start:end]`, they are disjoint, and together they hold everything but blanks.

Blocks are packed to about 700 and at most 1,000 characters (best or tied at equal context on three sets of questions). Code fences
and table rows stay whole while they fit, a paragraph up to 1,200 characters. A section or page ends the passage, unless that has
hardly begun.
"""

import math
import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from protostar.knowledge.breaks import Break, HeadingBreak, PageBreak, pages_of, within
from protostar.knowledge.parse.model import Block, ParsedText
from protostar.knowledge.sentence_ends import STOP, ends

TARGET = 700
LIMIT = 1000
PARAGRAPH = 1200
TINY = 120

_FENCE = re.compile(r"^[ \t>]*(?:(?:[-*+]|\d+[.)])[ \t]+)?(```|~~~).*\n?", re.MULTILINE)
_SENTENCE_END = re.compile(STOP)
_RULE = re.compile(r"[ \t]*\|?[ \t]*:?-[-:| \t]*")  # below the names of the columns of a table in Markdown
_LONGEST_NAMES = 300
_LONGEST_LINE = 4_000  # with blanks that bring the columns in line
_BLANKS = re.compile(r"\s+")
# What may not be torn from the character before it: variation selectors, emoji modifiers, tags, jamo vowels and finals.
_EXTENDS = re.compile("[\u200d\ufe00-\ufe0f\U0001f3fb-\U0001f3ff\U000e0020-\U000e007f\u1160-\u11ff]")
_LONGEST_CHARACTER = 32


@dataclass(frozen=True, slots=True)
class Chunk:
    """`heading_path` is what the headings above all of it have in common; `heading_breaks` and `page_breaks` say more exactly where
    a part of it stands.

    Below the names of a table's columns, as the innermost of them, stands what was cut from the table's beginning.
    """

    start: int
    end: int
    heading_path: tuple[str, ...] = ()
    page_breaks: tuple[PageBreak, ...] = ()
    heading_breaks: tuple[HeadingBreak, ...] = ()


@dataclass(frozen=True, slots=True)
class _Piece:
    start: int
    end: int
    heading_path: tuple[str, ...]
    page: int | None
    opens: bool
    """Whether it begins with a heading."""
    parts: tuple[HeadingBreak, ...] = ()
    """Where it was put together of pieces under other headings than its first."""


def indexed_text(heading_path: tuple[str, ...] | list[str], text: str) -> str:
    """What is embedded and searched: a passage under its headings."""
    return " > ".join(heading_path) + "\n" + text if heading_path else text


def chunk(parsed: ParsedText) -> Iterator[Chunk]:
    """Passages in the order of the text. Linear in its length."""
    pages = pages_of(parsed.blocks)
    for piece in _packed(parsed):
        yield Chunk(piece.start, piece.end, piece.heading_path, within(pages, piece.start, piece.end), piece.parts)


def _packed(parsed: ParsedText) -> Iterator[_Piece]:
    draft: _Piece | None = None
    for piece in _pieces(parsed):
        if draft is not None and _belongs(draft, piece):
            draft = _together(draft, piece)
            continue
        if draft is not None:
            yield draft
        draft = piece
    if draft is not None:
        yield draft


def _belongs(draft: _Piece, piece: _Piece) -> bool:
    if piece.end - draft.start > LIMIT:
        return False
    length = draft.end - draft.start
    if piece.opens or piece.page != draft.page or piece.heading_path != draft.heading_path:
        return length < TINY and _follows(draft.heading_path, piece.heading_path)
    return length < TARGET


def _follows(path: tuple[str, ...], other: tuple[str, ...]) -> bool:
    """Whether `other` is the path of a sibling or of a part of the section `path`."""
    return other[:-1] == path[:-1] or other[: len(path)] == path


def _together(draft: _Piece, piece: _Piece) -> _Piece:
    parts = draft.parts or (Break(draft.start, draft.heading_path),)
    if parts[-1].value == piece.heading_path:
        return replace(draft, end=piece.end)
    path = _common(draft.heading_path, piece.heading_path)
    return replace(draft, end=piece.end, heading_path=path, parts=(*parts, Break(piece.start, piece.heading_path)))


def _common(path: tuple[str, ...], other: tuple[str, ...]) -> tuple[str, ...]:
    length = 0
    for mine, theirs in zip(path, other, strict=False):
        if mine != theirs:
            break
        length += 1
    return path if length == len(path) else path[:length]


def _pieces(parsed: ParsedText) -> Iterator[_Piece]:
    """The blocks, long ones cut. Headings wait for the block below them and are its beginning."""
    text = parsed.text
    lead: _Piece | None = None
    for block, pages in _whole(parsed):
        if block.kind == "heading" and block.end - (lead or block).start <= LIMIT // 2:
            first = lead or _Piece(block.start, block.end, block.heading_path, block.page, opens=True)
            lead = replace(first, end=block.end, heading_path=block.heading_path)
            continue
        yield from _block_pieces(text, block, lead, pages)
        lead = None
    if lead is not None:
        for start, end in _stripped(text, lead.start, lead.end):
            yield replace(lead, start=start, end=end)


def _whole(parsed: ParsedText) -> Iterator[tuple[Block, list[Block]]]:
    """The blocks; a paragraph that goes on over pages, without a new line between them, as one, with its parts."""
    parts: list[Block] = []
    for block in parsed.blocks:
        if block.kind == "rule" or block.end <= block.start:
            continue
        if parts and (block.page == parts[-1].page or "\n" in parsed.text[parts[-1].end : block.start]):
            yield _joined(parts), parts
            parts = []
        parts.append(block)
    if parts:
        yield _joined(parts), parts


def _joined(parts: Sequence[Block]) -> Block:
    return parts[0] if len(parts) == 1 else replace(parts[0], end=parts[-1].end)


def _block_pieces(text: str, block: Block, lead: _Piece | None, parts: Sequence[Block]) -> Iterator[_Piece]:
    start, opens = (lead.start, True) if lead else (block.start, block.kind == "heading")
    path = block.heading_path
    for piece_start, piece_end in _cut_block(text, start, block):
        page = next((part.page for part in reversed(parts) if part.start <= piece_start), lead.page if lead else block.page)
        yield _Piece(piece_start, piece_end, path, page, opens)
        opens = False
        path = (*block.heading_path, *_columns(text, block))


def _columns(text: str, block: Block) -> list[str]:
    """The names of the columns of a table, by which its later pieces are found and understood as by a heading."""
    if block.kind != "table":
        return []
    names, _, rest = text[block.start : min(block.end, block.start + _LONGEST_LINE)].partition("\n")
    if not _RULE.fullmatch(rest.partition("\n")[0]):
        return []
    shown = " ".join(names.strip().strip("|").split())
    return [shown] if len(shown) <= _LONGEST_NAMES and any(map(str.isalnum, shown)) else []


def _cut_block(text: str, start: int, block: Block) -> Iterator[tuple[int, int]]:
    """`text[start:block.end]` in pieces of at most LIMIT characters, without blanks around them; a paragraph that fits as one."""
    if block.end - start <= (PARAGRAPH if block.kind == "paragraph" else LIMIT):
        yield from _stripped(text, start, block.end)
        return
    for atom_start, atom_end, kind in _atoms(text, start, block):
        for cut_start, cut_end in _cut(text, atom_start, atom_end, by_line=kind in {"code", "table", "list", "definition"}):
            yield from _stripped(text, cut_start, cut_end)


def _atoms(text: str, start: int, block: Block) -> Iterator[tuple[int, int, str]]:
    """A long block as (start, end, kind): headings before a code fence or table that just fits, and fences within lists, apart."""
    if block.kind in {"code", "table"}:
        if start < block.start and block.end - block.start <= LIMIT:
            yield start, block.start, "heading"
            start = block.start
        yield start, block.end, block.kind
        return
    at = start
    if block.kind != "paragraph":
        for fence_start, fence_end in _fences(text, block.start, block.end):
            if fence_start > at:
                yield at, fence_start, block.kind
            yield fence_start, fence_end, "code"
            at = fence_end
    if at < block.end:
        yield at, block.end, block.kind


def _fences(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    opened: re.Match[str] | None = None
    for fence in _FENCE.finditer(text, start, end):
        if opened is None:
            opened = fence
        elif fence[1] == opened[1]:
            yield opened.start(), fence.end()
            opened = None


def _cut(text: str, start: int, end: int, *, by_line: bool) -> Iterator[tuple[int, int]]:
    while (length := end - start) > LIMIT:
        # A little above even shares: the end of a long paragraph is not left over as a stump.
        share = length / math.ceil(length / LIMIT)
        cut = _boundary(text, start, start + min(LIMIT, round(1.3 * share)), by_line=by_line)
        yield start, cut
        start = cut
    yield start, end


def _boundary(text: str, start: int, high: int, *, by_line: bool) -> int:
    """The best place to cut between the middle of `text[start:high]` and its end."""
    low = (start + high) // 2
    line = text.rfind("\n", low, high) + 1
    sentence = max((end.end() for end in _SENTENCE_END.finditer(text, low, high) if ends(text, end)), default=0)
    whole_line = text.rfind("\n", start + 1, high) + 1
    best = line or whole_line or sentence if by_line else sentence or line
    blank = max((blanks.end() for blanks in _BLANKS.finditer(text, low, high)), default=0)
    return best or blank or _between_characters(text, start, high)


def _between_characters(text: str, start: int, at: int) -> int:
    """The last place up to `at` that tears no character as a reader sees it apart: accents, jamo, emoji, flags."""
    for place in range(at, max(start, at - _LONGEST_CHARACTER), -1):
        before, after = text[place - 1], text[place]
        if before == "\u200d" or _EXTENDS.match(after) or unicodedata.category(after).startswith("M"):
            continue
        if _is_flag_half(before) and _is_flag_half(after):
            continue
        return place
    return at


def _is_flag_half(char: str) -> bool:
    return "\U0001f1e6" <= char <= "\U0001f1ff"


def _stripped(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    """The range without blanks around it; nothing when it is blank."""
    piece = text[start:end]
    start += len(piece) - len(piece.lstrip())
    if start < end:
        yield start, start + len(piece.strip())
