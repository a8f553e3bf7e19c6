"""A question in terms of one space: how telling each of its terms is there.

A term is rare or common among the chunks that are written in its script, and not among all of a space: beside thousands of English
chunks the common words of a few hundred Korean ones would weigh as much as their rare ones, and a passage that lacks one of them
would seem to say nothing of the question. There are two kinds of scripts: Hangul, kana and Han, and all others.
"""

from collections.abc import Mapping, Set
from dataclasses import dataclass
from typing import Final

from protostar.knowledge.tokens import CHUNKS, LACKS_PAIRS, LACKS_WORDS, idf, is_pair, is_word, term_id, terms
from protostar.retrieval.model import Query

COUNTED: Final = (CHUNKS, LACKS_PAIRS, LACKS_WORDS)
"""What has to be known of a space beside the frequencies of the terms."""

# A handful of chunks in a script says nothing of how common its words are. With one Korean chunk among a thousand English ones, .41
# to .59 of the Korean questions that nothing answered were refused; .99 with 25, and wrongly no more than without the English ones.
_LEAST: Final = 25


@dataclass(frozen=True, slots=True)
class Populations:
    """How many chunks a space has, and how many of them are written in Hangul, kana and Han, and in other scripts."""

    chunks: int
    with_pairs: int
    with_words: int

    @staticmethod
    def of(counts: Mapping[int, int]) -> "Populations":
        chunks = counts.get(CHUNKS, 0)
        least = min(chunks, _LEAST)
        return Populations(chunks, *(max(chunks - counts.get(kind, 0), least) for kind in (LACKS_PAIRS, LACKS_WORDS)))


def weigh(question: str, counts: Mapping[int, int], *, words: str | None = None, guessed: Set[int] = frozenset()) -> Query:
    """`counts`: in how many chunks each term stands, and what is COUNTED; what is missing counts as none. `words`: the question
    as the space would say it; `guessed`: the ids of those of its terms that stand for misspelt ones."""
    asked = terms(question if words is None else words)
    ids = set(map(term_id, asked))
    frequencies = {id_: count for id_, count in counts.items() if id_ in ids}
    space = Populations.of(counts)
    chunks, with_pairs, with_words = space.chunks, space.with_pairs, space.with_words
    asked_pairs, asked_words = sum(map(is_pair, asked)), sum(map(is_word, asked))
    if asked_pairs:
        with_words = max(with_pairs, with_words)  # a Korean question has Latin names in it, as Korean documents do

    def weighed(term: str) -> float:
        frequency = frequencies.get(term_id(term), 0)
        population = with_pairs if is_pair(term) else with_words if is_word(term) else chunks
        # Of a term that many chunks hold which are not written in its script, such as a product's name.
        return idf(max(population, min(chunks, 2 * frequency)), frequency)

    population = chunks if not asked_pairs + asked_words else with_pairs if asked_pairs >= asked_words else with_words
    idfs = {term_id(term): weighed(term) for term in asked}
    return Query(question, tuple(asked), idfs, frequencies, chunks, population, frozenset(guessed) & idfs.keys())
