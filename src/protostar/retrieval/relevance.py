"""Whether what was found can answer the question at all: «not in the documents» is decided here, before a model sees anything.

A logistic rule on raw scores: once scores are scaled for fusion, a good best and a bad best look the same. Fitted on six sets of
Korean and English questions, each asked of its own documents and of those of every other set in its language, in whole, and as
spaces of a quarter and a twentieth; then moved to demand less where other documents stand beside a question's own, and more since
what comes near is shown. It refuses .93 of the questions that do not belong and, wrongly, .016 of those that do; of whole sets it
does worst with .795 and .047.
"""

import math
from collections.abc import Sequence
from typing import Final

from protostar.knowledge.tokens import K1, idf, is_pair, term_id
from protostar.retrieval.fusion import standout
from protostar.retrieval.model import Candidate, Query, Relevance
from protostar.retrieval.proximity import Proximity

# A large space covers more of any question by chance, as far as it is about the same thing. No more of it is taken for that than
# eight times the chunks that hold the question's commonest word: of the questions to a short guide beside an encyclopedia .52 were
# refused wrongly otherwise, .28 so, and .20 alone. Where several large sets stood in one space, up to .087 of a set's questions
# were refused wrongly with 5,000 for the most, .043 with 2,500 (docs/performance.md).
_ABOUT_THE_SAME: Final = 8
_FEWEST_CHUNKS: Final = 25
_MOST_CHUNKS: Final = 2_500
# In a space of few chunks English words meet by chance: of visitors' questions with an evidence of 0 to 1.5 fewer than half got a
# quote that holds what they asked for, of Korean ones five of six (decision 16). In the public sets, of hundreds of chunks, 1.5
# would refuse up to .14 wrongly.
_CAUTION: Final = 1.5
_FEW: Final = 100
_NOT_FEW: Final = 200
# How far a best cosine stands out: medians of .42 where a multilingual model has the answer and .20 where it has not.
_STANDS_OUT: Final = 0.28
_STANDS_OUT_ALONE: Final = 0.35
_MOST_SAY: Final = 2.0
# What says the same elsewhere may not do so here. With 1 more of the visitors' questions are answered, and more of strangers' too;
# so that both gain it is 1.2 (decision 15).
_FOR_ANOTHER: Final = 1.2


def decide(query: Query, found: Sequence[Candidate], proximity: Sequence[Proximity]) -> Relevance:
    """Look at the raw scores of all candidates, and at the proximity of the best ones, in any order.

    `coverage`: the best keyword score as a share of the highest possible one, 0 to 1.
    """
    wanted = {term_id(term) for term in query.terms}
    mass = sum(_demand(query, number) for number in wanted)
    if not wanted or not mass or not found:
        return Relevance(-math.inf, coverage=0.0)
    best = max(each.keyword for each in found)
    coverage = min(1.0, max(0.0, best) / (mass * (K1 + 1)))
    stands_out = standout(found)
    if coverage == 0:
        stands_alone = stands_out is not None and stands_out > _STANDS_OUT_ALONE
        return Relevance(math.inf if stands_alone else -math.inf, coverage)
    window = max((each.wide_window for each in proximity), default=0.0) / mass
    held = max((each.all for each in proximity), default=0.0) / mass
    evidence = _evidence(query, mass, coverage) + 5.74 * window - 1.05 * math.log(held + 0.05)
    if stands_out is not None:
        evidence += max(-_MOST_SAY, min(_MOST_SAY, 6 * (stands_out - _STANDS_OUT)))
    return Relevance(evidence, coverage, _least(query))


def _least(query: Query) -> float:
    """What it takes to be sure: more of a question in words, where chunks are few."""
    if any(map(is_pair, query.terms)):
        return 0.0
    return _CAUTION * min(1.0, max(0.0, (_NOT_FEW - query.population) / (_NOT_FEW - _FEW)))


def _demand(query: Query, number: int) -> float:
    """How much a passage that answers has to say of a term."""
    # One that no chunk has counts as one that half a chunk has: in a space of few chunks it would outweigh all others.
    unknown = math.log(1 + query.population)
    idf_ = query.idf[number]
    if number not in query.frequencies:
        return min(unknown, idf_)
    if number in query.synonyms:  # for a word that no chunk has
        return _FOR_ANOTHER * max(idf_, unknown)
    # A misspelt word may be another one than the one that was guessed (decision 12).
    return (idf_ + max(idf_, unknown)) / 2 if number in query.guessed else idf_


def _evidence(query: Query, mass: float, coverage: float) -> float:
    """Log odds, moved so that at 0 no whole set loses .05 of its answerable questions, and about .20 of others' pass at most.

    Long questions are never covered whole, and a question of rare words is less likely to be answered anywhere.
    """
    rarity = mass / idf(query.population, 0)
    # Not by a guess, which is always of a common word.
    commonest = max((count for number, count in query.frequencies.items() if number not in query.guessed), default=0)
    about = max(_FEWEST_CHUNKS, _ABOUT_THE_SAME * commonest)
    chunks = min(query.population, about, _MOST_CHUNKS)
    return (
        1.36
        + 5.42 * math.log(coverage + 0.02)
        + 10.72 * math.log(query.size + 1)
        - 7.64 * math.log(rarity + 0.1)
        - 1.27 * math.log(chunks + 10)
    )
