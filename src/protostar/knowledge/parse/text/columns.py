"""Which of a table's first rows name its columns, as far as rows tell that by themselves."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final, Self

_WIDE: Final = 0.6  # of the widest row's cells: what has fewer stands above the names, as a title or a remark
_LEVELS: Final = 3  # of names, one above another
_LONGEST: Final = 300  # characters of names that are said again
_NUMBER: Final = re.compile(r"[-+]?[\d.,:/%\s-]+")
_DIGIT: Final = re.compile(r"\d")
_DIGITS: Final = 4
_YEARS: Final = range(1900, 2100)

Row = Sequence[str]


@dataclass(frozen=True, slots=True)
class Columns:
    """`heads`: the rows that name them, `names`: what these say together. `figures`: the columns that hold numbers, mostly."""

    heads: range
    names: tuple[str, ...]
    figures: frozenset[int]
    width: int

    @classmethod
    def of(cls, rows: Sequence[Row], heads: int | None, *, surely: bool = False) -> Self:
        """Of the first rows of a table.

        `heads`: how many of them name the columns by what the format says; None where it says nothing. `surely`: whether the rows
        below must differ from the names by holding numbers.
        """
        found = _found(rows, surely=surely) if heads is None else _marked(rows[:heads])
        figures = _figures(rows[found.stop :])
        return cls(found, _together(rows[found.start : found.stop]), figures, max(map(_count, rows), default=0))

    @property
    def line(self) -> str:
        return " | ".join(self.names)

    @property
    def repeated(self) -> str:
        """What is said again where the table is cut; empty without names, or with very long ones."""
        return self.line if len(self.line) <= _LONGEST else ""

    def go_on_in(self, rows: Sequence[Row]) -> bool:
        """Whether rows below a gap belong to these columns: numbers stand where numbers stood; a remark belongs above."""
        row = next((row for row in rows if _count(row) > 1), None)
        if row is None:
            return True
        if not self.figures:
            return bool(self.names) and row is rows[0] and len(row) == len(self.names)  # another one would have a title
        held = {at for at in self.figures if at < len(row) and row[at]}
        return bool(held) and len(row) <= self.width + 1 and all(_DIGIT.search(row[at]) for at in held)

    def in_one(self, rows: Sequence[Row]) -> list[Row]:
        """The rows with names of several levels as one."""
        if len(self.heads) < 2:
            return list(rows)
        return [*rows[: self.heads.start], self.names, *rows[self.heads.stop :]]


def _count(row: Row) -> int:
    return sum(1 for cell in row if cell)


def _marked(rows: Sequence[Row]) -> range:
    """Titles above the names are marked like them."""
    first = next((at for at, row in enumerate(rows) if _count(row) > 1), len(rows))
    return range(first, len(rows))


def _found(rows: Sequence[Row], *, surely: bool) -> range:
    """The first wide row, with what stands above it in levels and below it in its gaps, if these are names; else nothing."""
    width = max(map(_count, rows), default=0)
    at = next((at for at, row in enumerate(rows) if _count(row) >= max(2, _WIDE * width)), len(rows))
    start, stop = at, at + 1
    while start and at - start < _LEVELS - 1 and _count(rows[start - 1]) > 1 and _fills(rows[start], rows[start - 1]):
        start -= 1
    if stop < len(rows) - 1 and _has_gaps(rows[at]) and _fills(rows[stop], rows[at]) and _are_words(rows[stop]):
        stop += 1
    below, names = rows[stop:], _together(rows[start:stop])
    if not below or not all(names[1:]) or not (_are_words(names) or _count_up(names)):
        return range(0)
    # In the first column labels may have numbers of their own.
    differ = any(at and at < len(names) and not _DIGIT.search(names[at]) for at in _figures(below))
    several = not surely and (width > 2 or _is_short(names, below))
    return range(start, stop) if differ or several else range(0)


def _is_short(names: Row, below: Sequence[Row]) -> bool:
    """Whether two names are far shorter than what stands below the second, as «question» and «answer» are."""
    lengths = sorted(len(row[1]) for row in below if len(row) > 1)
    return bool(lengths) and not any(map(_DIGIT.search, names)) and 2 * len(names[1]) <= lengths[len(lengths) // 2]


def _has_gaps(row: Row) -> bool:
    return not all(row[1:])


def _fills(row: Row, above: Row) -> bool:
    """Whether the row has a name below each gap of the one above, and goes on with a name that is merged over both.

    A form has gaps, too: «name», «date of birth».
    """
    gaps = [at for at in range(1, max(len(row), len(above))) if at >= len(above) or not above[at]]
    is_merged = any(one and one == other for one, other in zip(row, above, strict=False))
    return bool(gaps) and is_merged and all(at < len(row) and row[at] for at in gaps)


def _are_words(row: Row) -> bool:
    return not any(_NUMBER.fullmatch(cell) for cell in row if cell)


def _count_up(names: Row) -> bool:
    """Whether the numbers among them are years, or run from 1 on."""
    figures = [cell for cell in names if _NUMBER.fullmatch(cell)]
    if len(figures) < 2 or not all(each.isdecimal() and len(each) <= _DIGITS for each in figures):
        return False
    numbers = [int(each) for each in figures]
    if all(number in _YEARS for number in numbers):
        return all(one != other for one, other in pairwise(numbers))
    return numbers == list(range(1, len(numbers) + 1))


def _figures(rows: Sequence[Row]) -> frozenset[int]:
    """The columns in which half of the cells, or more, hold a digit."""
    width = max(map(len, rows), default=0)
    columns = ([row[at] for row in rows if at < len(row) and row[at]] for at in range(width))
    return frozenset(at for at, cells in enumerate(columns) if cells and 2 * sum(map(_has_digit, cells)) >= len(cells))


def _has_digit(cell: str) -> bool:
    return _DIGIT.search(cell) is not None


def _together(rows: Sequence[Row]) -> tuple[str, ...]:
    """Names of several levels in one row: what stands above a name, across several columns, is said with each."""
    width = max(map(len, rows), default=0)
    names = [""] * width
    for number, row in enumerate(rows):
        above = ""
        for at in range(width):
            cell = row[at] if at < len(row) else ""
            above = cell or (above if number < len(rows) - 1 else "")
            if above and above not in names[at].split("\n"):
                names[at] += f"\n{above}"
    return tuple(name.strip().replace("\n", " ") for name in names)
