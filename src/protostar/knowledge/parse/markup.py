"""What Markdown holds that its readers do not see: comments, tags, names of headings, pictures written into the text."""

import re

from protostar.knowledge.parse.html.elements import BLOCKS, HEADINGS, INVISIBLE, PHRASES, VOID, WITHDRAWN, names
from protostar.knowledge.parse.numerals import raised

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
_CODE_SPAN = r"(?<!`)(?P<ticks>`+)(?!`)(?:[^\n]|\n(?![ \t>]*\n)){1,500}?(?<!`)(?P=ticks)(?!`)"
_MARKS = re.compile(rf"\\.|{_CODE_SPAN}|`+|<!--|</?(?P<name>[a-zA-Z][a-zA-Z0-9.-]*)(?=[\s/>])[^<>]*>", re.DOTALL)
_POWER = re.compile(r"<sup>([^<>`\n]{1,20})</sup>", re.IGNORECASE)
_BLANK_LINES = re.compile(r"\n(?:[ \t]*\n){2,}")
_FIRST_TAG = re.compile(r"</?([a-zA-Z][^\s/>]*)")
_NAME = r"[#.][\w:.-]+"
_ATTRIBUTES = re.compile(
    rf"[ \t]+\{{:?[ \t]*{_NAME}(?:[ \t]+(?:{_NAME}|[\w-]+=(?:\"[^\"\n]*\"|[^\s{{}}\"]+)))*[ \t]*\}}(?=[ \t]*#*[ \t]*(?:\n|\Z))"
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


def without_tags(text: str, line_end: str, *, any_tag: bool = False) -> str:
    """A stretch of Markdown without comments and tags, except in code; `line_end` is what `<br>` becomes."""
    if "<" not in text:
        return text
    parts: list[str] = []
    at = 0
    is_open = True  # comments may be: one that never ends is text, and so are those after it
    while (mark := _MARKS.search(text, at)) is not None:
        parts.append(text[at : mark.start()])
        at = mark.end()
        name = (mark["name"] or "").lower()
        if mark[0] == "<!--":
            end = text.find("-->", at) if is_open else -1
            is_open = end >= 0
            parts += [] if is_open else [mark[0]]
            at = end + 3 if is_open else at
        elif name == "sup" and (power := _POWER.match(text, mark.start())) is not None:
            parts.append(raised(power[1]))
            at = power.end()
        elif name in _INLINE or (name and any_tag):
            parts.append(line_end if name == "br" else " " if name in _SPACED and _is_between_words(text, mark) else "")
        else:
            parts.append(mark[0])
    parts.append(text[at:])
    return _BLANK_LINES.sub("\n\n", "".join(parts))


def _is_between_words(text: str, mark: re.Match[str]) -> bool:
    start, end = mark.span()
    return start > 0 and end < len(text) and not (text[start - 1].isspace() or text[end].isspace())
