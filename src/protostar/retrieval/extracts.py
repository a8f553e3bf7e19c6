"""Sentences of a text, and the few that tell what it is about."""

import math
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Final

from protostar.knowledge.sentence_ends import STOP, ends
from protostar.knowledge.tokens import terms

LONGEST: Final = 300
_SUMMARY: Final = 600
_SHORTEST: Final = 15
_MOST: Final = 5
_SENTENCES: Final = 400  # of a long text, the first ones: the cost of a summary is bounded

ITEM: Final = r"""(?:[-*+•·▪◦‣○●■□▶※|#>]|\d{1,3}[.)]\s|[가-하][.)]\s|[①-⑳]|제\d{1,4}(?:[편장절관][ ]|조(?:의\d{1,3})?[(（【]))"""
"""How an item of a list, a row of a table, a heading or an article begins, as a regular expression."""

# A sentence ends at its full stop, and at the end of a line only where that is a heading or the next is an item, a row or an
# article: lines of a PDF end anywhere.
_BREAK = re.compile(
    rf"""
      ^\#{{1,6}}[ \t][^\n]*\n
    | \n[ \t]*\n\s*
    | \n(?=[ \t]*{ITEM})
    | \n(?=[^|\n]{{1,200}}[ ]\|[ ])
    | (?<=[|:])[ \t]*\n
    | (?<![.!?…]){STOP}
    """,
    re.VERBOSE | re.MULTILINE,
)
_STATES = re.compile(r"(?:[.!?。！？]|[다요음함임])[\"'”’)\]」』]*\Z")
_MARKS = re.compile(r"^[\s>*+•-]+(?=\S)|\*\*|__|`|\s*\[\d+(?:,\s*\d+)*\]")


def sentences(text: str) -> Iterator[tuple[int, int]]:
    """(start, end) of each sentence, list item or table row, without the blanks around it."""
    start = 0
    for found in _BREAK.finditer(text):
        if not ends(text, found):
            continue
        yield from _lines(text, start, found.end())
        start = found.end()
    yield from _lines(text, start, len(text))


def summarize(texts: Sequence[str]) -> str:
    """An extract of at most 600 characters: the opening and the most central sentences, in the order of the text. Deterministic."""
    found = list(islice((sentence for text in texts for sentence in _statements(text)), _SENTENCES))
    if not found:
        return " ".join(_MARKS.sub("", " ".join(texts)).split())[:_SUMMARY]
    term_sets = [frozenset(terms(sentence)) for sentence in found]
    common = Counter(term for term_set in term_sets for term in term_set)
    centrality = [_centrality(term_set, common, len(found)) for term_set in term_sets]
    order = [0, *sorted(range(1, len(found)), key=lambda at: -centrality[at])]
    chosen: list[int] = []
    room = _SUMMARY
    for at in order:
        is_new = all(_likeness(term_sets[at], term_sets[other]) < 0.5 for other in chosen)
        if is_new and len(chosen) < _MOST and len(found[at]) < room:
            chosen.append(at)
            room -= len(found[at]) + 1
    return " ".join(found[at] for at in sorted(chosen))


def _lines(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    """The range as one sentence, or line by line where it is too long to be one."""
    if end - start <= LONGEST:
        yield from _trimmed(text, start, end)
        return
    while start < end:
        line_end = text.find("\n", start, end) + 1 or end
        yield from _trimmed(text, start, line_end)
        start = line_end


def _trimmed(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    sentence = text[start:end]
    start += len(sentence) - len(sentence.lstrip())
    if start < end:
        yield start, start + len(sentence.strip())


def _statements(text: str) -> Iterator[str]:
    """Sentences that can stand alone, without marks."""
    for start, end in sentences(text):
        sentence = " ".join(_MARKS.sub("", text[start:end]).split())
        if _SHORTEST <= len(sentence) <= LONGEST and "|" not in sentence and sentence[0] not in "#([" and _STATES.search(sentence):
            yield sentence


def _centrality(term_set: frozenset[str], common: Counter[str], total: int) -> float:
    """How much a sentence says of what the whole text says: its terms that others share, against its length."""
    if not term_set:
        return 0.0
    shared = math.fsum(math.log(common[term]) for term in term_set if 1 < common[term] < 0.8 * total)
    return shared / math.sqrt(len(term_set) + 10)


def _likeness(one: frozenset[str], other: frozenset[str]) -> float:
    return len(one & other) / max(1, min(len(one), len(other)))
