"""On which page of its document, slide or sheet a part of a text stands."""

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from protostar.knowledge.parse.model import Block


class PageBreak(NamedTuple):
    """From `start` on, in code points of the stored text, it stands on `page`, 1-based."""

    start: int
    page: int


def of_blocks(blocks: Iterable[Block]) -> list[PageBreak]:
    """Of a whole text, in its order; none where the format has no pages."""
    breaks: list[PageBreak] = []
    for block in blocks:
        if block.page is not None and (not breaks or block.page != breaks[-1].page):
            breaks.append(PageBreak(block.start, block.page))
    return breaks


def within(breaks: Sequence[PageBreak], start: int, end: int) -> tuple[PageBreak, ...]:
    """Those that say where `text[start:end]` stands; the first may lie before it."""
    first = max(0, bisect_right(breaks, start, key=_start) - 1)
    return tuple(breaks[first : bisect_right(breaks, end - 1, key=_start)])


def page_of(breaks: Sequence[PageBreak], start: int, end: int) -> int | None:
    """The page that holds most of `text[start:end]`, of equal ones the first; None where the format has no pages."""
    ends = [each.start for each in breaks[1:]] + [end]
    shares = [(min(end, until) - max(start, each.start), each.page) for each, until in zip(breaks, ends, strict=False)]
    return max(shares, key=lambda share: share[0])[1] if shares else None


def stored(breaks: Sequence[PageBreak]) -> tuple[int | None, list[int] | None]:
    """The columns `page` and `page_breaks` of a passage: its first page, and where the others begin as `[start, page, …]`."""
    if not breaks:
        return None, None
    return breaks[0].page, [number for each in breaks[1:] for number in each] or None


def of_stored(start: int, page: int | None, page_breaks: Sequence[int] | None) -> tuple[PageBreak, ...]:
    """What `stored` made of a passage that begins at `start`."""
    if page is None:
        return ()
    others = page_breaks or ()
    return (PageBreak(start, page), *map(PageBreak, others[::2], others[1::2]))


def _start(each: PageBreak) -> int:
    return each.start
