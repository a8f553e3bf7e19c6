"""What stands within a line and is not just its text: powers, readings of characters, formulas, pictures."""

import re

from selectolax.lexbor import LexborNode

from protostar.knowledge.parse.html.elements import Attributes
from protostar.knowledge.parse.normalise import one_line

_POWER = re.compile(r"[+\-−]?[\dn]+")
_RAISED = str.maketrans("0123456789+-−n", "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁻ⁿ")
_LINED = re.compile(r"white-space\s*:\s*(?:pre|break-spaces)")
_TYPESETTING = re.compile("[\u00ad\u200b\u2060]")  # where a line may break and where not
_DISPLAY = re.compile(r"\{\\displaystyle\s*(.*)\}", re.DOTALL)
_SENTENCE = 60  # characters of a picture's description that says something; shorter ones name the picture
_WORDS = 8


def keeps_lines(attributes: Attributes) -> bool:
    """Whether the ends of lines within an element are shown as such, as those that were typed into a form."""
    return "whitespace-pre" in (attributes.get("class") or "") or _LINED.search(attributes.get("style") or "") is not None


def plain(text: str) -> str:
    """A text without what only the setting of lines needs."""
    return text if text.isascii() else _TYPESETTING.sub("", text)


def raised(text: str) -> str:
    """Ten to the sixth is not 106. Other raised text («th», «1)») stays as it is; brackets are left of a note's number."""
    text = text.strip()
    if _POWER.fullmatch(text):
        return text.translate(_RAISED)
    return text if text.strip("[]() ,") else ""


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


def description(attributes: Attributes) -> str:
    """What a picture's alternative text says, if it says something: notices are put on the web as pictures."""
    text = one_line(attributes.get("alt") or "")
    return f" {text} " if len(text) >= _SENTENCE and text.count(" ") >= _WORDS else ""
