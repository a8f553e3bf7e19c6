"""Running heads and feet: what stands at the same place of page after page, with the number of the page or without."""

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import Final

from protostar.knowledge.parse.pdf.lines import Line

_NEAR_PAGES: Final = 4
"""So far apart at most are two pages with the same one: a chapter's name may stand on every other page."""

_OFTEN: Final = 3
_AT_AN_EDGE: Final = 2  # lines
_SAME_PLACE: Final = 4.0  # points
_DISTANCE: Final = 1.0
"""Of a line's size between the running lines and the text: the head of a table that begins every page is nearer."""

_NUMBER: Final = re.compile(r"(?<![\d.,])[0-9]{1,5}(?![\d.,])")
_MOST_NUMBERS: Final = 8
_NO_LETTER: Final = re.compile(r"[\W\d_]+")

_Place = tuple[str, int]


def without_running_lines(pages: Sequence[Sequence[Line]]) -> list[list[Line]]:
    """The lines of each page but those. One whose words stand nowhere else is kept the first time."""
    found = [list(_at_edges(lines)) for lines in pages]
    where: defaultdict[_Place, set[int]] = defaultdict(set)
    for number, lines in enumerate(found):
        for line in lines:
            for place in _places(line, number):
                where[place].add(number)
    running = [{line for line in lines if _is_often(where, line, number)} for number, lines in enumerate(found)]
    kept = [[line for line in lines if line not in running[number]] for number, lines in enumerate(pages)]
    said = "\n".join(_letters(line.text) for lines in kept for line in lines)
    known: set[str] = set()
    for number, lines in enumerate(pages):
        new: set[Line] = set()
        for line in lines:
            if line in running[number] and (words := _letters(line.text)) not in known:
                known.add(words)
                if words not in said:
                    new.add(line)
        if new:
            kept[number] = [line for line in lines if line in new or line not in running[number]]
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


def _places(line: Line, page: int) -> Iterator[_Place]:
    """The line as it is, and with each of its numbers as if that counted the pages: amounts do not, and tell pages apart."""
    height = round(line.bottom / _SAME_PLACE)
    yield line.text, height
    for number in islice(_NUMBER.finditer(line.text), _MOST_NUMBERS):
        yield f"{line.text[: number.start()]}{int(number[0]) - page:+}{line.text[number.end() :]}", height


def _is_often(where: Mapping[_Place, set[int]], line: Line, page: int) -> bool:
    near = range(page - _NEAR_PAGES, page + _NEAR_PAGES + 1)
    return any(
        len({number for beside in (-1, 0, 1) for number in where.get((text, height + beside), ()) if number in near}) >= _OFTEN
        for text, height in _places(line, page)
    )


def _letters(text: str) -> str:
    return _NO_LETTER.sub("", text).casefold()
