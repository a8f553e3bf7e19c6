"""Word documents: paragraphs and tables in the order of the document; headings by style or outline level."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import docx
from docx.opc.exceptions import OpcError
from docx.oxml import parse_xml
from docx.oxml.ns import qn

from protostar.knowledge.parse import styles, zip_guard
from protostar.knowledge.parse.builder import TextBuilder
from protostar.knowledge.parse.failures import damaged
from protostar.knowledge.parse.lines import Counters, Lines
from protostar.knowledge.parse.model import ParsedText
from protostar.knowledge.parse.tables import Cell, add_table, spread

_KIND = "a Word document (.docx)"

_P, _TBL, _TR, _TC, _MERGED = qn("w:p"), qn("w:tbl"), qn("w:tr"), qn("w:tc"), qn("w:vMerge")
_T, _TAB, _BR, _CR, _HYPHEN = qn("w:t"), qn("w:tab"), qn("w:br"), qn("w:cr"), qn("w:noBreakHyphen")
# A paragraph inside another is a text box.
_TEXT = {_P: "\n", _TAB: "\t", _BR: "\n", _CR: "\n", _HYPHEN: "-"}
_VAL = qn("w:val")
# Content controls, tracked insertions and the like stand between a body and its paragraphs. Deleted text is `w:delText`.
_WRAPPERS = frozenset(qn(f"w:{name}") for name in ("sdt", "sdtContent", "ins", "moveTo", "customXml", "footnote", "endnote"))
# A second version of the same drawing; text that a tracked change has moved away.
_UNSEEN = ("{http://schemas.openxmlformats.org/markup-compatibility/2006}Fallback", qn("w:moveFrom"))


def read(path: Path, max_chars: int) -> ParsedText:
    zip_guard.check(path, _KIND)
    builder = TextBuilder(max_chars)
    with damaged(_KIND, *zip_guard.ERRORS, OpcError):
        document = docx.Document(str(path))
        related = {rel.reltype.rsplit("/", 1)[-1]: rel.target_part for rel in document.part.rels.values() if not rel.is_external}
        writer = _Writer(builder, _Styles(document), _Numbering(related.get("numbering")))
        root: Any = document.element
        writer.add(root.body)
        builder.outline.leave()
        for name in ("footnotes", "endnotes"):
            notes: Any = parse_xml(related[name].blob) if name in related else ()
            for note in notes:
                writer.add(note)
        return builder.build(title=document.core_properties.title)


class _Styles:
    """What the styles mean, by id: built-in ones are named in English in the file, those of other programs in any language."""

    def __init__(self, document: Any) -> None:
        self.levels: dict[str, int] = {}
        self.kinds: dict[str, str] = {}
        self.lists: dict[str, str] = {}
        self.contents: set[str] = set()
        for style in document.styles.element.style_lst:
            self._add(style.styleId, (style.name_val or "").strip(), style)

    def _add(self, style_id: str, name: str, style: Any) -> None:
        level, kind = styles.level(name), styles.kind(name)
        if level is None:
            level = _outline_level(style)
        if level is not None:
            self.levels[style_id] = level
        elif kind == "contents":
            self.contents.add(style_id)
        elif list_id := _list_id(style):
            self.lists[style_id] = list_id
        elif kind:
            self.kinds[style_id] = kind


class _Numbering:
    """The markers of list items: «- » or a running number. Letters and Roman numerals come out as numbers."""

    def __init__(self, part: Any) -> None:
        self._bullets: set[tuple[str, str]] = set()
        self._counters = Counters()
        if part is not None:
            self._find_bullets(part.element)

    def _find_bullets(self, root: Any) -> None:
        bullets: dict[str, list[str]] = {}
        for abstract in root.iterchildren(qn("w:abstractNum")):
            levels = abstract.iterchildren(qn("w:lvl"))
            bullets[abstract.get(qn("w:abstractNumId"))] = [
                level.get(qn("w:ilvl")) for level in levels if _value(level, "w:numFmt") in {"bullet", "none", None}
            ]
        for number in root.iterchildren(qn("w:num")):
            for level in bullets.get(_value(number, "w:abstractNumId") or "", ()):
                self._bullets.add((number.get(qn("w:numId")), level))

    def marker(self, list_id: str, level: str) -> str:
        depth = min(int(level), 8)
        number = self._counters.advance(list_id, depth)[depth]
        return "  " * depth + ("- " if (list_id, level) in self._bullets else f"{number}. ")


class _Writer:
    def __init__(self, builder: TextBuilder, styles: _Styles, numbering: _Numbering) -> None:
        self._builder = builder
        self._lines = Lines(builder)
        self._styles = styles
        self._numbering = numbering

    def add(self, container: Any) -> None:
        """Add everything in the body or in a cell."""
        for element in _content(container):
            if element.tag == _P:
                self._add_paragraph(element)
            else:
                self._add_table(element)
        self._lines.end()

    def _add_paragraph(self, paragraph: Any) -> None:
        text = _text(paragraph)
        style: str = paragraph.style or ""
        if not text.strip() or style in self._styles.contents:
            return
        level = _outline_level(paragraph)
        level = self._styles.levels.get(style) if level is None else level
        if level is not None:
            self._lines.heading(level, text)
            return
        marker = self._marker(paragraph, style)
        self._lines.add("list" if marker else self._styles.kinds.get(style, "paragraph"), text, marker)

    def _marker(self, paragraph: Any, style: str) -> str:
        list_id = _list_id(paragraph) or self._styles.lists.get(style, "0")
        if list_id == "0":
            return ""
        level = None if paragraph.pPr is None or paragraph.pPr.numPr is None else _value(paragraph.pPr.numPr, "w:ilvl")
        return self._numbering.marker(list_id, level or "0")

    def _add_table(self, table: Any) -> None:
        self._lines.end()
        rows = [list(row.iterchildren(_TC)) for row in table.iter(_TR) if next(row.iterancestors(_TBL)) is table]
        if all(len(cells) <= 1 for cells in rows):
            # A frame around text, not a table.
            for cells in rows:
                for cell in cells:
                    self.add(cell)
            return
        add_table(self._builder, spread(map(_cells, rows)))


def _cells(row: list[Any]) -> Iterator[Cell]:
    for cell in row:
        properties = cell.tcPr
        merged = None if properties is None else properties.find(_MERGED)
        goes_on = merged is not None and merged.get(_VAL, "continue") == "continue"
        yield Cell(" ".join(map(_text, cell.iter(_P))), cell.grid_span, goes_on=goes_on)


def _content(container: Any) -> Iterator[Any]:
    """The paragraphs and tables of a container, through the wrappers around them."""
    for child in container:
        if child.tag in (_P, _TBL):
            yield child
        elif child.tag in _WRAPPERS:
            yield from _content(child)


def _text(paragraph: Any) -> str:
    unseen = any(True for _ in paragraph.iter(*_UNSEEN))
    parts: list[str] = []
    for node in paragraph.iter(_T, *_TEXT):
        if node is paragraph or (unseen and next(node.iterancestors(*_UNSEEN), None) is not None):
            continue
        parts.append(node.text or "" if node.tag == _T else _TEXT[node.tag])
    return "".join(parts)


def _outline_level(element: Any) -> int | None:
    """The level of a heading, from 1, that a style or a paragraph sets itself. Word counts from 0 and writes 9 for body text."""
    properties = element.pPr
    value = None if properties is None else _value(properties, "w:outlineLvl")
    return int(value) + 1 if value is not None and value < "9" else None


def _list_id(element: Any) -> str | None:
    properties = None if element.pPr is None else element.pPr.numPr
    return None if properties is None else _value(properties, "w:numId")


def _value(element: Any, child: str) -> str | None:
    found = element.find(qn(child))
    return None if found is None else found.get(_VAL)
