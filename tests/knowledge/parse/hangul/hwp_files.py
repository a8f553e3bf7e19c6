"""Hangul documents in their binary format, made here in the shape in which the program writes them."""

import struct
import zlib
from collections.abc import Callable
from pathlib import Path

from tests.knowledge.parse.packages import STYLES

Records = Callable[[int], bytes]
"""Records, with the level of the first."""

_NONE, _END, _FAT = 0xFFFFFFFF, 0xFFFFFFFE, 0xFFFFFFFD
_HEAD = struct.Struct("<8s16s5H6s9I109I")
_ENTRY = struct.Struct("<64sHBB3I16sIQQIQ")

_SHAPES = {  # as what it is numbered, the level, by which numbering
    "none": (0, 0, 0),
    "outline1": (1, 0, 0),
    "outline2": (1, 1, 0),
    "outline3": (1, 2, 0),
    "article": (2, 0, 2),
    "clause": (2, 1, 2),
    "undefined": (2, 1, 9),
    "bullet": (3, 0, 1),
}
_STYLES = {**STYLES, "renamed": ("본문 1 에코", "Outline 2"), "english": ("", "Outline 2")}
_DIGIT, _CIRCLED, _SYLLABLE = 0, 1, 8


def compound(path: Path, streams: dict[str, bytes]) -> Path:
    """A compound file [MS-CFB]; `/` in a name stands between a storage and its stream."""
    fat, sectors, mini_fat, mini = list[int](), bytearray(), list[int](), bytearray()
    places = {
        name: _place(content, mini_fat, mini, 64) if len(content) < 4096 else _place(content, fat, sectors)
        for name, content in streams.items()
    }
    names = ["", *sorted({name.split("/")[0] for name in streams if "/" in name}), *streams]
    directory = bytearray()
    for at, name in enumerate(names):
        size, place = (len(streams.get(name, b"")), places.get(name, 0)) if at else (len(mini), _place(mini, fat, sectors))
        following = [sibling for sibling in _below(names, name.rpartition("/")[0]) if sibling > at] if at else []
        links = (_NONE, *[*following, _NONE][:1], *[*_below(names, name), _NONE][:1])
        shown = (name.rpartition("/")[2] or "Root Entry").encode("utf-16-le")
        kind = 2 if name in streams else 1 if at else 5
        directory += _ENTRY.pack(shown, len(shown) + 2, kind, 1, *links, b"", 0, 0, 0, place, size)
    first = _place(directory, fat, sectors)
    mini_first = _place(struct.pack(f"<{len(mini_fat)}I", *mini_fat), fat, sectors)
    count = next(count for count in range(1, 110) if count * 128 >= len(fat) + count)
    own = range(len(fat), len(fat) + count)
    table = [*fat, *[_FAT] * count, *[_NONE] * 128][: count * 128]
    shape = (0x3E, 3, 0xFFFE, 9, 6, b"", 0, count, first, 0, 4096, mini_first, -(-len(mini_fat) // 128), _END, 0)
    head = _HEAD.pack(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", b"", *shape, *[*own, *[_NONE] * 109][:109])
    path.write_bytes(head + sectors + struct.pack(f"<{count * 128}I", *table))
    return path


def _place(content: bytes | bytearray, fat: list[int], sectors: bytearray, size: int = 512) -> int:
    """Append a chain of sectors; returns the first."""
    count = -(-len(content) // size)
    fat += [*range(len(fat) + 1, len(fat) + count), _END][:count]
    sectors += content.ljust(count * size, b"\0")
    return len(fat) - count if count else _END


def _below(names: list[str], storage: str) -> list[int]:
    return [at for at, name in enumerate(names) if at and name.rpartition("/")[0] == storage]


def hwp(path: Path, *paras: Records, title: str = "", properties: int = 1, **streams: bytes | None) -> Path:
    """A document of one section. `streams`: others in place of the usual ones; None leaves one out."""
    usual = {
        "FileHeader": struct.pack("<32sII216x", b"HWP Document File", 0x05000304, properties),
        "DocInfo": docinfo(),
        "BodyText/Section0": section(*paras),
        "\x05HwpSummaryInformation": _summary(title),
        "PrvText": "미리 보기".encode("utf-16-le"),
    }
    if properties & 1:
        usual |= {name: _deflate(usual[name]) for name in ("DocInfo", "BodyText/Section0")}
    return compound(path, {name: content for name, content in (usual | streams).items() if content is not None})


def _deflate(content: bytes) -> bytes:
    """What Hangul writes ends in a checksum and the size."""
    deflate = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return deflate.compress(content) + deflate.flush() + struct.pack("<II", zlib.crc32(content), len(content))


def _summary(title: str) -> bytes:
    text = f"{title}\0".encode("utf-16-le")
    values = struct.pack("<6I", 24 + len(text), 1, 2, 16, 0x1F, len(text) // 2) + text
    return struct.pack("<HHI16sI16sI", 0xFFFE, 0, 0, b"", 1, b"", 48) + values


def record(tag: int, level: int, payload: bytes = b"") -> bytes:
    size = min(len(payload), 0xFFF)
    longer = struct.pack("<I", len(payload)) if size == 0xFFF else b""
    return struct.pack("<I", tag | level << 10 | size << 20) + longer + payload


def string(text: str) -> bytes:
    return struct.pack("<H", len(text)) + text.encode("utf-16-le")


def _numbering(*heads: tuple[int, str, int]) -> bytes:
    levels = [*heads, *[(_DIGIT, "", 1)] * 7][:7]
    shown = b"".join(struct.pack("<IHHi", 0xC | form << 5, 0, 50, -1) + string(text) for form, text, _ in levels)
    return record(23, 1, shown + struct.pack("<H7I", 0, *(start for *_, start in levels)))


def docinfo(*fonts: tuple[int, bool]) -> bytes:
    """`fonts`: the size in points, and whether it is bold."""
    content = record(16, 0, bytes(26)) + record(17, 0, bytes(64))
    content += _numbering((_DIGIT, "^1.", 1), (_SYLLABLE, "^2.", 1))
    content += _numbering((_DIGIT, "제^1조", 3), (_CIRCLED, "^1-^2", 1)) + record(24, 1, bytes(10))
    for size, is_bold in fonts:
        content += record(21, 1, bytes(42) + struct.pack("<iI", size * 100, 2 * is_bold) + bytes(18))
    for numbered, level, numbering in _SHAPES.values():
        content += record(25, 1, struct.pack("<I26xH22x", 4 | numbered << 23 | level << 25, numbering))
    for name, english in _STYLES.values():
        content += record(26, 1, string(name) + string(english) + bytes(10))
    return content


def section(*paras: Records) -> bytes:
    start = para(control(2, "secd", bytes(14) + struct.pack("<H", 1) + bytes(10)), control(2, "cold", bytes(12)))
    return b"".join(records(0) for records in (start, *paras))


def para(*pieces: str | tuple[str, Records], shape: str = "none", style: str = "normal", font: int = 0) -> Records:
    """A paragraph; `control` makes pieces that are not text."""
    text = "".join(piece if isinstance(piece, str) else piece[0] for piece in pieces) + "\r"
    numbers = list(_SHAPES).index(shape), list(_STYLES).index(style)

    def records(level: int) -> bytes:
        units = text.encode("utf-16-le", "surrogatepass")
        head = record(66, level, struct.pack("<IIHBBHHHIH", len(units) // 2, 0, *numbers, 0, 1, 0, 1, 0, 0))
        content = (
            record(67, level + 1, units) + record(68, level + 1, struct.pack("<II", 0, font)) + record(69, level + 1, bytes(36))
        )
        return head + content + b"".join(piece[1](level + 1) for piece in pieces if not isinstance(piece, str))

    return records


def control(code: int, kind: str, payload: bytes = b"", *below: Records) -> tuple[str, Records]:
    """An extended character, and its record with those below it."""
    name = kind.encode()[::-1]
    units = f"{chr(code)}{name.decode('utf-16-le')}\0\0\0\0{chr(code)}"
    return units, lambda level: record(71, level, name + payload) + b"".join(records(level + 1) for records in below)


def listed(*paras: Records, payload: bytes = b"") -> Records:
    """A list of paragraphs, which lie beside its head."""

    def records(level: int) -> bytes:
        return record(72, level, struct.pack("<HHI", len(paras), 0, 0) + payload) + b"".join(one(level) for one in paras)

    return records


def cell(content: str | Records, column: int, row: int, columns: int = 1, rows: int = 1) -> Records:
    paras = [para(content)] if isinstance(content, str) else [content]
    return listed(*paras, payload=struct.pack("<4H", column, row, columns, rows) + bytes(26))


def table(*cells: Records, caption: Records | None = None) -> tuple[str, Records]:
    above = [listed(caption, payload=bytes(14))] if caption else []
    return control(11, "tbl ", bytes(42), *above, lambda level: record(77, level, bytes(22)), *cells)


def box(*paras: Records, caption: Records | None = None) -> tuple[str, Records]:
    """A drawing with text in it, which is grouped with a picture."""
    above = [listed(caption, payload=bytes(14))] if caption else []

    def shape(level: int) -> bytes:
        inner = record(76, level + 1, bytes(200)) + listed(*paras)(level + 2) + record(79, level + 2, bytes(33))
        return record(76, level, bytes(200)) + inner + record(76, level + 1, bytes(200)) + record(85, level + 2, bytes(91))

    return control(11, "gso ", bytes(42), *above, shape)
