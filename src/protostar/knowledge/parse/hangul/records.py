"""The records of HWP 5.0 as elements of the open format. Raises struct.error where one is too short."""

import re
import struct
import xml.etree.ElementTree as ET
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import IntEnum
from itertools import pairwise

from protostar.errors import UnreadableDocument
from protostar.knowledge.parse.failures import TOO_DEEP

# A table within a table lies two levels deeper, and so does a box within a box. The readers go down by recursion.
_DEEPEST = 64


class _Tag(IntEnum):
    CHAR_SHAPE = 21
    NUMBERING = 23
    PARA_SHAPE = 25
    STYLE = 26
    PARA_HEADER = 66
    PARA_TEXT = 67
    PARA_CHAR_SHAPE = 68
    CTRL_HEADER = 71
    LIST_HEADER = 72
    SHAPE = 76
    TABLE = 77
    EQUATION = 88
    TEXT_ART = 90


_NUMBERED = ("NONE", "OUTLINE", "NUMBER", "BULLET")
_LEVELS = 7
_BOLD = 2
_FORMATS = (
    *("DIGIT", "CIRCLED_DIGIT", "ROMAN_CAPITAL", "ROMAN_SMALL", "LATIN_CAPITAL", "LATIN_SMALL"),
    *("CIRCLED_LATIN_CAPITAL", "CIRCLED_LATIN_SMALL", "HANGUL_SYLLABLE", "CIRCLED_HANGUL_SYLLABLE"),
    *("HANGUL_JAMO", "CIRCLED_HANGUL_JAMO", "", "", "", ""),
)
_COUNTED = {3: "PICTURE", 4: "TABLE", 5: "EQUATION"}
_WITH_PARAGRAPHS = {b"gso ": "drawing", b"fn  ": "footNote", b"en  ": "endNote"}

# Control characters are one code unit or eight; each extended one has a record of its own, in the same order.
_TOKEN = re.compile(
    "(?P<text>[^\0-\x09\x0b-\x17\x19-\x1d]+)|(?P<extended>[\x01-\x03\x0b\x0c\x0e-\x12\x15-\x17]).{0,7}"
    "|(?P<tab>\t).{0,7}|[\x04-\x08\x13\x14].{0,7}|[\0\r\x19-\x1d]",
    re.DOTALL,
)
# A hyphen for the case that a line ends there; blanks that are not broken or as wide as a character.
_CHARACTERS = str.maketrans({"\x18": None, "\x1e": " ", "\x1f": " "})


@dataclass(slots=True)
class _Record:
    tag: int
    payload: bytes
    below: list["_Record"] = field(default_factory=list["_Record"])

    def all(self, tag: _Tag) -> Iterator["_Record"]:
        return (record for record in self.below if record.tag == tag)


def header(content: bytes) -> ET.Element:
    """What the stream DocInfo says of paragraphs' shapes, of styles and numberings."""
    head = ET.Element("head")
    count = Counter[int]()
    for tag, _, payload in _records(content):
        number = count[tag]
        count[tag] += 1
        if tag == _Tag.PARA_SHAPE:
            properties, numbering_id = struct.unpack_from("<I26xH", payload)
            numbered, level = _NUMBERED[properties >> 23 & 3], properties >> 25 & 7
            shape = ET.SubElement(head, "paraPr", id=str(number))
            ET.SubElement(shape, "heading", type=numbered, idRef=str(numbering_id), level=str(level))
        elif tag == _Tag.CHAR_SHAPE:
            size, properties = struct.unpack_from("<42xiI", payload)
            font = ET.SubElement(head, "charPr", id=str(number), height=str(size))
            if properties & _BOLD:
                ET.SubElement(font, "bold")
        elif tag == _Tag.STYLE:
            name, at = _string(payload, 0)
            ET.SubElement(head, "style", id=str(number), name=name, engName=_string(payload, at)[0])
        elif tag == _Tag.NUMBERING:
            head.append(_numbering(payload, number + 1))
    return head


def _numbering(payload: bytes, number: int) -> ET.Element:
    numbering = ET.Element("numbering", id=str(number))
    at = 0
    for level in range(_LEVELS):
        (properties,) = struct.unpack_from("<I", payload, at)
        head = ET.SubElement(numbering, "paraHead", level=str(level + 1), numFormat=_FORMATS[properties >> 5 & 15])
        head.text, at = _string(payload, at + 12)
    starts = payload[at + 2 : at + 2 + 4 * _LEVELS]
    if len(starts) == 4 * _LEVELS:  # from 5.0.2.5 on
        for head, start in zip(numbering, struct.unpack(f"<{_LEVELS}I", starts), strict=True):
            head.set("start", str(start))
    return numbering


def paragraphs(content: bytes) -> Iterator[ET.Element]:
    """The paragraphs of a section, each with all that stands in it."""
    return (_paragraph(record) for record in _trees(content) if record.tag == _Tag.PARA_HEADER)


def _trees(content: bytes) -> Iterator[_Record]:
    """The outermost records with those below them."""
    path: list[_Record] = []
    for tag, level, payload in _records(content):
        record = _Record(tag, payload)
        if path and not level:
            yield path[0]
        del path[level:]
        if len(path) > _DEEPEST:
            raise UnreadableDocument(TOO_DEEP)
        if path:
            path[-1].below.append(record)
        path.append(record)
    yield from path[:1]


def _records(content: bytes) -> Iterator[tuple[int, int, bytes]]:
    """Tag, level and payload of each."""
    at = 0
    while at < len(content):
        (head,) = struct.unpack_from("<I", content, at)
        at += 4
        size = head >> 20
        if size == 0xFFF:
            (size,) = struct.unpack_from("<I", content, at)
            at += 4
        payload = content[at : at + size]
        if len(payload) < size:
            raise EOFError(at)
        yield head & 0x3FF, head >> 10 & 0x3FF, payload
        at += size


def _paragraph(record: _Record) -> ET.Element:
    shape, style = struct.unpack_from("<8xHB", record.payload)
    paragraph = ET.Element("p", paraPrIDRef=str(shape), styleIDRef=str(style), charPrIDRef=_font(record))
    controls = record.all(_Tag.CTRL_HEADER)
    for text in record.all(_Tag.PARA_TEXT):
        for token in _TOKEN.finditer(_units(text.payload)):
            if token.lastgroup == "text":
                ET.SubElement(paragraph, "t").text = token[0].translate(_CHARACTERS)
            elif token.lastgroup == "tab":
                ET.SubElement(paragraph, "tab")
            elif token.lastgroup == "extended" and (control := next(controls, None)):
                paragraph.extend(_control(control))
    return paragraph


def _font(record: _Record) -> str:
    """The shape of most of a paragraph's characters."""
    (characters,) = struct.unpack_from("<I", record.payload)
    lengths = Counter[int]()
    for shapes in record.all(_Tag.PARA_CHAR_SHAPE):
        ranges = [*struct.iter_unpack("<II", shapes.payload[: len(shapes.payload) // 8 * 8]), (characters & 0x7FFFFFFF, 0)]
        for (start, shape), (end, _) in pairwise(ranges):
            lengths[shape] += end - start
    return str(lengths.most_common(1)[0][0]) if lengths else ""


def _control(record: _Record) -> Iterator[ET.Element]:
    """What is shown of it, or what says how to show something."""
    payload = record.payload
    match payload[3::-1]:
        case b"tbl ":
            yield _table(record)
        case b"gso " | b"fn  " | b"en  " as kind:
            element = ET.Element(_WITH_PARAGRAPHS[kind])
            element.extend(_inside(record))
            yield element
        case b"eqed":
            for equation in record.all(_Tag.EQUATION):
                yield _text("script", equation.payload, 4)
        case b"tcps" | b"tdut":  # characters over one another, or a remark over them
            yield _text("mainText", payload, 4)
        case b"atno":
            properties, number = struct.unpack_from("<4xIH", payload)
            yield ET.Element("autoNum", numType=_COUNTED.get(properties & 15, ""), num=str(number))
        case b"secd":
            (outline,) = struct.unpack_from("<18xH", payload)
            yield ET.Element("secPr", outlineShapeIDRef=str(outline))
        case _:
            pass


def _inside(record: _Record) -> Iterator[ET.Element]:
    """The paragraphs of an object and of the shapes that it consists of, and drawn letters."""
    for below in record.below:
        if below.tag == _Tag.PARA_HEADER:
            yield _paragraph(below)
        elif below.tag == _Tag.SHAPE:
            yield from _inside(below)
        elif below.tag == _Tag.TEXT_ART:
            yield _text("mainText", below.payload, 32)


def _table(record: _Record) -> ET.Element:
    """Its cells say in which row they are. A list before the table itself is the caption."""
    table = ET.Element("tbl")
    rows: list[ET.Element] = []
    cell: ET.Element | None = None
    is_caption = True
    for below in record.below:
        if below.tag == _Tag.TABLE:
            is_caption = False
        elif below.tag == _Tag.LIST_HEADER and is_caption:
            cell = ET.SubElement(table, "caption")
        elif below.tag == _Tag.LIST_HEADER:
            row, width, height = struct.unpack_from("<10x3H", below.payload)
            rows += (ET.SubElement(table, "tr") for _ in range(len(rows), row + 1))
            cell = ET.SubElement(rows[row], "tc")
            ET.SubElement(cell, "cellSpan", colSpan=str(width), rowSpan=str(height))
        elif below.tag == _Tag.PARA_HEADER and cell is not None:
            cell.append(_paragraph(below))
    return table


def _text(name: str, payload: bytes, at: int) -> ET.Element:
    element = ET.Element(name)
    element.text, _ = _string(payload, at)
    return element


def _string(payload: bytes, at: int) -> tuple[str, int]:
    """A text after its length, and where it ends."""
    (length,) = struct.unpack_from("<H", payload, at)
    end = at + 2 + 2 * length
    return _units(payload[at + 2 : end]), end


def _units(text: bytes) -> str:
    """Each code unit as a character: what controls carry may look like half a character, and counts all the same."""
    return "".join(map(chr, struct.unpack(f"<{len(text) // 2}H", text)))
