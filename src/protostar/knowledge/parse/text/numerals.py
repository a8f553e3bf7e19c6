"""Numbers as documents write them: letters, Hangul, Roman and circled ones of lists and headings, powers, those in attributes."""

import re
from typing import Final

GANADA: Final = "가나다라마바사아자차카타파하"
CHOSUNG: Final = "ㄱㄴㄷㄹㅁㅂㅅㅇㅈㅊㅋㅌㅍㅎ"
CIRCLED: Final = "①②③④⑤⑥⑦⑧⑨⑩⑪⑫⑬⑭⑮⑯⑰⑱⑲⑳"
IN_BRACKETS: Final = "⑴⑵⑶⑷⑸⑹⑺⑻⑼⑽⑾⑿⒀⒁⒂⒃⒄⒅⒆⒇"
WITH_DOTS: Final = "⒈⒉⒊⒋⒌⒍⒎⒏⒐⒑⒒⒓⒔⒕⒖⒗⒘⒙⒚⒛"
KOREAN: Final = "일이삼사오육칠팔구십"
CHINESE: Final = "一二三四五六七八九十"
LETTERS: Final = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"

_ROMAN: Final = (
    *((1000, "M"), (900, "CM"), (500, "D"), (400, "CD"), (100, "C"), (90, "XC"), (50, "L"), (40, "XL")),
    *((10, "X"), (9, "IX"), (5, "V"), (4, "IV"), (1, "I")),
)
_POWER: Final = re.compile(r"[+\-−]?[\dn]+")
_RAISED: Final = str.maketrans("0123456789+-−n", "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁻ⁿ")
_LARGEST_ROMAN: Final = 3999


def spelled(number: int, letters: str) -> str:
    """The letter of this number, from 1; in digits where the letters have come to their end."""
    return letters[number - 1] if 0 < number <= len(letters) else str(number)


def roman(number: int) -> str:
    if not 0 < number <= _LARGEST_ROMAN:
        return str(number)
    written = ""
    for value, letters in _ROMAN:
        written += letters * (number // value)
        number %= value
    return written


def raised(text: str) -> str:
    """Ten to the sixth is not 106. Other raised text («th», «1)») stays as it is; brackets are left of a note's number."""
    text = text.strip()
    if _POWER.fullmatch(text):
        return text.translate(_RAISED)
    return text if text.strip("[]() ,") else ""


def whole(value: str | None, otherwise: int) -> int:
    """The number of up to five digits that an attribute says; `otherwise` where it says none."""
    value = (value or "").strip()
    return int(value) if value.isascii() and value.isdecimal() and len(value) < 6 else otherwise
