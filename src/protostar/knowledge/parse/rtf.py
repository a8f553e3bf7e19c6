"""RTF: striprtf gives the text; headings and table cells are marked before and found again after."""

import re
from pathlib import Path

from striprtf.striprtf import rtf_to_text  # pyright: ignore[reportUnknownVariableType]

from protostar.errors import UnreadableDocument
from protostar.knowledge.parse.builder import TextBuilder
from protostar.knowledge.parse.failures import damaged
from protostar.knowledge.parse.model import ParsedText
from protostar.knowledge.parse.normalise import clean
from protostar.knowledge.parse.tables import add_table

_KIND = "an RTF document"
_HIGH_BYTE = re.compile(rb"[\x80-\xff]")
_HEADING_STYLE = re.compile(r"\{\\s(\d+)[^{}]*?heading ([1-9])\s*;\}", re.IGNORECASE)
_STYLE = re.compile(r"\\s(\d+)(?![0-9])")
_CELL = re.compile(r"\\(?:nest)?cell(?![a-z]) ?")
_NOTE = re.compile(r"\{(?:\\\*)?\\footnote(?![a-z])(?:\\ftnalt(?![a-z]))? ?")
_BRACE = re.compile(r"\\[\\{}]|[{}]")
_HIDING = re.compile(r"\\[\\{}]|[{}]|\\(v|deleted|striked?|plain)(-?\d+)?(?![a-zA-Z0-9]) ?")
# What is kept of hidden text: all but characters, written as such or as words.
_WORD = re.compile(
    r"\\\*|\\(?!(?:u|tab|line|bullet|[lr](?:dbl)?quote|e[mn]dash|e[mn]space|qmspace)(?![a-z]))[a-z]+(?:-?\d+)? ?", re.IGNORECASE
)
# Control characters, which no RTF text holds. The empty group ends the letters to skip after a Unicode character.
_CELL_MARK = "\x1f"
_HEADING_MARKS = "".join(map(chr, range(1, 10)))
_BULLETS = str.maketrans({"\uf0b7": "•", "\uf0a7": "▪", "\uf0d8": "▪"})


def read(path: Path, max_chars: int) -> ParsedText:
    raw = path.read_bytes()
    if not raw.startswith(b"{\\rtf") or not raw.rstrip(b"\0\r\n\t ").endswith(b"}"):
        raise UnreadableDocument(f"The file is damaged, incomplete or not {_KIND}.")
    # Bytes above ASCII are escaped as the standard wants it, so that the code page of their font applies to them.
    source = _HIGH_BYTE.sub(lambda byte: b"\\'%02x" % byte[0][0], raw).decode("ascii")
    with damaged(_KIND, ValueError, LookupError, TypeError, ArithmeticError):
        text = str(rtf_to_text(_marked(source), errors="replace"))  # pyright: ignore[reportUnknownArgumentType]
    builder = TextBuilder(max_chars)
    _add_lines(builder, clean(text).translate(_BULLETS).split("\n"))
    return builder.build()


def _marked(source: str) -> str:
    levels = {match[1]: int(match[2]) for match in _HEADING_STYLE.finditer(source)}
    source = _with_notes(_seen(source))
    source = _STYLE.sub(lambda style: f"{style[0]}{{}}{chr(levels[style[1]])}" if style[1] in levels else style[0], source)
    return _CELL.sub(f"{{}}{_CELL_MARK}", source)


def _seen(source: str) -> str:
    """A document without the characters that are hidden, deleted or struck; what they are may change anywhere in a group."""
    parts: list[str] = []
    above: list[set[str]] = []
    hiding: set[str] = set()
    at = 0
    for mark in _HIDING.finditer(source):
        parts.append("".join(_WORD.findall(source, at, mark.start())) if hiding else source[at : mark.start()])
        at = mark.end()
        if mark[0] == "{":
            above.append(hiding.copy())
        elif mark[0] == "}":
            hiding = above.pop() if above else hiding
        elif mark[1] is None:  # an escaped brace
            parts += [] if hiding else [mark[0]]
            continue
        else:
            _switch(hiding, mark[1], is_on=mark[2] != "0")
        parts.append(mark[0])
    parts.append(source[at:])
    return "".join(parts)


def _switch(hiding: set[str], name: str, *, is_on: bool) -> None:
    if name == "plain":
        hiding.clear()
    elif is_on:
        hiding.add(name)
    else:
        hiding.discard(name)


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


def _add_lines(builder: TextBuilder, lines: list[str]) -> None:
    rows: list[list[str]] = []
    for line in lines:
        if _CELL_MARK in line:
            rows.append(line.strip(_HEADING_MARKS).split(_CELL_MARK))
            continue
        add_table(builder, rows)
        rows = []
        if line and line[0] in _HEADING_MARKS:
            builder.heading(ord(line[0]), line.strip(_HEADING_MARKS))
        else:
            builder.block("paragraph", line.strip())
    add_table(builder, rows)
