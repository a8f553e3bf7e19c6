"""Which parts of a page are read: what it is about; not what is hidden, nor what surrounds the pages of a site."""

import math
from collections.abc import Iterator
from functools import cached_property

from selectolax.lexbor import LexborHTMLParser, LexborNode

from protostar.knowledge.parse.html import elements
from protostar.knowledge.parse.html.elements import HEADINGS, INVISIBLE, WITHDRAWN, Attributes, above, is_near, names
from protostar.knowledge.parse.html.furniture import Kind, Kinds
from protostar.knowledge.parse.html.hidden import Hidden
from protostar.knowledge.parse.html.marks import is_mark
from protostar.knowledge.parse.html.measure import Measure, letters
from protostar.knowledge.parse.text.normalise import one_line

_SURROUNDINGS = names("nav footer aside header")
_TELLING = _SURROUNDINGS | names("dialog table")  # without a word of their attributes
_ROLES = {"navigation": "nav", "contentinfo": "footer", "complementary": "aside", "banner": "header"}
_ROLES_PASSED_OVER = names("search menu menubar tablist tooltip doc-toc")
_OF_THE_TEXT = "main header, article header, main [role=banner], article [role=banner], blockquote footer"
_CELLS = names("td")
_PLACES = names("td th")
_LEAST = 0.1  # of the body's text: a main element with less is a frame that scripts fill
_HALF = 0.5
_MOST = 2 / 3
_ALMOST_ALL = 0.8
_LONGEST_MARK = 40  # characters


def views(page: LexborHTMLParser, *, is_whole: bool) -> Iterator["View"]:
    """How to read a page, strictly first; each is for pages of which the one before shows nothing.

    A script may show what is hidden at first: of a page that `is_whole` its body, and the part with most of its text.
    """
    body = page.body
    is_scripted = is_whole and page.css_first("script, [onload]") is not None
    if body is not None and (is_whole or not elements.is_unseen(body.attributes)):
        yield View(page, _subject(page, body, is_scripted=is_scripted), 2, is_scripted=is_scripted)
        yield View(page, body, 1, is_scripted=is_scripted)
        yield View(page, body, 0, is_scripted=is_scripted)


def book_views(page: LexborHTMLParser) -> Iterator["View"]:
    """How to read a page of a book, which no site surrounds."""
    if page.body is not None and not elements.is_unseen(page.body.attributes):
        yield _BookView(page, page.body, 0, is_scripted=False)


def _subject(page: LexborHTMLParser, body: LexborNode, *, is_scripted: bool) -> LexborNode:
    """What the author calls the main element, or the article that has the page's main heading; else the body.

    Boards give the main heading to the site; there it is the article with a heading, if it has two thirds of the text.
    """
    articles = page.css("article")
    if found := list({main.mem_id: main for main in page.css("main, [role=main]")}.values()):
        least = _LEAST
    elif found := _holding(articles, page.css("h1")):
        least = _HALF
    else:
        found, least = _holding(articles, page.css("h2, h3")), _MOST
    if len(found) != 1:
        return body
    if _is_within_unseen(found[0], is_scripted=is_scripted):
        least = _MOST if is_scripted else math.inf
    return found[0] if letters(found[0]) >= least * letters(body) else body


def _is_within_unseen(node: LexborNode | None, *, is_scripted: bool) -> bool:
    while node is not None and node.tag != "body":
        if elements.is_unseen(node.attributes) or (not is_scripted and elements.is_invisible(node.attributes)):
            return True
        node = node.parent
    return False


def _holding(articles: list[LexborNode], headings: list[LexborNode]) -> list[LexborNode]:
    found = above(headings)
    return [article for article in articles if article.mem_id in found]


class View:
    """`strictness`: 2 leaves out what its name tells to be furniture, 1 what its element tells; 0 only what is hidden.

    `is_scripted`: scripts show what is merely invisible, and with 0 the part that is most of the page.
    """

    def __init__(self, page: LexborHTMLParser, root: LexborNode, strictness: int, *, is_scripted: bool) -> None:
        self._page = page
        self.root = root
        self._strictness = strictness
        self._is_scripted = is_scripted
        self._kinds = Kinds()
        self._measure = Measure(root)
        self._hidden = Hidden(page, self._kinds, self._measure, is_scripted=is_scripted)
        self.unfolds = self._hidden.unfolds

    @cached_property
    def heading(self) -> str:
        """The page's main heading, where it stands outside of what is read."""
        if self.root.tag == "body" or self.root.css_first("h1") is not None:
            return ""
        headings = [node for node in self._page.css("h1") if not self._measure.leads_away(node)]
        if len(headings) != 1 or _is_within_unseen(headings[0], is_scripted=self._is_scripted):
            return ""
        return one_line(self._measure.words(headings[0]))

    @cached_property
    def tabs(self) -> dict[str, str]:
        """The texts of tabs by their ids, which the panels name."""
        return {node.id or "": one_line(self._measure.words(node)) for node in self._page.css("[role=tab][id]")}

    @property
    def labels(self) -> set[int]:
        """The ids of labels of the text behind them, other than buttons."""
        return self._hidden.openers.labels

    def shows(self, node: LexborNode, tag: str, attributes: Attributes) -> bool:
        if tag in INVISIBLE or tag in WITHDRAWN or elements.is_struck(attributes) or (tag == "a" and is_mark(node, attributes)):
            return False
        if tag == "button":
            return self._hidden.is_label(node, attributes)
        if not (attributes or tag in _TELLING):
            return True
        if not self._strictness:
            return not self._hidden.conceals(node, tag, attributes) or (
                self._is_scripted and self._hidden.is_application(node, tag)
            )
        return not self._hidden.hides(node, tag, attributes) and not self._surrounds(node, tag, attributes)

    @staticmethod
    def leaves_a_gap(tag: str, attributes: Attributes) -> bool:
        """Whether what is not shown has a place all the same, as a cell of which the text is struck."""
        is_blank = elements.is_struck(attributes) or elements.is_invisible(attributes)
        return tag in _PLACES and is_blank and not elements.is_unseen(attributes)

    def _surrounds(self, node: LexborNode, tag: str, attributes: Attributes) -> bool:
        role = attributes.get("role") or ""
        match _ROLES.get(role, tag):
            case "nav":
                return True
            case "header":
                return self._is_banner(node)
            case "footer":
                return not (node.mem_id in self._of_the_text or self._kinds.named(attributes) is Kind.NOTE)
            case "aside":
                return self._is_aside(node, attributes)
            case _:
                return self._strictness == 2 and (role in _ROLES_PASSED_OVER or self._is_furniture(node, tag, attributes))

    def _is_banner(self, header: LexborNode) -> bool:
        """Whether it is the site's: others hold the heading of the page."""
        heading = self._measure.first(header, "h1, h2") if self._strictness == 2 else None
        if header.mem_id in self._of_the_text:
            return self._strictness == 2 and heading is None and self._measure.is_list_of_links(header)
        return heading is None or heading.tag != "h1" or self._measure.leads_away(heading) or self._measure.is_list_of_links(header)

    def _is_aside(self, node: LexborNode, attributes: Attributes) -> bool:
        kind = self._kinds.named(attributes)
        if kind is Kind.NOTE:
            return False
        return kind not in {None, Kind.OPENS} or self.root.tag == "body" or self._measure.is_list_of_links(node)

    @cached_property
    def _of_the_text(self) -> set[int]:
        """The ids of headers and footers that belong to the text itself, with its heading or the source of a quotation."""
        return {node.mem_id for node in self._page.css(_OF_THE_TEXT)}

    def _is_furniture(self, node: LexborNode, tag: str, attributes: Attributes) -> bool:
        match self._kinds.of_block(tag, attributes):
            case Kind.FURNITURE:
                return self._measure.is_small(node)
            case Kind.NOTICE:
                return self._measure.is_small(node) and _asks(node)
            case Kind.COMMENTS:
                return self._measure.leaves_a_story(node)
            case Kind.LINKS:
                return self._has_only_links(node) and not self._has_heading(node)
            case Kind.LINKS_OR_SUBJECT:
                return self._has_only_links(node) and self._measure.is_small(node) and not _has_data(node)
            case Kind.MARK:
                return self._measure.is_within(node, _LONGEST_MARK)
            case Kind.LINE_NUMBERS:
                return "".join(self._measure.words(node).split()).isdecimal()
            case _:
                return tag == "table" and self._is_menu(node)

    def _has_only_links(self, node: LexborNode) -> bool:
        """Whether they lead elsewhere, too; a question is a link that unfolds its answer."""
        return self._measure.is_list_of_links(node) and node.mem_id not in self.labels

    def _has_heading(self, node: LexborNode) -> bool:
        """Whether it has the page's main heading, as what is called a header may."""
        heading = node.css_first("h1")
        return heading is not None and not self._measure.leads_away(heading)

    def _is_menu(self, table: LexborNode) -> bool:
        """Whether a table that another one arranges has nothing but links, and few of them."""
        if not (is_near(table, _CELLS) and self._measure.is_list_of_links(table, _ALMOST_ALL)):
            return False
        return self._measure.is_small(table) and table.css_first("th") is None


class _BookView(View):
    def shows(self, node: LexborNode, tag: str, attributes: Attributes) -> bool:
        """What is called navigation is the list of contents, which repeats the headings."""
        return tag != "nav" and super().shows(node, tag, attributes)


def _asks(node: LexborNode) -> bool:
    """Whether it wants an answer; a section of the text has links too, below its heading."""
    return node.css_first("button, input") is not None or (
        node.css_first("a") is not None and node.css_first(", ".join(HEADINGS)) is None
    )


def _has_data(node: LexborNode) -> bool:
    """Whether there is a table in it, or it is one with names of columns."""
    return any(table.mem_id != node.mem_id or table.css_first("th") is not None for table in node.css("table"))
