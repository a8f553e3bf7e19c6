"""Whether a Korean word goes on in the next line, which a PDF does not say.

Hangul is set both ways: with lines that end between words, and with lines that end anywhere. What else the file says tells how
often a word ends after a syllable, begins with one, and has two in a row. On Korean texts of some pages that decides nine of ten
places rightly, where taking all for one or the other decides three or seven.
"""

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import pairwise, product, starmap
from string import ascii_letters, digits
from typing import Final

_BETWEEN_WORDS: Final = 0.3
"""The share of neighbours in Korean text that have a blank between them, and so of such ends where lines end anywhere."""

_KINDS: Final = str.maketrans(ascii_letters + digits, "a" * len(ascii_letters) + "0" * len(digits))
"""Latin letters are alike, and so are digits."""

_DOUBT: Final = 2.0
"""As many places that are as others stand beside those that were counted."""


class Spacing:
    """Knows the words of one file: `lines` are its lines, `ends` the full ones with those that follow them."""

    def __init__(self, lines: Iterable[str], ends: Sequence[tuple[str, str]]) -> None:
        self._all: Counter[tuple[str, str]] = Counter()
        self._apart: Counter[tuple[str, str]] = Counter()
        if ends:
            self._count(lines)
        # If lines end between words only, these places look more like ends of words than places do in general.
        likeness = (math.log(self._between_words(*end) / _BETWEEN_WORDS) for end in starmap(meeting, ends) if end)
        self._ends_anywhere = sum(likeness) < 0

    def joins(self, before: str, after: str) -> bool:
        """Whether the line `after` goes on with the word that the line `before` ends with."""
        met = meeting(before, after)
        return self._ends_anywhere and met is not None and self._between_words(*met) < 0.5

    def _count(self, lines: Iterable[str]) -> None:
        together, apart = Counter[tuple[str, str]](), Counter[tuple[str, str]]()
        for line in lines:
            kinds = " ".join(line.translate(_KINDS).split())
            together.update(pairwise(kinds))
            apart.update((left, right) for left, blank, right in zip(kinds, kinds[1:], kinds[2:], strict=False) if blank == " ")
        for counted, counts in ((together, (self._all,)), (apart, (self._all, self._apart))):
            for (left, right), count in counted.items():
                if left != " " and right != " ":
                    for key, total in product(((left, ""), ("", right), (left, right)), counts):
                        total[key] += count

    def _between_words(self, left: str, right: str) -> float:
        """How likely a blank is between two characters: what each of them says, then what the two say together."""
        ends, begins = self._share((left, ""), _BETWEEN_WORDS), self._share(("", right), _BETWEEN_WORDS)
        odds = _odds(ends) * _odds(begins) / _odds(_BETWEEN_WORDS)
        return self._share((left, right), odds / (1 + odds))

    def _share(self, key: tuple[str, str], otherwise: float) -> float:
        return (self._apart[key] + _DOUBT * otherwise) / (self._all[key] + _DOUBT)


def _odds(share: float) -> float:
    return share / (1 - share)


def meeting(before: str, after: str) -> tuple[str, str] | None:
    """The characters that meet at the end of the line `before`, if a Korean word may go on there."""
    left, right = before[-1:].translate(_KINDS), after[:1].translate(_KINDS)
    is_korean = [character for character in (left, right) if _is_hangul(character)]
    is_word = all(_is_hangul(character) or character in {"0", "a"} for character in (left, right))
    return (left, right) if is_korean and is_word else None


def _is_hangul(character: str) -> bool:
    return "가" <= character <= "힣"
