"""Hyphens at the ends of lines: of a word that is divided there, or of one that always has it."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import chain, pairwise
from typing import Final

from protostar.knowledge.parse.pdf.lines import Line

_WORD: Final = re.compile(r"[^\W_]+(?:-[^\W_]+)*")
_ADDRESS: Final = re.compile(r"://|@|^www\.", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class _End:
    """What stands before and behind a hyphen; `last`: all that is before it without a blank."""

    last: str
    before: str
    after: str

    @property
    def is_address(self) -> bool:
        return _ADDRESS.search(self.last) is not None

    @property
    def has_own(self) -> bool:
        """Whether the hyphen is certainly the word's own: words are divided behind two letters or more, before a small one."""
        if len(self.before) < 2 or not self.after or "-" in self.last:
            return True
        is_name = self.after[0].isupper() and not self.before.isupper()
        return is_name or self.before[-1].isdigit() or self.after[0].isdigit()


def with_hyphens(pages: Sequence[Sequence[Line]]) -> list[list[Line]]:
    """The lines, with those hyphens that belong to a word, as PDFium takes each for that of a divided one.

    What is not certain is told by the other words of the file: «wellknown» or «well-known», or whether both parts are words, and no
    other word is divided.
    """
    lines = list(chain.from_iterable(pages))
    ends = {line: _end(line, following) for line, following in pairwise(lines) if line.is_broken}
    known = _known(lines, ends)
    divides = any(_joined(end) in known for end in ends.values())

    def shown(line: Line) -> Line:
        end = ends.get(line)
        if end is None:
            return line
        if _joined(end) in known and _joined(end, "-") not in known:
            return line
        is_own = end.has_own or _joined(end, "-") in known or (end.is_address and not divides)
        are_words = not divides and {end.before.casefold(), end.after.casefold()} <= known
        return replace(line, text=f"{line.text}-", is_broken=False) if is_own or are_words else line

    return [[shown(line) for line in page] for page in pages] if ends else [list(page) for page in pages]


def _end(line: Line, following: Line) -> _End:
    last = line.text.split()[-1]
    words, after = _WORD.findall(last), _WORD.match(following.text)
    return _End(last, words[-1].rpartition("-")[2] if words else "", after[0].partition("-")[0] if after else "")


def _joined(end: _End, by: str = "") -> str:
    return f"{end.before}{by}{end.after}".casefold()


def _known(lines: Sequence[Line], ends: dict[Line, _End]) -> set[str]:
    """Those of the words in question that stand in other places, too."""
    wanted = {
        word for end in ends.values() for word in (end.before.casefold(), end.after.casefold(), _joined(end), _joined(end, "-"))
    }
    known: set[str] = set()
    if wanted:
        for words in _whole_words(lines):
            known |= wanted.intersection(words)
    return known


def _whole_words(lines: Sequence[Line]) -> Iterator[list[str]]:
    """The words of each line but those before and behind such a hyphen."""
    is_after = False
    for line in lines:
        words = _WORD.findall(line.text.casefold())
        yield words[is_after : -1 if line.is_broken else None]
        is_after = line.is_broken
