"""What HTML's elements are to a reader of text."""

import re
from collections.abc import Collection, Iterable, Mapping

from selectolax.lexbor import LexborNode

Attributes = Mapping[str, str | None]


def names(text: str) -> frozenset[str]:
    return frozenset(text.split())


VOID = names("area base br col embed hr img input link meta param source track wbr")
HEADINGS = {f"h{level}": level for level in range(1, 7)}
LISTS = names("ul ol menu")
BLOCKS = (
    LISTS
    | frozenset(HEADINGS)
    | names(
        "address article aside blockquote body center dd details dialog div dl dt fieldset figcaption figure footer form header"
        " hgroup hr html li main nav p pre search section summary table caption thead tbody tfoot tr th td"
    )
)
PHRASES = names("a abbr b code em font i label small span strong sub sup u")
INVISIBLE = names(
    "script style noscript template svg iframe object canvas head title select datalist textarea input rp audio video"
)
WITHDRAWN = names("del s strike")  # a price that is struck out is not the price
# The parser closes these by itself: leaving them open nests nothing.
UNNESTED = VOID | names("p li dt dd td th tr thead tbody tfoot option optgroup colgroup rt rp html head body")
_NEAR = 4
_IS = r"(?:\s|/\*[^*]{0,99}\*/)*+:(?:\s|/\*[^*]{0,99}\*/)*+"  # comments may stand around it
_UNSEEN = re.compile(rf"display{_IS}none", re.IGNORECASE)
_INVISIBLE = re.compile(rf"(?<![\w-])visibility{_IS}(?:hidden|collapse)", re.IGNORECASE)
_VISIBLE = re.compile(rf"(?<![\w-])visibility{_IS}visible", re.IGNORECASE)
_STRUCK = re.compile(rf"text-decoration(?:-line)?{_IS}[^;]{{0,99}}?line-through", re.IGNORECASE)


def is_unseen(attributes: Attributes) -> bool:
    """Whether its attributes hide it, with all that is in it."""
    return "hidden" in attributes or "popover" in attributes or _UNSEEN.search(attributes.get("style") or "") is not None


def is_invisible(attributes: Attributes) -> bool:
    """Whether its style hides it, but not what is made visible within."""
    return _INVISIBLE.search(attributes.get("style") or "") is not None


def is_visible(attributes: Attributes) -> bool:
    """Whether its style shows it, though what it stands in is invisible."""
    return _VISIBLE.search(attributes.get("style") or "") is not None


def is_struck(attributes: Attributes) -> bool:
    return _STRUCK.search(attributes.get("style") or "") is not None


def is_near(node: LexborNode, tags: Collection[str]) -> bool:
    """Whether it stands in one of these, a few elements deep."""
    parent = node.parent
    for _ in range(_NEAR):
        if parent is None:
            break
        if parent.tag in tags:
            return True
        parent = parent.parent
    return False


def sibling(node: LexborNode, *, back: bool = False) -> LexborNode | None:
    """The nearest one that is an element or has text."""
    found = node.prev if back else node.next
    while found is not None and not (found.is_element_node or (found.is_text_node and (found.text_content or "").strip())):
        found = found.prev if back else found.next
    return found


def above(nodes: Iterable[LexborNode]) -> set[int]:
    """The ids of the elements above."""
    found: set[int] = set()
    for node in nodes:
        parent = node.parent
        while parent is not None and parent.mem_id not in found:
            found.add(parent.mem_id)
            parent = parent.parent
    return found
