"""The text of a Word document's paragraphs."""

import re
from collections.abc import Callable, Iterator
from typing import Any, Final

from docx.oxml.ns import qn

from protostar.knowledge.parse.docx.properties import switch, value
from protostar.knowledge.parse.office.drawings import REFERENCES
from protostar.knowledge.parse.text.numerals import raised

P: Final = qn("w:p")
BOX: Final = qn("w:txbxContent")
_MATH: Final = "{http://schemas.openxmlformats.org/officeDocument/2006/math}"
_FALLBACK: Final = "{http://schemas.openxmlformats.org/markup-compatibility/2006}Fallback"
_T, _SYMBOL, _RUN, _ROW, _CONTROL, _MOVED, _READING = (qn(f"w:{name}") for name in ("t", "sym", "r", "tr", "sdt", "moveFrom", "rt"))
_CELL, _DELETED, _FIELD = qn("w:tc"), qn("w:del"), qn("w:fldChar")
_RUNS: Final = (_RUN, f"{_MATH}r")
_CHARACTERS: Final = {
    **{qn(name): "\t" for name in ("w:tab", "w:ptab")},
    **{qn(name): "\n" for name in ("w:br", "w:cr")},
    qn("w:noBreakHyphen"): "-",
    f"{_MATH}den": "/",
    f"{_MATH}sup": "^",
}
_TEXTS: Final = (_T, f"{_MATH}t")
# Boxes of forms, in the fonts that forms take them from.
_SYMBOLS: Final = {
    "wingdings": {0x6F: "☐", 0xA8: "☐", 0xFB: "✗", 0xFC: "✓", 0xFD: "☒", 0xFE: "☑"},
    "wingdings 2": {0x4F: "✗", 0x50: "✓", 0x51: "☒", 0x52: "☑", 0xA3: "☐"},
}
_CODE: Final = re.compile(r"[0-9a-cA-C][0-9a-fA-F]{3}|[eEfF][0-9a-fA-F]{3}")  # but for halves of characters
_PRIVATE: Final = 0xF000  # where fonts of symbols have theirs


def prune(root: Any, is_hidden: Callable[[Any], bool]) -> None:
    """Take out what no reader sees: deleted, hidden and struck text, second versions of drawings, readings of characters, what
    forms say as long as they are empty, and how fields are computed. `is_hidden`: tells of a run of text by its look."""
    for element in [*_codes(root), *root.iter(_FALLBACK, _MOVED, _DELETED, _READING, _CONTROL, _ROW, _CELL, *_RUNS)]:
        is_unseen = is_hidden(element) if element.tag in _RUNS else _is_unseen(element)
        if is_unseen and (parent := element.getparent()) is not None:
            parent.remove(element)


def _is_unseen(element: Any) -> bool:
    if element.tag == _CONTROL:
        return bool(switch(element.find(qn("w:sdtPr")), "w:showingPlcHdr"))
    if element.tag == _ROW:
        return element.trPr is not None and element.trPr.find(_DELETED) is not None
    if element.tag == _CELL:
        return element.tcPr is not None and element.tcPr.find(qn("w:cellDel")) is not None
    return element.tag != _DELETED or len(element) > 0  # else the mark of a row or of a paragraph's end


def _codes(root: Any) -> Iterator[Any]:
    """What stands between the beginning of a field and its result, of fields that end."""
    fields: list[list[Any] | None] = []  # of those that are open, the code, until their results begin
    codes: list[list[Any]] = []
    for node in root.iter(_FIELD, *_TEXTS, _SYMBOL, *_CHARACTERS):
        kind = node.get(qn("w:fldCharType")) if node.tag == _FIELD else None
        if kind == "begin":
            codes.append([])
            fields.append(codes[-1])
        elif kind in {"separate", "end"} and fields:
            if fields[-1] is not None:
                yield from codes.pop()
                fields[-1] = None
            if kind == "end":
                fields.pop()
        elif kind is None and codes:
            codes[-1].append(node)


def boxes(paragraph: Any) -> Iterator[Any]:
    """The text boxes that are anchored in it, but not those within them."""
    for box in paragraph.iter(BOX):
        if next(box.iterancestors(P)) is paragraph:
            yield box


def drawings_of(paragraph: Any) -> Iterator[Any]:
    """What names the diagrams and charts in it, but not those within its text boxes."""
    for reference in paragraph.iter(*REFERENCES):
        if next(reference.iterancestors(P)) is paragraph:
            yield reference


def text(paragraph: Any) -> str:
    """Without that of its text boxes."""
    has_boxes = next(paragraph.iter(BOX), None) is not None
    parts: list[str] = []
    for node in paragraph.iter(*_TEXTS, _SYMBOL, *_CHARACTERS):
        if has_boxes and next(node.iterancestors(P)) is not paragraph:
            continue
        if node.tag in _TEXTS:
            parts.append(_raised(node))
        else:
            parts.append(_symbol(node) if node.tag == _SYMBOL else _CHARACTERS[node.tag])
    return "".join(parts)


def _raised(node: Any) -> str:
    """Ten to the sixth is not 106."""
    written: str = node.text or ""
    properties = node.getparent().find(qn("w:rPr"))
    is_raised = properties is not None and value(properties, "w:vertAlign") == "superscript"
    return raised(written) or written if is_raised else written


def _symbol(node: Any) -> str:
    written = node.get(qn("w:char"), "")
    code = int(written, 16) if _CODE.fullmatch(written) else 0
    if code < _PRIVATE:
        return chr(code) if code else ""
    known = _SYMBOLS.get((node.get(qn("w:font")) or "").lower(), {})
    return known.get(code - _PRIVATE, "")
