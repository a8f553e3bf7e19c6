"""What stands within a line and is not just its text: powers, readings of characters, formulas, pictures."""

import re
from collections.abc import Sequence
from urllib.parse import unquote

from selectolax.lexbor import LexborNode

from protostar.knowledge.parse.html.elements import Attributes, names, sibling
from protostar.knowledge.parse.text.normalise import one_line

_LINED = re.compile(r"white-space\s*:\s*(?:pre|break-spaces)")
_TYPESETTING = re.compile("[\u00ad\u200b\u2060]")  # where a line may break and where not
_DISPLAY = re.compile(r"\{\\displaystyle\s*+(.*)\}", re.DOTALL)
_SENTENCE = 60  # characters of a picture's description that says something; shorter ones name the picture
_WORDS = 8
RUNS = names("span strong em b i")
_PAIRED = names("li div dt dd td")
_BADGES = frozenset({"Q", "A"})
_BEGUN = 3  # pieces of a line, some of them blank
_LONGEST_BADGE = 1_000  # characters, with the blanks that a page is indented by
_DIGITS = re.compile(r"\D+")
_LOCAL = 7  # digits of a telephone number that are the same with and without the code of its country


def stands_apart(node: LexborNode, attributes: Attributes) -> bool:
    """Whether a run of text and the one before it are words of their own that only a style sheet sets apart («price», «unit»).

    So are two spans that have classes, and two runs that are a whole item or part of the page. Editors cut words into runs
    anywhere, but those are in paragraphs, or have styles.
    """
    before, parent = node.prev, node.parent
    if before is None or parent is None or before.tag not in RUNS or parent.tag == "code":
        return False
    if node.tag == before.tag == "span" and "class" in attributes and "class" in before.attributes:
        return True
    if parent.tag not in _PAIRED or "style" in attributes or "style" in before.attributes:
        return False
    return sibling(before, back=True) is None and sibling(node) is None


def is_badge(line: Sequence[str], node: LexborNode) -> bool:
    """Whether a run marks a question or its answer, with whose first word the line, here in pieces, goes on."""
    if len(line) > _BEGUN or sum(map(len, line)) > _LONGEST_BADGE or "".join(line).strip() not in _BADGES:
        return False
    following = node.next
    return following is not None and following.text()[:1].isalnum()


def address(link: LexborNode, href: str) -> str:
    """The number or the address behind «Call us» and «Write to us»."""
    scheme, _, rest = href.partition(":")
    rest, said = unquote(rest.partition("?")[0]).strip(), link.text()
    match scheme.strip().lower():
        case "tel":
            is_said = _DIGITS.sub("", rest)[-_LOCAL:] in _DIGITS.sub("", said)
        case "mailto":
            is_said = rest.lower() in said.lower()
        case _:
            return ""
    return "" if is_said else f" {rest}"


def keeps_lines(attributes: Attributes) -> bool:
    """Whether the ends of lines within an element are shown as such, as those that were typed into a form."""
    return "whitespace-pre" in (attributes.get("class") or "") or _LINED.search(attributes.get("style") or "") is not None


def plain(text: str) -> str:
    """A text without what only the setting of lines needs."""
    return text if text.isascii() else _TYPESETTING.sub("", text)


def reading(text: str) -> str:
    """How characters are read, behind them."""
    text = text.strip()
    return f"({text})" if text else ""


def formula(node: LexborNode) -> str:
    """A formula as its author wrote it in TeX, where the page tells, else its symbols."""
    source = node.css_first('annotation[encoding="application/x-tex"]')
    text = source.text() if source is not None else node.attributes.get("alttext")
    if not text:
        text = " ".join(one_line(token.text()) for token in node.css("mi, mn, mo, mtext, ms"))
    whole = _DISPLAY.fullmatch(text.strip())
    return one_line(whole[1] if whole else text)


def pictured(node: LexborNode) -> str:
    """What a heading or a cell says that has nothing but a picture, as a tick."""
    picture = node.css_first("img[alt]")
    return "" if picture is None else picture.attributes.get("alt") or ""


def ticked(cell: LexborNode) -> str:
    """The same of a cell; a picture within a link is a button, and «[Note]» stands beside a note."""
    text = pictured(cell) if cell.css_first("a") is None else ""
    return "" if text.strip().startswith("[") else text


def description(attributes: Attributes) -> str:
    """What a picture's alternative text says, if it says something: notices are put on the web as pictures."""
    text = one_line(attributes.get("alt") or "")
    return f" {text} " if len(text) >= _SENTENCE and text.count(" ") >= _WORDS else ""
