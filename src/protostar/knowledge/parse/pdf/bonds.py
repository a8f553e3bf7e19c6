"""How a line of a PDF follows the one before: a file says only where each stands."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import inf
from typing import Final

from protostar.knowledge.parse.pdf.lines import Line, are_two_scripts

_SENTENCE_END: Final = re.compile(r"[.!?。…:;]['\"”’)\]]*$")
BULLET: Final = r"[-•▪◦*✓‣●○■□–]"
_MAYBE: Final = r"(?:\(?[A-Za-z][.)]|\(?[ivxIVX]{2,4}[.)]|[QA]\d{0,2}[.:]|[ⅰ-ⅹⅠ-Ⅹ][.)]?|[·ㆍ])\s"
"""«A. Items» may be «by J. / A. Author», and a dot may stand between words."""

_ITEM_START: Final = re.compile(
    rf"(?:{BULLET}|[▶▷►◆◇※☞ㅇ]|\(?\d{{1,3}}(?:-\d{{1,3}}){{0,2}}[.)]|[가나다라마바사아자차카타파하][.)]|[①-⑳㉠-㉻])\s|{_MAYBE}"
)
_MAYBE_ITEM: Final = re.compile(_MAYBE)
_NOTE: Final = re.compile(r"[⁰¹²³⁴⁵⁶⁷⁸⁹⁽]+")
"""A note's number, which begins no line of a sentence, since it stands at the end of a word."""

_END_OR_ITEM: Final = re.compile(rf"다[.)]\s|{_MAYBE}")
"""The end of a sentence after a full line: «…하였» / «다. 그리고». Else an item: «다. 물품»."""

# Multiples of the size.
_SAME_SIZE: Final = 0.1  # so much they differ at most
_COLUMN: Final = 3.0  # so near to each other begin the lines of a column, indented or not
_NEIGHBOURS: Final = 15  # lines before and after that show how wide it is
_INDENT: Final = 0.8
USUAL_PITCH: Final = 1.6  # from line to line
_NEAREST: Final = 0.9
_FURTHEST: Final = 3.0
_GAP: Final = 1.25  # paragraphs are further apart than lines by this factor,
_MORE: Final = 0.3  # and by so much
_WIDE: Final = 0.95  # how wide characters are, about
_NARROW: Final = 0.5
_BLANK: Final = 0.25
_FIRST_WIDE: Final = "\u1100"
_SPREAD: Final = 1.5  # so much wider than its words no justified line is
_TOUCHING: Final = 0.05  # so far apart at most are two parts of one word,
_SCRIPT_GAP: Final = 0.24  # and so far if one is Hangul and the other is not
_ONE_MORE: Final = 1.2  # in less room no other syllable fits


@dataclass(frozen=True, slots=True)
class Bond:
    """How a line follows another: in the same sentence (`goes_on`) or as a line of its own.

    `room`: what that one leaves free; endless where it is no line of a column. `touches`: no blank is between them.
    """

    goes_on: bool
    room: float
    touches: bool = False


def follow(lines: Sequence[Line], line: Line, edge: float, pitch: float) -> Bond | None:
    """How the line follows a paragraph of these lines; None where another begins. `pitch`: the distance of lines beside it."""
    before = lines[-1]
    size = before.size
    down = before.baseline - line.baseline
    if are_level(before, line) and line.left >= before.right - _TOUCHING * size:
        return Bond(goes_on=True, room=inf, touches=touch(before, line))
    room = edge - before.right
    if _NOTE.match(line.text) or _begins_item(lines, line, room) or not _are_alike(before, line):
        return None
    ends = _ends_sentence(before)
    is_after_item = is_item(before)
    is_indented = line.left - before.left > _INDENT * size and not is_after_item
    if down > max(_GAP * pitch, pitch + _MORE) * size or (ends and (down < 0 or is_indented)):
        return None
    is_short = _has_room(before, line, room)
    is_outdented = before.left - line.left > _INDENT * size and is_after_item
    if (is_short and ends) or (is_outdented and (is_short or ends)):
        return None
    are_spread = is_spread(before), is_spread(line)
    is_whole = any(are_spread) or _is_centred_or_cell(lines, line)
    return Bond(goes_on=not is_short and not all(are_spread), room=inf if is_whole else room)


def touch(line: Line, following: Line) -> bool:
    """Whether the one that follows stands at the end of the line without a blank between them."""
    apart = (following.left - line.right) / line.size
    are_scripts = not line.is_complete and are_two_scripts(line.text[-1], following.text[0])
    return are_level(line, following) and -_TOUCHING <= apart <= (_SCRIPT_GAP if are_scripts else _TOUCHING)


def follow_over_the_page(last: Line, first: Line, edge: float) -> Bond | None:
    """How the first line of a page goes on with the last one of the page before; None where it does not."""
    room = edge - last.right
    if _ends_sentence(last) or _begins_item([last], first, room) or not _are_alike(last, first) or _has_room(last, first, room):
        return None
    return Bond(goes_on=True, room=room)


def may_break_word(line: Line, bond: Bond) -> bool:
    """Whether the last word of the line may go on in the one that follows by this bond."""
    return bond.goes_on and bond.room < _ONE_MORE * line.size and not line.is_complete


def is_item(line: Line) -> bool:
    """Whether an item of a list begins with it."""
    return _ITEM_START.match(line.text) is not None


def edge_of(lines: Sequence[Line], at: int) -> float:
    """Where the column of this line ends on the right: as far as two lines reach, since one may be a head across columns."""
    line = lines[at]
    reach = _COLUMN * line.size
    beside = lines[max(0, at - _NEIGHBOURS) : at + _NEIGHBOURS + 1]
    rights = sorted(
        (other.right for other in beside if abs(other.left - line.left) <= reach and _are_alike(line, other)), reverse=True
    )
    return next((right for right, next_ in pairwise(rights) if right - next_ < line.size), rights[0])


def pitch_of(line: Line, following: Line) -> float | None:
    """How far below the next line is, as a multiple of the size; None where it does not follow in the same column and size."""
    distance = (line.baseline - following.baseline) / line.size
    return distance if _are_alike(line, following) and _NEAREST <= distance <= _FURTHEST else None


def are_level(one: Line, other: Line) -> bool:
    return abs(one.baseline - other.baseline) < max(one.size, other.size) / 2


def is_spread(line: Line) -> bool:
    """Whether it is far wider than its words: a row of a table without rules, or of a table of contents."""
    return line.right - line.left > _SPREAD * line.size * _ems(line.text)


def _is_centred_or_cell(lines: Sequence[Line], line: Line) -> bool:
    """Whether the last of the lines is centred, as the one that follows is, or stands beside another."""
    before = lines[-1]
    is_centred = abs(line.middle[0] - before.middle[0]) < _BLANK * line.size < abs(line.left - before.left)
    return is_centred or any(are_level(other, before) and other.right < before.left for other in lines[-2:-1])


def _begins_item(lines: Sequence[Line], line: Line, room: float) -> bool:
    if not is_item(line):
        return False
    if not _END_OR_ITEM.match(line.text) or _ends_sentence(lines[-1]) or _has_room(lines[-1], line, room):
        return True
    return all(_MAYBE_ITEM.match(begun.text) for begun in (lines[0], line))


def _ends_sentence(line: Line) -> bool:
    return _SENTENCE_END.search(line.text) is not None


def _has_room(line: Line, following: Line, room: float) -> bool:
    """Whether the first word of the one that follows had fitted."""
    return room > _first_word(following) + _BLANK * line.size


def _first_word(line: Line) -> float:
    return line.size * _ems(line.text.split(maxsplit=1)[0])


def _ems(text: str) -> float:
    """About how wide it is, as a multiple of the size."""
    if text.isascii():
        return _NARROW * len(text)
    return sum(_WIDE if character >= _FIRST_WIDE else _NARROW for character in text)


def _are_alike(one: Line, other: Line) -> bool:
    return abs(one.size - other.size) <= _SAME_SIZE * one.size
