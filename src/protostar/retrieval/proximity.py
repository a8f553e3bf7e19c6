"""How a question's words stand in a passage: together or scattered, in its order or not, under a heading that names them.

BM25 sees none of that. Everything is in BM25's own measure, the idf of the terms concerned, so that it can be added to its scores.
"""

from collections.abc import Sequence, Set
from dataclasses import dataclass
from functools import lru_cache
from math import fsum
from typing import Final

from protostar.knowledge.chunking import indexed_text
from protostar.knowledge.tokens import term_id, terms_of_words
from protostar.retrieval.model import Passage, Query

_WINDOW: Final = 12
_WIDE_WINDOW: Final = 24

Hits = list[tuple[int, str]]


@dataclass(frozen=True, slots=True)
class Proximity:
    """Sums of idf, of each term of the question once: those that one window of 12, of 24 terms holds, those in three neighbours
    that are neighbours in the question, those in the headings, and all that the passage has."""

    window: float = 0.0
    wide_window: float = 0.0
    runs: float = 0.0
    headings: float = 0.0
    all: float = 0.0


@dataclass(frozen=True, slots=True)
class _Question:
    """`idf` of the question's terms that the space knows."""

    idf: dict[str, float]
    runs: Set[tuple[str, str, str]]


def proximity_of(query: Query, passages: Sequence[Passage]) -> list[Proximity]:
    """Of each passage."""
    idf = {term: query.idf[number] for term in query.terms if (number := term_id(term)) in query.frequencies}
    question = _Question(idf, frozenset(zip(query.terms, query.terms[1:], query.terms[2:], strict=False)))
    return [_proximity(question, passage) for passage in passages]


def _proximity(question: _Question, passage: Passage) -> Proximity:
    hits = _hits(question, indexed_text(passage.heading_path, passage.text))
    held = {term for _at, term in hits}
    headed = {term for _at, term in _hits(question, " > ".join(passage.heading_path))}
    return Proximity(
        window=_window(question, hits, _WINDOW),
        wide_window=_window(question, hits, _WIDE_WINDOW),
        runs=_runs(question, hits),
        headings=sum(idf for term, idf in question.idf.items() if term in headed),
        all=sum(idf for term, idf in question.idf.items() if term in held),
    )


def _hits(question: _Question, text: str) -> Hits:
    """Where the question's terms stand."""
    hits: Hits = []
    at, is_elsewhere = 0, question.idf.keys().isdisjoint
    for word in _words(text):
        if not is_elsewhere(word):
            hits += [(place, term) for place, term in enumerate(word, at) if term in question.idf]
        at += len(word)
    return hits


@lru_cache(maxsize=2048)
def _words(text: str) -> tuple[tuple[str, ...], ...]:
    """Good passages are found again and again."""
    return tuple(terms_of_words(text))


def _window(question: _Question, hits: Hits, width: int) -> float:
    """The most idf of distinct terms within a window."""
    best = mass = 0.0
    first = 0
    counts = dict.fromkeys(question.idf, 0)
    for at, term in hits:
        if not counts[term]:
            mass += question.idf[term]
        counts[term] += 1
        while hits[first][0] < at - width:
            gone = hits[first][1]
            counts[gone] -= 1
            if not counts[gone]:
                mass -= question.idf[gone]
            first += 1
        best = max(best, mass)
    return best


def _runs(question: _Question, hits: Hits) -> float:
    """Each term counts a third, as it stands in up to three runs of three."""
    found = {
        (one, two, three) for (at, one), (_, two), (then, three) in zip(hits, hits[1:], hits[2:], strict=False) if then == at + 2
    }
    mass = fsum(question.idf[term] for run in found & question.runs for term in run) / 3
    return min(mass, sum(question.idf.values()))  # a term that the question repeats stands in more runs than three
