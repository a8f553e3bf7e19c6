"""What a page hides for good, and what its readers can unfold: answers, tabs, long stories."""

import re
from functools import cached_property

from selectolax.lexbor import LexborHTMLParser, LexborNode

from protostar.knowledge.parse.html.elements import HEADINGS, PHRASES, Attributes, is_near, names
from protostar.knowledge.parse.html.furniture import Kind, Kinds
from protostar.knowledge.parse.html.measure import Measure, is_story

_DIALOGS = names("dialog alertdialog")
_LABELLED_BY_BUTTONS = frozenset(HEADINGS) | names("dt summary th")
_UNSEEN = re.compile(r"display\s*:\s*none", re.IGNORECASE)
_OPENING = ("aria-controls", "data-target", "data-bs-target", "href")


class Hidden:
    """Of a page."""

    def __init__(self, page: LexborHTMLParser, kinds: Kinds, measure: Measure) -> None:
        self._page = page
        self._kinds = kinds
        self._measure = measure

    def hides(self, node: LexborNode, tag: str, attributes: Attributes) -> bool:
        if attributes.get("aria-hidden") == "true" and tag in PHRASES:
            return True
        if tag == "dialog" or attributes.get("role") in _DIALOGS:
            return not (attributes.get("id") in self._ids_that_open and is_story(node))
        style = attributes.get("style")
        if not ("hidden" in attributes or "popover" in attributes or (style and _UNSEEN.search(style))):
            return False
        if tag == "span" and node.css_first("math") is not None:  # hidden for the sake of a picture of the formula
            return False
        return not self._can_be_opened(node, tag, attributes) or self._measure.is_list_of_links(node)

    def opens(self, attributes: Attributes) -> bool:
        """Whether they are those of a button that unfolds the text below it, and so its label."""
        if "aria-haspopup" in attributes:
            return False
        return "aria-expanded" in attributes or self._kinds.named(attributes) is Kind.OPENS

    def is_label(self, button: LexborNode, attributes: Attributes) -> bool:
        return self.opens(attributes) or is_near(button, _LABELLED_BY_BUTTONS)

    def _can_be_opened(self, node: LexborNode, tag: str, attributes: Attributes) -> bool:
        if tag == "dd" or attributes.get("role") == "tabpanel" or attributes.get("hidden") == "until-found":
            return True
        near = (node, node.parent, node.parent.parent if node.parent is not None else None)
        return attributes.get("id") in self._ids_that_open or any(
            self._kinds.named(each.attributes) is Kind.OPENS for each in near if each is not None
        )

    @cached_property
    def _ids_that_open(self) -> set[str]:
        """The ids that links and buttons lead to."""
        found: set[str] = set()
        for node in self._page.css("[aria-controls], [data-target], [data-bs-target], a[href^='#']"):
            attributes = node.attributes
            if "aria-haspopup" not in attributes:
                found |= {(attributes.get(name) or "").lstrip("#") for name in _OPENING}
        return found - {""}
