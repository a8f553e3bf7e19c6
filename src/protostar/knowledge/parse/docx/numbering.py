"""How Word numbers lists and headings (ECMA-376, part 1, 17.9)."""

import re
from collections.abc import Callable, Mapping
from typing import Any, Final, NamedTuple

from docx.oxml.ns import qn

from protostar.knowledge.parse.docx.properties import value
from protostar.knowledge.parse.text import numerals
from protostar.knowledge.parse.text.counters import Counters
from protostar.knowledge.parse.text.numerals import whole

_PLACE: Final = re.compile(r"%([1-9])")
DEEPEST: Final = 8
"""The last of the levels, from 0."""
_SPELLED: Final[Mapping[str, Callable[[int], str]]] = {
    "decimalZero": lambda number: f"{number:02}",
    "upperRoman": numerals.roman,
    "lowerRoman": lambda number: numerals.roman(number).lower(),
    **{
        name: lambda number, letters=letters: numerals.spelled(number, letters)
        for name, letters in {
            "upperLetter": numerals.LETTERS,
            "lowerLetter": numerals.LETTERS.lower(),
            "ganada": numerals.GANADA,
            "chosung": numerals.CHOSUNG,
            "decimalEnclosedCircle": numerals.CIRCLED,
            "decimalEnclosedParen": numerals.IN_BRACKETS,
            "decimalEnclosedFullstop": numerals.WITH_DOTS,
            **dict.fromkeys(("koreanDigital", "koreanDigital2", "koreanCounting"), numerals.KOREAN),
            **dict.fromkeys(("ideographDigital", "japaneseCounting", "chineseCounting"), numerals.CHINESE),
        }.items()
    },
}


class _Level(NamedTuple):
    """`text`: in which `%1` is the number of the outermost level. `gap`: what stands behind it."""

    form: str
    text: str
    start: int
    gap: str
    style: str | None


class _List(NamedTuple):
    """`counted_as`: lists that are counted together. `starts`: the numbers that this one begins with, by level."""

    counted_as: str
    levels: Mapping[int, _Level]
    starts: dict[int, int]


class Numbering:
    def __init__(self, part: Any) -> None:
        self._lists: dict[str, _List] = {}
        self._counters = Counters()
        if part is not None:
            self._add_lists(part.element)

    def level(self, list_id: str, style: str) -> int:
        """The level at which a list numbers the paragraphs of this style."""
        known = self._lists.get(list_id)
        return next((at for at, level in known.levels.items() if level.style == style), 0) if known is not None else 0

    def marker(self, list_id: str, depth: int) -> str:
        """What stands before the next paragraph of this list, with the gap behind it; each bullet is a hyphen."""
        known = self._lists.get(list_id) or _List(list_id, {}, {})
        level = known.levels.get(depth) or _Level("decimal", f"%{depth + 1}.", 1, " ", None)
        if level.form == "bullet":
            return "- "
        counted = self._counters.advance(known.counted_as, depth, known.starts.pop(depth, None), start=level.start)

        def number(place: re.Match[str]) -> str:
            at = int(place[1]) - 1
            above = known.levels.get(at, level)
            spell = _SPELLED.get(above.form, str)
            found = counted[at]
            return spell(above.start if found is None else found)

        text = _PLACE.sub(number, level.text) if level.form != "none" else level.text
        return text + level.gap if text.strip() else ""

    def _add_lists(self, root: Any) -> None:
        definitions = {each.get(qn("w:abstractNumId")): each for each in root.iterchildren(qn("w:abstractNum"))}
        named = {value(each, "w:styleLink"): id_ for id_, each in definitions.items()}
        for element in root.iterchildren(qn("w:num")):
            id_ = value(element, "w:abstractNumId")
            link = value(definitions[id_], "w:numStyleLink") if id_ in definitions else None
            id_ = named.get(link, id_) if link is not None else id_
            levels = _levels(definitions[id_]) if id_ in definitions else {}
            starts: dict[int, int] = {}
            for override in element.iterchildren(qn("w:lvlOverride")):
                levels |= _levels(override)
                if (start := value(override, "w:startOverride")) is not None:
                    starts[whole(override.get(qn("w:ilvl")), 0)] = whole(start, 1)
            self._lists[element.get(qn("w:numId"))] = _List(id_ or "", levels, starts)


def _levels(parent: Any) -> dict[int, _Level]:
    return {whole(level.get(qn("w:ilvl")), at): _level(level) for at, level in enumerate(parent.iterchildren(qn("w:lvl")))}


def _level(element: Any) -> _Level:
    gap = "" if value(element, "w:suff") == "nothing" else " "
    start = whole(value(element, "w:start"), 1)
    return _Level(value(element, "w:numFmt") or "bullet", value(element, "w:lvlText") or "", start, gap, value(element, "w:pStyle"))
