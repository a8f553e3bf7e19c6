"""The answer without a chat model: up to three quotes, in the documents' own words.

Of public questions the first quote holds the answer of .90 in Korean and .72 in English, one of them .97 and .87; of those that
visitors ask in their own words .34, and .46, in both (decision 16).
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from math import fsum
from typing import Final

from protostar.answers.answer_type import AnswerType
from protostar.answers.citations import Citation, cite_range
from protostar.knowledge.tokens import term_id, terms
from protostar.retrieval.extracts import ITEM, sentences
from protostar.retrieval.model import Passage, Query

MOST_QUOTES: Final = 3
_WORTH_A_QUOTE: Final = 0.7  # of the best one's score
_ROOM: Final = 240  # a sentence takes the next ones along as far as there is room …
_ROOM_OF_A_LIST: Final = 600  # … and what announces a list all of it, as one part of a list that is asked for does
_ALIKE: Final = 0.7
_HEADING_SHARE: Final = 0.8  # a sentence under a heading is about it, without saying so again
_WANTED_SHARE: Final = 0.3  # what looks like what is asked for: a number, a step, a point of a list
_COLUMNS: Final = 3

_HEADING: Final = re.compile(r"#{1,6}\s|```|~~~")
_A_HEADING: Final = re.compile(rf"^(?:{_HEADING.pattern})", re.MULTILINE)
_HEAD_OF_A_TABLE: Final = re.compile(r"\|[^\n]*\n(?:\|[ \t]*:?-+:?[ \t]*)+\|?[ \t]*(?:\n|\Z)")
_RULE_OF_A_TABLE: Final = re.compile(r"[ \t:|-]+\Z")
_DIGIT: Final = re.compile(r"\d")
_NUMBER: Final = re.compile(r"\d+(?:[.,]\d+)*")
_STOPPED: Final = re.compile(r"[.!。！][\"'”’)\]」』]*\Z")
_POINT: Final = rf"(?!\*\*){ITEM}|\(\d{{1,3}}\)|[a-z][.)]\s|\d{{1,3}}\\\."
_ITEM: Final = re.compile(rf"{_POINT}|[^|\n]{{1,200}} \| ")
_ROW: Final = re.compile(r"\||[^|\n]{1,200} \| ")
_AN_ITEM: Final = re.compile(rf"^[ \t]*(?!#)(?:{_ITEM.pattern})", re.MULTILINE)
_A_POINT: Final = re.compile(rf"^[ \t]*(?![|#])(?:{_POINT})", re.MULTILINE)
_A_STEP: Final = re.compile(r"^[ \t]*(?:\d{1,2}\\?[.)]\s|[①-⑳])", re.MULTILINE)
_BULLET: Final = re.compile(r"(?:[-*+•>]\s+)+")
_LIKE_A_MARKER: Final = re.compile(r"\s*[\[【［]\d[\d\s,–-]*[\]】］]")


@dataclass(frozen=True, slots=True)
class _Asked:
    """`idf` of the question's terms that the space knows, `total` of it; `parts`: how those of a list begin that is asked for."""

    idf: Mapping[str, float]
    total: float
    expects: AnswerType
    parts: re.Pattern[str] | None

    @staticmethod
    def of(query: Query) -> "_Asked":
        idf = {term: query.idf[number] for term in query.terms if (number := term_id(term)) in query.frequencies}
        expects = AnswerType.of(query.text)
        return _Asked(idf, sum(idf.values()) or 1.0, expects, _A_STEP if expects.steps else _A_POINT if expects.list else None)


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
        """Whether it says what the other says; the same with another number, as a fee of another year, is something else."""
        shared = len(self.terms & other.terms)
        is_alike = shared >= _ALIKE * min(len(self.terms), len(other.terms))
        return (is_alike and self.numbers <= other.numbers) or self.overlaps(other)

    @property
    def numbers(self) -> frozenset[str]:
        return frozenset(_NUMBER.findall(self.passage.text, self.start, self.end))

    def overlaps(self, other: "_Quote") -> bool:
        return self.passage.chunk_id == other.passage.chunk_id and self.start < other.end and other.start < self.end

    @property
    def is_row(self) -> bool:
        return bool(self.columns) and self.passage.text.count("|", self.start, self.end) <= self.columns.count("|")

    def goes_on(self, above: "_Quote") -> bool:
        """Whether it is a row of the table in which `above` is one."""
        if not (self.is_row and above.is_row and self.columns == above.columns and self.passage.chunk_id == above.passage.chunk_id):
            return False
        return "\n\n" not in self.passage.text[min(self.end, above.end) : max(self.start, above.start)]


def quote_answer(asked: Iterable[tuple[Query, Sequence[Passage], int]]) -> tuple[list[str], list[Citation]]:
    """Pieces of text that make the answer when put together, and the citations of their markers; nothing where nothing fits.

    `asked`: each question with its passages, and how many quotes it gets at most; none says what one above says.
    """
    chosen: list[_Quote] = []
    for query, passages, most in asked:
        chosen += _best(query, passages, most, chosen)
    citations = [cite_range(marker, quote.passage, quote.start, quote.end) for marker, quote in enumerate(chosen, 1)]
    pieces = [_piece(quote, citation, above) for quote, citation, above in zip(chosen, citations, [None, *chosen], strict=False)]
    return pieces, citations


def _best(query: Query, passages: Sequence[Passage], most: int, above: Sequence[_Quote]) -> list[_Quote]:
    asked = _Asked.of(query)
    found = sorted(
        ((quote, widen) for passage in passages for quote, widen in _quotes(asked, passage)), key=lambda each: -each[0].score
    )
    chosen: list[_Quote] = []
    for sentence, widen in found:
        if len(chosen) == most or sentence.score < _WORTH_A_QUOTE * found[0][0].score:
            break
        if any(sentence.repeats(other) for other in (*above, *chosen)):
            continue
        quote = widen(sentence)  # which takes long where a passage has a thousand sentences: for those alone that may be chosen
        if not any(quote.overlaps(other) for other in (*above, *chosen)):
            chosen.append(quote)
    return chosen


def _piece(quote: _Quote, citation: Citation, above: _Quote | None) -> str:
    """The quote with its marker, apart from what stands above; a row as a table of Markdown, below the names of its columns."""
    text = f"{_LIKE_A_MARKER.sub('', citation.quote)} [{citation.marker}]"
    gap = "\n\n" if above is not None else ""
    if not quote.is_row:
        return gap + text
    if above is not None and quote.goes_on(above):
        return f"\n| {text} |"
    return f"{gap}| {quote.columns} |\n|{' --- |' * (quote.columns.count('|') + 1)}\n| {text} |"


def _quotes(asked: _Asked, passage: Passage) -> Iterator[tuple[_Quote, Callable[[_Quote], _Quote]]]:
    """Each sentence that has a word of the question or stands under one, with its score, and what makes the whole quote of it."""
    idf, total, expects, parts = asked.idf, asked.total, asked.expects, asked.parts
    found = list(sentences(passage.text))
    above = [passage.headings_of(start, end) for start, end in found]
    named = {path: idf.keys() & set(terms(" ".join(path))) for path in set(above)}
    columns = _columns(passage.text, found)
    said = [frozenset(terms(passage.text[start:end])) for start, end in found]
    shared = [(said[at] | set(terms(columns.get(at, "")))) & idf.keys() for at in range(len(found))]
    has_words = {above[at] for at in range(len(found)) if shared[at] - named[above[at]] and said[at] & idf.keys()}
    for at, (start, end) in enumerate(found):
        sentence, headings = passage.text[start:end], named[above[at]]
        is_part = parts is not None and parts.match(sentence) is not None
        is_about = bool(shared[at]) or (bool(headings) and (is_part or above[at] not in has_words))
        if not said[at] or not is_about or _is_name(passage.text, start, end):
            continue
        score = fsum(idf[term] for term in shared[at]) + _HEADING_SHARE * fsum(idf[term] for term in headings - shared[at])
        has_number = expects.number and any(term[0].isdecimal() for term in said[at] - idf.keys())
        score += _WANTED_SHARE * total * (is_part + has_number)
        is_row = at in columns or (sentence.startswith("|") and "\n" not in sentence)
        quote = _Quote(score / total + passage.score, passage, start, end, said[at], columns.get(at, ""))
        yield quote, _row if is_row else partial(_widened, found=found, at=at, parts=parts)


def _row(quote: _Quote) -> _Quote:
    sentence = quote.passage.text[quote.start : quote.end]
    row = sentence.strip("| ")
    start = quote.start + sentence.index(row)
    return replace(quote, start=start, end=start + len(row))


def _widened(quote: _Quote, *, found: Sequence[tuple[int, int]], at: int, parts: re.Pattern[str] | None) -> _Quote:
    text = quote.passage.text
    start, end = _extended(text, found, at, parts)
    is_part = parts is not None and parts.match(text[quote.start : quote.end]) is not None
    if start == quote.start and not is_part and (bullet := _BULLET.match(text, start, quote.end)):
        start = bullet.end()
    return replace(quote, start=start, end=end)


def _is_name(text: str, start: int, end: int) -> bool:
    """Whether the sentence is a heading, or names the columns of a table, or is the rule below them."""
    return _HEADING.match(text, start) is not None or _RULE_OF_A_TABLE.match(text, start, end) is not None or _is_head(text, start)


def _is_head(text: str, start: int) -> bool:
    """Whether the row that begins there names the columns: a rule follows, and it is the first one."""
    above = text[:start].rpartition("\n")[0].rpartition("\n")[2]
    return _HEAD_OF_A_TABLE.match(text, start) is not None and not above.startswith("|")


def _columns(text: str, found: Sequence[tuple[int, int]]) -> dict[int, str]:
    """For each sentence that is a row of a table, below the first: the names of its columns; empty where the first row holds none.

    With two columns the first cell is as often the name of the second, unless a rule follows the first row.
    """
    columns: dict[int, str] = {}
    names: str | None = None
    before = 0
    for at, (start, end) in enumerate(found):
        row = text[start:end]
        cells = _cells(row)
        bars = cells.count("|")
        if "\n\n" in text[before:start]:
            names = None
        before = end
        if not bars or "\n" in row:
            names = None
        elif _is_head(text, start):
            names = cells
        elif names is not None:
            columns[at] = names
        elif bars >= _COLUMNS - 1:
            names = "" if _DIGIT.search(row) else cells
    return columns


def _cells(row: str) -> str:
    """Without the bars that Markdown puts around a row; a row that only begins with one has a blank first cell."""
    return row[1:-1].strip() if len(row) > 1 and row.startswith("|") and row.endswith("|") else row.strip()


def _extended(text: str, found: Sequence[tuple[int, int]], at: int, parts: re.Pattern[str] | None) -> tuple[int, int]:
    """Where the quote of sentence `at` begins and ends: before a heading, and where its paragraph or item says all that it says.

    What only announces goes on, such as a question with its answer below, or a sentence before a list or a table. `parts`: how
    those of a list begin that is asked for, of which one takes all others along.
    """
    start, end = found[at]
    paragraph = text.rfind("\n\n", 0, start) + 2 if "\n\n" in text[:start] else 0
    if parts is not None and (whole := _whole(text, paragraph, found[at], parts)) is not None:
        return whole
    in_item = _AN_ITEM.search(text, paragraph, end) is not None and not _ROW.match(text, start)
    room = _ROOM_OF_A_LIST if text.endswith((":", "："), start, end) else _ROOM
    for next_start, next_end in found[at + 1 :]:
        if next_end - start > room or _HEADING.match(text, next_start):
            break
        if _ROW.match(text, next_start):
            table_end = text.find("\n\n", next_start)
            if (table_end if table_end >= 0 else len(text)) - start > room:
                break  # half a table
        elif _ITEM.match(text, next_start):
            if in_item:
                break
        elif text.count("\n", end, next_start) > 1 and _STOPPED.search(text, start, end):
            break
        elif room == _ROOM_OF_A_LIST and next_end - start > _ROOM:
            break  # what is no list
        end = next_end
    return (start if in_item else _begun(text, found, at, paragraph, end)), end


def _begun(text: str, found: Sequence[tuple[int, int]], at: int, paragraph: int, end: int) -> int:
    """Where the paragraph of sentence `at` begins, below its heading, if there is room for it up to `end`; else the sentence."""
    begin = found[at][0]
    for start, _end in reversed(found[:at]):
        if start < paragraph or _HEADING.match(text, start) or _ROW.match(text, start) or _ITEM.match(text, start):
            break
        begin = start
    return begin if end - begin <= _ROOM else found[at][0]


def _whole(text: str, paragraph: int, sentence: tuple[int, int], parts: re.Pattern[str]) -> tuple[int, int] | None:
    """All the parts of the list that the sentence is in, or as many from its own on as there is room for; None where it is in none,
    or its own is too long."""
    start, end = sentence
    begun = [part.start() for part in parts.finditer(text, paragraph, end)]
    is_below = text[start - 1 : start] == "\n" and not parts.match(text, start)
    if not begun or is_below:
        return None
    heading = _A_HEADING.search(text, end)
    ends = [text.find("\n\n", start), heading.start() if heading else -1]
    end = min((each for each in ends if each >= 0), default=len(text))
    first = begun[0]
    if end - first > _ROOM_OF_A_LIST:
        first = begun[-1]
        ends = [*(part.start() for part in parts.finditer(text, first + 1, end)), end]
        fitting = [each for each in ends if each - first <= _ROOM_OF_A_LIST]
        if not fitting:
            return None
        end = max(fitting)
    quoted = text[first:end]
    return first + len(quoted) - len(quoted.lstrip()), first + len(quoted.rstrip())
