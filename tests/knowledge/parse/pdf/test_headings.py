"""Which lines of a PDF are headings."""

from dataclasses import replace

import pytest

from protostar.knowledge.parse.pdf.headings import Bookmark, BySize, Heading, by_outline
from protostar.knowledge.parse.pdf.lines import Line


def line(text: str, *, size: float = 10, bold: bool = False, y: float = 0) -> Line:
    return Line(text, 0, len(text), 0, y, 100, y + size, y, size, bold, is_broken=False, is_complete=False)


def test_outline_entries_find_the_lines_that_show_them() -> None:
    lines = [line(words) for words in ["머리글", "1 장 시작 (◦)", "text", "2. A long", "title in two", "lines", "text", "끝"]]
    wanted = ["1장 시작 ()", "Long title", "A long title in two lines", "끝"]
    found = [item for item in by_outline(lines, [Bookmark(1, title) for title in wanted]) if isinstance(item, Heading)]
    assert [(heading.title, [line.text for line in heading.lines]) for heading in found] == [
        ("1장 시작 ()", ["1 장 시작 (◦)"]),
        ("Long title", []),
        ("A long title in two lines", ["2. A long", "title in two", "lines"]),
        ("끝", ["끝"]),
    ]


def test_a_title_that_the_page_words_differently_still_opens_a_section() -> None:
    items = [line("before"), line("Shown"), line("after")]
    assert by_outline(items, [Bookmark(1, "Otherwise"), Bookmark(2, "Shown")]) == [
        Heading(1, "Otherwise", []),
        items[0],
        Heading(2, "Shown", [items[1]]),
        items[2],
    ]


@pytest.mark.parametrize(
    ("shown", "wanted", "marked"), [("line {}", "title {}", 60_000), ("{} fees", "9{} fees", 60_000), ("fees", "fees", 30_000)]
)
def test_many_titles_on_a_page_with_many_lines(shown: str, wanted: str, marked: int) -> None:
    items = [line(shown.format(number)) for number in range(10_000, 40_000)]
    bookmarks = [Bookmark(1, wanted.format(number)) for number in range(10_000, 40_000)]
    assert len(by_outline(items, bookmarks)) == marked


def test_sizes_give_levels_and_bold_lines_the_lowest() -> None:
    text = [line("a line of the text that is as long as most of them are", y=-20.0 * n) for n in range(9)]
    items = [
        line("Title", size=24),
        line("Part", size=14),
        text[0],
        line("Bold", bold=True),
        text[1],
        line("a bold sentence.", bold=True),
    ]
    marked = list(BySize([*items, *text]).mark(items))
    assert [(item.level, item.title) for item in marked if isinstance(item, Heading)] == [(1, "Title"), (2, "Part"), (6, "Bold")]


def test_a_text_set_large_is_no_heading() -> None:
    large = [line(f"Line {n} of a paragraph that is set large", size=14, y=-17.0 * n) for n in range(6)]
    text = [line("a line of the text that is as long as most of them are") for _ in range(20)]
    assert not any(isinstance(item, Heading) for item in BySize([*large, *text]).mark(large))


def test_an_outline_that_names_few_of_the_titles_is_none() -> None:
    text = [line("a line of the text that is as long as most of them are", y=-20.0 * n) for n in range(9)]
    pages = [[line(title, size=16), *text] for title in ("Cover", "Fees", "Refunds")]
    by_size = BySize(one for lines in pages for one in lines)
    whole = [by_outline(lines, [Bookmark(1, title)]) for lines, title in zip(pages, ("Cover", "Fees", "Refunds"), strict=True)]
    one = [by_outline(lines, bookmarks) for lines, bookmarks in zip(pages, ([Bookmark(1, "Cover")], [], []), strict=True)]
    slides = [by_outline(lines, [Bookmark(1, f"Slide {n}")]) for n, lines in enumerate(pages)]
    assert [by_size.names_more(marked) for marked in (whole, one, slides)] == [False, True, True]


@pytest.mark.parametrize("title", ["목차", "차 례", "Contents", "TABLE OF CONTENTS"])
def test_no_chapter_belongs_to_the_table_of_contents(title: str) -> None:
    text = [line("a line of the text that is as long as most of them are", y=-20.0 * n) for n in range(9)]
    items = [line(title, size=24), text[0], line("Fees", size=16), text[1]]
    marked = list(BySize([*items, *text]).mark(items))
    levels = {item.title: item.level for item in marked if isinstance(item, Heading)}
    assert levels[title] > levels["Fees"]


def test_a_sign_before_a_large_bold_line_is_that_of_a_section_and_else_of_an_item() -> None:
    text = [line("a line of the text that is as long as most of them are", y=-20.0 * n) for n in range(9)]
    items = [
        line("□ 추진 배경", size=13, bold=True),
        line("□ 큰 항목", size=16),
        line("□ 굵은 항목", bold=True),
        line("■ 조합은 요금을 내린다.", size=13, bold=True),
        line("- 큰 항목", size=13, bold=True),
    ]
    apart = [part for item in items for part in (item, text[0])]
    marked = list(BySize([*items, *text]).mark(apart))
    assert [item.title for item in marked if isinstance(item, Heading)] == ["□ 추진 배경"]


def test_the_bold_head_of_a_table_without_rules_is_no_heading() -> None:
    text = [line("a line of the text that is as long as most of them are", y=-20.0 * n) for n in range(9)]
    head = replace(line("구분 평일 주말", bold=True), right=400)
    assert list(BySize([head, *text]).mark([head])) == [head]
