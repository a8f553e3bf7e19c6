"""On which page and under which headings a part of a text stands: where in it each begins."""

import json
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from typing import Generic, NamedTuple, TypeVar

from protostar.knowledge.parse.model import Block

T = TypeVar("T")


class Break(NamedTuple, Generic[T]):
    """From `start` on, in code points of the stored text, `value` holds, up to the next break."""

    start: int
    value: T


PageBreak = Break[int]  # page, slide or sheet, 1-based
HeadingBreak = Break[tuple[str, ...]]  # the headings above, outermost first
StoredHeadings = Sequence[tuple[int, Sequence[str]]]


def pages_of(blocks: Iterable[Block]) -> list[PageBreak]:
    """Of a whole text, in its order; none where the format has no pages."""
    breaks: list[PageBreak] = []
    for block in blocks:
        if block.page is not None and (not breaks or block.page != breaks[-1].value):
            breaks.append(Break(block.start, block.page))
    return breaks


def within(breaks: Sequence[Break[T]], start: int, end: int) -> tuple[Break[T], ...]:
    """Those that say where `text[start:end]` stands; the first may lie before it."""
    first = max(0, bisect_right(breaks, start, key=_start) - 1)
    return tuple(breaks[first : bisect_right(breaks, end - 1, key=_start)])


def value_of(breaks: Sequence[Break[T]], start: int, end: int) -> T | None:
    """What holds for most of `text[start:end]`, of equal shares the first; None without breaks."""
    ends = [each.start for each in breaks[1:]] + [end]
    shares = [(min(end, until) - max(start, each.start), each.value) for each, until in zip(breaks, ends, strict=False)]
    return max(shares, key=lambda share: share[0])[1] if shares else None


def stored_pages(breaks: Sequence[PageBreak]) -> tuple[int | None, list[int] | None]:
    """The columns `page` and `page_breaks` of a passage: its first page, and where the others begin as `[start, page, …]`."""
    if not breaks:
        return None, None
    return breaks[0].value, [number for each in breaks[1:] for number in each] or None


def pages_of_stored(start: int, page: int | None, page_breaks: Sequence[int] | None) -> tuple[PageBreak, ...]:
    """What `stored_pages` made of a passage that begins at `start`."""
    if page is None:
        return ()
    others = page_breaks or ()
    return (Break(start, page), *map(PageBreak, others[::2], others[1::2]))


def stored_headings(breaks: Sequence[HeadingBreak]) -> str | None:
    """The column `heading_breaks` of a passage, as JSON `[[start, [heading, …]], …]`; None where one path holds for all of it."""
    return json.dumps(breaks, ensure_ascii=False, separators=(",", ":")) if len(breaks) > 1 else None


def headings_of_stored(heading_breaks: StoredHeadings | None) -> tuple[HeadingBreak, ...]:
    """What `stored_headings` made; none where the passage's own path holds for all of it."""
    return tuple(Break(at, tuple(path)) for at, path in heading_breaks or ())


def _start(each: Break[T]) -> int:
    return each.start
