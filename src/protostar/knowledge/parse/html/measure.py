"""How much text the parts of a page have."""

from selectolax.lexbor import LexborNode

from protostar.knowledge.parse.html.elements import HEADINGS, is_visible

_NEVER_SEEN = "script, style, noscript, template, svg, select, button, iframe"
_HEADINGS = ", ".join(HEADINGS)
_STYLED = "[style*='visibility' i]"
_BLANKS = " \n\t\r\xa0"
_MOST = 1 / 3  # of the text: nothing that surrounds it has more
_LINKS = 0.7  # of its text: the share that makes a list of links
_STORY = 500  # characters that tell something: more than a frame, a form or a notice
_MENU = 3  # links in a list
_READINGS = 20  # of the whole page, to judge its parts by: it may nest them so that each is read for all above it


def letters(node: LexborNode) -> int:
    """Without blanks and what nobody sees."""
    return max(0, length(node) - sum(map(length, node.css(_NEVER_SEEN))))


def length(node: LexborNode) -> int:
    text = node.text()
    return len(text) - sum(map(text.count, _BLANKS))


class Measure:
    """Compares parts of a page with all that is read of it; once that has taken too long, no part is anything but text."""

    def __init__(self, root: LexborNode) -> None:
        self._whole = letters(root)
        self._left = _READINGS * max(_effort(root), 1000)

    def is_small(self, node: LexborNode) -> bool:
        return self._may_read(node) and letters(node) <= _MOST * self._whole

    def is_most(self, node: LexborNode) -> bool:
        return self._may_read(node) and letters(node) >= (1 - _MOST) * self._whole

    def leaves_a_story(self, node: LexborNode) -> bool:
        """Whether enough is left without it, as of an article without the discussion of it."""
        return self._may_read(node) and self._whole - letters(node) >= min(_STORY, self._whole / 2)

    def is_story(self, node: LexborNode) -> bool:
        return self._may_read(node) and letters(node) >= _STORY

    def says_something(self, node: LexborNode) -> bool:
        """Whether there are words in it, and not just in buttons."""
        return any(map(str.isalpha, self.words(node))) and letters(node) > 0

    def words(self, node: LexborNode) -> str:
        return node.text() if self._may_read(node) else ""

    def is_within(self, node: LexborNode, most: int) -> bool:
        """Whether it has no more characters than that."""
        return self._may_read(node) and length(node) <= most

    def leads_away(self, heading: LexborNode) -> bool:
        """As a site's name does, to its first page."""
        if not self._may_read(heading):
            return False
        whole, links = length(heading), heading.css("a[href]")
        return any(self._may_read(link) and length(link) >= whole for link in links)

    def first(self, node: LexborNode, selector: str) -> LexborNode | None:
        """What the selector finds in a part."""
        return node.css_first(selector) if self._may_read(node) else None

    def is_invisible(self, node: LexborNode) -> bool:
        """Whether nothing is visible in a part that its style makes invisible."""
        return self._may_read(node) and not any(is_visible(styled.attributes) for styled in node.css(_STYLED))

    def is_list_of_links(self, node: LexborNode, share: float = _LINKS) -> bool:
        if not self._may_read(node):
            return False
        text = letters(node)
        if len(node.css("li a")) >= _MENU:  # menus have headings for those who hear them
            text -= sum(length(heading) for heading in node.css(_HEADINGS) if heading.css_first("a") is None)
        return sum(map(length, node.css("a"))) >= share * max(1, text)

    def _may_read(self, node: LexborNode) -> bool:
        if self._left >= 0:
            self._left -= _effort(node)
        return self._left >= 0


def _effort(node: LexborNode) -> int:
    """Of reading a part: elements without text take theirs too."""
    return len(node.html or "")
