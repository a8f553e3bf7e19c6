"""From the elements of a page to blocks of text."""

import re

from selectolax.lexbor import LexborNode

from protostar.knowledge.parse.html import phrases
from protostar.knowledge.parse.html.elements import BLOCKS, HEADINGS, LISTS, Attributes, is_near, names
from protostar.knowledge.parse.html.grid import Grid
from protostar.knowledge.parse.html.layout import Layout
from protostar.knowledge.parse.html.lists import Listing
from protostar.knowledge.parse.html.titles import titles
from protostar.knowledge.parse.html.view import View
from protostar.knowledge.parse.text.builder import TextBuilder
from protostar.knowledge.parse.text.normalise import one_line
from protostar.knowledge.parse.text.numerals import raised, whole

_NEWLINES = re.compile(r"[\r\n]+")
_APART_FROM_HEADINGS = LISTS | names("p table pre dl blockquote")
_CELL = names("td")
_DEEPEST_INDENT = 20
_BELOW_ALL = len(HEADINGS) + 1  # the level of what only looks like a heading
_CONTACTS = ("tel:", "mailto:")
_RAISED = {"sup": raised, "rt": phrases.reading}
_PHRASES = names("math img br label") | phrases.RUNS | frozenset(_RAISED)


class Walker:
    """Goes through a tree without recursion; `_inline` is the line under way, `_lines` the block.

    The first `_labels` of the lines are a term or a question: what is said of it joins them.
    """

    def __init__(self, builder: TextBuilder, below: int, view: View) -> None:
        self._builder = builder
        self._below = below
        self._view = view
        self._layout = Layout(view.root)
        self._grid = Grid(builder)
        self._titles = titles(view.root)
        self._inline: list[str] = []
        self._raised: list[int] = []
        self._lines: list[str] = []
        self._labels = 0
        self._lists: list[Listing] = []
        self._marker = ""
        self._quotes = 0
        self._heading: tuple[int, int] | None = None  # its id and level
        self._blanks = 0  # how many of its first pieces are known to be blank
        self._table: int | None = None
        self._verbatim: int | None = None
        self._lined: int | None = None

    def walk(self) -> None:
        root = self._view.root
        self._builder.heading(self._below + 1, self._view.heading)
        node: LexborNode | None = root
        while node is not None:
            visible = self._enter(node)
            following = node.first_child if visible else None
            while following is None and node is not None:
                if visible:
                    self._leave(node)
                if node.mem_id == root.mem_id:
                    return self._end_block(wholly=True)
                following, node, visible = node.next, node.parent, True
            node = following
        return None

    def _enter(self, node: LexborNode) -> bool:
        """Begin a node; whether there is something in it to go on with."""
        if node.is_text_node:
            self._add(node.text_content or "")
            return False
        if not node.is_element_node:
            return False
        tag, attributes = node.tag or "", node.attributes
        if node.mem_id != self._view.root.mem_id and not self._view.shows(node, tag, attributes):
            if self._table is not None and self._view.leaves_a_gap(tag, attributes):
                self._grid.cell(node, "")
            return False
        if self._lined is None and phrases.keeps_lines(attributes):
            self._lined = node.mem_id
        if tag in _PHRASES:
            self._enter_phrase(node, tag, attributes)
        elif (level := self._level(node, tag, attributes)) is not None:
            self._enter_heading(node, level)
        elif tag in BLOCKS or self._view.unfolds(node, tag, attributes):
            self._enter_block(node, tag, attributes)
        return tag != "math"

    def _enter_phrase(self, node: LexborNode, tag: str, attributes: Attributes) -> None:
        match tag:
            case "math":
                self._inline.append(phrases.formula(node))
            case "img":
                self._inline.append(phrases.description(attributes))
            case "br":
                self._break()
            case "label":
                self._inline.append(" ")
            case "sup" | "rt":
                self._raised.append(len(self._inline))
            case _:
                self._keep_apart(node, attributes)

    def _leave(self, node: LexborNode) -> None:
        tag = node.tag or ""
        if node.mem_id == self._lined:
            self._lined = None
        if tag in phrases.RUNS and phrases.is_badge(self._inline, node):
            self._inline.append(" ")
        if tag in _RAISED:
            start = self._raised.pop()
            self._blanks = min(self._blanks, start)
            self._inline[start:] = [_RAISED[tag]("".join(self._inline[start:]))]
        elif tag == "a" and (href := node.attributes.get("href") or "").startswith(_CONTACTS):
            self._inline.append(phrases.address(node, href))
        elif self._heading is not None and node.mem_id == self._heading[0]:
            self._leave_heading(node)
        elif tag not in BLOCKS and tag != "button" and node.mem_id not in self._view.labels:
            return
        elif self._verbatim is not None:
            self._leave_verbatim(node)
        elif self._table is not None:
            self._leave_in_table(node, tag)
        elif self._heading is None:
            self._leave_block(node, tag)

    def _add(self, text: str) -> None:
        text = phrases.plain(text)
        if self._verbatim is not None:
            text = text.replace("\xa0", " ")
        elif self._lined is not None:
            *lines, text = text.split("\n")
            for line in lines:
                self._inline.append(line)
                self._break()
        elif self._table is not None:
            text = _NEWLINES.sub(" ", text)
        self._inline.append(text)

    def _keep_apart(self, node: LexborNode, attributes: Attributes) -> None:
        if self._verbatim is None and phrases.stands_apart(node, attributes):
            last, first = "".join(self._inline[-1:])[-1:], node.text()[:1]
            if last.isalnum() and first.isalnum():
                self._inline.append(" ")

    def _enter_heading(self, node: LexborNode, level: int) -> None:
        if self._table is not None or self._verbatim is not None:
            self._inline.append("\n")
            return
        self._end_block(wholly=True)
        if self._lists:
            self._lists[-1].titled = True
        self._heading = node.mem_id, level
        self._blanks = 0

    def _has_title(self) -> bool:
        """Whether the heading says something so far; each piece is looked at once."""
        while self._blanks < len(self._inline) and not self._inline[self._blanks].strip():
            self._blanks += 1
        return self._blanks < len(self._inline)

    def _leave_heading(self, node: LexborNode) -> None:
        if self._heading is not None:
            title = "".join(self._inline)
            self._builder.heading(self._below + self._heading[1], title if title.strip() else phrases.pictured(node))
            self._inline.clear()
            self._heading = None

    def _enter_block(self, node: LexborNode, tag: str, attributes: Attributes) -> None:
        if self._verbatim is not None or self._table is not None:
            self._end_line_within()
        elif self._heading is not None and not (tag in _APART_FROM_HEADINGS and self._has_title()):
            self._inline.append(" ")
        elif tag == "tr" and self._layout.is_row(node):
            self._end_line()
            if self._lines:
                self._end_block(wholly=True)
            self._table = node.mem_id
        else:
            self._leave_heading(node)
            self._begin_block(node, tag, attributes)

    def _begin_block(self, node: LexborNode, tag: str, attributes: Attributes) -> None:
        holds_data = tag == "table" and self._layout.is_table(node)
        if self._in_list and not (holds_data or tag in {"pre", "blockquote"}):
            self._end_line()
        else:
            self._end_block(wholly=holds_data or tag in LISTS or tag in {"pre", "blockquote", "button"})
        if tag == "pre":
            self._verbatim = node.mem_id
        elif holds_data:
            self._table = node.mem_id
        elif tag in LISTS:
            number = whole(attributes.get("start"), 1) if tag == "ol" else None
            self._lists.append(Listing(number, attributes.get("type") or "1", self._lists[-1].depth + 1 if self._in_list else 1))
        elif tag == "li" and self._lists:
            self._lists[-1].titled = False
            self._marker = self._lists[-1].marker(attributes.get("value"))
        elif tag == "blockquote":
            self._quotes += 1
        elif attributes.get("role") == "tabpanel":
            self._inline.append(self._view.tabs.get(attributes.get("aria-labelledby") or "", ""))
            self._end_label()

    def _leave_block(self, node: LexborNode, tag: str) -> None:
        self._end_line()
        if tag in LISTS and self._lists:
            if len(self._lists) == 1 or self._lists[-2].titled:
                self._end_block()
            self._lists.pop()
        elif tag == "blockquote":
            self._end_block()
            self._quotes = max(0, self._quotes - 1)
        elif tag in {"dt", "summary", "button"} or node.mem_id in self._view.labels:
            self._end_label()
        elif not self._in_list:
            self._end_block(wholly=tag in {"dl", "details"})

    def _leave_verbatim(self, node: LexborNode) -> None:
        if node.mem_id != self._verbatim:
            self._end_line_within()
            return
        code = "".join(self._inline)
        if not (is_near(node, _CELL) and all(map(str.isdecimal, code.split()))):  # else the numbers of the lines beside it
            self._builder.block("code", code)
        self._inline.clear()
        self._verbatim = None

    def _leave_in_table(self, node: LexborNode, tag: str) -> None:
        self._inline.append("\n")
        if tag in {"td", "th", "caption"}:
            text = "".join(self._inline)
            self._grid.cell(node, text if text.strip() else phrases.ticked(node))
            self._inline.clear()
        if tag in {"tr", "caption"}:
            self._grid.end_row()
        if node.mem_id == self._table:
            if tag == "table":
                self._grid.end()
            self._inline.clear()
            self._table = None

    def _break(self) -> None:
        if self._verbatim is not None or self._table is not None:
            self._inline.append("\n")
        elif self._heading is not None:
            self._inline.append(" ")
        elif self._in_list or "".join(self._inline).strip():
            self._end_line()
        else:
            self._end_block()

    def _end_line_within(self) -> None:
        """In code and cells, where a line is what its elements say."""
        if self._inline and not self._inline[-1].endswith("\n"):
            self._inline.append("\n")

    def _end_label(self) -> None:
        self._end_line()
        self._labels = 0 if self._in_list else len(self._lines)

    def _end_line(self) -> None:
        if not self._inline:
            return
        line = one_line("".join(self._inline))
        self._inline.clear()
        if line:
            self._grid.end()
            if self._in_list:
                line = "  " * min(self._lists[-1].depth - 1, _DEEPEST_INDENT) + (self._marker or "  ") + line
            self._lines.append(line)
            self._marker = ""

    def _end_block(self, *, wholly: bool = False) -> None:
        """End the paragraph or list; a label alone waits for what is said of it, unless the whole of its part has ended."""
        self._end_line()
        self._grid.end()
        if self._labels == len(self._lines) > 0 and not wholly:
            return
        kind = "list" if self._in_list else "quote" if self._quotes else "paragraph"
        self._builder.block(kind, "\n".join(self._lines))
        self._lines.clear()
        self._labels = 0
        self._marker = ""

    def _level(self, node: LexborNode, tag: str, attributes: Attributes) -> int | None:
        """Which level of heading an element is, if it is one."""
        if attributes.get("role") == "heading":
            return max(1, whole(attributes.get("aria-level"), 2))
        return _BELOW_ALL if tag == "p" and node.mem_id in self._titles else HEADINGS.get(tag)

    @property
    def _in_list(self) -> bool:
        return bool(self._lists) and not self._lists[-1].titled
