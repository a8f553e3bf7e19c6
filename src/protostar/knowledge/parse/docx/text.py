"""The text of a Word document's paragraphs."""

import re
from collections.abc import Iterator
from typing import Any, Final

from docx.oxml.ns import qn

from protostar.knowledge.parse.docx.properties import switch, value
from protostar.knowledge.parse.numerals import raised

P: Final = qn("w:p")
BOX: Final = qn("w:txbxContent")
_MATH: Final = "{http://schemas.openxmlformats.org/officeDocument/2006/math}"
_FALLBACK: Final = "{http://schemas.openxmlformats.org/markup-compatibility/2006}Fallback"
_T, _SYMBOL, _RUN, _ROW, _CONTROL, _MOVED, _READING = (qn(f"w:{name}") for name in ("t", "sym", "r", "tr", "sdt", "moveFrom", "rt"))
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


def prune(root: Any) -> None:
    """Take out what no reader sees: deleted, hidden and struck text, second versions of drawings, readings of characters, and what
    forms say as long as they are empty."""
    for element in list(root.iter(_FALLBACK, _MOVED, _READING, _CONTROL, _ROW, _RUN)):
        if _is_unseen(element) and (parent := element.getparent()) is not None:
            parent.remove(element)


def _is_unseen(element: Any) -> bool:
    if element.tag == _RUN:
        properties = element.find(qn("w:rPr"))
        return any(switch(properties, name) for name in ("w:vanish", "w:strike", "w:dstrike"))
    if element.tag == _CONTROL:
        return bool(switch(element.find(qn("w:sdtPr")), "w:showingPlcHdr"))
    return element.tag != _ROW or (element.trPr is not None and element.trPr.find(qn("w:del")) is not None)


def boxes(paragraph: Any) -> Iterator[Any]:
    """The text boxes that are anchored in it, but not those within them."""
    for box in paragraph.iter(BOX):
        if next(box.iterancestors(P)) is paragraph:
            yield box


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
