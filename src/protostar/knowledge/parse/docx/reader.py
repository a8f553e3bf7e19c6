"""Word documents: paragraphs and tables in the order of the document; headings by style or outline level."""

from collections.abc import Iterator
from itertools import takewhile
from pathlib import Path
from typing import Any, Final

from docx.opc.exceptions import OpcError
from docx.opc.part import PartFactory
from docx.oxml import parse_xml
from docx.oxml.exceptions import XmlchemyError
from docx.oxml.ns import qn
from docx.parts.document import DocumentPart

from protostar.knowledge.parse import zip_guard
from protostar.knowledge.parse.docx.numbering import DEEPEST, Numbering
from protostar.knowledge.parse.docx.package import open_package
from protostar.knowledge.parse.docx.properties import list_of, outline_level, switch, value
from protostar.knowledge.parse.docx.styles import Style, Styles
from protostar.knowledge.parse.docx.text import P, boxes, drawings_of, prune, text
from protostar.knowledge.parse.failures import damaged
from protostar.knowledge.parse.model import ParsedText
from protostar.knowledge.parse.office import drawings
from protostar.knowledge.parse.text.builder import TextBuilder
from protostar.knowledge.parse.text.lines import Lines
from protostar.knowledge.parse.text.numerals import whole
from protostar.knowledge.parse.text.tables import Cell, add_table, spread

# `docx.Document` refuses documents with macros, and templates.
PartFactory.part_type_for |= dict.fromkeys(
    (
        "application/vnd.ms-word.document.macroEnabled.main+xml",
        "application/vnd.openxmlformats-officedocument.wordprocessingml.template.main+xml",
    ),
    DocumentPart,
)

_KIND: Final = "a Word document (.docx)"
_TBL, _TR, _TC, _MERGED = qn("w:tbl"), qn("w:tr"), qn("w:tc"), qn("w:vMerge")
# Content controls, tracked insertions and the like stand between a body and its paragraphs.
_WRAPPERS: Final = frozenset(qn(f"w:{name}") for name in ("sdt", "sdtContent", "ins", "moveTo", "customXml", "footnote", "endnote"))


def read(path: Path, max_chars: int) -> ParsedText:
    zip_guard.check(path, _KIND)
    builder = TextBuilder(max_chars)
    with damaged(_KIND, *zip_guard.ERRORS, OpcError, XmlchemyError):
        main: Any = open_package(path).main_document_part
        if not isinstance(main, DocumentPart):
            raise OpcError
        document = main.document
        related = {rel.reltype.rsplit("/", 1)[-1]: rel.target_part for rel in main.rels.values() if not rel.is_external}
        styles = Styles(document)
        writer = _Writer(builder, styles, Numbering(related.get("numbering")), main.rels)
        root: Any = document.element
        prune(root, styles.hides)
        writer.add(root.body)
        builder.leave()
        for name in ("footnotes", "endnotes"):
            notes: Any = parse_xml(related[name].blob) if name in related else ()
            for note in notes:
                prune(note, styles.hides)
                writer.add(note)
        return builder.build(title=document.core_properties.title)


class _Writer:
    def __init__(self, builder: TextBuilder, styles: Styles, numbering: Numbering, relations: Any) -> None:
        self._builder = builder
        self._lines = Lines(builder)
        self._styles = styles
        self._numbering = numbering
        self._relations = relations
        self._parts = drawings.Parts(builder)

    def add(self, container: Any) -> None:
        """Add everything in the body, in a cell or in a box."""
        for element in _children(container, P, _TBL):
            if element.tag == P:
                self._add_paragraph(element)
            else:
                self._add_table(element)
        self._lines.end()

    def _add_paragraph(self, paragraph: Any) -> None:
        style = self._styles.of(paragraph.style)
        shown = text(paragraph)
        if shown.strip() and style.kind != "contents":
            level = outline_level(paragraph)
            level = style.level if level is None else level or None
            depth, marker = self._marker(paragraph, style)
            if level is not None:
                self._lines.heading(level, marker.removeprefix("- ") + shown)
            else:
                kind = "list" if marker else style.kind or "paragraph"
                look = self._styles.look(paragraph) if self._builder.lacks_headings else None
                self._lines.add(kind, shown, "  " * depth + marker if marker else "", look)
        for reference in drawings_of(paragraph):
            self._lines.end()
            self._parts.add(reference, self._relations)
        for box in boxes(paragraph):
            self._lines.end()
            self.add(box)

    def _marker(self, paragraph: Any, style: Style) -> tuple[int, str]:
        """(level from 0, what stands before the text) of a paragraph that is numbered or an item of a list; else no text."""
        list_id, level = list_of(paragraph) or (style.list_id, style.list_level)
        if list_id == "0":
            return 0, ""
        depth = self._numbering.level(list_id, paragraph.style or "") if level is None else level
        depth = max(0, min(depth, DEEPEST))
        return depth, self._numbering.marker(list_id, depth)

    def _add_table(self, table: Any) -> None:
        self._lines.end()
        rows = [row for row in table.iter(_TR) if next(row.iterancestors(_TBL)) is table]
        cells = [list(_children(row, _TC)) for row in rows]
        if all(len(each) <= 1 for each in cells):
            # A frame around text, not a table.
            for each in cells:
                for cell in each:
                    self.add(cell)
            return
        heads = sum(1 for _ in takewhile(lambda row: switch(row.trPr, "w:tblHeader"), rows))
        add_table(self._builder, spread(map(self._cells, rows, cells)), heads=heads or None)
        self._parts.add(table, self._relations)

    def _cells(self, row: Any, cells: list[Any]) -> Iterator[Cell]:
        left_out = 0 if row.trPr is None else whole(value(row.trPr, "w:gridBefore"), 0)
        if left_out > 0:
            yield Cell("", left_out)
        for cell in cells:
            merged = None if cell.tcPr is None else cell.tcPr.find(_MERGED)
            goes_on = merged is not None and merged.get(qn("w:val"), "continue") == "continue"
            yield Cell(" ".join(map(self._line, cell.iter(P))), cell.grid_span, goes_on=goes_on)

    def _line(self, paragraph: Any) -> str:
        """A paragraph of a cell."""
        shown = text(paragraph)
        return self._marker(paragraph, self._styles.of(paragraph.style))[1] + shown if shown.strip() else shown


def _children(container: Any, *tags: str) -> Iterator[Any]:
    """The elements of these names in a container, through the wrappers around them."""
    for child in container:
        if child.tag in tags:
            yield child
        elif child.tag in _WRAPPERS:
            yield from _children(child, *tags)
