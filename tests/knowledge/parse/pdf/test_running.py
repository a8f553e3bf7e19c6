"""What of a page stands on every page, and is no part of its text."""

from collections.abc import Sequence

import pytest

from protostar.knowledge.parse.pdf.lines import Line
from protostar.knowledge.parse.pdf.running import without_running_lines
from protostar.knowledge.parse.text.body import Body

TEXT = "a line of the text that is as long as most of them are"


def line(text: str, y: float, *, size: float = 10, bold: bool = False, left: float = 50) -> Line:
    return Line(text, 0, len(text), left, y, left + 5 * len(text), y + size, y, size, bold, is_broken=False, is_complete=False)


def page(*edges: Line, number: int = 0) -> list[Line]:
    return [*edges, *(line(f"{TEXT}, {number} and {row}", 700 - 14 * row) for row in range(3))]


def left_over(pages: Sequence[Sequence[Line]]) -> list[list[str]]:
    """What is kept of each page but its text."""
    body = Body((len(one.text), one) for lines in pages for one in lines)
    return [[one.text for one in kept if not one.text.startswith(TEXT)] for kept in without_running_lines(pages, body)]


@pytest.mark.parametrize("title", ["{}단계", "Step {}", "제{}과", "성공 사례 {}"])
def test_titles_that_count_along_with_the_pages_stay(title: str) -> None:
    titles = [title.format(number) for number in range(1, 5)]
    large = [page(line(words, 760, size=14), line(str(n), 30, size=9), number=n) for n, words in enumerate(titles, 1)]
    assert left_over(large) == [[words] for words in titles]
    bold = [page(line(words, 760, bold=True), line(str(n), 30, size=9), number=n) for n, words in enumerate(titles, 1)]
    assert left_over(bold) == [[words] for words in titles]


def test_what_counts_the_pages_is_no_title_if_it_is_set_as_the_text_is_or_is_their_only_number() -> None:
    plain = [page(line(f"Guide, page {n}", 760), number=n) for n in range(1, 5)]
    bold = [page(line(f"Guide, page {n}", 760, bold=True), number=n) for n in range(1, 5)]
    below = [page(line(f"Guide, page {n}", 30, size=14), number=n) for n in range(1, 5)]
    assert left_over(plain) == left_over(bold) == left_over(below) == [["Guide, page 1"], [], [], []]


def test_what_stands_below_a_title_is_no_running_head() -> None:
    pages = [page(line(f"Step {n}", 770, size=14), line("Open the cover.", 740), number=n) for n in range(1, 5)]
    assert left_over(pages) == [[f"Step {n}", "Open the cover."] for n in range(1, 5)]


def test_of_two_pages_the_same_head_and_the_numbers_are_left_out() -> None:
    pages = [page(line("시설공단 안내", 760, size=9), line(str(n), 30, size=9), number=n) for n in (1, 2)]
    assert left_over(pages) == [["시설공단 안내"], []]


def test_of_two_pages_what_may_be_their_text_stays() -> None:
    pages = [page(line(f"별표 {n}", 760), line(f"합계 {n + 310}원", 30), number=n) for n in (1, 2)]
    assert left_over(pages) == [["별표 1", "합계 311원"], ["별표 2", "합계 312원"]]


@pytest.mark.parametrize("number", ["- 1 -", "1", "1 / 3", "Page 1 of 3", "1쪽"])
def test_the_number_of_a_single_page_is_left_out(number: str) -> None:
    assert left_over([page(line(number, 30, size=9))]) == [[]]


@pytest.mark.parametrize("number", ["2", "2 / 3", "1월", "v1"])
def test_what_is_no_number_of_the_page_stays(number: str) -> None:
    assert left_over([page(line(number, 30, size=9))]) == [[number]]


def test_the_dashes_beside_a_number_go_with_it() -> None:
    pages = [page(line("-", 30), line(str(n), 30, left=60), line("-", 30, left=70), number=n) for n in range(1, 5)]
    assert left_over(pages) == [[], [], [], []]
