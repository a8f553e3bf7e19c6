"""The ruled lines of a page."""

from collections.abc import Iterator, Sequence
from ctypes import byref, c_float
from dataclasses import dataclass, replace
from typing import Any, Final

from pypdfium2 import raw

_PDFIUM: Final[Any] = raw
THIN: Final = 3.0  # points: what is thicker is an area
TOUCHING: Final = 3.0
"""Points between rules that meet, or that are one: the borders of two neighbours."""

_MOST_RULES: Final = 500
_MOST_SEGMENTS: Final = 400
_SHORTEST_RULE: Final = 5.0


@dataclass(frozen=True, slots=True)
class Rule:
    """A ruled line at `at` from `start` to `end`: an x and two y if it is upright, a y and two x otherwise."""

    is_upright: bool
    at: float
    start: float
    end: float


def edges(path: Any) -> Iterator[tuple[float, float, float, float]]:
    """(left, bottom, right, top) of a path that is thin, and of the straight edges of any other, if it has few."""
    left, bottom, right, top = bounds(path)
    if right - left < THIN or top - bottom < THIN:
        yield left, bottom, right, top
        return
    count: int = _PDFIUM.FPDFPath_CountSegments(path)
    matrix = _PDFIUM.FS_MATRIX()
    _PDFIUM.FPDFPageObj_GetMatrix(path, byref(matrix))
    x, y = c_float(), c_float()
    before: tuple[float, float] | None = None
    for number in range(count if count <= _MOST_SEGMENTS else 0):
        segment = _PDFIUM.FPDFPath_GetPathSegment(path, number)
        _PDFIUM.FPDFPathSegment_GetPoint(segment, byref(x), byref(y))
        point = (
            matrix.a * x.value + matrix.c * y.value + matrix.e,
            matrix.b * x.value + matrix.d * y.value + matrix.f,
        )
        if before is not None and _PDFIUM.FPDFPathSegment_GetType(segment) == _PDFIUM.FPDF_SEGMENT_LINETO:
            yield min(before[0], point[0]), min(before[1], point[1]), max(before[0], point[0]), max(before[1], point[1])
        before = point


def bounds(page_object: Any) -> tuple[float, float, float, float]:
    """(left, bottom, right, top) of anything on a page."""
    left, bottom, right, top = (c_float() for _ in range(4))
    _PDFIUM.FPDFPageObj_GetBounds(page_object, byref(left), byref(bottom), byref(right), byref(top))
    return left.value, bottom.value, right.value, top.value


def rules_of(left: float, bottom: float, right: float, top: float) -> Iterator[Rule]:
    width, height = right - left, top - bottom
    if width < THIN and height > _SHORTEST_RULE:
        yield Rule(is_upright=True, at=(left + right) / 2, start=bottom, end=top)
    elif height < THIN and width > _SHORTEST_RULE:
        yield Rule(is_upright=False, at=(bottom + top) / 2, start=left, end=right)


def merged(rules: Sequence[Rule]) -> list[Rule]:
    """Rules on one line that touch are one. Too many are a drawing."""
    merged: list[Rule] = []
    for rule in sorted(rules, key=lambda rule: (rule.is_upright, round(rule.at / TOUCHING), rule.start)):
        before = merged[-1] if merged else None
        if (
            before is not None
            and before.is_upright == rule.is_upright
            and abs(before.at - rule.at) <= TOUCHING
            and rule.start <= before.end + TOUCHING
        ):
            merged[-1] = replace(before, end=max(before.end, rule.end))
        else:
            merged.append(rule)
    return merged if len(merged) <= _MOST_RULES else []


def meet(one: Rule, other: Rule) -> bool:
    return (
        one.is_upright != other.is_upright
        and one.start - TOUCHING <= other.at <= one.end + TOUCHING
        and other.start - TOUCHING <= one.at <= other.end + TOUCHING
    )
