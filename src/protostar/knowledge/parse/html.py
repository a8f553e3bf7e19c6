"""HTML: the visible text, without navigation and other furniture; headings, lists, tables and code keep their shape."""

import re
from pathlib import Path

from selectolax.lexbor import LexborHTMLParser, LexborNode, SelectolaxError

from protostar.errors import UnreadableDocument
from protostar.knowledge.parse.builder import TextBuilder
from protostar.knowledge.parse.charset import decode
from protostar.knowledge.parse.failures import TOO_COMPLEX
from protostar.knowledge.parse.model import ParsedText
from protostar.knowledge.parse.normalise import one_line
from protostar.knowledge.parse.tables import Cell, add_table, spread


def _names(text: str) -> frozenset[str]:
    return frozenset(text.split())


VOID_ELEMENTS = _names("area base br col embed hr img input link meta param source track wbr")
_INVISIBLE = _names("script style noscript template svg math iframe object canvas head title select datalist textarea button input")
_FURNITURE = _names("nav footer aside header")
_HEADINGS = {f"h{level}": level for level in range(1, 7)}
_LISTS = _names("ul ol menu")
_BLOCKS = (
    _LISTS
    | frozenset(_HEADINGS)
    | _names(
        "address article aside blockquote body center dd details dialog div dl dt fieldset figcaption figure footer form header"
    )
    | _names("hgroup hr html li main nav p pre section summary table caption thead tbody tfoot tr th td")
)
# The parser closes these by itself: leaving them open nests nothing.
_UNNESTED = VOID_ELEMENTS | _names("p li dt dd td th tr thead tbody tfoot option optgroup colgroup rt rp html head body")
# A table that holds these only arranges a page; it is read as its contents.
_MARKS_OF_LAYOUT = ", ".join(("table", "pre", *_HEADINGS))

_CHARSET = re.compile(rb"""<meta[^>]{0,200}?charset\s*=\s*["']?\s*([\w.:-]+)""", re.IGNORECASE)
_TAG = re.compile(r"<(/?)([a-zA-Z][a-zA-Z0-9]*)")
_ALL_ROWS = 65_534  # what `rowspan="0"` comes to
_SPAN_DIGITS = 5
_NEWLINES = re.compile(r"[\r\n]+")
_BLANK_LINES = re.compile(r"\n{2,}")
_DEEPEST = 5_000
_PROSE = 200  # characters of a cell that has several lines: boards put whole letters into one


def read(path: Path, max_chars: int) -> ParsedText:
    raw = path.read_bytes()
    declared = _CHARSET.search(raw[:4096])
    text, encoding = decode(raw, declared[1].decode("ascii", "ignore") if declared else None)
    del raw
    builder = TextBuilder(max_chars)
    title = add_html(builder, text)
    return builder.build(title=title, encoding=encoding)


def add_html(builder: TextBuilder, text: str, *, below: int = 0) -> str | None:
    """Add a page to a larger document, its headings `below` levels deeper; returns the page's title."""
    _refuse_deep_nesting(text)
    try:
        page = LexborHTMLParser(text)
    except SelectolaxError as error:
        # Any text is HTML to it; only memory can run out.
        raise UnreadableDocument(TOO_COMPLEX) from error
    if page.body is None:
        return None
    before = builder.size
    walker = _Walker(builder, below, _layout_tables(page))
    walker.walk(page.body, _INVISIBLE | _FURNITURE)
    if builder.size == before:
        walker.walk(page.body, _INVISIBLE)
    title = page.css_first("head > title")
    return one_line(title.text()) if title is not None else None


def _refuse_deep_nesting(text: str) -> None:
    """The time of the parser grows with the square of the depth."""
    if text.count("<") <= _DEEPEST:
        return
    depth = 0
    for tag in _TAG.finditer(text):
        if tag[2].lower() not in _UNNESTED:
            depth = max(0, depth - 1) if tag[1] else depth + 1
            if depth > _DEEPEST:
                raise UnreadableDocument("The elements of this page are nested too deeply to be read.")


def _layout_tables(page: LexborHTMLParser) -> set[int]:
    """The ids of the elements above a mark of layout; a table among them holds no data."""
    found: set[int] = set()
    if page.css_first("table") is None:
        return found
    for node in page.css(_MARKS_OF_LAYOUT):
        parent = node.parent
        while parent is not None and parent.mem_id not in found:
            found.add(parent.mem_id)
            parent = parent.parent
    return found


class _Walker:
    """Goes through a tree without recursion; `_inline` is the line under way, `_lines` the block, `_rows` the table."""

    def __init__(self, builder: TextBuilder, below: int, layout_tables: set[int]) -> None:
        self._builder = builder
        self._below = below
        self._layout_tables = layout_tables
        self._inline: list[str] = []
        self._lines: list[str] = []
        self._lists: list[int | None] = []
        self._marker = ""
        self._quotes = 0
        self._cells: list[Cell] = []
        self._rows: list[list[Cell]] = []
        self._table: int | None = None
        self._verbatim: int | None = None

    def walk(self, root: LexborNode, skipped: frozenset[str]) -> None:
        node: LexborNode | None = root
        while node is not None:
            visible = self._enter(node, skipped)
            following = node.first_child if visible else None
            while following is None and node is not None:
                if visible:
                    self._leave(node)
                if node.mem_id == root.mem_id:
                    return self._end_block()
                following, node, visible = node.next, node.parent, True
            node = following
        return None

    def _enter(self, node: LexborNode, skipped: frozenset[str]) -> bool:
        if node.is_text_node:
            text = node.text_content or ""
            self._inline.append(text if self._table is None else _NEWLINES.sub(" ", text))
            return False
        tag = node.tag or ""
        if not node.is_element_node or (tag in skipped and not _titles_its_article(node)) or "hidden" in node.attrs:
            return False
        if tag == "br":
            self._break()
        elif tag in _BLOCKS and self._verbatim is None:
            self._enter_block(node, tag)
        return True

    def _enter_block(self, node: LexborNode, tag: str) -> None:
        if self._table is not None:
            self._inline.append("\n")
            return
        holds_data = tag == "table" and node.mem_id not in self._layout_tables
        if not self._lists or holds_data or tag in {"pre", "blockquote"} or tag in _HEADINGS:
            self._end_block()
        else:
            self._end_line()
        if tag == "pre":
            self._verbatim = node.mem_id
        elif holds_data:
            self._table = node.mem_id
        elif tag in _LISTS:
            self._lists.append(0 if tag == "ol" else None)
        elif tag == "li" and self._lists:
            self._marker = self._next_marker()
        elif tag == "blockquote":
            self._quotes += 1

    def _leave(self, node: LexborNode) -> None:
        tag = node.tag or ""
        if tag not in _BLOCKS:
            return
        if self._verbatim is not None:
            self._leave_verbatim(node)
        elif self._table is not None:
            self._leave_in_table(node, tag)
        elif tag in _HEADINGS:
            self._builder.heading(self._below + _HEADINGS[tag], "".join(self._inline))
            self._inline.clear()
        else:
            self._leave_block(tag)

    def _leave_block(self, tag: str) -> None:
        self._end_line()
        if tag in _LISTS and self._lists:
            if len(self._lists) == 1:
                self._end_block()
            self._lists.pop()
        elif tag == "blockquote":
            self._end_block()
            self._quotes = max(0, self._quotes - 1)
        elif not self._lists:
            self._end_block()

    def _leave_verbatim(self, node: LexborNode) -> None:
        if node.mem_id == self._verbatim:
            self._builder.block("code", "".join(self._inline))
            self._inline.clear()
            self._verbatim = None

    def _leave_in_table(self, node: LexborNode, tag: str) -> None:
        self._inline.append("\n")
        if tag in {"td", "th", "caption"}:
            text = "".join(self._inline).strip()
            self._cells.append(Cell(text, _span(node, "colspan"), _span(node, "rowspan") or _ALL_ROWS))
            self._inline.clear()
        if tag in {"tr", "caption"}:
            self._end_row()
        if node.mem_id == self._table:
            self._end_rows()
            self._inline.clear()
            self._table = None

    def _end_row(self) -> None:
        if any(len(cell.text) > _PROSE and "\n" in cell.text for cell in self._cells):
            self._end_rows()
            for cell in self._cells:
                for paragraph in _BLANK_LINES.split("\n".join(map(one_line, cell.text.split("\n")))):
                    self._builder.block("paragraph", paragraph)
        else:
            self._rows.append(self._cells)
        self._cells = []

    def _end_rows(self) -> None:
        add_table(self._builder, spread(self._rows))
        self._rows = []

    def _break(self) -> None:
        if self._verbatim is not None or self._table is not None:
            self._inline.append("\n")
        elif self._lists or "".join(self._inline).strip():
            self._end_line()
        else:
            self._end_block()

    def _end_line(self) -> None:
        if not self._inline:
            return
        line = one_line("".join(self._inline))
        self._inline.clear()
        if line:
            indent = "  " * len(self._lists[1:])
            self._lines.append(indent + (self._marker or ("  " if self._lists else "")) + line)
            self._marker = ""

    def _end_block(self) -> None:
        self._end_line()
        kind = "list" if self._lists else "quote" if self._quotes else "paragraph"
        self._builder.block(kind, "\n".join(self._lines))
        self._lines.clear()
        self._marker = ""

    def _next_marker(self) -> str:
        number = self._lists[-1]
        if number is None:
            return "- "
        self._lists[-1] = number + 1
        return f"{number + 1}. "


def _span(node: LexborNode, attribute: str) -> int:
    value = (node.attrs.get(attribute) or "").strip()
    return int(value) if value.isdecimal() and len(value) <= _SPAN_DIGITS else 1


def _titles_its_article(node: LexborNode) -> bool:
    """A `header` inside the content carries its heading; one outside it is the site's banner."""
    if node.tag != "header":
        return False
    parent = node.parent
    while parent is not None:
        if parent.tag in {"main", "article"}:
            return True
        parent = parent.parent
    return False
