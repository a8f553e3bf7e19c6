"""The Korean keyboard of two sets (두벌식, KS X 5002): which keys make a text, and which text keys make."""

import re
import unicodedata
from typing import Final

_LETTERS: Final = dict(
    zip("qwertasdfgzxcvyuiophjklbnmQWERTOP", "ㅂㅈㄷㄱㅅㅁㄴㅇㄹㅎㅋㅌㅊㅍㅛㅕㅑㅐㅔㅗㅓㅏㅣㅠㅜㅡㅃㅉㄸㄲㅆㅒㅖ", strict=True)
)
_COMPOUNDS: Final = """
    ㅗㅏㅘ ㅗㅐㅙ ㅗㅣㅚ ㅜㅓㅝ ㅜㅔㅞ ㅜㅣㅟ ㅡㅣㅢ
    ㄱㅅㄳ ㄴㅈㄵ ㄴㅎㄶ ㄹㄱㄺ ㄹㅁㄻ ㄹㅂㄼ ㄹㅅㄽ ㄹㅌㄾ ㄹㅍㄿ ㄹㅎㅀ ㅂㅅㅄ
"""
_COMPOUND: Final = {parts[:2]: parts[2] for parts in _COMPOUNDS.split()}

# In the order of Unicode (The Unicode Standard, 3.12), whose conjoining letters stand from these on.
_INITIALS: Final = "ㄱㄲㄴㄷㄸㄹㅁㅂㅃㅅㅆㅇㅈㅉㅊㅋㅌㅍㅎ", 0x1100
_VOWELS: Final = "ㅏㅐㅑㅒㅓㅔㅕㅖㅗㅘㅙㅚㅛㅜㅝㅞㅟㅠㅡㅢㅣ", 0x1161
_FINALS: Final = "ㄱㄲㄳㄴㄵㄶㄷㄹㄺㄻㄼㄽㄾㄿㅀㅁㅂㅄㅅㅆㅇㅈㅊㅋㅌㅍㅎ", 0x11A8

_SYLLABLE: Final = re.compile(
    rf"([{_INITIALS[0]}])"
    rf"({'|'.join(parts for parts, letter in _COMPOUND.items() if letter in _VOWELS[0])}|[{_VOWELS[0]}])"
    rf"((?:{'|'.join(parts for parts, letter in _COMPOUND.items() if letter in _FINALS[0])}|[{_FINALS[0]}])(?![{_VOWELS[0]}]))?"
)
_KEYS: Final = {letter: key for key, letter in _LETTERS.items()}
_KEYS.update((letter, _KEYS[parts[0]] + _KEYS[parts[1]]) for parts, letter in _COMPOUND.items())
_PRESSED: Final = str.maketrans(
    _KEYS
    | {chr(first + at): _KEYS[letter] for letters, first in (_INITIALS, _VOWELS, _FINALS) for at, letter in enumerate(letters)}
)
KEYS: Final = "".join(_LETTERS)

_ROWS: Final = ("qwertyuiop", "asdfghjkl", "zxcvbnm")
_WORD: Final = re.compile("[A-Za-z]+")
_ABBREVIATION: Final = re.compile("[A-Z]{2,}")
_HANGUL: Final = re.compile("[가-힣ㄱ-ㅎㅏ-ㅣ]")
_SYLLABLES: Final = re.compile("[가-힣]+")


def beside(key: str) -> str:
    """The keys that a finger may hit instead of a lower-case letter's; the rows are shifted by half a key."""
    row = next(number for number, keys in enumerate(_ROWS) if key in keys)
    at = _ROWS[row].index(key)
    near = ((row, at - 1), (row, at + 1), (row - 1, at), (row - 1, at + 1), (row + 1, at - 1), (row + 1, at))
    return "".join(_ROWS[y][x] for y, x in near if 0 <= y < len(_ROWS) and 0 <= x < len(_ROWS[y]))


def keys(word: str) -> str:
    """The keys that make a word of Hangul."""
    return unicodedata.normalize("NFD", word).translate(_PRESSED)


def typed(pressed: str) -> str:
    """The text that the keys make; a consonant belongs to the vowel after it."""
    return _SYLLABLE.sub(_syllable, "".join(_LETTERS.get(key) or _LETTERS.get(key.lower(), key) for key in pressed))


def as_hangul(text: str) -> str | None:
    """What the same keys make with the keyboard set to Hangul, but for abbreviations; None where that is not words throughout, and
    where there is Hangul: its Latin words are meant."""
    words = [word for word in _WORD.findall(text) if not _ABBREVIATION.fullmatch(word)]
    if not words or _HANGUL.search(text) or not all(is_usual(typed(word)) for word in words):
        return None
    return _WORD.sub(lambda word: word[0] if _ABBREVIATION.fullmatch(word[0]) else typed(word[0]), text)


def is_usual(word: str) -> bool:
    """Whether it is of whole syllables that Korean uses: the 2,350 of KS X 1001 out of 11,172."""
    # The codec writes each of the others as its letters.
    return _SYLLABLES.fullmatch(word) is not None and len(word.encode("euc-kr")) == 2 * len(word)


def _syllable(match: re.Match[str]) -> str:
    parts = zip((_INITIALS, _VOWELS, _FINALS), match.groups(), strict=True)
    letters = (chr(first + order.index(_COMPOUND.get(part, part))) for (order, first), part in parts if part)
    return unicodedata.normalize("NFC", "".join(letters))
