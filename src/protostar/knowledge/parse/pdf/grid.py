"""Ruled tables: which lines of a page stand in which cells."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import product
from typing import Final

from protostar.knowledge.parse.pdf.lines import Line
from protostar.knowledge.parse.pdf.rules import TOUCHING, Rule, meet, merged

_LEAST_FILLED: Final = 0.25


@dataclass(slots=True)
class GridCell:
    """What stands in it, where it ends on the right, in points, and how many columns and rows it covers."""

    right: float
    columns: int = 1
    rows: int = 1
    lines: list[Line] = field(default_factory=list[Line])


@dataclass(frozen=True, slots=True)
class Table:
    """Its rows; a cell stands where it begins, and there is an empty one wherever the page shows none.

    `head`: a row of an earlier page that names its columns.
    """

    rows: list[list[GridCell]]
    head: Sequence[GridCell] | None = None


def arrange(lines: Sequence[Line], rules: Sequence[Rule]) -> list[Line | Table]:
    """The lines in their order; those of a table together, where its first one stood."""
    grids = sorted((_Grid(rules) for rules in _connected(merged(rules))), key=lambda grid: grid.area)
    for line in lines:
        for grid in grids:
            if grid.take(line):
                break
    tables = [(grid.lines, grid.make_table()) for grid in grids if grid.is_table]
    table_of = {line: table for inside, table in tables for line in inside}
    arranged: list[Line | Table] = []
    shown: set[int] = set()
    for line in lines:
        table = table_of.get(line)
        if table is None:
            arranged.append(line)
        elif id(table) not in shown:
            shown.add(id(table))
            arranged.append(table)
    return arranged


class _Grid:
    """Rules that hang together, and the lines of text between them."""

    def __init__(self, rules: Sequence[Rule]) -> None:
        self._uprights = [rule for rule in rules if rule.is_upright]
        self._levels = [rule for rule in rules if not rule.is_upright]
        xs = [rule.at for rule in self._uprights] + [x for rule in self._levels for x in (rule.start, rule.end)]
        ys = [rule.at for rule in self._levels] + [y for rule in self._uprights for y in (rule.start, rule.end)]
        self._xs, self._ys = list(_distinct(xs)), list(_distinct(ys))
        self._cells: dict[tuple[int, int], GridCell] = {}

    @property
    def area(self) -> float:
        return (self._xs[-1] - self._xs[0]) * (self._ys[-1] - self._ys[0])

    @property
    def lines(self) -> list[Line]:
        return [line for cell in self._cells.values() for line in cell.lines]

    @property
    def is_table(self) -> bool:
        """Whether there are two rows and two columns at least, a row with two cells, and not nearly all is empty, as in a chart."""
        rows, columns = {row for row, _ in self._cells}, {column for _, column in self._cells}
        is_filled = len(self._cells) >= _LEAST_FILLED * len(rows) * len(columns)
        return len(columns) > 1 and 1 < len(rows) < len(self._cells) and is_filled

    def make_table(self) -> Table:
        for place, cell in self._cells.items():
            if any(other in self._cells for other in _covered(place, cell) if other != place):
                cell.columns = cell.rows = 1  # the rules are no grid: nothing may be lost by it
        rows: list[list[GridCell]] = []
        covered: set[tuple[int, int]] = set()
        for row in range(len(self._ys) - 1):
            cells: list[GridCell] = []
            for column in range(len(self._xs) - 1):
                if (row, column) not in covered:
                    cell = self._cells.get((row, column), GridCell(self._xs[column + 1]))
                    cells.append(cell)
                    covered.update(_covered((row, column), cell))
            rows.append(cells)
        return Table(rows)

    def take(self, line: Line) -> bool:
        """Put the line into its cell; False where it stands beside all of them."""
        x, y = line.middle
        if not (self._xs[0] < x < self._xs[-1] and self._ys[0] < y < self._ys[-1]):
            return False
        left, right = _between([rule.at for rule in self._uprights if _spans(rule, y)], x, self._xs)
        bottom, top = _between([rule.at for rule in self._levels if _spans(rule, x)], y, self._ys)
        row = len(self._ys) - 1 - top
        self._cells.setdefault((row, left), GridCell(self._xs[right], right - left, top - bottom)).lines.append(line)
        return True


def _covered(place: tuple[int, int], cell: GridCell) -> Iterator[tuple[int, int]]:
    row, column = place
    return product(range(row, row + cell.rows), range(column, column + cell.columns))


def _between(rules: Iterable[float], at: float, ends: Sequence[float]) -> tuple[int, int]:
    """Which of `ends` are the nearest rules on both sides, the outermost ones where there are none."""
    known = [ends[0], *rules, ends[-1]]
    low = max(rule for rule in known if rule <= at)
    high = min(rule for rule in known if rule > at)
    return _nearest(ends, low), _nearest(ends, high)


def _nearest(ends: Sequence[float], at: float) -> int:
    return min(range(len(ends)), key=lambda number: abs(ends[number] - at))


def _spans(rule: Rule, at: float) -> bool:
    return rule.start <= at <= rule.end


def _distinct(places: Iterable[float]) -> Iterator[float]:
    last: float | None = None
    for place in sorted(places):
        if last is None or place - last > TOUCHING:
            yield place
            last = place


def _connected(rules: Sequence[Rule]) -> Iterator[list[Rule]]:
    """Groups of rules that meet, with uprights and levels in each."""
    left = list(rules)
    while left:
        group = [left.pop()]
        for rule in group:
            met = [other for other in left if meet(rule, other)]
            group += met
            left = [other for other in left if other not in met]
        if len({rule.is_upright for rule in group}) == 2:
            yield group
