"""Running heads and feet: what stands at the same place of page after page, be the numbers in it others."""

import re
from collections.abc import Iterator, Sequence
from typing import Final

from protostar.knowledge.parse.pdf.lines import Line

_NEAR_PAGES: Final = 4
"""So far apart at most are two pages with the same one: a chapter's name may stand on every other page."""

_OFTEN: Final = 3
_AT_AN_EDGE: Final = 2  # lines
_SAME_PLACE: Final = 4.0  # points
_DISTANCE: Final = 1.0
"""Of a line's size between the running lines and the text: the head of a table that begins every page is nearer."""

_NUMBER: Final = re.compile(r"\d+|\b[ivxlc]+\b", re.IGNORECASE)
_NO_LETTER: Final = re.compile(r"[\W\d_]+")

_Place = tuple[str, int]


def without_running_lines(pages: Sequence[Sequence[Line]]) -> list[list[Line]]:
    """The lines of each page but those. One whose words stand nowhere else is kept the first time."""
    found = [list(_at_edges(lines)) for lines in pages]
    where: dict[_Place, list[int]] = {}
    for number, lines in enumerate(found):
        for line in lines:
            where.setdefault(_place(line), []).append(number)
    running = [{line for line in lines if _is_often(where, _place(line), number)} for number, lines in enumerate(found)]
    kept = [[line for line in lines if line not in running[number]] for number, lines in enumerate(pages)]
    said = "\n".join(_letters(line.text) for lines in kept for line in lines)
    for number, lines in enumerate(pages):
        new = {line for line in running[number] if _letters(line.text) not in said}
        if new:
            kept[number] = [line for line in lines if line in new or line not in running[number]]
            said = "\n".join([said, *(_letters(line.text) for line in new)])
    return kept


def _at_edges(lines: Sequence[Line]) -> Iterator[Line]:
    """Lines above and below all others and apart from them, outermost first."""
    for ordered in (sorted(lines, key=lambda line: -line.top), sorted(lines, key=lambda line: line.bottom)):
        for end in range(_AT_AN_EDGE, 0, -1):
            outer, inner = ordered[:end], ordered[end : end + 1]
            if inner and _distance(outer[-1], inner[0]) > _DISTANCE * outer[-1].size:
                yield from outer
                break


def _distance(one: Line, other: Line) -> float:
    return max(one.bottom - other.top, other.bottom - one.top)


def _place(line: Line) -> _Place:
    return _NUMBER.sub("0", line.text), round(line.bottom / _SAME_PLACE)


def _is_often(where: dict[_Place, list[int]], place: _Place, page: int) -> bool:
    text, height = place
    near = {
        number
        for beside in (height - 1, height, height + 1)
        for number in where.get((text, beside), ())
        if abs(number - page) <= _NEAR_PAGES
    }
    return len(near) >= _OFTEN


def _letters(text: str) -> str:
    return _NO_LETTER.sub("", text).casefold()
