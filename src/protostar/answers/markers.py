"""Find citation markers in a text that arrives piece by piece.

A marker is `[3]`, `[1, 2]`, `[1-3]`, `[^2]` or 【2】; in code spans and fences nothing is one. What is found depends on the text
alone, never on how it was split: where more text could change the reading, the scanner waits for it.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

_NUMBER = r"\^?\d{1,9}"
_GROUP = rf"{_NUMBER}(?: {{0,2}}[,，、;–~-] {{0,2}}{_NUMBER}){{0,15}}"
_MARKER = re.compile(rf"[\[【［] {{0,2}}(?P<numbers>{_GROUP}) {{0,2}}(?:†[^\]】\n]{{0,60}})?[\]】］]")
MARKER_BEGUN = re.compile(r"[\[【［][ \d,，、;–~^-]{0,300}(?:†[^\]】\n]{0,60})?\Z")
_NUMBERS = re.compile(r"(\d+)(?: {0,2}[–~-] {0,2}\^?(\d+))?")
_LONGEST_RANGE: Final = 20

_PLAIN = re.compile(r"[^`\[【［ \t\n]+")
_BLANKS = re.compile(r"[ \t]{1,16}")
_TICKS = re.compile(r"`{1,200}")
_LONGEST_SPAN: Final = 1_000  # a backtick without a partner must not hold back the rest of the answer
_FENCE = re.compile(r"[ \t>]{0,40}(?P<fence>`{3,200}(?=[^`\n]{0,200}\n)|~{3,200}(?=[^\n]{0,200}\n))[^\n]*\n")
_FENCE_BEGUN = re.compile(r"[ \t>]{0,40}(?:`{1,200}(?:(?<=```)[^`\n]{0,200})?|~{1,200}(?:(?<=~~~)[^\n]{0,200})?)?\Z")


@dataclass(frozen=True, slots=True)
class Marker:
    """`blanks`: what stood before it on the line. `numbers`: as written, ranges spelt out."""

    blanks: str
    numbers: tuple[int, ...]


class MarkerScanner:
    """Turns pieces of text into text without markers, and markers."""

    def __init__(self) -> None:
        self._rest = ""
        self._at_line_start = True
        self._fence = ""

    def feed(self, piece: str) -> Iterator[str | Marker]:
        """What can be read for certain by now. Exhaust it before the next piece."""
        self._rest += piece
        return self._scan(last=False)

    def flush(self) -> Iterator[str | Marker]:
        """The rest, no more text being to come."""
        return self._scan(last=True)

    def _scan(self, *, last: bool) -> Iterator[str | Marker]:
        text, at = self._rest, 0
        while at < len(text):
            found = self._next(text, at, last=last)
            if found is None:
                break
            token, at = found
            yield token
        self._rest = text[at:]

    def _next(self, text: str, at: int, *, last: bool) -> tuple[str | Marker, int] | None:
        """The token at `at` and where it ends; None where that depends on text to come."""
        if self._at_line_start:
            line = self._fence_line(text, at, last=last)
            if line is None:
                return None
            if line > at:
                return text[at:line], line
            self._at_line_start = False
        if self._fence:
            end = text.find("\n", at) + 1
            self._at_line_start = end > 0
            return text[at : end or None], end or len(text)
        if text[at] == "\n":
            self._at_line_start = True
            return "\n", at + 1
        if text[at] == "`":
            end = _span_end(text, at, last=last)
            return None if end is None else (text[at:end], end)
        if plain := _PLAIN.match(text, at):
            return plain[0], plain.end()
        return _marker(text, at, last=last)

    def _fence_line(self, text: str, at: int, *, last: bool) -> int | None:
        """Where the line that opens or closes a fence ends; `at` for any other line."""
        if self._fence:
            closing = re.compile(rf"[ \t>]{{0,40}}{self._fence}{self._fence[0]}{{0,200}}[ \t]{{0,40}}(?P<end>\n|\Z)").match(
                text, at
            )
            if closing is not None and (closing["end"] or last):
                self._fence = ""
                return closing.end()
            begun = re.compile(rf"[ \t>]{{0,40}}{self._fence[0]}{{0,400}}[ \t]{{0,40}}\Z")
        else:
            if opening := _FENCE.match(text, at):
                self._fence = opening["fence"]
                return opening.end()
            begun = _FENCE_BEGUN
        return None if begun.match(text, at) and not last else at


def _span_end(text: str, at: int, *, last: bool) -> int | None:
    """Where the code span that may begin at `at` ends; without a partner on the line, its backticks are plain text."""
    ticks = _TICKS.match(text, at)
    start = ticks.end() if ticks else at
    window = text[start : start + _LONGEST_SPAN]
    complete = last or len(window) == _LONGEST_SPAN
    if (line_end := window.find("\n")) >= 0:
        window, complete = window[:line_end], True
    if not window and not complete:
        return None
    for partner in _TICKS.finditer(window):
        if len(partner[0]) == start - at and (complete or partner.end() < len(window)):
            return start + partner.end()
    return start if complete else None


def _marker(text: str, at: int, *, last: bool) -> tuple[str | Marker, int] | None:
    """The marker behind blanks or none; else the blanks or the bracket as text."""
    blanks = _BLANKS.match(text, at)
    start = blanks.end() if blanks else at
    if start == len(text) and not last and start - at < 16:
        return None
    if start - at < 16 and start < len(text):
        if found := _MARKER.match(text, start):
            return Marker(text[at:start], tuple(_spelt_out(found["numbers"]))), found.end()
        if not last and MARKER_BEGUN.match(text, start):
            return None
    return (text[at:start], start) if blanks else (text[at], at + 1)


def _spelt_out(numbers: str) -> Iterator[int]:
    for first, then in _NUMBERS.findall(numbers):
        low, high = int(first), int(then or first)
        if low <= high <= low + _LONGEST_RANGE:
            yield from range(low, high + 1)
        else:
            yield from (low, high)


def numbers_in(text: str) -> set[int]:
    """The numbers of all markers of a text."""
    scanner = MarkerScanner()
    tokens = [*scanner.feed(text), *scanner.flush()]
    return {number for token in tokens if isinstance(token, Marker) for number in token.numbers}
