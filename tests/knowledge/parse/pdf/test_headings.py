"""Which lines of a PDF are headings."""

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
