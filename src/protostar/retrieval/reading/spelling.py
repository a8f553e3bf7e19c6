"""Misspelt words of a question, and the words of the space that they may be.

A word of Latin letters that no chunk has may be misspelt, unless it is a listed everyday word. Korean words are short and near to
one another: there only what nobody writes on purpose is taken for a slip, letters that belong to no syllable and syllables that
Korean does not use.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from itertools import chain, islice
from string import ascii_lowercase
from typing import Final

from protostar.knowledge.tokens import is_english_stop, stemmed, term_id, terms
from protostar.retrieval.reading import keyboard
from protostar.retrieval.reading.synonyms import is_listed
from protostar.retrieval.reading.unknown import Unknown

_MOST: Final = 4  # words of a question
_LATIN: Final = re.compile(r"(?<![A-Za-z0-9_.@/-])[A-Za-z][a-z]{4,19}(?![A-Za-z0-9_@/-]|\.\w)")
_HANGUL: Final = re.compile(r"[가-힣ㄱ-ㅎㅏ-ㅣ]{2,}")
_SHORTEST: Final = 4  # letters of a word that may be meant
_ODD: Final = 3  # syllables or letters: what one slip leaves
_ALIKE: Final = ("aeiouy", "ck", "cs", "sz", "mn", "gj", "fv", "dt", "bp")


def unknown(text: str, counts: Mapping[int, int]) -> list[Unknown]:
    """`counts`: in how many chunks each term of the text stands, of those that any has."""
    return list(islice(chain(_latin(text, counts), _hangul(text)), _MOST))


def _latin(text: str, counts: Mapping[int, int]) -> Iterator[Unknown]:
    for match in _LATIN.finditer(text):
        word = match[0].lower()
        if not is_english_stop(word) and not is_listed(word) and term_id(stemmed(word)) not in counts:
            # None that only asks: without «width», «three» or «theme» a question would be another one.
            slips = {other for other in _slips(word, ascii_lowercase, _beside_or_alike) if len(other) >= _SHORTEST}
            yield Unknown(*match.span(), {other: [term_id(stemmed(other))] for other in slips if not is_english_stop(other)})


def _hangul(text: str) -> Iterator[Unknown]:
    for match in _HANGUL.finditer(text):
        word = match[0]
        odd = [at for at, char in enumerate(word) if not keyboard.is_usual(char)]
        if odd and odd[-1] - odd[0] < _ODD:
            # With one syllable more at both sides: its letters may belong there.
            start, end = max(0, odd[0] - 1), odd[-1] + 2
            slips = set(_slips(keyboard.keys(word[start:end]), keyboard.KEYS, _beside_or_shifted))
            words = {word[:start] + keyboard.typed(slip) + word[end:] for slip in slips}
            usual = (other for other in words if len(other) > 1 and keyboard.is_usual(other))
            yield Unknown(*match.span(), {other: ids for other in usual if (ids := list(map(term_id, terms(other))))})


def _slips(word: str, letters: str, instead: Callable[[str], str]) -> Iterator[str]:
    """What may have been meant where one letter was lost, doubled or added, hit for another, or came before its neighbour."""
    for at in range(len(word) + 1):
        before, after = word[:at], word[at:]
        yield from (before + letter + after for letter in letters)
        if after:
            yield before + after[1:]
            yield from (before + letter + after[1:] for letter in instead(after[0]))
        if len(after) > 1:
            yield before + after[1] + after[0] + after[2:]


def _beside_or_alike(letter: str) -> str:
    return keyboard.beside(letter) + "".join(group for group in _ALIKE if letter in group)


def _beside_or_shifted(key: str) -> str:
    return keyboard.beside(key.lower()) + key.swapcase()
