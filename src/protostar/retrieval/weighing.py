"""A question in terms of one space: how telling each of its terms is there.

A term is rare or common among the chunks that are written in its script, and not among all of a space: beside thousands of English
chunks the common words of a few hundred Korean ones would weigh as much as their rare ones, and a passage that lacks one of them
would seem to say nothing of the question. There are two kinds of scripts: Hangul, kana and Han, and all others.
"""

from collections.abc import Mapping, Sequence
from typing import Final

from protostar.knowledge.tokens import CHUNKS, LACKS_PAIRS, LACKS_WORDS, idf, is_pair, is_word, term_id
from protostar.retrieval.model import Query

COUNTED: Final = (CHUNKS, LACKS_PAIRS, LACKS_WORDS)
"""What has to be known of a space beside the frequencies of the terms."""

# A handful of chunks in a script says nothing of how common its words are. With one Korean chunk among a thousand English ones, .41
# to .59 of the Korean questions that nothing answered were refused; .99 with 25, and wrongly no more than without the English ones.
_LEAST: Final = 25


def weigh(question: str, terms: Sequence[str], counts: Mapping[int, int]) -> Query:
    """`counts`: in how many chunks each term stands, and what is COUNTED; what is missing counts as none."""
    frequencies = {id_: count for id_, count in counts.items() if id_ not in COUNTED}
    chunks = counts.get(CHUNKS, 0)
    asked_pairs, asked_words = sum(map(is_pair, terms)), sum(map(is_word, terms))
    with_pairs, with_words = (max(chunks - counts.get(kind, 0), min(chunks, _LEAST)) for kind in (LACKS_PAIRS, LACKS_WORDS))
    if asked_pairs:
        with_words = max(with_pairs, with_words)  # a Korean question has Latin names in it, as Korean documents do

    def weighed(term: str) -> float:
        frequency = frequencies.get(term_id(term), 0)
        population = with_pairs if is_pair(term) else with_words if is_word(term) else chunks
        # Of a term that many chunks hold which are not written in its script, such as a product's name.
        return idf(max(population, min(chunks, 2 * frequency)), frequency)

    population = chunks if not asked_pairs + asked_words else with_pairs if asked_pairs >= asked_words else with_words
    return Query(question, tuple(terms), {term_id(term): weighed(term) for term in terms}, frequencies, chunks, population)
