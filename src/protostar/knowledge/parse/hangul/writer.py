"""What Hangul documents consist of, in the elements of their open format (KS X 6101): headings by outline level or style.

The namespaces of the versions of the format (2011, 2016, 2024) differ and the names do not: elements go by their local names.
"""

import re
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from itertools import takewhile

from protostar.knowledge.parse.office import style_names
from protostar.knowledge.parse.office.package import local_name
from protostar.knowledge.parse.office.writer import Writer
from protostar.knowledge.parse.text import numerals
from protostar.knowledge.parse.text.builder import TextBuilder
from protostar.knowledge.parse.text.look import Look
from protostar.knowledge.parse.text.tables import Cell

# Not `hyphen`: it shows only where a line ends.
_CHARACTERS = {"tab": "\t", "lineBreak": "\n", "nbSpace": " ", "fwSpace": " "}
_ATTRIBUTES = {
    "compose": "composeText",
    "textart": "text",
    "checkBtn": "caption",
    "radioBtn": "caption",
    "comboBox": "selectedValue",
}
_COUNTED = frozenset({"TABLE", "PICTURE", "EQUATION"})
_NOTES = frozenset({"footNote", "endNote"})
# What is printed on every page, remarks, the codes of fields (and memos, which are fields), the second version of a drawing.
_UNSEEN = frozenset({"header", "footer", "hiddenComment", "fieldBegin", "default", "linesegarray"})

_NO_FONT = (10.0, False)
_NO_HEAD = ET.Element("paraHead")
_NUMBER = re.compile(r"\^(\d+|n|N)")
_SPELLED = {
    "CIRCLED_DIGIT": numerals.CIRCLED,
    "HANGUL_SYLLABLE": numerals.GANADA,
    "CIRCLED_HANGUL_SYLLABLE": "㉮㉯㉰㉱㉲㉳㉴㉵㉶㉷㉸㉹㉺㉻",
    "HANGUL_JAMO": numerals.CHOSUNG,
    "CIRCLED_HANGUL_JAMO": "㉠㉡㉢㉣㉤㉥㉦㉧㉨㉩㉪㉫㉬㉭",
    "LATIN_CAPITAL": numerals.LETTERS,
    "LATIN_SMALL": numerals.LETTERS.lower(),
    "ROMAN_CAPITAL": "ⅠⅡⅢⅣⅤⅥⅦⅧⅨⅩⅪⅫ",
    "ROMAN_SMALL": "ⅰⅱⅲⅳⅴⅵⅶⅷⅸⅹⅺⅻ",
}


class Header:
    """What the shapes of paragraphs, their styles and the numberings mean, by id."""

    def __init__(self, root: ET.Element) -> None:
        self.shapes: dict[str | None, tuple[str, str, int]] = {}
        """As what it is numbered (OUTLINE, NUMBER, BULLET or NONE), by which numbering, and the level from 0."""
        self.levels: dict[str | None, int] = {}
        self.kinds: dict[str | None, str] = {}
        self.numberings: dict[str, dict[int, ET.Element]] = {}
        self.fonts: dict[str | None, tuple[float, bool]] = {}
        """The size in points, and whether it is bold."""
        for element in root.iter():
            match local_name(element), element.get("id", ""):
                case "paraPr", shape_id:
                    for heading in element.iterfind("{*}heading"):
                        self.shapes[shape_id] = (heading.get("type", ""), heading.get("idRef", ""), int(heading.get("level", "0")))
                case "charPr", font_id:
                    self.fonts[font_id] = int(element.get("height", "1000")) / 100, element.find("{*}bold") is not None
                case "style", style_id:
                    # Who renames a style of the program renames it in one language.
                    self._add_style(style_id, (element.get("name") or element.get("engName", "")).strip())
                case "numbering", numbering_id:
                    self.numberings[numbering_id] = {int(head.get("level", "1")) - 1: head for head in element}
                case _:
                    pass

    def _add_style(self, style_id: str, name: str) -> None:
        if (level := style_names.level(name)) is not None:
            self.levels[style_id] = level
        elif kind := style_names.kind(name):
            self.kinds[style_id] = kind


class HangulWriter(Writer):
    def __init__(self, builder: TextBuilder, header: Header) -> None:
        super().__init__(builder)
        self._header = header
        self._outline = ""
        self._deletions: set[str | None] = set()

    def add(self, element: ET.Element) -> None:
        """Add one of the elements that a section consists of; memos stand there too."""
        if local_name(element) == "p":
            self._add(element)

    def _add_object(self, element: ET.Element) -> None:
        if local_name(element) == "p":
            self._add(element)
            return
        for caption in element.iterfind("{*}caption"):
            self._add(caption)
        rows = [row.findall("{*}tc") for row in element.iterfind("{*}tr")]
        heads = takewhile(lambda row: row and all(cell.get("header") == "1" for cell in row), rows)
        self._add_rows(rows, (map(self._cell, row) for row in rows), sum(1 for _ in heads))

    def _add_text(self, paragraph: ET.Element, text: str) -> None:
        style = paragraph.get("styleIDRef")
        kind = self._header.kinds.get(style, "paragraph")
        if not text.strip() or kind == "contents":
            return
        depth, level, number = self._numbered(paragraph)
        if level is not None:
            self._lines.heading(level, f"{number} {text}")
        elif number:
            self._lines.add("list", text, "  " * depth + f"{number} ")
        else:
            self._lines.add(kind, text, look=Look.of(self._runs(paragraph)) if self._builder.lacks_headings else None)

    def _numbered(self, paragraph: ET.Element) -> tuple[int, int | None, str]:
        """(depth from 0, level of a heading, what stands before the text) of a paragraph that is counted next."""
        numbered, numbering_id, depth = self._header.shapes.get(paragraph.get("paraPrIDRef"), ("NONE", "", 0))
        level = depth + 1 if numbered == "OUTLINE" else self._header.levels.get(paragraph.get("styleIDRef"))
        if numbered in {"OUTLINE", "NUMBER"}:
            return depth, level, self._number(numbered, self._outline if numbered == "OUTLINE" else numbering_id, depth)
        return depth, level, "-" if numbered == "BULLET" and level is None else ""

    def flat(self, node: ET.Element) -> str:
        text = super().flat(node)
        return f"{self._numbered(node)[2]} {text}" if local_name(node) == "p" and text.strip() else text

    def _runs(self, paragraph: ET.Element) -> Iterator[tuple[int, float, bool]]:
        if (font := paragraph.get("charPrIDRef")) is not None:  # a binary file's, of most of it
            yield 1, *self._header.fonts.get(font, _NO_FONT)
        for run in paragraph.iterfind("{*}run"):
            characters = sum(len("".join(text.itertext()).strip()) for text in run.iterfind("{*}t"))
            yield characters, *self._header.fonts.get(run.get("charPrIDRef"), _NO_FONT)

    def _number(self, numbered: str, numbering_id: str, depth: int) -> str:
        """The next number, as it is shown; a heading and a list that are numbered alike count for themselves."""
        heads = self._header.numberings.get(numbering_id, {})
        counted = self._counters.advance(f"{numbered} {numbering_id}", depth)

        def spell(match: re.Match[str]) -> str:
            if match[1] in {"n", "N"}:
                return ".".join(str(max(1, number or 0)) for number in counted[: depth + 1]) + "." * (match[1] == "N")
            level = min(int(match[1]), len(counted)) - 1
            head = heads.get(level, _NO_HEAD)
            number = max(1, counted[level] or 0) + int(head.get("start", "1")) - 1
            return numerals.spelled(number, _SPELLED.get(head.get("numFormat", ""), ""))

        return _NUMBER.sub(spell, heads[depth].text or "" if depth in heads else "^N")

    def _cell(self, cell: ET.Element) -> Cell:
        span = cell.find("{*}cellSpan")
        columns, rows = (1, 1) if span is None else (int(span.get(name, "1")) for name in ("colSpan", "rowSpan"))
        return Cell(self.flat(cell), columns, rows)

    def _pieces(self, node: ET.Element) -> Iterator[str | ET.Element]:
        for child in node:
            name = local_name(child)
            if name == "t":
                yield from self._characters(child)
            elif name == "run":
                yield from self._pieces(child)
            elif self._deletions or name in _UNSEEN:
                continue
            elif name in {"p", "tbl"}:
                yield child
            elif name in _NOTES:
                self._notes.append(child)
            elif name == "secPr":
                self._outline = child.get("outlineShapeIDRef", "")
            else:
                yield _shown(child)
                yield from self._pieces(child)

    def _characters(self, run: ET.Element) -> Iterator[str]:
        """Tracked changes mark where a deletion begins and ends; that may be in different paragraphs."""
        yield "" if self._deletions else run.text or ""
        for mark in run:
            name = local_name(mark)
            if name == "deleteBegin":
                self._deletions.add(mark.get("Id"))
            elif name == "deleteEnd":
                self._deletions.discard(mark.get("Id"))
            elif not self._deletions:
                yield _CHARACTERS.get(name, "")
            if not self._deletions:
                yield mark.tail or ""


def _shown(element: ET.Element) -> str:
    """The text of what has it elsewhere than in a run: formulas in their notation, forms, drawn letters, the numbers of tables."""
    match local_name(element):
        case "script" | "mainText" | "text":
            return element.text or ""
        case "autoNum":
            return element.get("num", "") if element.get("numType") in _COUNTED else ""
        case name:
            return element.get(_ATTRIBUTES.get(name, ""), _CHARACTERS.get(name, ""))
