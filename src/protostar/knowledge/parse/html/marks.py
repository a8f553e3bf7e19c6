"""Links without content: «¶» behind a heading, the number of a note, the arrow back from it."""

import re

from selectolax.lexbor import LexborNode

from protostar.knowledge.parse.html.elements import Attributes, is_near

_REFERENCE = re.compile(r"(?:(?P<open>[\[(])\s*)?(?:(?:note|주|각주)?\s*\d{1,3}|[a-z*†‡])\s*(?(open)[\])])", re.IGNORECASE)
_LONGEST = 12
_SIGNS = frozenset("*†‡")
_SUP = frozenset({"sup"})
_CODE = frozenset({"code", "pre"})


def is_mark(link: LexborNode, attributes: Attributes) -> bool:
    if "#" not in (attributes.get("href") or ""):
        return False
    text = link.text().strip()
    if len(text) > _LONGEST:
        return False
    if any(map(str.isalnum, text)) or (text and _SIGNS.issuperset(text)):
        # «[1]» would pass for one of the marks that an answer cites with; «(1)» and «(a)» may be a paragraph or a formula.
        reference = _REFERENCE.fullmatch(text)
        return reference is not None and (reference["open"] == "[" or _is_of_a_note(link, attributes))
    return link.css_first("img, code") is None and not is_near(link, _CODE)  # where «+=» is an operator


def _is_of_a_note(link: LexborNode, attributes: Attributes) -> bool:
    said = " ".join(attributes.get(name) or "" for name in ("role", "epub:type", "class", "rel"))
    return "noteref" in said or "footnote" in said or is_near(link, _SUP) or link.css_first("sup") is not None
