"""Makes paragraphs and list items of a PDF's lines, by where they stand: a file knows only the place of each character."""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from math import inf
from typing import Final

from protostar.knowledge.parse.pdf.bonds import (
    USUAL_PITCH,
    Bond,
    edge_of,
    follow,
    follow_over_the_page,
    is_item,
    may_break_word,
    pitch_of,
    touch,
)
from protostar.knowledge.parse.pdf.grid import GridCell, Table
from protostar.knowledge.parse.pdf.headings import Heading, Marked
from protostar.knowledge.parse.pdf.lines import Line
from protostar.knowledge.parse.pdf.spacing import Spacing, meeting
from protostar.knowledge.parse.text.tables import Cell

_CELL_PADDING: Final = 6.0  # points
_MOSTLY: Final = 0.8
_HYPHENED: Final = re.compile(r"\w-$")


@dataclass(frozen=True, slots=True)
class Paragraph:
    """`kind`: paragraph, or list for an item. `joint`: what is between it and one of the page before that goes on in it."""

    kind: str
    text: str
    lines: list[Line]
    joint: str | None


@dataclass(frozen=True, slots=True)
class Rows:
    """A table, its lines in the order of its cells; those of a head on an earlier page are not among them."""

    cells: list[list[Cell]]
    lines: list[Line]


Part = Heading | Paragraph | Rows


@dataclass(slots=True)
class _Draft:
    """A paragraph whose lines are known, in a column that ends at `edge`; a bond between each two of them.

    `over`: the last line of the page before, if it goes on here.
    """

    edge: float
    lines: list[Line]
    bonds: list[Bond] = field(default_factory=list[Bond])
    over: tuple[Line, Bond] | None = None


class Paragraphs:
    """The pages of one file, and how its lines and words follow one another."""

    def __init__(self, pages: Iterable[Sequence[Marked]]) -> None:
        self._pages = [list(_drafts(page)) for page in pages]
        for page, following in pairwise(self._pages):
            last, first = page[-1:], following[:1]
            if last and first and isinstance(last[0], _Draft) and isinstance(first[0], _Draft):
                line = last[0].lines[-1]
                bond = follow_over_the_page(line, first[0].lines[0], max(last[0].edge, first[0].edge))
                first[0].over = (line, bond) if bond else None
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
                shown = part.rows if part.head is None else [part.head, *part.rows]
                cells = [[Cell(self._cell(cell), cell.columns, cell.rows) for cell in row] for row in shown]
                return Rows(cells, [line for row in part.rows for cell in row for line in cell.lines])
            case _:
                return part

    def _cell(self, cell: GridCell) -> str:
        """What stands in a cell, in one line."""
        text = "".join(line.text for line in cell.lines[:1])
        for line, following in pairwise(cell.lines):
            room = cell.right - _CELL_PADDING - line.right
            text += self._between(line, following, Bond(goes_on=True, room=room, touches=touch(line, following))) + following.text
        return text

    def _written(self, draft: _Draft) -> Paragraph:
        first = draft.lines[0]
        text = first.text
        for (line, following), bond in zip(pairwise(draft.lines), draft.bonds, strict=True):
            text += self._between(line, following, bond) + following.text
        joint = None if draft.over is None else self._between(draft.over[0], first, draft.over[1])
        kind = "list" if draft.over is None and is_item(first) else "paragraph"
        return Paragraph(kind, text, draft.lines, joint)

    def _between(self, line: Line, following: Line, bond: Bond) -> str:
        if line.is_broken or bond.touches or (_HYPHENED.search(line.text) and following.text[0].isalnum()):
            return ""
        if not bond.goes_on:
            return "\n"
        if _is_unspaced(line.text[-1]) and _is_unspaced(following.text[0]):
            return ""
        return "" if may_break_word(line, bond) and self._spacing.joins(line.text, following.text) else " "


def _drafts(items: Sequence[Marked]) -> Iterator[Heading | Table | _Draft]:
    lines = [item for item in items if isinstance(item, Line)]
    pitches = [pitch_of(*pair) for pair in pairwise(lines)] + [None]
    draft: _Draft | None = None
    at = 0
    for item in items:
        bond = None
        if draft is not None and isinstance(item, Line):
            before = pitches[at - 2] if len(draft.lines) > 1 else None
            bond = follow(draft.lines, item, edge_of(lines, at - 1), before or pitches[at] or USUAL_PITCH)
        if draft is not None and bond is not None and isinstance(item, Line):
            draft.bonds.append(bond)
            draft.lines.append(item)
        else:
            if draft is not None:
                yield draft
            draft = _Draft(edge_of(lines, at), [item]) if isinstance(item, Line) else None
            if not isinstance(item, Line):
                yield item
        at += isinstance(item, Line)
    if draft is not None:
        yield draft


def _ends(drafts: Iterable[_Draft]) -> list[tuple[str, str]]:
    """Where a word may go on in the next line; nowhere if many lines leave room for more of it.

    Lines with a blank at their end tell nothing of the others.
    """
    met = [
        (line.text, following.text, may_break_word(line, bond))
        for draft in drafts
        for (line, following), bond in zip(pairwise(draft.lines), draft.bonds, strict=True)
        if bond.goes_on and bond.room < inf and not line.is_complete and meeting(line.text, following.text)
    ]
    tight = [(before, after) for before, after, is_tight in met if is_tight]
    return tight if len(tight) >= _MOSTLY * len(met) else []


def _is_unspaced(character: str) -> bool:
    """Kana and Han, whose words have no blanks between them."""
    return "\u3040" <= character <= "\u30ff" or "\u4e00" <= character <= "\u9fff"
