"""Styles of OpenDocument, by which its readers tell headings, lists, and what is hidden."""

import re
import xml.etree.ElementTree as ET
import zipfile
from collections.abc import Iterable, Iterator
from typing import NamedTuple, Self

from protostar.knowledge.parse.office.package import children
from protostar.knowledge.parse.opendocument.names import DISPLAY, STYLE, STYLES, TEXT, TEXT_STYLE, H, P
from protostar.knowledge.parse.text import numerals

OUTLINE = ""
"""What the style is called that numbers headings."""

_HIGHER = re.compile(r"\s*(?:super|\+?0*[1-9])")
_ESCAPED = re.compile(r"_([0-9a-f]{2,5})_")
_LONGEST_CHAIN = 20
_LINE_STYLE, _LINE_TYPE = (f"{STYLE}text-line-through-{name}" for name in ("style", "type"))
_POSITION = f"{STYLE}text-position"
_NUMBERINGS = frozenset((f"{TEXT}list-style", f"{TEXT}outline-style"))
# Formats are named by their first numbers («가, 나, 다, ...»).
_LETTERS = {
    letters[0]: letters
    for letters in (
        *(numerals.LETTERS, numerals.LETTERS.lower(), numerals.GANADA, numerals.CHOSUNG),
        *(numerals.CIRCLED, numerals.KOREAN, numerals.CHINESE),
    )
}
# Of the styles that elements name: those of two families may have one name.
_FAMILIES = {P: "paragraph", H: "paragraph", f"{TEXT}span": "text", f"{TEXT}a": "text"}


class Number(NamedTuple):
    """`levels`: how many, the last one being its own, it shows the numbers of."""

    form: str
    prefix: str
    suffix: str
    levels: int
    start: int

    @classmethod
    def of(cls, level: ET.Element) -> Self:
        form, prefix, suffix = (level.get(f"{STYLE}num-{name}", "") for name in ("format", "prefix", "suffix"))
        return cls(form, prefix, suffix, int(level.get(f"{TEXT}display-levels", "1")), int(level.get(f"{TEXT}start-value", "1")))

    def spelled(self, number: int) -> str:
        if self.form[:1] in {"I", "i"}:
            return numerals.roman(number) if self.form[0] == "I" else numerals.roman(number).lower()
        return numerals.spelled(number, _LETTERS.get(self.form[:1], ""))


class Styles:
    """Styles are derived from one another: those of a document's own paragraphs from those that have a name."""

    def __init__(self) -> None:
        self._styles: dict[tuple[str, str | None], ET.Element] = {}
        self.numbers: dict[tuple[str, int], Number] = {}
        """How a style of lists numbers, by its name, and its levels, from 0; the headings' style is called «»."""

    @classmethod
    def of(cls, archive: zipfile.ZipFile) -> Self:
        """Those of a document that have a name; its own stand before its content."""
        known = cls()
        if STYLES in archive.NameToInfo:
            with archive.open(STYLES) as part:
                for element in children(part, "styles"):
                    known.add(element)
        return known

    def add(self, element: ET.Element) -> bool:
        """Whether it is the definition of a style that counts."""
        name = element.get(f"{STYLE}name", "")
        if element.tag == f"{STYLE}style":
            self._styles[element.get(f"{STYLE}family", ""), name] = element
        elif element.tag in _NUMBERINGS:
            for level in element.iterfind(f"*[@{STYLE}num-format]"):
                if level.get(f"{STYLE}num-format"):
                    known_as = name if element.tag == f"{TEXT}list-style" else OUTLINE
                    self.numbers[known_as, int(level.get(f"{TEXT}level", "1")) - 1] = Number.of(level)
        else:
            return False
        return True

    def names(self, element: ET.Element) -> Iterator[str]:
        """What the styles of a paragraph are called, its own first."""
        for style in self._chain(element):
            name = style.get(f"{STYLE}display-name") or style.get(f"{STYLE}name", "")
            yield _ESCAPED.sub(lambda code: chr(int(code[1], 16)), name)

    def hides(self, element: ET.Element) -> bool:
        """Whether its text is hidden or struck."""
        found = (style.find(f"{STYLE}text-properties") for style in self._chain(element))
        properties = [each for each in found if each is not None]
        shown = (each.get(DISPLAY) for each in properties)
        lines = (each.get(_LINE_STYLE) or each.get(_LINE_TYPE) for each in properties)
        return _first(shown) == "none" or _first(lines) not in {None, "none"}

    def raises(self, element: ET.Element) -> bool:
        """Whether its text stands higher than what is around it."""
        found = (style.find(f"{STYLE}text-properties") for style in self._chain(element))
        position = _first(each.get(_POSITION) for each in found if each is not None) or ""
        return _HIGHER.match(position) is not None

    def property(self, family: str, name: str | None, kind: str, attribute: str) -> str | None:
        """What a style says by itself in its properties of a kind («table»)."""
        properties = style.find(f"{STYLE}{kind}-properties") if (style := self._styles.get((family, name))) is not None else None
        return properties.get(attribute) if properties is not None else None

    def _chain(self, element: ET.Element) -> Iterator[ET.Element]:
        family = _FAMILIES.get(element.tag, "")
        style = self._styles.get((family, element.get(TEXT_STYLE)))
        for _ in range(_LONGEST_CHAIN):
            if style is None:
                return
            yield style
            style = self._styles.get((family, style.get(f"{STYLE}parent-style-name")))


def _first(values: Iterable[str | None]) -> str | None:
    return next((value for value in values if value is not None), None)
