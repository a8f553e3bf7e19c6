"""Shapes of charts, in a box of 100 by 100 that the page stretches: words and numbers stand beside it, in HTML.

Colours are classes; nothing here is a style, which the pages' Content-Security-Policy would not let through.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from protostar.insights.schemas import Day

_PARTS: Final = ("answered", "degraded", "not_found", "failed")


@dataclass(frozen=True, slots=True)
class Bar:
    """A part of one day's bar."""

    part: str
    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True, slots=True)
class Column:
    day: Day
    x: float
    width: float
    bars: Sequence[Bar]


@dataclass(frozen=True, slots=True)
class Bars:
    """`top`: the number at the upper edge; always even, so that the middle is one too."""

    top: int
    columns: Sequence[Column]


@dataclass(frozen=True, slots=True)
class Line:
    name: str
    path: str


@dataclass(frozen=True, slots=True)
class Lines:
    """`top`: milliseconds at the upper edge; none where there is nothing to draw."""

    top: int
    lines: Sequence[Line]


def outcomes(days: Sequence[Day]) -> Bars:
    """What became of each day's questions, one upon the other."""
    top = _round_top(max((day.questions for day in days), default=0))
    width = 100 / max(1, len(days))
    columns: list[Column] = []
    for number, day in enumerate(days):
        at = 0.0
        bars: list[Bar] = []
        for part in _PARTS:
            height = 100 * getattr(day, part) / top
            if height:
                bars.append(
                    Bar(
                        part,
                        round(number * width + width * 0.12, 3),
                        round(100 - at - height, 3),
                        round(width * 0.76, 3),
                        round(height, 3),
                    )
                )
            at += height
        columns.append(Column(day, round(number * width, 3), round(width, 3), bars))
    return Bars(top, columns)


def waits(days: Sequence[Day]) -> Lines:
    """The time to the first token: a step for each day that had an answer, joined to the next where that had one too."""
    highest = max((day.first_token_p95 or 0 for day in days), default=0)
    if not highest:
        return Lines(0, ())
    top = _round_top(highest)
    return Lines(top, [Line(name, _steps([getattr(day, f"first_token_{name}") for day in days], top)) for name in ("p95", "p50")])


def _steps(values: Sequence[int | None], top: int) -> str:
    width = 100 / max(1, len(values))
    path: list[str] = []
    before: int | None = None
    for number, value in enumerate(values):
        if value is not None:
            start = (
                f"V{100 - 100 * value / top:.2f}" if before is not None else f"M{number * width:.2f} {100 - 100 * value / top:.2f}"
            )
            path.append(f"{start}H{(number + 1) * width:.2f}")
        before = value
    return "".join(path)


def _round_top(value: int) -> int:
    """The next even number of 2, 4, 6, 8, 10, 20, 40 … at or above the value."""
    power = 10 ** math.floor(math.log10(max(1, value)))
    return int(next(step * power for step in (1, 2, 4, 6, 8, 10) if step * power >= value and step * power % 2 == 0))
