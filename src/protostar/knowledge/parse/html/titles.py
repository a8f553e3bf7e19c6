"""Paragraphs that are headings by their look alone: short, wholly bold, above others that are not."""

import re
from collections import defaultdict
from itertools import islice

from selectolax.lexbor import LexborNode

from protostar.knowledge.parse.html.elements import above, is_near, names, sibling

_BOLD = "strong, b, [style*='font-weight']"
_BOLD_STYLE = re.compile(r"font-weight\s*:\s*(?:bold|[6-9]00)", re.IGNORECASE)
_LONGEST = 40  # characters
_SENTENCE = re.compile(r"(?:[.,;!。…]|니다|세요|시오)[\s\"'”’)]*$")
_TITLED = names("p ul ol dl table div pre blockquote")
_NOT_TITLED = names("li dd td th blockquote a label")
_SPACES = 2
_AROUND = 5  # elements around the bold text, which may be bold or not
_LEAST = 2  # in a part of a page: one alone is a word of warning


def titles(root: LexborNode) -> set[int]:
    """The ids of such paragraphs. Two that follow each other are none: an address, or a text that is bold as a whole."""
    paragraphs = root.css("p")
    around = above(paragraphs)  # other paragraphs, within a table or a button
    bold = {node.mem_id: node for node in paragraphs if node.mem_id not in around and _is_bold(node)}
    found: defaultdict[int, set[int]] = defaultdict(set)
    for identifier, node in bold.items():
        parent, before, after = node.parent, _neighbour(node, back=True), _neighbour(node)
        if parent is None or after is None or after.tag not in _TITLED or after.mem_id in bold:
            continue
        if not (before is not None and before.mem_id in bold) and _is_title(node):
            found[parent.mem_id].add(identifier)
    return {identifier for several in found.values() if len(several) >= _LEAST for identifier in several}


def _neighbour(node: LexborNode, *, back: bool = False) -> LexborNode | None:
    """The nearest one; blank paragraphs are the space between others."""
    found = sibling(node, back=back)
    for _ in range(_SPACES):
        if found is None or found.tag != "p" or found.text().strip():
            break
        found = sibling(found, back=back)
    return found


def _is_title(node: LexborNode) -> bool:
    return not (_SENTENCE.search(node.text()) or is_near(node, _NOT_TITLED)) and node.css_first("br, img, input, button") is None


def _is_bold(node: LexborNode) -> bool:
    text = node.text().strip()
    if not (1 < len(text) <= _LONGEST and any(map(str.isalpha, text))):
        return False
    return any(
        part.text().strip() == text
        for part in islice(node.css(_BOLD), _AROUND)
        if part.tag in {"strong", "b"} or _BOLD_STYLE.search(part.attributes.get("style") or "")
    )
