"""HTML: what a page is about, as text; headings, lists, tables and code keep their shape."""

import re
from collections import Counter
from contextvars import ContextVar
from pathlib import Path
from typing import Final

from selectolax.lexbor import LexborHTMLParser, SelectolaxError

from protostar.errors import UnreadableDocument
from protostar.knowledge.parse.failures import TOO_COMPLEX, TOO_DEEP
from protostar.knowledge.parse.html.elements import UNNESTED, VOID
from protostar.knowledge.parse.html.view import book_views, views
from protostar.knowledge.parse.html.walker import Walker
from protostar.knowledge.parse.model import ParsedText
from protostar.knowledge.parse.text.builder import TextBuilder
from protostar.knowledge.parse.text.charset import decode
from protostar.knowledge.parse.text.normalise import one_line

HAS_PARSED: Final = ContextVar("a page has been parsed", default=False)
"""In this process: its parser is C code, which a file may have made do anything."""

_CHARSET = re.compile(rb"""<(?:meta[^>]{0,200}?charset|\?xml[^>]{0,100}?encoding)\s*=\s*["']?\s*([\w.:-]+)""", re.IGNORECASE)
_XML = re.compile(r"\s*<\?xml\s")
_SELF_CLOSED = re.compile(r"<([a-zA-Z][\w:.-]*)(\s[^<>]*)?/>")
_TAG = re.compile(r"<(/?)([a-zA-Z][a-zA-Z0-9]*)(?:[^<>]*?(/)>)?")
_DRAWINGS = frozenset({"svg", "math"})
_DEEPEST = 5_000


def read(path: Path, max_chars: int) -> ParsedText:
    raw = path.read_bytes()
    declared = _CHARSET.search(raw[:4096])
    text, encoding = decode(raw, declared[1].decode("ascii", "ignore") if declared else None)
    del raw
    text = from_xml(text) if _XML.match(text) else text
    builder = TextBuilder(max_chars)
    title = add_html(builder, text, is_whole=True)
    return builder.build(title=title, encoding=encoding)


def add_html(builder: TextBuilder, text: str, *, below: int = 0, is_whole: bool = False, is_of_book: bool = False) -> str | None:
    """Add a page to a document, its headings `below` levels deeper; returns the page's title. `is_whole`: nothing else is in it."""
    _refuse_deep_nesting(text)
    HAS_PARSED.set(True)
    try:
        page = LexborHTMLParser(text)
    except SelectolaxError as error:
        # Any text is HTML to it; only memory can run out.
        raise UnreadableDocument(TOO_COMPLEX) from error
    before = builder.size
    for view in book_views(page) if is_of_book else views(page, is_whole=is_whole):
        Walker(builder, below, view).walk()
        if builder.size > before:
            break
    title = page.css_first("head > title")
    return one_line(title.text()) if title is not None else None


def from_xml(text: str) -> str:
    """A page in XHTML as HTML: to its parser `<title/>`, which closes itself, would swallow the rest of the page."""
    return _SELF_CLOSED.sub(lambda tag: tag[0] if tag[1].lower() in VOID else f"<{tag[1]}{tag[2] or ''}></{tag[1]}>", text)


def _refuse_deep_nesting(text: str) -> None:
    """The time of the parser grows with the square of the depth."""
    if text.count("<") <= _DEEPEST:
        return
    depth = drawings = 0
    opened: Counter[str] = Counter()
    for tag in _TAG.finditer(text):
        name = tag[2].lower()
        if name in _DRAWINGS:
            drawings = max(0, drawings - 1) if tag[1] else drawings + 1
        if name in UNNESTED or (tag[3] and drawings):  # only within drawings a slash at the end closes an element
            continue
        step = -(opened[name] > 0) if tag[1] else 1  # what closes nothing makes nothing less deep
        opened[name] += step
        depth += step
        if depth > _DEEPEST:
            raise UnreadableDocument(TOO_DEEP)
