"""What a page hides for good, and what its readers can unfold: answers, tabs, long stories."""

import re
from functools import cached_property

from selectolax.lexbor import LexborHTMLParser, LexborNode

from protostar.knowledge.parse.html.elements import HEADINGS, PHRASES, Attributes, is_invisible, is_near, is_unseen, names
from protostar.knowledge.parse.html.furniture import Kind, Kinds
from protostar.knowledge.parse.html.measure import Measure
from protostar.knowledge.parse.html.openers import Openers

_DIALOGS = names("dialog alertdialog")
_LABELLED_BY_BUTTONS = frozenset(HEADINGS) | names("dt summary th")
_APPLICATIONS = names("div main section article")
_ICONS = re.compile(r"\bmaterial-(?:icons|symbols)\b")  # of which the font makes a picture
_OPENING = ("aria-controls", "data-target", "data-bs-target", "href")
_SCRIPTED = re.compile(r"""['"]#?([\w-]+)['"]""")
_DEEPEST_CLOSER = 10  # elements below the part that it closes


class Hidden:
    """Of a page. `is_scripted`: its scripts may show what is merely invisible, as many do while one scrolls."""

    def __init__(self, page: LexborHTMLParser, kinds: Kinds, measure: Measure, *, is_scripted: bool) -> None:
        self._page = page
        self._kinds = kinds
        self._measure = measure
        self._is_scripted = is_scripted

    def hides(self, node: LexborNode, tag: str, attributes: Attributes) -> bool:
        if tag in PHRASES and (attributes.get("aria-hidden") == "true" or _ICONS.search(attributes.get("class") or "")):
            return True
        if tag == "dialog" or attributes.get("role") in _DIALOGS:
            return not (attributes.get("id") in self._ids_that_open and self._measure.is_story(node))
        return self.conceals(node, tag, attributes)

    def conceals(self, node: LexborNode, tag: str, attributes: Attributes) -> bool:
        """Whether nobody sees it, whatever it is; what `hides` leaves out besides may be seen, but is no text."""
        if not self._is_concealed(node, tag, attributes):
            return False
        if tag == "span" and self._measure.first(node, "math") is not None:  # hidden for the sake of a picture of the formula
            return False
        if self._measure.is_list_of_links(node) or self._measure.first(node, "form") is not None:
            return True
        return not self._can_be_opened(node, tag, attributes)

    def is_application(self, node: LexborNode, tag: str) -> bool:
        """Whether it is most of a page, which scripts show when it is ready."""
        return tag in _APPLICATIONS and self._measure.is_most(node)

    def unfolds(self, node: LexborNode, tag: str, attributes: Attributes) -> bool:
        """Whether it is the label of the text below it, which it unfolds."""
        return node.mem_id in self.openers.labels or (tag == "button" and self._opens(attributes))

    def is_label(self, button: LexborNode, attributes: Attributes) -> bool:
        return self.unfolds(button, "button", attributes) or is_near(button, _LABELLED_BY_BUTTONS)

    def _opens(self, attributes: Attributes) -> bool:
        """Whether a button's attributes are those of one that unfolds text; others unfold menus."""
        kind = self._kinds.named(attributes)
        if "aria-haspopup" in attributes or kind in {Kind.LINKS, Kind.LINKS_OR_SUBJECT}:
            return False
        below = self._controlled.get(attributes.get("aria-controls") or "")
        if below is not None and self._measure.is_list_of_links(below):
            return False
        return "aria-expanded" in attributes or kind is Kind.OPENS

    def _can_be_opened(self, node: LexborNode, tag: str, attributes: Attributes) -> bool:
        if tag == "dd" or attributes.get("role") == "tabpanel" or attributes.get("hidden") == "until-found":
            return True
        if node.mem_id in self.openers.unfolded:
            return True
        near = (node, node.parent, node.parent.parent if node.parent is not None else None)
        return attributes.get("id") in self._ids_that_open or any(
            self._kinds.named(each.attributes) is Kind.OPENS for each in near if each is not None
        )

    def _is_concealed(self, node: LexborNode, tag: str, attributes: Attributes) -> bool:
        if is_unseen(attributes) or (tag == "dialog" and "open" not in attributes):
            return True
        return not self._is_scripted and is_invisible(attributes) and self._measure.is_invisible(node)

    @cached_property
    def openers(self) -> Openers:
        return Openers(self._page, self._kinds, self._measure)

    @cached_property
    def _controlled(self) -> dict[str, LexborNode]:
        """By their ids, what buttons unfold."""
        ids = {button.attributes.get("aria-controls") for button in self._page.css("button[aria-controls]")}
        return {node.id or "": node for node in self._page.css("[id]") if node.id in ids} if ids else {}

    @cached_property
    def _ids_that_open(self) -> set[str]:
        """The ids that links and buttons lead to."""
        found: set[str] = set()
        for node in self._page.css("[aria-controls], [data-target], [data-bs-target], a[href^='#']"):
            attributes = node.attributes
            if "aria-haspopup" not in attributes:
                found |= {(attributes.get(name) or "").lstrip("#") for name in _OPENING}
        for node in self._page.css("[onclick], a[href^='javascript:' i]"):
            attributes = node.attributes
            script = f"{attributes.get('onclick') or ''} {attributes.get('href') or ''}"
            found |= set(_SCRIPTED.findall(script)) - _ids_above(node)
        return found - {""}


def _ids_above(node: LexborNode) -> set[str]:
    """Those of the parts that a button stands in, and so closes."""
    found: set[str] = set()
    above = node.parent
    for _ in range(_DEEPEST_CLOSER):
        if above is None:
            break
        found.add(above.id or "")
        above = above.parent
    return found
