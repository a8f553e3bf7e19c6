"""What the names of classes tell about a part of a page, as site builders, generators of documentation and agencies choose them."""

import re
from collections.abc import Iterator
from enum import Enum, auto

from protostar.knowledge.parse.html.elements import Attributes, names


class Kind(Enum):
    FURNITURE = auto()
    NOTICE = auto()
    """Of the site; it asks for something."""
    COMMENTS = auto()
    LINKS = auto()
    """Furniture, if it consists of links."""
    LINKS_OR_SUBJECT = auto()
    """The same, unless they are what the page is about."""
    NOTE = auto()
    OPENS = auto()
    """Text that is folded away, or what unfolds it."""
    MARK = auto()
    """A link that only works the page."""
    LINE_NUMBERS = auto()


# Whatever a cell, an item or a heading is called, it belongs to what stands around it.
_NAMED_BY_IDS = names("div ul ol dl table form aside p header footer details")
_ELEMENTS = _NAMED_BY_IDS | names("section")  # its id is made of its heading
_ANYWHERE = frozenset({Kind.MARK, Kind.LINE_NUMBERS})

# Words of names: `pageHeader`, `page-header` and `page_header` have two. The first kind that fits counts.
_WORDS = {
    Kind.FURNITURE: "breadcrumb breadcrumbs navheader navfooter docnav",
    Kind.NOTICE: "cookie cookies consent gdpr newsletter satisfaction satisfy",
    Kind.COMMENTS: "comments commentlist disqus",
    Kind.NOTE: "note notes footnote footnotes endnote endnotes rearnote rearnotes tip warning caution important admonition callout",
    Kind.MARK: "editsection",
    Kind.LINE_NUMBERS: "lineno linenos linenumber linenumbers",
    Kind.LINKS: "gnb lnb snb fnb footer foot header head banner toolbar topbar pager paging pagination sns social sitemap",
    Kind.LINKS_OR_SUBJECT: "menus toc topic related popular trending tags link links widgets side aside promo promos",
    Kind.OPENS: "accordion accordions answer answers faq faqs tab tabs tabcontent tabpanel tabpane panel panels pane panes",
}
_BEGINNINGS = {Kind.LINKS: "nav share sharing skip", Kind.LINKS_OR_SUBJECT: "recommend", Kind.OPENS: "collaps"}
_OTHERS = names("naver navy shared shareholder shareholders sharepoint")  # that begin so
_ENDS = {Kind.LINKS: "nav sidebar", Kind.LINKS_OR_SUBJECT: "menu"}
_PAIRS = {
    Kind.COMMENTS: "comment-list comment-area comment-thread comment-section comment-form comment-box comment-wrap",
    Kind.MARK: "edit-section skip-link skip-links skip-nav skip-navigation skip-to jump-link cite-backlink",
    Kind.LINKS_OR_SUBJECT: "tag-cloud tag-list widget-area",
}
_WHOLE = {
    Kind.FURNITURE: "footer site-footer page-footer global-footer main-footer footer-wrap footer-wrapper footer-area",
    Kind.MARK: "skip",
    Kind.LINKS_OR_SUBJECT: "tag widget",
}
# Their headers have the title of a text, or of what is folded away.
_OF_THE_TEXT = names("post entry article content section accordion faq panel card item question qna collapse toggle answer")
_RANK = {kind: rank for rank, kind in enumerate(_WORDS)}
_SEAM = re.compile(r"(?<=[a-z])(?=[A-Z])|[_\d:]+|-{2,}")
_SECTION = re.compile(r"\bsect(ion|\d)|\blevel\d")


def _by_name(table: dict[Kind, str]) -> dict[str, Kind]:
    return {name: kind for kind, listed in table.items() for name in listed.split()}


_KIND_OF_WORD, _KIND_OF_PAIR, _KIND_OF_WHOLE = map(_by_name, (_WORDS, _PAIRS, _WHOLE))
_KIND_OF_BEGINNING, _KIND_OF_END = map(_by_name, (_BEGINNINGS, _ENDS))
_ALL_BEGINNINGS, _ALL_ENDS = tuple(_KIND_OF_BEGINNING), tuple(_KIND_OF_END)


class Kinds:
    """The kinds of a page's elements, which have few names."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, str], Kind | None] = {}

    def of_block(self, tag: str, attributes: Attributes) -> Kind | None:
        """What a part of a page is; a phrase, an item or a heading is only what may stand anywhere."""
        kind = self.named(attributes, by_id=tag in _NAMED_BY_IDS)
        return kind if tag in _ELEMENTS or kind in _ANYWHERE else None

    def named(self, attributes: Attributes, *, by_id: bool = True) -> Kind | None:
        classes = f"{attributes.get('class') or ''} {attributes.get('epub:type') or ''} {attributes.get('role') or ''}"
        key = classes, (attributes.get("id") or "") if by_id else ""
        if key not in self._known:
            self._known[key] = _kind(*key)
        return self._known[key]


def _kind(classes: str, identifier: str) -> Kind | None:
    text = classes if _SECTION.search(classes) else f"{classes} {identifier}"
    found = (kind for name in _SEAM.sub("-", text).lower().split() for kind in _kinds(name))
    return min(found, key=_RANK.__getitem__, default=None)


def _kinds(name: str) -> Iterator[Kind]:
    if name in _KIND_OF_WHOLE:
        yield _KIND_OF_WHOLE[name]
    before = ""
    for word in name.split("-"):
        if (pair := f"{before}-{word}") in _KIND_OF_PAIR:
            yield _KIND_OF_PAIR[pair]
        if word in _KIND_OF_WORD and not (word in {"header", "head"} and before in _OF_THE_TEXT):
            yield _KIND_OF_WORD[word]
        elif word.startswith(_ALL_BEGINNINGS) and word not in _OTHERS:
            yield next(kind for start, kind in _KIND_OF_BEGINNING.items() if word.startswith(start))
        elif word.endswith(_ALL_ENDS):
            yield next(kind for end, kind in _KIND_OF_END.items() if word.endswith(end))
        before = word
