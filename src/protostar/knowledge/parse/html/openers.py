"""Questions and other labels that unfold the text right behind them, whatever they are called."""

from collections import Counter, defaultdict
from collections.abc import Iterator
from typing import NamedTuple

from selectolax.lexbor import LexborHTMLParser, LexborNode

from protostar.knowledge.parse.html.elements import BLOCKS, names, sibling
from protostar.knowledge.parse.html.furniture import Kind, Kinds
from protostar.knowledge.parse.html.measure import Measure
from protostar.knowledge.parse.text.normalise import one_line

# What a page works with; a link to another page unfolds nothing.
_OPENERS = "button, [role=button], [onclick], a[href^='#'], a[href^='javascript:' i], a:not([href])"
_UNFOLDED = names("div p dd section article aside ul ol dl table blockquote")
_NEVER_UNFOLDED = "form, input, nav, select, textarea"
_LONGEST_LABEL = 200  # characters
_ORNAMENT = 3  # characters
_DEEPEST = 3  # elements around a label
_FARTHEST = 3  # elements without text between a label and its text, as arrows
_LEAST = 2  # of a kind: one button above a text may do anything


class _Pair(NamedTuple):
    label: str
    around: tuple[LexborNode, ...]
    """The label's element and those around it that hold nothing else of the pair; the outermost is the last."""
    below: LexborNode


class Openers:
    """The ids of a page's `labels`, with the elements around them, and of what they have `unfolded`.

    A label is what its attributes tell, or the name of the text below it, or that several of one shape stand right above a text,
    each with words of its own: «Copy» above each listing says the same, «Previous» and «Next» stand around theirs.
    """

    def __init__(self, page: LexborHTMLParser, kinds: Kinds, measure: Measure) -> None:
        self._kinds = kinds
        self._measure = measure
        self.labels: set[int] = set()
        self.unfolded: set[int] = set()
        by_shape: defaultdict[tuple[str | None, ...], list[_Pair]] = defaultdict(list)
        for opener in page.css(_OPENERS):
            if (pair := self._pair(opener)) is None:
                continue
            if self._is_told(opener, pair.below):
                self._add(pair)
            else:
                by_shape[_shape(pair)].append(pair)
        for pairs in by_shape.values():
            for pair in _of_their_own(pairs):
                self._add(pair)

    def _add(self, pair: _Pair) -> None:
        self.labels |= {node.mem_id for node in pair.around}
        self.unfolded.add(pair.below.mem_id)

    def _pair(self, opener: LexborNode) -> _Pair | None:
        if "aria-haspopup" in opener.attributes or self._kinds.named(opener.attributes) is Kind.LINKS:
            return None
        label = one_line(self._measure.words(opener))
        if len(label) > _LONGEST_LABEL or not any(map(str.isalpha, label)):
            return None
        around = [opener]
        while (below := self._behind(around[-1])) is None:
            parent = around[-1].parent
            if parent is None or len(around) > _DEEPEST or not self._is_first(sibling(around[-1], back=True)):
                return None
            around.append(parent)
        before = sibling(around[-1], back=True)
        if self._is_unfolded(below) and (self._is_first(before) or (before is not None and before.tag in BLOCKS)):
            return _Pair(label, tuple(around), below)
        return None

    def _behind(self, node: LexborNode) -> LexborNode | None:
        """What follows and has text, or is too far for what stands between to be an ornament."""
        following = sibling(node)
        for _ in range(_FARTHEST):
            if following is None or following.is_text_node or self._measure.words(following).strip():
                break
            following = sibling(following)
        return following

    def _is_first(self, before: LexborNode | None) -> bool:
        """Whether nothing stands before a label but what may adorn it, as «Q»."""
        return before is None or (
            before.is_element_node and not _is_opener(before) and len(self._measure.words(before).strip()) <= _ORNAMENT
        )

    def _is_unfolded(self, node: LexborNode) -> bool:
        return (
            node.tag in _UNFOLDED
            and self._measure.says_something(node)
            and not self._measure.is_list_of_links(node)
            and self._measure.first(node, _NEVER_UNFOLDED) is None
        )

    def _is_told(self, opener: LexborNode, below: LexborNode) -> bool:
        attributes = opener.attributes
        if "aria-expanded" in attributes or "collapse" in {attributes.get("data-toggle"), attributes.get("data-bs-toggle")}:
            return True
        return opener.tag == "button" and self._kinds.named(below.attributes) is Kind.OPENS


def _shape(pair: _Pair) -> tuple[str | None, ...]:
    """The tags, and the first of the label's classes: others tell which one is open."""
    first = (pair.around[0].attributes.get("class") or "").split()[:1]
    return *first, *(node.tag for node in pair.around), pair.below.tag


def _of_their_own(pairs: list[_Pair]) -> Iterator[_Pair]:
    """Those whose words no other one has, if there are several."""
    times = Counter(pair.label for pair in pairs)
    if list(times.values()).count(1) >= _LEAST:
        yield from (pair for pair in pairs if times[pair.label] == 1)


def _is_opener(node: LexborNode) -> bool:
    return node.tag in {"a", "button"} or node.attributes.get("role") == "button"
