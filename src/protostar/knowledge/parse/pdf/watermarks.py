"""Large words that lie over a page or along it: no titles of what follows, and no part of the sentences around them."""

from collections.abc import Sequence
from dataclasses import replace
from itertools import islice
from typing import Final

from protostar.knowledge.parse.pdf.lines import Line
from protostar.knowledge.parse.text.body import Body

_LARGE: Final = 1.5  # of the text's size: so large at least are words that others show through
_COVERED: Final = 2  # lines
_MOST: Final = 20  # on a page; more are a drawing


def without_watermarks(pages: Sequence[Sequence[Line]], body: Body) -> list[list[Line]]:
    """The lines of each page but those, which stand once in front of a page."""
    known: set[str] = set()
    kept: list[list[Line]] = []
    for lines in pages:
        large = list(islice((line for line in lines if body.is_smaller_than(line)), _MOST + 1))
        over = {line for line in large if _lies_over(line, lines, body)} if len(large) <= _MOST else set[Line]()
        first = {line.text: replace(line, is_aside=True) for line in over if line.text not in known}
        known |= first.keys()
        kept.append([*first.values(), *(line for line in lines if line not in over)] if over else list(lines))
    return kept


def _lies_over(line: Line, lines: Sequence[Line], body: Body) -> bool:
    if line.is_aside:
        return True
    if line.size < _LARGE * body.size:
        return False
    covered = (other for other in lines if other.size < line.size and _is_inside(other.middle, line))
    return len(list(islice(covered, _COVERED))) == _COVERED


def _is_inside(point: tuple[float, float], line: Line) -> bool:
    x, y = point
    return line.left < x < line.right and line.bottom < y < line.top
