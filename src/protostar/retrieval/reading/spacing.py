"""Put blanks into a Korean question where its words end: many leave them out, above all on a telephone.

Of «환불기간은얼마나되나요» the pairs «간은», «은얼» and «마나» stand nowhere in the documents. They would count as rare words that
no passage says, and a question that is answered would be refused. The words are found as the cheapest way through the syllables
(Viterbi, 1967): a pair costs as much as it is rare in the space, and a blank a little more than a pair that stands nowhere, less
after a particle or ending.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from itertools import accumulate, pairwise
from typing import Final

from protostar.knowledge import korean
from protostar.knowledge.tokens import idf, term_id

_RUN: Final = re.compile("[가-힣]+(?: +[가-힣]+)*")
_LONGEST: Final = 14  # syllables of a word
# What a pair costs that stands nowhere is 1.
_BLANK: Final = 1.05
_ENDING: Final = 0.4
_NO_BLANK: Final = 0.5  # where the question has one
_ONE_SYLLABLE: Final = 1.0
_LONGEST_TAIL: Final = 3


def term_ids(text: str) -> set[int]:
    """Of all the syllables, and of their pairs whether a blank stands between them or not."""
    runs = (run.replace(" ", "") for run in _RUN.findall(text))
    return {term_id(part) for run in runs for part in (*run, *_pairs(run))}


def respaced(text: str, counts: Mapping[int, int], chunks: int) -> str:
    """`counts`: in how many of the `chunks` that are written in Hangul each of the terms stands."""
    rarest = idf(chunks, 0)

    def words(match: re.Match[str]) -> str:
        syllables = match[0].replace(" ", "")
        costs = ([idf(chunks, counts.get(term_id(part), 0)) / rarest for part in parts] for parts in (syllables, _pairs(syllables)))
        return " ".join(_Run(match[0].split(), *costs, counts_something=text[: match.start()][-1:].isdecimal()).words())

    return _RUN.sub(words, text)


def _pairs(syllables: str) -> Iterator[str]:
    return (one + two for one, two in pairwise(syllables))


class _Run:
    """Words with nothing but blanks between them. `singles`, `pairs`: what each syllable costs where it is a word, and each pair of
    them; `counts_something`: whether the first syllable stands at a number."""

    def __init__(self, given: Sequence[str], singles: Sequence[float], pairs: Sequence[float], *, counts_something: bool) -> None:
        self._syllables = "".join(given)
        self._singles = singles
        self._pairs = pairs
        self._counts_something = counts_something
        self._given = list(pairwise([0, *accumulate(map(len, given))]))
        self._ends = {end for _start, end in self._given}
        self._ends_up_to = list(accumulate(at in self._ends for at in range(len(self._syllables) + 1)))
        self._cost_up_to = [0.0, *accumulate(pairs)]

    def words(self) -> Iterator[str]:
        """A blank between two words that the space knows stays where it is."""
        known = [self._is_known(*word) for word in self._given]
        first = 0
        for (start, end), is_known, is_next_known in zip(self._given, known, [*known[1:], True], strict=True):
            if is_known and is_next_known and start == first:
                yield self._syllables[start:end]
                first = end
            elif end == len(self._syllables) or (is_known and is_next_known):
                yield from self._cheapest(first, end)
                first = end

    def _cheapest(self, first: int, last: int) -> list[str]:
        """The cheapest words that `[first:last]` can be."""
        best: list[tuple[float, int]] = [(0.0, first)]  # up to each syllable: what it costs, and where its last word starts
        for end in range(first + 1, last + 1):
            starts = range(max(first, end - _LONGEST), end)
            best.append(min((best[start - first][0] + self._cost(start, end), start) for start in starts))
        words: list[str] = []
        while last > first:
            start = best[last - first][1]
            words.append(self._syllables[start:last])
            last = start
        return words[::-1]

    def _cost(self, start: int, end: int) -> float:
        """Of the word `[start:end]`, of the blanks that it leaves out, and of the one after it."""
        cost = self._word(start, end) + _NO_BLANK * (self._ends_up_to[end - 1] - self._ends_up_to[start])
        return cost if end in self._ends else cost + _BLANK

    def _word(self, start: int, end: int) -> float:
        ending, tail = self._form(start, end)
        if self._only_asks(end, tail):
            return 0.0
        stem = end - ending - start
        if stem > 1:
            cost = self._cost_up_to[start + stem - 1] - self._cost_up_to[start]
        else:
            cost = 0.0 if self._is_counted(start) else self._singles[start] if (start, end) in self._given else _ONE_SYLLABLE
        return cost - _ENDING if ending else cost

    def _is_known(self, start: int, end: int) -> bool:
        ending, tail = self._form(start, end)
        if self._only_asks(end, tail):
            return True
        if end - ending - start == 1:
            return self._is_counted(start) or self._singles[start] < 1
        return not korean.is_ending(self._syllables[start:end]) and max(self._pairs[start : end - ending - 1]) < 1

    def _is_counted(self, start: int) -> bool:
        """Whether the word stands at a number, where one syllable is enough."""
        return self._counts_something and start == 0

    def _form(self, start: int, end: int) -> tuple[int, int | None]:
        return _form(f"{'1' if self._is_counted(start) else ''}{self._syllables[start:end]}")

    def _only_asks(self, end: int, tail: int | None) -> bool:
        """And holds no word that the space knows: «어떤절차» is two words."""
        return tail is not None and tail <= _LONGEST_TAIL and all(pair >= 1 for pair in self._pairs[end - tail : end - 1])


@lru_cache(maxsize=2**14)
def _form(word: str) -> tuple[int, int | None]:
    """How long its ending is, and what follows the stem of a word that only asks; None for any other word."""
    tail = korean.stop_tail(word)
    return korean.ending(word), None if tail is None else len(tail)
