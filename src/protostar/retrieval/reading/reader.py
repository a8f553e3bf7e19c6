"""Read a question as it was meant."""

from collections.abc import Awaitable, Callable, Mapping, Sequence, Set
from dataclasses import dataclass
from typing import Final

from protostar.knowledge.tokens import term_id, terms
from protostar.retrieval.reading import courtesy, keyboard, spacing, spelling, synonyms
from protostar.retrieval.reading.unknown import Unknown, replaced
from protostar.retrieval.weighting import COUNTED, Populations

_LONGEST: Final = 500  # characters; longer ones are pasted, and would take their time

Look = Callable[[Set[int]], Awaitable[Mapping[int, int]]]
"""In how many chunks of a space each of the terms stands, of those that any has."""


@dataclass(frozen=True, slots=True)
class Reading:
    """`question`: as it was typed, or as the same keys make it in Hangul; `words`: in words of the space; `guessed`, `synonyms`:
    the ids of terms that stand for misspelt ones and for others that say the same; `counts`: how many chunks hold each of its
    terms, and what is COUNTED."""

    question: str
    words: str
    counts: Mapping[int, int]
    guessed: frozenset[int] = frozenset()
    synonyms: frozenset[int] = frozenset()


async def read(question: str, look: Look) -> Reading:
    """Its own words wherever the space knows them. `look` is called once, and again where it does not know some."""
    hangul = keyboard.as_hangul(question)
    counts = dict(await look({*COUNTED, *_ids(question), *(_ids(hangul) if hangul else ())}))
    if hangul and _known(hangul, counts) > _known(question, counts):
        question = hangul
    if len(question) > _LONGEST:
        return Reading(question, question, counts)
    populations = Populations.of(counts)
    words = courtesy.without(question)
    misspelt, others = spelling.unknown(words, counts), synonyms.unknown(words, counts)
    if candidates := {id_ for each in (*misspelt, *others) for ids in each.candidates.values() for id_ in ids}:
        counts |= await look(candidates)
    guessed = _meant(misspelt, counts, populations.chunks)
    said = _meant([each for each in others if not any(map(each.overlaps, guessed))], counts, populations.chunks)
    words = replaced(words, {**said, **guessed})
    own = set(map(term_id, terms(question)))
    return Reading(
        question,
        spacing.respaced(words, counts, populations.with_pairs),
        counts,
        guessed=_terms_of(guessed) - own,
        synonyms=_terms_of(said) - own,
    )


def _meant(unknown: Sequence[Unknown], counts: Mapping[int, int], chunks: int) -> dict[Unknown, str]:
    return {each: word for each in unknown if (word := each.meant(counts, chunks)) is not None}


def _terms_of(meant: Mapping[Unknown, str]) -> frozenset[int]:
    return frozenset(term_id(term) for word in meant.values() for term in terms(word))


def _ids(text: str) -> set[int]:
    return {*map(term_id, terms(text)), *spacing.term_ids(text)}


def _known(text: str, counts: Mapping[int, int]) -> float:
    """The share of its terms that the space knows; one letter or syllable proves nothing."""
    known = [term_id(term) in counts for term in terms(text) if len(term) > 1]
    return sum(known) / max(1, len(known))
