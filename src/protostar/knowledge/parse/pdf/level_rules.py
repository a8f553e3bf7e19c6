"""Tables whose rules are all level: their columns are where no row has a word, and get rules of their own."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby, islice, pairwise
from statistics import fmean
from typing import Final

from protostar.knowledge.parse.pdf.rules import TOUCHING, Rule, meet, merged

_LEAST_RULES: Final = 3
_MOST_STACKS: Final = 8  # on a page
_BEYOND: Final = 40.0  # points from the first and the last rule, where the head may stand
_WIDEST: Final = 0.85  # of the table: words that are wider are prose
_FULL: Final = 0.75  # of all columns is filled, on average, where those are columns of prose
_FEW_BANDS: Final = 3  # has a table with a rule under its head, and hardly one in its rows
_MOSTLY: Final = 0.75

# Multiples of the size.
_SAME_CELL: Final = 1.0  # words of one cell are nearer to each other
_CORRIDOR: Final = 0.5  # so wide at least is the blank between two columns
_LEVEL: Final = 0.5
_ALIGNED: Final = 0.3
_NEXT_ROW: Final = 2.2  # so far beyond a rule at most stands a row that belongs to it
_ASCENT, _DESCENT = 1.0, 0.3


@dataclass(frozen=True, slots=True)
class Piece:
    """A word, or several of one line that stand near to each other."""

    left: float
    right: float
    baseline: float
    size: float


Pieces = Callable[[float, float], Iterable[Piece]]
"""The words of a page whose baselines are between two heights."""

_Row = list[Piece]


def with_columns(rules: Sequence[Rule], pieces: Pieces) -> list[Rule]:
    """The rules of a page, and those that a reader adds in mind."""
    known = merged(rules)
    uprights = [rule for rule in known if rule.is_upright]
    stacks: defaultdict[tuple[int, int], list[Rule]] = defaultdict(list)
    for rule in known:
        if not rule.is_upright and not any(meet(rule, upright) for upright in uprights):
            stacks[round(rule.start / TOUCHING), round(rule.end / TOUCHING)].append(rule)
    added: list[Rule] = []
    high = (stack for stack in stacks.values() if len(stack) >= _LEAST_RULES)
    for stack in islice(high, _MOST_STACKS):
        added += _added(sorted(stack, key=lambda rule: -rule.at), pieces)
    return [*rules, *added]


def _added(stack: Sequence[Rule], pieces: Pieces) -> Iterator[Rule]:
    """`stack`: rules of one width from the top; there may be several tables between them, with prose in between."""
    left, right = stack[0].start, stack[0].end
    found = [
        piece for piece in pieces(stack[-1].at - _BEYOND, stack[0].at + _BEYOND) if left <= piece.left and piece.right <= right
    ]
    rows = list(_rows(found))
    bands = [[row for row in rows if low.at < row[0].baseline < high.at] for high, low in pairwise(stack)]
    end = 0
    for is_table, run in groupby(bands, key=lambda band: _is_tabular(band, _WIDEST * (right - left))):
        start, end = end, end + len(list(run))
        if is_table:
            yield from _Table(stack[start : end + 1], bands[start:end], rows).rules()


def _rows(pieces: Iterable[Piece]) -> Iterator[_Row]:
    """From the top; words that are near to each other as one piece."""
    for level in _levels(sorted(pieces, key=lambda piece: -piece.baseline)):
        row: _Row = []
        for piece in sorted(level, key=lambda piece: piece.left):
            if row and piece.left - row[-1].right < _SAME_CELL * piece.size:
                row[-1] = replace(row[-1], right=max(row[-1].right, piece.right))
            else:
                row.append(piece)
        yield row


def _levels(ordered: Iterable[Piece]) -> Iterator[list[Piece]]:
    level: list[Piece] = []
    for piece in ordered:
        if level and level[0].baseline - piece.baseline > _LEVEL * piece.size:
            yield level
            level = []
        level.append(piece)
    if level:
        yield level


def _is_tabular(band: Sequence[_Row], widest: float) -> bool:
    return bool(band) and all(piece.right - piece.left < widest for row in band for piece in row)


class _Table:
    """`rules`: from the top; `bands`: the rows between each two of them; `rows`: those around them, too."""

    def __init__(self, rules: Sequence[Rule], bands: Sequence[Sequence[_Row]], rows: Sequence[_Row]) -> None:
        self._rules, self._bands, self._rows = rules, bands, rows
        self._columns = list(_corridors(piece for band in bands for row in band for piece in row))

    def rules(self) -> Iterator[Rule]:
        if not self._is_table():
            return
        top, bottom = self._rules[0].at, self._rules[-1].at
        above = [row for row in self._rows if 0 < row[0].baseline - top < _NEXT_ROW * row[0].size]
        below = [row for row in self._rows if 0 < bottom - row[0].baseline < _NEXT_ROW * row[0].size]
        levels = [at for band in self._bands for at in self._between(band)]
        if above and self._fits(above[-1]):
            top = above[-1][0].baseline + _ASCENT * above[-1][0].size
            levels.append(top)
        if below and self._fits(below[0]):
            bottom = below[0][0].baseline - _DESCENT * below[0][0].size
            levels.append(bottom)
        yield from (replace(self._rules[0], at=at) for at in levels)
        yield from (Rule(is_upright=True, at=at, start=bottom, end=top) for at in self._columns)

    def _is_table(self) -> bool:
        several = [any(len(row) > 1 for row in band) for band in self._bands]
        return bool(self._columns) and 2 * sum(several) >= len(several) and self._is_aligned() and not self._is_prose()

    def _is_aligned(self) -> bool:
        """Whether the cells of each column begin, end, or have their middles below each other: words of justified lines do not."""
        edges = [self._rules[0].start, *self._columns, self._rules[0].end]
        pieces = [piece for band in self._bands for row in band for piece in row]
        columns = [[piece for piece in pieces if left <= piece.left < right] for left, right in pairwise(edges)]
        return all(map(_are_aligned, columns)) and max(map(len, columns[1:])) > 1

    def _is_prose(self) -> bool:
        """Whether each column is full, as those of a newspaper are."""
        edges = [self._rules[0].start, *self._columns, self._rules[0].end]
        pieces = [piece for band in self._bands for row in band for piece in row]
        inside = [[piece.right - piece.left for piece in pieces if left <= piece.left < right] for left, right in pairwise(edges)]
        return all(
            fmean(widths) > _FULL * (right - left) for widths, (left, right) in zip(inside, pairwise(edges), strict=True) if widths
        )

    def _fits(self, row: _Row) -> bool:
        """Whether it is a row of the table, as there is one without a rule of its own above the first and below the last rule."""
        filled = 2 * len(row) > len(self._columns)
        return len(row) > 1 and filled and not any(piece.left < at < piece.right for piece in row for at in self._columns)

    def _between(self, band: Sequence[_Row]) -> Iterator[float]:
        """Where the rows of a band are apart, if it has several: then most of its lines begin in the first column."""
        begins = [row[0].left < self._columns[0] for row in band]
        if len(self._bands) > _FEW_BANDS or sum(begins) < max(2, _MOSTLY * len(band)):
            return
        for before, row, is_begun in zip(band, band[1:], begins[1:], strict=False):
            if is_begun:
                yield (before[0].baseline + row[0].baseline + row[0].size / 2) / 2


def _are_aligned(column: Sequence[Piece]) -> bool:
    near = _ALIGNED * column[0].size if column else 0
    sides = ([piece.left for piece in column], [piece.right for piece in column], [piece.left + piece.right for piece in column])
    return len(column) < 2 or any(2 * _neighbours(sorted(side), near) >= len(column) for side in sides)


def _neighbours(values: Sequence[float], near: float) -> int:
    """How many have another one near."""
    steps = [False, *(after - before <= near for before, after in pairwise(values)), False]
    return sum(before or after for before, after in pairwise(steps))


def _corridors(pieces: Iterable[Piece]) -> Iterator[float]:
    """The middles of the blanks between columns."""
    reach: float | None = None
    for piece in sorted(pieces, key=lambda piece: piece.left):
        if reach is not None and piece.left - reach > _CORRIDOR * piece.size:
            yield (reach + piece.left) / 2
        reach = piece.right if reach is None else max(reach, piece.right)
