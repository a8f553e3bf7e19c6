"""What the properties of paragraphs and styles say."""

import re
from typing import Any, Final

from docx.oxml.ns import qn

from protostar.knowledge.parse.text.numerals import whole

_VAL: Final = qn("w:val")
_SIZE: Final = re.compile(r"\d{1,4}(?:\.\d{1,9})?")
_HIDING: Final = ("w:vanish", "w:strike", "w:dstrike")
_OFF: Final = frozenset({"0", "false", "off"})


def value(element: Any, child: str) -> str | None:
    """The value of a child of this name; None without one."""
    found = element.find(qn(child))
    return None if found is None else found.get(_VAL)


def switch(element: Any, child: str) -> bool | None:
    """Whether the child switches something on or off; None without one."""
    found = None if element is None else element.find(qn(child))
    return None if found is None else found.get(_VAL, "1") not in _OFF


def hiding(properties: Any) -> dict[str, bool]:
    """What is said of the ways to hide or to strike text, by their names."""
    return {name: said for name in _HIDING if (said := switch(properties, name)) is not None}


def size(properties: Any) -> float | None:
    """The size of the letters, in points; None for what is no size."""
    halves = None if properties is None else value(properties, "w:sz")
    return float(halves) / 2 if halves is not None and _SIZE.fullmatch(halves) else None


def outline_level(element: Any) -> int | None:
    """The level of a heading, from 1, that a style or a paragraph sets itself; 0 for body text. Word counts from 0 and writes 9."""
    properties = element.pPr
    found = None if properties is None else value(properties, "w:outlineLvl")
    return None if found is None else (min(whole(found, 9), 9) + 1) % 10


def list_of(element: Any) -> tuple[str, int | None] | None:
    """The list that a style or a paragraph names itself, and its level there, if that is said; the list «0» is none."""
    properties = None if element.pPr is None else element.pPr.numPr
    list_id = None if properties is None else value(properties, "w:numId")
    if properties is None or list_id is None:
        return None
    level = value(properties, "w:ilvl")
    return list_id, None if level is None else whole(level, 0)
