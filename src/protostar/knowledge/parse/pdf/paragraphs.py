"""Makes paragraphs and list items of a PDF's lines, by where they stand: a file knows only the place of each character."""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from math import inf
from typing import Final

from protostar.knowledge.parse.pdf.grid import GridCell, Table
from protostar.knowledge.parse.pdf.headings import Heading, Marked
from protostar.knowledge.parse.pdf.lines import Line
from protostar.knowledge.parse.pdf.spacing import Spacing, meeting
from protostar.knowledge.parse.tables import Cell

_SENTENCE_END: Final = re.compile(r"[.!?。…:;]['\"”’)\]]*$")
_ITEM_START: Final = re.compile(r"(?:[-•▪◦*✓‣●○■□–]|\(?\d{1,3}[.)]|[가나다라마바사아자차카타파하][.)]|[①-⑳㉠-㉻])\s")
_END_OR_ITEM: Final = re.compile(r"다[.)]\s")
"""The end of a sentence after a full line: «…하였» / «다. 그리고». Else an item: «다. 물품»."""

_CELL_PADDING: Final = 6.0  # points

# All others are multiples of the size.
_SAME_SIZE: Final = 0.1  # so much they differ at most
_COLUMN: Final = 3.0  # so near to each other begin the lines of a column, indented or not
_NEIGHBOURS: Final = 15  # lines before and after that show how wide it is
_INDENT: Final = 0.8
_USUAL_PITCH: Final = 1.6  # from line to line
_NEAREST: Final = 0.9
_FURTHEST: Final = 3.0
_GAP: Final = 1.25  # paragraphs are further apart than lines by this factor,
_MORE: Final = 0.3  # and by so much
_WIDE: Final = 0.95  # how wide characters are, about
_NARROW: Final = 0.5
_BLANK: Final = 0.25
_FIRST_WIDE: Final = "\u1100"
_SPREAD: Final = 1.5  # so much wider than its words no justified line is
_ONE_MORE: Final = 1.2  # in less room no other syllable fits
_MOSTLY: Final = 0.8


@dataclass(frozen=True, slots=True)
class Paragraph:
    """`kind`: paragraph, or list for an item. `joint`: what is between it and one of the page before that goes on in it."""

    kind: str
    text: str
    lines: list[Line]
    joint: str | None


@dataclass(frozen=True, slots=True)
class Rows:
    """A table, its lines in the order of its cells."""

    cells: list[list[Cell]]
    lines: list[Line]


Part = Heading | Paragraph | Rows


@dataclass(frozen=True, slots=True)
class _Bond:
    """How a line follows another: in the same sentence (`goes_on`) or as a line of its own.

    `room`: what that one leaves free; endless where it is no line of a column.
    """

    goes_on: bool
    room: float


@dataclass(slots=True)
class _Draft:
    """A paragraph whose lines are known, in a column that ends at `edge`; a bond between each two of them.

    `over`: the last line of the page before, if it goes on here.
    """

    edge: float
    lines: list[Line]
    bonds: list[_Bond] = field(default_factory=list[_Bond])
    over: tuple[Line, _Bond] | None = None


class Paragraphs:
    """The pages of one file, and how its lines and words follow one another."""

    def __init__(self, pages: Iterable[Sequence[Marked]]) -> None:
        self._pages = [list(_drafts(page)) for page in pages]
        for page, following in pairwise(self._pages):
            last, first = page[-1:], following[:1]
            if last and first and isinstance(last[0], _Draft) and isinstance(first[0], _Draft):
                first[0].over = _over_the_page(last[0], first[0])
        drafts = [part for page in self._pages for part in page if isinstance(part, _Draft)]
        self._spacing = Spacing((line.text for draft in drafts for line in draft.lines), _ends(drafts))

    def __iter__(self) -> Iterator[list[Part]]:
        """What each page shows, in order."""
        for page in self._pages:
            yield [self._finished(part) for part in page]

    def _finished(self, part: Heading | Table | _Draft) -> Part:
        match part:
            case _Draft():
                return self._written(part)
            case Table():
                cells = [[Cell(self._cell(cell), cell.columns, cell.rows) for cell in row] for row in part.rows]
                return Rows(cells, [line for row in part.rows for cell in row for line in cell.lines])
            case _:
                return part

    def _cell(self, cell: GridCell) -> str:
        """What stands in a cell, in one line."""
        text = "".join(line.text for line in cell.lines[:1])
        for line, following in pairwise(cell.lines):
            room = cell.right - _CELL_PADDING - line.right
            text += self._between(line, following, _Bond(goes_on=True, room=room)) + following.text
        return text

    def _written(self, draft: _Draft) -> Paragraph:
        first = draft.lines[0]
        text = first.text
        for (line, following), bond in zip(pairwise(draft.lines), draft.bonds, strict=True):
            text += self._between(line, following, bond) + following.text
        joint = None if draft.over is None else self._between(draft.over[0], first, draft.over[1])
        is_item = draft.over is None and _ITEM_START.match(first.text)
        return Paragraph("list" if is_item else "paragraph", text, draft.lines, joint)

    def _between(self, line: Line, following: Line, bond: _Bond) -> str:
        if line.is_broken:
            return ""
        if not bond.goes_on:
            return "\n"
        if _is_unspaced(line.text[-1]) and _is_unspaced(following.text[0]):
            return ""
        return "" if _may_break_words(line, bond) and self._spacing.joins(line.text, following.text) else " "


def _drafts(items: Sequence[Marked]) -> Iterator[Heading | Table | _Draft]:
    lines = [item for item in items if isinstance(item, Line)]
    pitches = [_pitch(*pair) for pair in pairwise(lines)] + [None]
    draft: _Draft | None = None
    at = 0
    for item in items:
        bond = None
        if draft is not None and isinstance(item, Line):
            before = pitches[at - 2] if len(draft.lines) > 1 else None
            bond = _bond(draft, item, _edge(lines, at - 1), before or pitches[at] or _USUAL_PITCH)
        if draft is not None and bond is not None and isinstance(item, Line):
            draft.bonds.append(bond)
            draft.lines.append(item)
        else:
            if draft is not None:
                yield draft
            draft = _Draft(_edge(lines, at), [item]) if isinstance(item, Line) else None
            if not isinstance(item, Line):
                yield item
        at += isinstance(item, Line)
    if draft is not None:
        yield draft


def _over_the_page(draft: _Draft, following: _Draft) -> tuple[Line, _Bond] | None:
    """How the first paragraph of a page goes on with the last one of the page before; None where it does not."""
    last, first = draft.lines[-1], following.lines[0]
    room = max(draft.edge, following.edge) - last.right
    if _ends_sentence(last) or _begins_item(last, first, room) or not _are_alike(last, first) or _has_room(last, first, room):
        return None
    return last, _Bond(goes_on=True, room=room)


def _ends(drafts: Iterable[_Draft]) -> list[tuple[str, str]]:
    """Where a word may go on in the next line; nowhere if many lines leave room for more of it.

    Lines with a blank at their end tell nothing of the others.
    """
    met = [
        (line.text, following.text, _may_break_words(line, bond))
        for draft in drafts
        for (line, following), bond in zip(pairwise(draft.lines), draft.bonds, strict=True)
        if bond.goes_on and bond.room < inf and not line.is_complete and meeting(line.text, following.text)
    ]
    tight = [(before, after) for before, after, is_tight in met if is_tight]
    return tight if len(tight) >= _MOSTLY * len(met) else []


def _bond(draft: _Draft, line: Line, edge: float, pitch: float) -> _Bond | None:
    """How the line follows the draft's last one; None where another paragraph begins. `pitch`: the distance of lines beside it."""
    before = draft.lines[-1]
    size = before.size
    down = before.baseline - line.baseline
    if _are_level(before, line) and line.left >= before.right:
        return _Bond(goes_on=True, room=inf)
    room = edge - before.right
    if _begins_item(before, line, room) or not _are_alike(before, line):
        return None
    ends = _ends_sentence(before)
    is_after_item = _ITEM_START.match(before.text) is not None
    is_indented = line.left - before.left > _INDENT * size and not is_after_item
    if down > max(_GAP * pitch, pitch + _MORE) * size or (ends and (down < 0 or is_indented)):
        return None
    is_short = _has_room(before, line, room)
    is_outdented = before.left - line.left > _INDENT * size and is_after_item
    if (is_short and ends) or (is_outdented and (is_short or ends)):
        return None
    are_spread = _is_spread(before), _is_spread(line)
    is_whole = any(are_spread) or _is_centred_or_cell(draft, line)
    return _Bond(goes_on=not is_short and not all(are_spread), room=inf if is_whole else room)


def _is_centred_or_cell(draft: _Draft, line: Line) -> bool:
    """Whether the draft's last line is centred, as the one that follows is, or stands beside another."""
    before = draft.lines[-1]
    is_centred = abs(line.middle[0] - before.middle[0]) < _BLANK * line.size < abs(line.left - before.left)
    return is_centred or any(_are_level(other, before) and other.right < before.left for other in draft.lines[-2:-1])


def _begins_item(before: Line, line: Line, room: float) -> bool:
    if not _ITEM_START.match(line.text):
        return False
    return not _END_OR_ITEM.match(line.text) or _ends_sentence(before) or _has_room(before, line, room)


def _ends_sentence(line: Line) -> bool:
    return _SENTENCE_END.search(line.text) is not None


def _has_room(line: Line, following: Line, room: float) -> bool:
    """Whether the first word of the one that follows had fitted."""
    return room > _first_word(following) + _BLANK * line.size


def _first_word(line: Line) -> float:
    return line.size * _ems(line.text.split(maxsplit=1)[0])


def _is_spread(line: Line) -> bool:
    """Whether it is far wider than its words: a row of a table without rules, or of a table of contents."""
    return line.right - line.left > _SPREAD * line.size * _ems(line.text)


def _ems(text: str) -> float:
    """About how wide it is, as a multiple of the size."""
    if text.isascii():
        return _NARROW * len(text)
    return sum(_WIDE if character >= _FIRST_WIDE else _NARROW for character in text)


def _edge(lines: Sequence[Line], at: int) -> float:
    """Where the column of this line ends on the right: as far as two lines reach, since one may be a head across columns."""
    line = lines[at]
    reach = _COLUMN * line.size
    beside = lines[max(0, at - _NEIGHBOURS) : at + _NEIGHBOURS + 1]
    rights = sorted(
        (other.right for other in beside if abs(other.left - line.left) <= reach and _are_alike(line, other)), reverse=True
    )
    return next((right for right, next_ in pairwise(rights) if right - next_ < line.size), rights[0])


def _are_level(one: Line, other: Line) -> bool:
    return abs(one.baseline - other.baseline) < max(one.size, other.size) / 2


def _are_alike(one: Line, other: Line) -> bool:
    return abs(one.size - other.size) <= _SAME_SIZE * one.size


def _pitch(line: Line, following: Line) -> float | None:
    """How far below the next line is, as a multiple of the size; None where it does not follow in the same column and size."""
    pitch = (line.baseline - following.baseline) / line.size
    return pitch if _are_alike(line, following) and _NEAREST <= pitch <= _FURTHEST else None


def _may_break_words(line: Line, bond: _Bond) -> bool:
    return bond.goes_on and bond.room < _ONE_MORE * line.size and not line.is_complete


def _is_unspaced(character: str) -> bool:
    """Kana and Han, whose words have no blanks between them."""
    return "\u3040" <= character <= "\u30ff" or "\u4e00" <= character <= "\u9fff"
