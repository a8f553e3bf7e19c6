"""Everyday words of a question that its space does not have, and those that say the same.

Who has not read a document asks in other words than it has: for a «jab» where it says «vaccination», for «강아지» where it says
«반려견», or in Latin letters what it has in Hangul. `synonyms.en.txt` and `synonyms.ko.txt` hold groups of words that ask for the
same thing in place of each other, one a line. They were written by somebody who had not seen what is measured with (decision 15).
"""

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Set
from functools import cache
from importlib.resources import files
from itertools import chain, islice
from typing import Final

from protostar.knowledge import korean
from protostar.knowledge.tokens import is_english_stop, stemmed, term_id, terms
from protostar.retrieval.reading.unknown import Unknown

_MOST: Final = 8  # words of a question
_LATIN: Final = re.compile(r"(?<![A-Za-z0-9_.@/-])[A-Za-z]{1,20}(?:[-/][A-Za-z]{1,19})?(?![A-Za-z0-9_@/'’-]|\.\w)")
_FORMS: Final = (
    ("", ""),
    *((end, base) for end in ("s", "es", "d", "ed", "ing", "ly") for base in ("", "e")),
    ("ies", "y"),
    ("ied", "y"),
)
_HANGUL: Final = re.compile(r"[가-힣]+")
_NEXT: Final = re.compile(r" ([가-힣]+)")
_WORD: Final = re.compile(r"\w+")
_TOO_OR_ONLY: Final = ("도", "만")  # particles that end too many other words as well to be dropped from terms
# Days, the place itself, and what every shop does.
_NAMES_NOTHING: Final = re.compile(
    r"(?:(?:오늘|내일|지금|매일|보통|주말|평일|공휴일|휴일|[월화수목금토일]요일|여기|거기|가게|매장|문)(?:은|는|이|가|을|를|에|에는|에도|도|요)?"
    r"|(?:열|여|닫|하|해|되|돼)[가-힣]{0,4}|located|situated|based|exactly)",
    re.IGNORECASE,
)

Groups = Mapping[str, Sequence[str]]


def unknown(text: str, counts: Mapping[int, int]) -> list[Unknown]:
    """`counts`: in how many chunks each term of the text stands, of those that any has."""
    return list(islice(chain(_latin(text, counts), _hangul(text, counts)), _MOST))


def is_listed(word: str) -> bool:
    """Whether it is a listed English word, or a usual form of one: then it is no slip of another word."""
    word = word.lower()
    return any(word.endswith(end) and word[: len(word) - len(end)] + base in _words() for end, base in _FORMS)


def _latin(text: str, counts: Mapping[int, int]) -> Iterator[Unknown]:
    for match in _LATIN.finditer(text):
        word = match[0]
        others = list(_korean().get(word.lower(), ()))
        if word.islower() or (match.start() == 0 and word[1:].islower()):  # a name is no word
            others += _english().get(stemmed(word), ())
        if others and _is_read(text, *match.span(), counts, asks=is_english_stop(word)):
            yield _unknown(*match.span(), others)


def _hangul(text: str, counts: Mapping[int, int]) -> Iterator[Unknown]:
    for start, end, word in _listed_in(text):
        if _is_read(text, start, end, counts, asks=korean.is_stop(word)):
            yield _unknown(start, end, _korean()[word])


def _is_read(text: str, start: int, end: int, counts: Mapping[int, int], *, asks: bool) -> bool:
    """Whether a listed word is read as another: one that the space lacks, or one that only `asks` and is all that is said."""
    return _asks_alone(text, start, end) if asks else not all(id_ in counts for id_ in map(term_id, terms(text[start:end])))


def _asks_alone(text: str, start: int, end: int) -> bool:
    """Whether a word that only asks is all that the question says: «몇 시까지 해요?» asks when a place is open, «접수는 몇 시까지
    해요?» something else."""
    others = (word[0] for word in _WORD.finditer(text) if word.end() <= start or word.start() >= end)
    return all(_NAMES_NOTHING.fullmatch(word) or korean.is_ending(word) or not terms(word) for word in others)


def _unknown(start: int, end: int, others: Iterable[str]) -> Unknown:
    ids = {other: list(map(term_id, terms(other))) for other in others}
    return Unknown(start, end, {other: found for other, found in ids.items() if found})


def _listed_in(text: str) -> Iterator[tuple[int, int, str]]:
    """Where listed words stand, also across a blank: «돈돌려» is written «돈 돌려» as often.

    A word that only asks is taken with its ending, which fits no other.
    """
    last = 0
    for match in _HANGUL.finditer(text):
        start, end = match.span()
        if start < last:
            continue
        if word := _listed(match[0]):
            last = end if korean.is_stop(word) else start + len(word)
            yield start, last, word
        elif (after := _NEXT.match(text, end)) and (both := _listed(match[0] + after[1])) and len(both) > len(match[0]):
            # With a single syllable of the next one, «의 사용» would have a «의사» in it.
            if korean.is_stop(both):
                last = after.end()
            elif len(both) > len(match[0]) + 1:
                last = start + len(both) + 1
            else:
                continue
            yield start, last, both


def _listed(word: str) -> str | None:
    """The longest listed word that it begins with, before a particle, an ending or a word: «아이폰» has no «아이» in it.

    A single syllable is more often a piece of another word, as of «개인».
    """
    for length in range(min(len(word), _longest()), 1, -1):
        begun, rest = word[:length], word[length:]
        if begun in _korean() and (len(rest) != 1 or rest in _TOO_OR_ONLY or korean.is_ending(rest)):
            return begun
    return None


@cache
def _english() -> Groups:
    """By stems."""
    return _groups("en", stemmed)


@cache
def _korean() -> Groups:
    return _groups("ko", str)


@cache
def _longest() -> int:
    return max(map(len, _korean()))


@cache
def _words() -> Set[str]:
    return frozenset(chain.from_iterable(_lines("en")))


def _groups(language: str, key: Callable[[str], str]) -> Groups:
    """What may stand for each word."""
    groups: defaultdict[str, dict[str, None]] = defaultdict(dict)
    for words in _lines(language):
        for word in words:
            groups[key(word)] |= dict.fromkeys(other for other in words if key(other) != key(word))
    return {word: tuple(others) for word, others in groups.items()}


def _lines(language: str) -> Iterator[list[str]]:
    text = files("protostar.retrieval.reading").joinpath(f"synonyms.{language}.txt").read_text(encoding="utf-8")
    return ([word.replace("_", " ") for word in line.split()] for line in text.splitlines())
