"""From the numbers that a model writes to the sentences that bear its claims.

The reader sees `[1]`, `[2]` … in the order in which passages are first cited, while the text streams. Numbers of no passage are
taken out and counted. Each citation quotes the sentences of its passage that share most with what was claimed before its markers.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from math import fsum
from typing import Final
from uuid import UUID

from protostar.answers.markers import MARKER_BEGUN, Marker, MarkerScanner
from protostar.knowledge.breaks import value_of
from protostar.knowledge.tokens import terms
from protostar.retrieval.extracts import sentences
from protostar.retrieval.model import Passage

LONGEST_QUOTE: Final = 300
_LONGEST_CLAIM: Final = 600
_LONGEST_MARKER: Final = 400


@dataclass(frozen=True, slots=True)
class Citation:
    """`quote` is `[start:end]` of the stored text of that version, in code points. `marker`: the n of `[n]` in the answer."""

    marker: int
    document_id: UUID
    document_title: str
    version: int
    heading_path: tuple[str, ...]
    page: int | None
    start: int
    end: int
    quote: str


@dataclass(slots=True)
class _Group:
    """Markers at one place of the answer: `[1][2]` stands at `start:end`, with the blanks before it."""

    start: int
    end: int
    shown: list[int] = field(default_factory=list[int])


class MarkerFilter:
    """Rewrites the markers of one answer as its text arrives. `dropped`: how many numbers had no passage."""

    def __init__(self, passages: Sequence[Passage]) -> None:
        self.dropped = 0
        self._passages = passages
        self._scanner = MarkerScanner()
        self._shown: dict[int, int] = {}
        self._groups: list[_Group] = []
        self._length = 0
        self._tail = ""

    def feed(self, piece: str) -> str:
        """Text to show now. It never holds a part of a marker."""
        return "".join(map(self._show, self._scanner.feed(piece)))

    def flush(self) -> str:
        """The rest of the text, at its end."""
        return "".join(map(self._show, self._scanner.flush()))

    def citations(self, text: str) -> list[Citation]:
        """One citation for each passage that is cited, in the order of the markers. `text`: all that was shown."""
        claims: dict[int, list[str]] = {marker: [] for marker in self._shown.values()}
        before, claim = 0, ""
        for group in self._groups:
            # Markers that follow others with nothing between them bear the same claim.
            claim = _claim(text[before : group.start]) or claim
            before = group.end
            for marker in group.shown:
                claims[marker].append(claim)
        return [cite(marker, self._passages[number - 1], " ".join(claims[marker])) for number, marker in self._shown.items()]

    def _show(self, token: str | Marker) -> str:
        shown = token if isinstance(token, str) else self._rewritten(token)
        self._length += len(shown)
        self._tail = (self._tail + shown)[-_LONGEST_MARKER:]
        return shown

    def _rewritten(self, marker: Marker) -> str:
        known = [number for number in marker.numbers if 1 <= number <= len(self._passages)]
        self.dropped += len(marker.numbers) - len(known)
        if not known:
            # «[[9]1]» must not become «[1]».
            return " " if MARKER_BEGUN.search(self._tail) else ""
        shown = [self._shown.setdefault(number, len(self._shown) + 1) for number in dict.fromkeys(known)]
        rewritten = marker.blanks + "".join(f"[{number}]" for number in shown)
        self._groups.append(_Group(self._length, self._length + len(rewritten), shown))
        return rewritten


def cite(marker: int, passage: Passage, claim: str) -> Citation:
    """The passage narrowed to the sentences that bear `claim`; the whole of it where none does."""
    start, end = _support(passage.text, frozenset(terms(claim[-_LONGEST_CLAIM:])))
    return cite_range(marker, passage, start, end)


def cite_range(marker: int, passage: Passage, start: int, end: int) -> Citation:
    """`passage.text[start:end]` as a citation, under the headings and on the page of most of it."""
    there = passage.start + start, passage.start + end
    return Citation(
        marker=marker,
        document_id=passage.document_id,
        document_title=passage.document_title,
        version=passage.version,
        heading_path=passage.headings_of(start, end),
        page=value_of(passage.page_breaks, *there),
        start=there[0],
        end=there[1],
        quote=passage.text[start:end],
    )


def _claim(segment: str) -> str:
    """The last sentence before a marker, with the one before it where that is too short to say anything; "" without words."""
    found = [segment[start:end] for start, end in sentences(segment[-_LONGEST_CLAIM:])] if segment.strip() else []
    claim = ""
    for sentence in reversed(found):
        claim = f"{sentence} {claim}"
        if len(terms(claim)) >= 3:
            break
    return claim if terms(claim) else ""


def _support(text: str, claimed: frozenset[str]) -> tuple[int, int]:
    """The run of whole sentences, at most LONGEST_QUOTE characters or one, that holds most of `claimed`; rarer terms weigh more."""
    found = list(sentences(text))
    held = [claimed.intersection(terms(text[start:end])) for start, end in found]
    sentences_with = Counter(term for each in held for term in each)
    best, best_range = 0.0, (0, len(text))
    for first, (start, _) in enumerate(found):
        together: frozenset[str] = frozenset()
        for last in range(first, len(found)):
            end = found[last][1]
            if last > first and end - start > LONGEST_QUOTE:
                break
            together |= held[last]
            # Of two runs that hold the same, the shorter one.
            value = fsum(1 / sentences_with[term] for term in together) * (1 - (end - start) / 10_000)
            if value > best:
                best, best_range = value, (start, end)
    return best_range
