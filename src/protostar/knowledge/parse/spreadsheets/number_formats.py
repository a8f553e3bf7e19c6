"""Numbers as a workbook shows them: the codes of formats (ECMA-376, part 1, 18.8.31), but for fractions and powers."""

import re
from collections.abc import Sequence
from decimal import ROUND_HALF_UP, Decimal, localcontext
from functools import lru_cache
from operator import eq, ge, gt, le, lt, ne
from typing import Final, NamedTuple

_TOKEN: Final = re.compile(r'"([^"]*)"|\\(.)|\[\$([^\]-]*)[^\]]*\]|(\[[^\]]*\]|[_*].)|([0#?])|(.)', re.DOTALL)
_WORDS: Final = re.compile(r'"[^"]*"|\\.|\[[^\]]*\]|[_*].', re.DOTALL)
_SECTION: Final = re.compile(r'((?:"[^"]*"|\\.|\[[^\]]*\]|[^;])*)(?:;|$)', re.DOTALL)
_CONDITION: Final = re.compile(r"\[(<=|>=|<>|<|>|=)(-?\d{1,20}(?:\.\d{1,20})?)\]")
_HOLDS: Final = {"<": lt, "<=": le, ">": gt, ">=": ge, "=": eq, "<>": ne}
_OTHER: Final = re.compile(r"general|[@/ymdhsaegb]", re.IGNORECASE)
_LONGEST: Final = 255  # characters of a code
_LARGEST: Final = 1e300
_MOST_DECIMALS: Final = 30
_MOST_PERCENTS, _MOST_COMMAS = 3, 6
_PRECISION: Final = 400  # a float has up to 309 digits before its point


class _Code(NamedTuple):
    """A section in parts. A part of `whole` or `decimals` is one of «0#?», or a literal behind a blank."""

    before: str
    whole: tuple[str, ...]
    decimals: tuple[str, ...]
    after: str
    thousands: bool
    divisor: int
    percents: int


def shown(value: float, code: str) -> str:
    """The number in the format `code`; as it is where that is no code for numbers."""
    if not code or len(code) > _LONGEST or not abs(value) <= _LARGEST:
        return plain(value)
    section, is_signed = _section(_sections(code), value)
    if _OTHER.search(_WORDS.sub("", section)):
        return plain(value)
    parts = _parsed(section)
    if not parts.whole and not parts.decimals:
        return parts.before.strip()  # words instead of the number, or nothing
    with localcontext(prec=_PRECISION, rounding=ROUND_HALF_UP):
        number = Decimal(repr(value)).copy_abs() * 100**parts.percents / 1000**parts.divisor
        digits = number.quantize(Decimal(1).scaleb(-len(_places(parts.decimals))))
    whole, _, fraction = format(digits, "f").partition(".")
    sign = "-" if value < 0 and is_signed and digits else ""
    text = sign + parts.before + _whole(whole, parts) + _fraction(fraction, parts.decimals) + parts.after
    return text.strip()


def _section(sections: Sequence[str], value: float) -> tuple[str, bool]:
    """The section for this number, and whether its sign is shown: one for negative numbers alone shows it itself, if at all."""
    conditions = [_CONDITION.search(section) for section in sections]
    if any(conditions):
        for section, found in zip(sections, conditions, strict=True):
            if found is None or _HOLDS[found[1]](value, float(found[2])):
                return section, True
    at = 1 if value < 0 and len(sections) > 1 else 2 if value == 0 and len(sections) > 2 else 0
    return sections[at], at != 1


def plain(value: float) -> str:
    return str(value) if isinstance(value, int) else format(value, ".15g")


@lru_cache(maxsize=256)
def _sections(code: str) -> tuple[str, ...]:
    return tuple(match[1] for match in _SECTION.finditer(code) if match[0]) or ("",)


@lru_cache(maxsize=256)
def _parsed(section: str) -> _Code:
    before, after, whole, decimals = [list[str]() for _ in range(4)]
    commas = percents = 0
    thousands = is_fraction = False
    for literal, escaped, currency, skipped, place, other in _TOKEN.findall(section):
        words = literal or escaped or currency
        if place:
            (decimals if is_fraction else whole).extend([*after, place])
            thousands, commas = thousands or commas > 0, 0
            after.clear()
        elif other == ",":
            commas += 1
        elif other == "." and whole and not is_fraction:
            is_fraction = True
        elif not skipped:
            percents += other == "%"
            (after if whole or decimals else before).append(" " + (words or other))
    scale = (min(commas, _MOST_COMMAS), min(percents, _MOST_PERCENTS))
    return _Code(_literal(before), tuple(whole), tuple(decimals[:_MOST_DECIMALS]), _literal(after), thousands, *scale)


def _literal(parts: list[str]) -> str:
    return "".join(part[1:] for part in parts)


def _places(parts: tuple[str, ...]) -> list[str]:
    return [part for part in parts if part in "0#?"]


def _whole(digits: str, code: _Code) -> str:
    """The digits from the right in their places; the first place takes what is left over."""
    left = digits.lstrip("0")
    places = len(_places(code.whole))
    written: list[str] = []
    count = 0
    for part in reversed(code.whole):
        if part not in "0#?":
            if left or "0" in code.whole:
                written.append(part[1:])
            continue
        places -= 1
        taken = left[-1:] or ("0" if part == "0" else "")
        left = left[:-1]
        for digit in [taken, *(reversed(left) if not places else "")]:
            if digit:
                written.append(digit + ("," if code.thousands and count and count % 3 == 0 else ""))
                count += 1
    return "".join(reversed(written))


def _fraction(digits: str, parts: tuple[str, ...]) -> str:
    least = max((at + 1 for at, part in enumerate(_places(parts)) if part == "0"), default=0)
    kept = digits[:least] + digits[least:].rstrip("0")
    at = iter(kept)
    text = "".join(next(at, "") if part in "0#?" else part[1:] for part in parts)
    return f".{text}" if kept else text
