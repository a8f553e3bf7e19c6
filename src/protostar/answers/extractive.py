"""The answer without a chat model: up to three quotes, in the documents' own words.

On whole articles the first quote held the answer of .82 of the Korean and .68 of the English questions, one of them .91 and .83.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from protostar.answers.citations import Citation, cite_range
from protostar.knowledge.tokens import term_id, terms
from protostar.retrieval.extracts import ITEM, sentences
from protostar.retrieval.model import Passage, Query

MOST_QUOTES: Final = 3
_WORTH_A_QUOTE: Final = 0.7  # of the best one's score
_ROOM: Final = 240  # a sentence takes the next ones along as far as there is room …
_ROOM_OF_A_LIST: Final = 600  # … and what announces a list all of it, as one of the steps that are asked for does
_ALIKE: Final = 0.7
_HEADING_SHARE: Final = 0.8  # a sentence under a heading is about it, without saying so again
_NUMBER_SHARE: Final = 0.3
_COLUMNS: Final = 3

_HEADING: Final = re.compile(r"#{1,6}\s|```|~~~")
_HEAD_OF_A_TABLE: Final = re.compile(r"\|[^\n]*\n\|[\s:|-]+(?:\n|\Z)")
_DIGIT: Final = re.compile(r"\d")
_STOPPED: Final = re.compile(r"[.!。！][\"'”’)\]」』]*\Z")
_ITEM: Final = re.compile(rf"(?!\*\*){ITEM}|\(\d{{1,3}}\)|[a-z][.)]\s|\d{{1,3}}\\\.|[^|\n]{{1,200}} \| ")
_STEP: Final = re.compile(r"\d{1,2}\\?[.)]\s|[①-⑳]")
_BULLET: Final = re.compile(r"(?:[-*+•>]\s+)+")
_LIKE_A_MARKER: Final = re.compile(r"\s*[\[【［]\d[\d\s,–-]*[\]】］]")
_ASKS_FOR_A_NUMBER: Final = re.compile(
    r"몇|며칠|얼마|언제|날짜|연도|까지|기간|가격|비용|요금|\bwhen\b|\buntil\b|\bprices?\b|\bcosts?\b|\bfees?\b|\bcharges?\b"
    r"|\bhow (?:many|much|long|old|far|often|late|early|soon)\b|\b(?:what|which) (?:year|date|days?|time|share|number|age)\b",
    re.IGNORECASE,
)
_ASKS_HOW: Final = re.compile(r"어떻게|방법|절차|순서|\bhow (?:do|can|should|would|to|does)\b|\bsteps\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class _Quote:
    score: float
    passage: Passage
    start: int
    end: int
    terms: frozenset[str]
    columns: str
    """The names of the columns, as they stand in the table, of a quote that is a row of one; else empty."""

    def repeats(self, other: "_Quote") -> bool:
        if self.passage.chunk_id == other.passage.chunk_id and self.start < other.end and other.start < self.end:
            return True
        shared = len(self.terms & other.terms)
        return shared >= _ALIKE * min(len(self.terms), len(other.terms))


def quote_answer(query: Query, passages: Sequence[Passage], most: int = MOST_QUOTES) -> tuple[list[str], list[Citation]]:
    """Pieces of text that make the answer when put together, and the citations of their markers; nothing where nothing fits."""
    found = sorted((quote for passage in passages for quote in _quotes(query, passage)), key=lambda quote: -quote.score)
    chosen: list[_Quote] = []
    for quote in found:
        if len(chosen) == most or quote.score < _WORTH_A_QUOTE * found[0].score:
            break
        if not any(quote.repeats(other) for other in chosen):
            chosen.append(quote)
    citations = [cite_range(marker, quote.passage, quote.start, quote.end) for marker, quote in enumerate(chosen, 1)]
    pieces = [_piece(quote, citation) for quote, citation in zip(chosen, citations, strict=True)]
    return [piece if at == 0 else f"\n\n{piece}" for at, piece in enumerate(pieces)], citations


def _piece(quote: _Quote, citation: Citation) -> str:
    """The quote with its marker; a row as a table of Markdown, below the names of its columns."""
    text = f"{_LIKE_A_MARKER.sub('', citation.quote)} [{citation.marker}]"
    if not quote.columns or text.count("|") > quote.columns.count("|"):
        return text
    return f"| {quote.columns} |\n|{' --- |' * (quote.columns.count('|') + 1)}\n| {text} |"


def _quotes(query: Query, passage: Passage) -> Iterator[_Quote]:
    """Each sentence that has a word of the question or stands under one, with its score."""
    idf = {term: query.idf[number] for term in query.terms if (number := term_id(term)) in query.frequencies}
    total = sum(idf.values()) or 1.0
    headings = idf.keys() & set(terms(" ".join(passage.heading_path)))
    wants_number = _ASKS_FOR_A_NUMBER.search(query.text) is not None
    wants_steps = _ASKS_HOW.search(query.text) is not None
    found = list(sentences(passage.text))
    columns = _columns(passage.text, found)
    for at, (start, end) in enumerate(found):
        sentence = passage.text[start:end]
        said = frozenset(terms(sentence))
        shared = said & idf.keys()
        is_name = _HEADING.match(sentence) or _HEAD_OF_A_TABLE.match(passage.text, start)
        if is_name or not said or not (shared or headings):
            continue
        if at in columns:
            shared |= set(terms(columns[at])) & idf.keys()
        score = sum(idf[term] for term in shared) + _HEADING_SHARE * sum(idf[term] for term in headings - shared)
        if wants_number and any(term[0].isdecimal() for term in said - idf.keys()):
            score += _NUMBER_SHARE * total
        if at in columns:
            row = sentence.strip("| ")
            quote_start = start + sentence.index(row)
            quote_end = quote_start + len(row)
        else:
            bullet = _BULLET.match(sentence)
            quote_start, quote_end = _extended(passage.text, found, at, wants_steps=wants_steps)
            if bullet and quote_start == start:
                quote_start += bullet.end()
        yield _Quote(score / total + passage.score, passage, quote_start, quote_end, said, columns.get(at, ""))


def _columns(text: str, found: Sequence[tuple[int, int]]) -> dict[int, str]:
    """For each sentence that is a row of a table, below the first: the names of its columns; empty where the first row holds none.

    With two columns the first cell is as often the name of the second.
    """
    columns: dict[int, str] = {}
    names: str | None = None
    before = 0
    for at, (start, end) in enumerate(found):
        row = text[start:end].strip("| ")
        if "\n\n" in text[before:start]:
            names = None
        before = end
        if row.count("|") < _COLUMNS - 1 or "\n" in row:
            names = None
        elif names is not None:
            columns[at] = names
        else:
            names = "" if _DIGIT.search(row) else row
    return columns


def _extended(text: str, found: Sequence[tuple[int, int]], at: int, *, wants_steps: bool) -> tuple[int, int]:
    """Where the quote of sentence `at` begins and ends: before a heading, and where its paragraph or item says all that it says.

    What only announces goes on, such as a question with its answer below, or a sentence before a list or a table; and where steps
    are asked for, one of them takes all others along.
    """
    start, end = found[at]
    if wants_steps and _STEP.match(text, start):
        while at and _STEP.match(text, found[at - 1][0]) and end - found[at - 1][0] <= _ROOM_OF_A_LIST:
            at -= 1
        return found[at][0], _end(text, found, at, _STEP, _ROOM_OF_A_LIST)
    if text.endswith((":", "："), start, end):
        return start, _end(text, found, at, _ITEM, _ROOM_OF_A_LIST)
    for next_start, next_end in found[at + 1 :]:
        if next_end - start > _ROOM or _HEADING.match(text, next_start):
            break
        if _ITEM.match(text, next_start):
            if _ITEM.match(text, start):
                break
            if text[next_start] == "|" and text.find("\n\n", next_start, start + _ROOM) < 0 and len(text) - start > _ROOM:
                break  # half a table
        elif text.count("\n", end, next_start) > 1 and _STOPPED.search(text, start, end):
            break
        end = next_end
    return start, end


def _end(text: str, found: Sequence[tuple[int, int]], at: int, item: re.Pattern[str], room: int) -> int:
    """Where a list ends that sentence `at` begins or announces."""
    start, end = found[at]
    for next_start, next_end in found[at + 1 :]:
        if next_end - start > room or not (item.match(text, next_start) or "\n" not in text[end:next_start]):
            break
        end = next_end
    return end
