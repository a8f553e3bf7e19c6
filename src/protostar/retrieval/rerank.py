"""Put forward the passages that say the question's words together, in its order, or under a heading that names them.

What they gain is added to BM25 in its own measure. Against no rerank it raised recall@1 by .004 to .06 on five of six sets of
questions and cost .012 on one, where claims take the place of questions; recall@5 fell nowhere. 12 passages gave all of that, 20 no
more. Neighbours two at a time, whole sentences, other passages of the same document and terms from the first results
(pseudo-relevance feedback) each helped some sets at the expense of others.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from protostar.retrieval.model import Passage, Query
from protostar.retrieval.proximity import Proximity

DEPTH: Final = 12
_WINDOW: Final = 0.3
_WIDE_WINDOW: Final = 0.3
_RUNS: Final = 0.5
_HEADINGS: Final = 0.3


def rerank(query: Query, passages: Sequence[Passage], proximity: Sequence[Proximity], unit: float) -> list[Passage]:
    """The passages, best first; only the first ones, whose proximity is given, change places. Scores stay within 0 to 1.

    `unit`: how much of a passage's score one of BM25 is.
    """
    most = sum(query.idf[term] for term in query.frequencies) * (_WINDOW + _WIDE_WINDOW + _RUNS + _HEADINGS)
    gains = [_gain(each) for each in proximity] + [0.0] * (len(passages) - len(proximity))
    rescored = [
        replace(passage, score=(passage.score + unit * gain) / (1 + unit * most))
        for passage, gain in zip(passages, gains, strict=True)
    ]
    return sorted(rescored[: len(proximity)], key=lambda passage: -passage.score) + rescored[len(proximity) :]


def _gain(near: Proximity) -> float:
    return _WINDOW * near.window + _WIDE_WINDOW * near.wide_window + _RUNS * near.runs + _HEADINGS * near.headings
