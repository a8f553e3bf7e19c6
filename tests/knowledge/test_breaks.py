"""On which page and under which headings a part of a text stands."""

import json

import pytest

from protostar.knowledge.breaks import (
    HeadingBreak,
    PageBreak,
    headings_of_stored,
    pages_of,
    pages_of_stored,
    stored_headings,
    stored_pages,
    value_of,
    within,
)
from protostar.knowledge.parse.model import Block

BREAKS = [PageBreak(0, 1), PageBreak(100, 2), PageBreak(200, 5), PageBreak(210, 6)]


def test_a_page_begins_with_its_first_block() -> None:
    blocks = [Block(0, 9, "heading", page=1), Block(11, 20, "paragraph", page=1), Block(22, 30, "paragraph", page=3)]
    assert pages_of(blocks) == [PageBreak(0, 1), PageBreak(22, 3)]
    assert pages_of([Block(0, 9, "heading"), Block(11, 20, "paragraph")]) == []


@pytest.mark.parametrize(
    ("start", "end", "pages"),
    [(0, 100, [1]), (0, 101, [1, 2]), (99, 100, [1]), (100, 200, [2]), (150, 400, [2, 5, 6]), (300, 301, [6])],
)
def test_a_passage_stands_on_the_pages_that_it_touches(start: int, end: int, pages: list[int]) -> None:
    breaks = within(BREAKS, start, end)
    assert [each.value for each in breaks] == pages
    page, others = stored_pages(breaks)
    again = pages_of_stored(start, page, others)
    assert [each.value for each in again] == pages
    assert [value_of(again, at, at + 1) for at in range(start, end)] == [value_of(BREAKS, at, at + 1) for at in range(start, end)]


@pytest.mark.parametrize(
    ("start", "end", "page"),
    [(0, 10, 1), (95, 105, 1), (95, 106, 2), (90, 300, 2), (195, 215, 5), (205, 400, 6), (0, 400, 6)],
)
def test_the_page_is_that_of_most_of_the_words(start: int, end: int, page: int) -> None:
    assert value_of(BREAKS, start, end) == page


def test_what_has_no_pages_has_no_page() -> None:
    assert (within([], 5, 9), stored_pages([]), pages_of_stored(5, None, None), value_of([], 5, 9)) == ((), (None, None), (), None)


def test_what_stands_under_one_path_of_headings_stores_no_breaks() -> None:
    breaks = (HeadingBreak(7, ("Prices", "가격")),)
    assert stored_headings(breaks) is None
    assert headings_of_stored(None) == ()


def test_further_headings_are_stored_where_they_begin() -> None:
    breaks = (HeadingBreak(7, ("Visit",)), HeadingBreak(90, ("Visit", "오시는 길")))
    assert headings_of_stored(json.loads(stored_headings(breaks) or "")) == breaks
    assert value_of(breaks, 95, 120) == ("Visit", "오시는 길")
