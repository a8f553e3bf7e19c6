"""RTF: striprtf gives the text; what paragraphs and cells are is marked before and found again after."""

import re
from pathlib import Path

from striprtf.striprtf import rtf_to_text  # pyright: ignore[reportUnknownVariableType]

from protostar.knowledge.parse.failures import broken, damaged
from protostar.knowledge.parse.model import ParsedText
from protostar.knowledge.parse.text.builder import TextBuilder
from protostar.knowledge.parse.text.lines import Lines
from protostar.knowledge.parse.text.normalise import clean
from protostar.knowledge.parse.text.numerals import raised
from protostar.knowledge.parse.text.tables import add_table

_KIND = "an RTF document"
_HIGH_BYTE = re.compile(rb"[\x80-\xff]")
_FONT_TABLE = re.compile(r"\\fonttbl(?![a-z])")
_LINE_END = re.compile(r"[\r\n]+")
_HEADING_STYLE = re.compile(r"\{\\s(\d+)[^{}]*?(?<![a-z])(?:heading ([1-9])|title)\s*;\}", re.IGNORECASE)
_STYLE = re.compile(r"\\s(\d+)(?![0-9])")
_LEVEL = re.compile(r"\\outlinelevel([0-8])(?![0-9]) ?")
_NOTE = re.compile(r"\{(?:\\\*)?\\footnote(?![a-z])(?:\\ftnalt(?![a-z]))? ?")
_BOX = re.compile(r"\{\\shptxt(?![a-z]) ?|\\par(?![a-z}])")
_BRACE = re.compile(r"\\[\\{}]|[{}]")
_HIDING = re.compile(r"\\[\\{}]|[{}]|\\(v|deleted|striked?|super|sub|nosupersub|plain)(-?\d+)?(?![a-zA-Z0-9]) ?")
# What is kept of hidden text: all but characters, written as such or as words.
_WORD = re.compile(
    r"\\\*|\\(?!(?:u|tab|line|bullet|[lr](?:dbl)?quote|e[mn]dash|e[mn]space|qmspace)(?![a-z]))[a-z]+(?:-?\d+)? ?", re.IGNORECASE
)
# Control characters, which no RTF text holds. The empty group ends the letters to skip after a Unicode character.
_RAISED, _LEVELLED, _NEW_LINE, _ITEM, _ROW, _CELL, _ROW_END = "\x0e\x0f\x0b\x1c\x1d\x1f\x1e"
_HEADINGS = "".join(map(chr, range(0x10, 0x1A)))
"""By their levels, from 0."""
_HEADING = re.compile(f"[{_HEADINGS}]")
_MARKS = {
    re.compile(pattern): f"{{}}{mark}"
    for pattern, mark in (
        *((r"\\cell(?![a-z]) ?", _CELL), (r"\\row(?![a-z]) ?", _ROW_END), (r"\\trowd(?![a-z]) ?", _ROW)),
        (r"\\line(?![a-z]) ?", _NEW_LINE),
    )
}
_NESTED = re.compile(r"\\nest(?:cell|row)(?![a-z]) ?")
_LIST_TEXT = re.compile(r"\{\\(?:listtext|pntext)(?![a-z])")
_RAISED_TEXT = re.compile(f"{_RAISED}([^{_RAISED}{_LEVELLED}\n]*)")
_UNMARKED = str.maketrans({**dict.fromkeys((*_HEADINGS, _RAISED, _LEVELLED, _ITEM)), _NEW_LINE: "\n"})
_BREAK = re.compile(f"([\n{_ROW}{_CELL}{_ROW_END}])")
_BULLETS = str.maketrans({"\uf0b7": "•", "\uf0a7": "▪", "\uf0d8": "▪"})


def read(path: Path, max_chars: int) -> ParsedText:
    raw = path.read_bytes()
    if not raw.startswith(b"{\\rtf") or not raw.rstrip(b"\0\r\n\t ").endswith(b"}"):
        raise broken(_KIND)
    # Bytes above ASCII are escaped as the standard wants it, so that the code page of their font applies to them.
    source = _HIGH_BYTE.sub(lambda byte: b"\\'%02x" % byte[0][0], raw).decode("ascii")
    with damaged(_KIND, ValueError, LookupError, TypeError, ArithmeticError):
        text = str(rtf_to_text(_marked(source), errors="replace"))  # pyright: ignore[reportUnknownArgumentType]
    writer = _Writer(TextBuilder(max_chars))
    writer.add(_RAISED_TEXT.sub(lambda written: raised(written[1]) or written[1], clean(text).translate(_BULLETS)))
    return writer.builder.build()


def _marked(source: str) -> str:
    levels = {match[1]: int(match[2] or 0) for match in _HEADING_STYLE.finditer(source)}
    source = _with_boxes(_with_notes(_seen(_with_fonts_apart(source))))
    source = _STYLE.sub(lambda style: f"{style[0]}{{}}{_HEADINGS[levels[style[1]]]}" if style[1] in levels else style[0], source)
    source = _LEVEL.sub(lambda level: f"{{}}{_HEADINGS[int(level[1]) + 1]}", source)
    source = _LIST_TEXT.sub(f"{{\\\\listtext{{}}{_ITEM}", source)
    source = _NESTED.sub(r"\\par ", source)
    for pattern, mark in _MARKS.items():
        source = pattern.sub(mark, source)
    return source


def _with_fonts_apart(source: str) -> str:
    """A document with each font on a line: striprtf gives one that names no character set that of the next on the line."""
    table = _FONT_TABLE.search(source)
    if table is None:
        return source
    end = _group_end(source, table.end()) or len(source)
    fonts = _LINE_END.sub(" ", source[table.end() : end]).replace(";", ";\n")
    return f"{source[: table.end()]}{fonts}{source[end:]}"


def _seen(source: str) -> str:
    """A document without the characters that are hidden, deleted or struck, and with marks around raised ones; what they are may
    change anywhere in a group."""
    parts: list[str] = []
    above: list[frozenset[str]] = []
    said = frozenset[str]()
    at = 0
    for mark in _HIDING.finditer(source):
        is_hidden = bool(said - {"super"})
        parts.append("".join(_WORD.findall(source, at, mark.start())) if is_hidden else source[at : mark.start()])
        at = mark.end()
        before = said
        if mark[0] == "{":
            above.append(said)
        elif mark[0] == "}":
            said = above.pop() if above else said
        elif mark[1] is None:  # an escaped brace
            parts += [] if is_hidden else [mark[0]]
            continue
        else:
            said = _switched(said, mark[1], is_on=mark[2] != "0")
        parts.append(mark[0])
        if ("super" in said) != ("super" in before):
            parts.append(f"{{}}{_RAISED if 'super' in said else _LEVELLED}")
    parts.append(source[at:])
    return "".join(parts)


def _switched(said: frozenset[str], name: str, *, is_on: bool) -> frozenset[str]:
    if name == "plain":
        return frozenset()
    if name in {"sub", "nosupersub"}:
        return said - {"super"}
    return said | {name} if is_on else said - {name}


def _with_notes(source: str) -> str:
    """A document with its footnotes behind the text: where they are, striprtf passes over them."""
    text: list[str] = []
    notes: list[str] = []
    at = 0
    while (opening := _NOTE.search(source, at)) is not None and (end := _group_end(source, opening.end())) is not None:
        text.append(source[at : opening.start()])
        notes.append(f"\\par {{{source[opening.end() : end]}")
        at = end
    if not notes:
        return source
    body, brace, rest = source[at:].rpartition("}")
    return "".join((*text, body, *notes, brace, rest))


def _group_end(source: str, start: int) -> int | None:
    """Where a group ends whose opening brace is before `start`."""
    depth = 1
    for brace in _BRACE.finditer(source, start):
        depth += {"{": 1, "}": -1}.get(brace[0], 0)
        if not depth:
            return brace.end()
    return None


def _with_boxes(source: str) -> str:
    """A document with its text boxes behind their paragraphs: where they are, striprtf passes over them."""
    parts: list[str] = []
    boxes: list[str] = []
    at = seen = 0
    while (found := _BOX.search(source, seen)) is not None:
        seen = found.end()
        if found[0] == "\\par":
            parts += (source[at:seen], *boxes) if boxes else ()
            at = seen if boxes else at
            boxes.clear()
        elif (end := _group_end(source, seen)) is not None:
            parts.append(source[at : found.start()])
            boxes.append(f" {{{source[seen:end]}\\par ")
            at = seen = end
        else:
            break
    body, brace, rest = source[at:].rpartition("}")
    return "".join((*parts, body, *(["\\par", *boxes] if boxes else []), brace, rest))


class _Writer:
    """Turns the text with its marks into blocks."""

    def __init__(self, builder: TextBuilder) -> None:
        self.builder = builder
        self._lines = Lines(builder)
        self._rows: list[list[list[str]]] = []
        """Of the table that is being read: the paragraphs of each cell."""
        self._cells: list[list[str]] = []
        self._cell: list[str] = []
        self._is_in_row = False

    def add(self, text: str) -> None:
        pieces = _BREAK.split(text.replace(_LEVELLED, ""))
        for line, end in zip(pieces[::2], [*pieces[1::2], "\n"], strict=True):
            self._add_line(line, end)
        self._end_table()
        for line in self._cell:  # of a row that never ends
            self._add_paragraph(line)
        self._lines.end()

    def _add_line(self, line: str, end: str) -> None:
        if self._is_in_row or end == _CELL:
            self._cell.append(line)
        elif end == "\n" or line.strip():
            self._end_table()
            self._add_paragraph(line)
        if end == _CELL:
            self._cells.append(self._cell)
            self._cell = []
        elif end == _ROW_END:
            self._rows.append(self._cells)
            self._cells, self._cell = [], []
        self._is_in_row = end != _ROW_END and (self._is_in_row or end in {_ROW, _CELL})

    def _end_table(self) -> None:
        """Add the rows that have been read; where no row has a second cell, they are a frame around text."""
        rows = [*self._rows, self._cells] if self._cells else self._rows
        self._rows, self._cells = [], []
        if any(len(row) > 1 for row in rows):
            self._lines.end()
            add_table(self.builder, [[" ".join(map(_plain, cell)) for cell in row] for row in rows])
            return
        for line in (line for row in rows for cell in row for line in cell):
            self._add_paragraph(line)

    def _add_paragraph(self, line: str) -> None:
        level = _HEADING.search(line)
        before, _, item = line.partition(_ITEM)
        is_item = bool(item) and not _plain(before).strip()
        marker, _, text = item.partition("\t") if is_item else ("", "", line)
        if level is not None:
            self._lines.heading(_HEADINGS.index(level[0]), _plain(f"{marker} {text}"))
        elif is_item:
            marker = _plain(marker).strip()
            self._lines.add("list", _plain(text), f"{marker if any(map(str.isalnum, marker)) else '-'} ")
        else:
            self._lines.add("paragraph", _plain(text))


def _plain(line: str) -> str:
    return line.translate(_UNMARKED)
