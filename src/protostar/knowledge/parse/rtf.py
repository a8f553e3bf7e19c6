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
_UNSEEN = re.compile(r"(?<!\\)\{(?:[^{}\\]|\\(?!(?:v|deleted)(?![a-z0-9]))[^{}])*+\\(?:v|deleted)(?![a-z0-9])[^{}]*+(?<!\\)\}")
_SEEN_AGAIN = re.compile(r"\\(?:(?:v|deleted)0|plain)(?![a-z0-9])")
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
    source = _UNSEEN.sub(_passed_over, _with_notes(source))
    levels = {match[1]: int(match[2]) for match in _HEADING_STYLE.finditer(source)}
    source = _STYLE.sub(lambda style: f"{style[0]}{{}}{chr(levels[style[1]])}" if style[1] in levels else style[0], source)
    return _CELL.sub(f"{{}}{_CELL_MARK}", source)


def _passed_over(group: re.Match[str]) -> str:
    """A group of hidden or deleted text, marked as one that programs may pass over; not where the text is seen again within it."""
    return group[0] if _SEEN_AGAIN.search(group[0]) else f"{{\\*{group[0][1:]}"


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
