"""Read a question as it was meant."""

from collections.abc import Awaitable, Callable, Mapping, Set
from dataclasses import dataclass
from typing import Final

from protostar.knowledge.tokens import term_id, terms
from protostar.retrieval.reading import courtesy, keyboard, spacing, spelling
from protostar.retrieval.weighing import COUNTED, Populations

_LONGEST: Final = 500  # characters; longer ones are pasted, and would take their time

Look = Callable[[Set[int]], Awaitable[Mapping[int, int]]]
"""In how many chunks of a space each of the terms stands, of those that any has."""


@dataclass(frozen=True, slots=True)
class Reading:
    """`question`: as it was typed, or as the same keys make it in Hangul; `words`: in words of the space; `guessed`: the ids of
    terms that stand for misspelt ones; `counts`: how many chunks hold each of its terms, and what is COUNTED."""

    question: str
    words: str
    guessed: frozenset[int]
    counts: Mapping[int, int]


async def read(question: str, look: Look) -> Reading:
    """Its own words wherever the space knows them. `look` is called once, and again where words seem to be misspelt."""
    hangul = keyboard.as_hangul(question)
    counts = dict(await look({*COUNTED, *_ids(question), *(_ids(hangul) if hangul else ())}))
    if hangul and _known(hangul, counts) > _known(question, counts):
        question = hangul
    if len(question) > _LONGEST:
        return Reading(question, question, frozenset(), counts)
    populations = Populations.of(counts)
    words, guessed = courtesy.without(question), frozenset[int]()
    if suspects := spelling.suspects(words, counts):
        counts |= await look({id_ for suspect in suspects for ids in suspect.candidates.values() for id_ in ids})
        words = spelling.corrected(words, suspects, counts, populations.chunks)
        guessed = frozenset(map(term_id, terms(words))) - set(map(term_id, terms(question)))
    return Reading(question, spacing.respaced(words, counts, populations.with_pairs), guessed, counts)


def _ids(text: str) -> set[int]:
    return {*map(term_id, terms(text)), *spacing.term_ids(text)}


def _known(text: str, counts: Mapping[int, int]) -> float:
    """The share of its terms that the space knows; one letter or syllable proves nothing."""
    known = [term_id(term) in counts for term in terms(text) if len(term) > 1]
    return sum(known) / max(1, len(known))
