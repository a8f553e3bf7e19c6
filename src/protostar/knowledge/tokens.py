"""Terms of the keyword index, and the BM25 weights made of them.

One function serves documents and questions. Hangul, kana and Han give pairs of characters: as good as a morphological analyser on
Korean questions, and sixty times faster. Other scripts give stemmed words, and identifiers and numbers as a whole beside their
parts. Words that only ask or only hold a sentence together give nothing.
"""

import math
import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from itertools import chain
from typing import cast
from uuid import UUID
from zlib import crc32

import Stemmer

from protostar.knowledge import korean

VERSION = 6
"""Stored terms fit questions only where this is the same: raise it whenever `terms`, `term_id` or `counted` answers differently."""

MAX_TERM_ID = 999_999_999
"""Term ids are 1 to this."""

CHUNKS, LACKS_PAIRS, LACKS_WORDS = 0, MAX_TERM_ID + 1, MAX_TERM_ID + 2
"""Counted as terms are, but nothing is found by them: all chunks of a space, those that are not written in Hangul, kana and Han,
and those that are not written in other scripts."""

_WRITTEN_IN = 0.25  # of a text's terms; where a script has less, it lends a name here and there

K1 = 1.2
B = 0.75
PIVOT = 600
"""The usual length of a chunk, in characters of its terms. Document weights are frozen at ingest, so it is a constant; characters,
because one number then fits both pairs of Hangul and English words (no worse than the live mean on six sets of questions)."""

# Bounded, so that a line of megabytes without a blank makes neither a giant key for the cache nor a giant term.
# A blank between a number and its unit is none: PDFs have «3 시» where people write «3시».
_WORD = re.compile(r"\w{1,64}(?:(?:[-./'’]|(?<=\d)(?:,(?=\d{3})| (?=[가-힣])))\w{1,64}){0,8}")
_CJK = "\u3040-\u30ff\u3131-\u318e\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7a3\uf900-\ufaff\U00020000-\U0003134f"
_PART = re.compile(rf"[{_CJK}]+|[^\W_{_CJK}]+")
_IS_CJK = re.compile(rf"[{_CJK}]")
_HUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z]+[a-z])|(?<=[A-Z])(?=[A-Z][a-z])")
_NUMBERED = re.compile(r"([A-Za-z]{2,})(\d+)|(\d+)([A-Za-z]{2,})")
_MARKED_NUMBER = re.compile(r"\d+(?:[-.]\d+)+(?![0-9A-Za-z_])")
_LONG_NUMBER = 7  # digits of telephones, accounts, dates, which are written with marks and without
_INVISIBLE = re.compile("[\u00ad\u200b-\u200d\u2060\ufeff]")  # the soft hyphen, and what has no width
_PLAIN = re.compile(rf"[a-z]+|[A-Z][a-z]+|[{_CJK}]+")
_CONTRACTION = re.compile(r"['’](?:s|t|re|ve|ll|d|m)$", re.IGNORECASE)
_LONGEST_WHOLE = 64

_ENGLISH_STOP_WORDS = """
    a am an and are as at be been being but by can could did do does for from had has have he her him his how i if in into is it its
    me my no not of on or our she should so such that the their them then there these they this those to us was we were what when
    where which who whom whose why will with would you your
"""
_ENGLISH_STOP = frozenset(_ENGLISH_STOP_WORDS.split())

# The package has no type stubs. Its own cache is off: `_word_terms` has one.
_stem_english = cast("Callable[[str], str]", Stemmer.Stemmer("english", 0).stemWord)  # pyright: ignore[reportUnknownMemberType]


def terms(text: str) -> list[str]:
    """The terms of a text in their order, repeated as often as they stand there."""
    return list(chain.from_iterable(terms_of_words(text)))


def terms_of_words(text: str) -> Iterator[tuple[str, ...]]:
    """The terms of each word."""
    text = korean.MAY.sub(" ", _INVISIBLE.sub("", unicodedata.normalize("NFKC", text)))
    return map(_word_terms, _WORD.findall(text))


@lru_cache(maxsize=2**16)
def term_id(term: str) -> int:
    """The number of a term, the same on every machine: 1 to MAX_TERM_ID."""
    return crc32(term.encode("utf-8", "surrogatepass")) % MAX_TERM_ID + 1


def weights(term_list: Sequence[str]) -> dict[int, float]:
    """The document side of BM25: term id → tf·(k1+1) / (tf + k1·(1 − b + b·length/pivot)), above 0 and below k1+1."""
    counts = Counter(term_list)
    norm = K1 * (1 - B + B * sum(map(len, term_list)) / PIVOT)
    by_count = [count * (K1 + 1) / (count + norm) for count in range(max(counts.values(), default=0) + 1)]
    return dict(zip(map(term_id, counts), map(by_count.__getitem__, counts.values()), strict=True))


def is_pair(term: str) -> bool:
    """Of Hangul, kana and Han; the few other scripts above them count as such, too."""
    return term[0] >= "\u3040"


def is_word(term: str) -> bool:
    """Of another script, and no number."""
    return term[0] < "\u3040" and term[0].isalpha()


def counted(term_list: Sequence[str], weighed: Mapping[int, float]) -> list[int]:
    """What a chunk is counted under: the ids of its terms, which have weights, and the scripts that it lacks."""
    pairs, words = sum(map(is_pair, term_list)), sum(map(is_word, term_list))
    enough = _WRITTEN_IN * (pairs + words)
    lacking = [kind for kind, count in ((LACKS_PAIRS, pairs), (LACKS_WORDS, words)) if count < enough]
    return [*weighed, *lacking]


def idf(chunks: int, frequency: int) -> float:
    """The question side of BM25: how telling a term is that `frequency` of `chunks` chunks hold. Never below 0."""
    frequency = min(frequency, chunks)
    return math.log(1 + (chunks - frequency + 0.5) / (frequency + 0.5))


def space_terms(space: UUID, term_ids: Iterable[int]) -> list[int]:
    """Signed 32-bit hashes of terms within a space, so that one index serves all spaces. Within a space they never collide."""
    seed = space.int & 0xFFFFFFFF
    return [((number * 2654435761 ^ seed) & 0xFFFFFFFF) - 0x80000000 for number in term_ids]


@lru_cache(maxsize=2**16)
def _word_terms(word: str) -> tuple[str, ...]:
    """The terms of one word. Few words make up most of a text: the cache is what makes `terms` fast."""
    if _PLAIN.fullmatch(word):
        return tuple(_pairs(word) if word[0] > "z" else _words(word))
    word = _CONTRACTION.sub("", word).replace(",", "")  # only thousands separators are within a word
    parts = _PART.findall(word)
    found: list[str] = []
    previous = ""
    for part in parts:
        if _IS_CJK.match(part):
            if previous.isdecimal() and len(previous) < _LONG_NUMBER:
                found.append(previous + part[0])  # «1989년», «3월»: the number alone says little
            found += _pairs(part)
        else:
            found += _words(part)
        previous = part
    if _is_identifier(word, parts):
        found.append(word.lower())
    if number := _MARKED_NUMBER.match(word):
        digits = number[0].replace("-", "").replace(".", "")
        found += [digits] if len(digits) >= _LONG_NUMBER else []
    return tuple(found)


def _pairs(run: str) -> list[str]:
    if korean.is_stop(run):
        return []
    stem = run[: len(run) - korean.ending(run)]
    return [stem[at : at + 2] for at in range(len(stem) - 1)] or [stem]


def _words(part: str) -> list[str]:
    """`part` as a word, and the humps of a CamelCase one; of «iPhone15» and «15kg» both halves, as others write them apart."""
    halves = [half for half in numbered.groups() if half] if (numbered := _NUMBERED.fullmatch(part)) else []
    words = [part, *halves] if halves else [part]
    for word in halves or [part]:
        humps = _HUMP.split(word)
        words += humps if len(humps) > 1 else []
    return [stemmed(word) for word in words if not is_english_stop(word)]


def is_english_stop(word: str) -> bool:
    """«IT» and «US» are not «it» and «us»."""
    return word.lower() in _ENGLISH_STOP and not (len(word) > 1 and word.isupper())


def stemmed(word: str) -> str:
    """The term of a word of Latin or another script that is written in words."""
    word = word.lower()
    if not word.isascii():
        word = "".join(char for char in unicodedata.normalize("NFD", word) if not unicodedata.combining(char))
    return _stem_english(word)


def _is_identifier(word: str, parts: list[str]) -> bool:
    """Whether the word as a whole is worth a term: `snake_case`, `a/b`, versions, part numbers, dates. Hyphens alone are prose."""
    return (
        len(parts) > 1
        and len(word) <= _LONGEST_WHOLE
        and not _IS_CJK.search(word)
        and any(char in "_/" or char.isdecimal() for char in word)
    )
