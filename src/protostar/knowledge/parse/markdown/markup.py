"""What Markdown holds that its readers do not see: comments, tags, names of headings, pictures written into the text."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from protostar.knowledge.parse.html import elements
from protostar.knowledge.parse.html.elements import BLOCKS, HEADINGS, INVISIBLE, PHRASES, VOID, WITHDRAWN, names
from protostar.knowledge.parse.text.numerals import raised

# A word in angle brackets may be a placeholder, as `<source>`: alone on a line renderers take any for a tag, elsewhere these.
_INLINE = (
    names(
        "a abbr b big br cite center code del details div em figcaption figure font hr i img ins kbd li mark nobr ol p picture pre"
    )
    | names("q s samp small span strike strong sub summary sup table tbody td tfoot th thead tr tt u ul var wbr")
    | frozenset(HEADINGS)
)
_SPACED = BLOCKS | names("br hr center")
_KNOWN = BLOCKS | PHRASES | INVISIBLE | VOID | WITHDRAWN | _INLINE
_CLOSED = (INVISIBLE | WITHDRAWN) - VOID - names("head")  # nothing of them is seen; unclosed they are placeholders
_OF_A_LINE = names("script template")  # what sentences tell of, as <title>, is told of there, but for these if they end at once
_CLOSED_INLINE = WITHDRAWN | _OF_A_LINE
_CODE_SPAN = r"(?<!`)(?P<ticks>`+)(?!`)(?:[^\n]|\n(?![ \t>]*\n)){1,500}?(?<!`)(?P=ticks)(?!`)"
_MARKS = re.compile(rf"\\.|{_CODE_SPAN}|`+|<!--|</?(?P<name>[a-zA-Z][a-zA-Z0-9.-]*)(?=[\s/>])[^<>]*>", re.DOTALL)
_SHOWN = ("until-found", "{false}")  # values of `hidden`: the second one of components
_ATTRIBUTE = re.compile(r"""([^\s"'<>/=]+)(?:\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s"'=<>`]+)))?""")
_ITEM = re.compile(r"\n[ \t>]*(?:[-*+]|\d{1,9}[.)])[ \t]")
_CELL_END = re.compile(r"((?<!\\)\||\n)")
_PARAGRAPH_END = re.compile(r"\n(?=[ \t>]*(?:\n|[-*+|][ \t]|\d{1,9}[.)][ \t]))")
_POWER = re.compile(r"<sup>([^<>`\n]{1,20})</sup>", re.IGNORECASE)
_BLANK_LINES = re.compile(r"\n(?:[ \t]*\n){2,}")
_FIRST_TAG = re.compile(r"</?([a-zA-Z][^\s/>]*)")
_NAME = r"[#.][\w:.-]+"
_ATTRIBUTES = re.compile(
    rf"(?<![ \t])[ \t]+\{{:?[ \t]*{_NAME}(?:[ \t]+(?:{_NAME}|[\w-]+=(?:\"[^\"\n]*\"|[^\s{{}}\"]+)))*[ \t]*\}}"
    r"(?=[ \t]*+#*+[ \t]*+(?:\n|\Z))"
)

# A link to nowhere, with a title that nobody sees: «[//]: # (not for customers)».
_REMARK = re.compile(r"""^ {0,3}\[[^\[\]\n]{1,100}\]:[ \t]*(?:#|<#?>)[ \t]+(?:\(.*\)|".*"|'.*')[ \t]*$\n?""", re.MULTILINE)

_PAYLOAD = re.compile(r"""(data:[\w/.+=;-]{1,100},)[^\s()<>"'\[\]]{100,}""")
_CUT = "…"
_PICTURE = re.compile(rf"!\[([^\[\]]{{0,1000}})\]\([ \t]*<?data:[\w/.+=;-]{{1,100}},{_CUT}[^()\n]{{0,1000}}\)")
_DEFINITION = re.compile(rf"^ {{0,3}}\[([^\[\]\n]{{1,200}})\]:[ \t]*<?data:[\w/.+=;-]{{1,100}},{_CUT}.*\n?", re.MULTILINE)
_REFERENCE = re.compile(r"!\[([^\[\]]{0,1000})\]\[([^\[\]\n]{1,200})\]")


def without_pictures(text: str) -> str:
    """A text without the bytes of pictures, which editors write into it; what is said of them stays."""
    if "data:" not in text:
        return text
    text = _PICTURE.sub(r"\1", _PAYLOAD.sub(rf"\1{_CUT}", text))
    defined = {definition[1].lower() for definition in _DEFINITION.finditer(text)}
    if not defined:
        return text
    return _REFERENCE.sub(lambda picture: picture[1] if picture[2].lower() in defined else picture[0], _DEFINITION.sub("", text))


def without_attributes(heading: str) -> str:
    """«## Refunds {#refunds}» is a name for links."""
    return _ATTRIBUTES.sub("", heading) if "{" in heading else heading


def without_remarks(paragraph: str) -> str:
    return _REMARK.sub("", paragraph) if "]:" in paragraph else paragraph


def is_html(block: str) -> bool:
    """Whether its first tag is one of HTML's; components of site generators hold Markdown."""
    tag = _FIRST_TAG.search(block)
    return tag is None or tag[1].lower() in _KNOWN


def cells_without_tags(table: str) -> str:
    """A table of Markdown without tags: what one cell opens does not end in another."""
    return "".join(without_tags(cell, " ") for cell in _CELL_END.split(table))


def without_tags(text: str, line_end: str, *, any_tag: bool = False) -> str:
    """A stretch of Markdown without comments and tags, except in code; `line_end` is what `<br>` becomes."""
    if "<" not in text:
        return text
    parts: list[str] = []
    unseen = Unseen(is_inline=not any_tag)
    for piece in pieces(text):
        if isinstance(piece, str):
            unseen.read_text(piece)
            parts.append(piece)
            continue
        start = unseen.read(piece, len(parts))
        name = piece["name"].lower()
        if start is not None:
            del parts[start:]
        elif name in _INLINE or any_tag:
            parts.append(line_end if name == "br" else " " if name in _SPACED and _is_between_words(text, piece) else "")
        else:
            parts.append(piece[0])
    return _BLANK_LINES.sub("\n\n", "".join(_without_unclosed(parts, unseen.unclosed)))


def pieces(text: str) -> Iterator[str | re.Match[str]]:
    """The tags of a stretch of Markdown, and between them what is text, or code, without comments."""
    at = 0
    is_open = True  # comments may be: one that never ends is text, and so are those after it
    while (mark := _MARKS.search(text, at)) is not None:
        yield text[at : mark.start()]
        at = mark.end()
        if mark[0] == "<!--":
            end = text.find("-->", at) if is_open else -1
            is_open = end >= 0
            if is_open:
                at = end + 3
            else:
                yield mark[0]
        elif not mark["name"]:
            yield mark[0]
        elif (power := _POWER.match(text, mark.start())) is not None:
            yield raised(power[1])
            at = power.end()
        else:
            yield mark
    yield text[at:]


class _Element(NamedTuple):
    name: str
    start: int
    """How many pieces stand before it."""
    is_hidden: bool
    is_closed: bool
    """Whether it is hidden only where it is closed."""


class Unseen:
    """The elements that are open at a place of a text and not shown, and those of the same names within them."""

    def __init__(self, *, is_inline: bool = False) -> None:
        self._closed = _CLOSED_INLINE if is_inline else _CLOSED
        self._of_a_line = _OF_A_LINE if is_inline else frozenset[str]()
        self._open: list[_Element] = []
        self._ended: list[_Element] = []
        self._names = Counter[str]()

    @property
    def is_open(self) -> bool:
        return bool(self._open)

    @property
    def unclosed(self) -> list[int]:
        """Where those begin that are hidden whether they are closed or not."""
        return sorted(element.start for element in self._ended + self._open if element.is_hidden and not element.is_closed)

    def read(self, tag: re.Match[str], at: int) -> int | None:
        """Go on to a tag, before which stand `at` pieces; returns how many stand before the hidden element that it closes."""
        name = tag["name"].lower()
        if tag[0].startswith("</"):
            return self._leave(name)
        is_closed = name in self._closed
        is_hidden = is_closed or _hides(tag)
        if (is_hidden or self._names[name]) and not (name in VOID or tag[0].endswith("/>")):
            self._open.append(_Element(name, at, is_hidden, is_closed))
            self._names[name] += 1
        return None

    def read_text(self, text: str) -> None:
        """Go on over a text: with its item ends what is open within a line, as `<s>`; what is a block's, as `<div>`, goes on."""
        if not self._open:
            return
        has_line, has_item = "\n" in text, _ITEM.search(text) is not None
        while self._open and (
            (has_item and self._open[-1].name not in BLOCKS) or (has_line and self._open[-1].name in self._of_a_line)
        ):
            self._ended.append(self._pop())

    def read_block(self, tags: Iterable[tuple[int, re.Match[str]]]) -> Iterator[int]:
        """Go on to the end of a block, given its tags with their places; returns the places of hidden elements that end.

        What is never seen (a script, a component's template) ends with it: its tags may be text.
        """
        ended = [self.read(tag, at) for at, tag in tags]
        while any(self._names[name] for name in INVISIBLE):
            self._pop()
        return (at for at in ended if at is not None)

    def _leave(self, name: str) -> int | None:
        while self._names[name]:
            element = self._pop()
            if element.name == name:
                if element.is_hidden:
                    self._forget(element.start)
                return element.start if element.is_hidden else None
        return None

    def _forget(self, start: int) -> None:
        """What has ended in a hidden element goes with it."""
        while self._ended and self._ended[-1].start >= start:
            self._ended.pop()

    def _pop(self) -> _Element:
        element = self._open.pop()
        self._names[element.name] -= 1
        return element


def opens_unseen(tag: re.Match[str]) -> bool:
    """Whether it begins an element that is not seen, if it ends."""
    return not tag[0].startswith("</") and (tag["name"].lower() in _CLOSED or _hides(tag))


def _hides(tag: re.Match[str]) -> bool:
    """Of a tag that HTML does not know only its style hides: it may be a placeholder, as <file or hidden folder>."""
    written = tag[0][tag.end("name") - tag.start() :]
    if "hidden" not in written.lower() and "style" not in written.lower():
        return False
    attributes = {name.lower(): "".join(values) for name, *values in _ATTRIBUTE.findall(written)}
    if tag["name"].lower() not in _KNOWN or attributes.get("hidden") in _SHOWN:
        attributes.pop("hidden", None)
    return elements.is_unseen(attributes) or elements.is_invisible(attributes) or elements.is_struck(attributes)


def _without_unclosed(parts: list[str], starts: list[int]) -> list[str]:
    """What is hidden and never closed ends with its paragraph, item or row."""
    if not starts:
        return parts
    kept = parts[: starts[0]]
    for start, end in zip(starts, [*starts[1:], len(parts)], strict=True):
        stretch = "".join(parts[start:end])
        if (rest := _PARAGRAPH_END.search(stretch)) is not None:
            kept.append(stretch[rest.start() :])
    return kept


def _is_between_words(text: str, mark: re.Match[str]) -> bool:
    start, end = mark.span()
    return start > 0 and end < len(text) and not (text[start - 1].isspace() or text[end].isspace())
