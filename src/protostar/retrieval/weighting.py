"""A question in terms of one space: how telling each of its terms is there.

A term is rare or common among the chunks that are written in its script, and not among all of a space: beside thousands of English
chunks the common words of a few hundred Korean ones would weigh as much as their rare ones, and a passage that lacks one of them
would seem to say nothing of the question. There are two kinds of scripts: Hangul, kana and Han, and all others.
"""

import re
from collections.abc import Mapping, Set
from dataclasses import dataclass
from typing import Final

from protostar.knowledge.tokens import CHUNKS, LACKS_PAIRS, LACKS_WORDS, idf, is_pair, is_word, stemmed, term_id, terms
from protostar.retrieval.model import Query

COUNTED: Final = (CHUNKS, LACKS_PAIRS, LACKS_WORDS)
"""What has to be known of a space beside the frequencies of the terms."""

# A handful of chunks in a script says nothing of how common its words are. With one Korean chunk among a thousand English ones, .41
# to .59 of the Korean questions that nothing answered were refused; .99 with 25, and wrongly no more than without the English ones.
_LEAST: Final = 25

# English words that hold a question together and may say something all the same, beside those that give no terms. In a space of few
# chunks they are as rare as what the question is about: «how do I get a tick off my dog» found what one gets for a fixed sum.
_ENGLISH_SAYING_LITTLE: Final = """
    able about above across actually after afterwards again against ago all allow allowed almost along already also although
    always among another any anybody anymore anyone anything anyway anywhere around aside away back became because become before
    behind below beside besides best better between beyond bit both came cannot cant case certain come comes coming despite
    difference different doing done down during each either else enough ever every everybody everyone everything everywhere
    exactly example except few find further gave general get gets getting give given gives giving go goes going gone gonna good
    got gotten great guess half happen happened happens having here hers herself himself however instead itself just keep keeps
    kept kind know known later least less let lets like likely little long longer look looking made make makes making many
    matter may maybe mean means might mine more most much must myself near need needed needs neither never next nobody none nor
    nothing now off often ok okay once one ones only onto other others otherwise ought ours ourselves out over own per perhaps
    possible possibly put quite rather really said same saw say says see seem seems seen separate several shall since some
    somebody somehow someone something sometimes somewhere soon still suppose supposed sure take taken takes taking tell than
    theirs themselves therefore thing things think though through till together too took toward towards tried try trying under
    unless until up upon use used uses using usual usually very via want wanted wants way ways well went whatever whenever
    wherever whether while within without wonder yet yourself yourselves
"""
_SAY_LITTLE: Final = frozenset(_ENGLISH_SAYING_LITTLE.split())
_LATIN: Final = re.compile(r"(?<!\w)[A-Za-z]+(?!\w)")
_LITTLE: Final = 0.5


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


def weigh(
    question: str,
    counts: Mapping[int, int],
    *,
    words: str | None = None,
    guessed: Set[int] = frozenset(),
    synonyms: Set[int] = frozenset(),
) -> Query:
    """`counts`: in how many chunks each term stands, and what is COUNTED; what is missing counts as none. `words`: the question
    as the space would say it; `guessed`, `synonyms`: the ids of those of its terms that stand for misspelt ones, and for others."""
    asked = terms(question if words is None else words)
    ids = set(map(term_id, asked))
    frequencies = {id_: count for id_, count in counts.items() if id_ in ids}
    space = Populations.of(counts)
    chunks, with_pairs, with_words = space.chunks, space.with_pairs, space.with_words
    asked_pairs, asked_words = sum(map(is_pair, asked)), sum(map(is_word, asked))
    little = _say_little(question if words is None else words) if not asked_pairs else frozenset[str]()
    if asked_pairs:
        with_words = max(with_pairs, with_words)  # a Korean question has Latin names in it, as Korean documents do

    def weighed(term: str) -> float:
        frequency = frequencies.get(term_id(term), 0)
        population = with_pairs if is_pair(term) else with_words if is_word(term) else chunks
        # Of a term that many chunks hold which are not written in its script, such as a product's name.
        rarity = idf(max(population, min(chunks, 2 * frequency)), frequency)
        return _LITTLE * rarity if term in little else rarity

    population = chunks if not asked_pairs + asked_words else with_pairs if asked_pairs >= asked_words else with_words
    idfs = {term_id(term): weighed(term) for term in asked}
    size = sum(_LITTLE if term in little else 1 for term in set(asked))
    known = idfs.keys()
    return Query(
        question, tuple(asked), idfs, frequencies, chunks, population, size, frozenset(guessed) & known, frozenset(synonyms) & known
    )


def _say_little(question: str) -> frozenset[str]:
    """The terms of its words that hold it together. «goods» is not «good», nor «May» within a sentence «may»."""
    found = [(word[0], word.start()) for word in _LATIN.finditer(question)]
    little = {word for word, at in found if word.lower() in _SAY_LITTLE and (word.islower() or at == 0)}
    return frozenset(map(stemmed, little)) - frozenset(stemmed(word) for word, _at in found if word not in little)
