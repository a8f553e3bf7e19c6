import unicodedata
from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from protostar.knowledge.breaks import HeadingBreak, PageBreak
from protostar.knowledge.chunking import LIMIT, PARAGRAPH, TARGET, Chunk, chunk, indexed_text
from protostar.knowledge.parse.markdown.reader import find_blocks
from protostar.knowledge.parse.model import Block, ParsedText
from protostar.knowledge.parse.text.outline import Outline


def markdown(text: str) -> list[tuple[Chunk, str]]:
    parsed = ParsedText(text, list(find_blocks(text, Outline())))
    return [(found, text[found.start : found.end]) for found in chunk(parsed)]


def texts(text: str) -> list[str]:
    return [content for _, content in markdown(text)]


def one_block(text: str, kind: str = "paragraph") -> list[str]:
    return [text[found.start : found.end] for found in chunk(ParsedText(text, [Block(0, len(text), kind)]))]


def paragraph(length: int, word: str = "word") -> str:
    return (word + " ") * (length // (len(word) + 1)) + "end."


def test_paragraphs_are_packed_to_the_target() -> None:
    paragraphs = [paragraph(200, f"w{number}") for number in range(12)]
    found = texts("\n\n".join(paragraphs))
    assert len(found) == 3
    assert all(TARGET - 250 <= len(content) <= LIMIT for content in found)


def test_a_section_is_not_packed_with_the_next() -> None:
    found = markdown(f"# Guide\n\n## Install\n\n{paragraph(300)}\n\n## Run\n\n{paragraph(300)}\n")
    assert [each.heading_path for each, _ in found] == [("Guide", "Install"), ("Guide", "Run")]
    assert found[0][1].startswith("# Guide\n\n## Install\n\nword")
    assert found[1][1].startswith("## Run")


def test_sections_of_one_name_stay_apart() -> None:
    assert len(texts(f"## Example\n\n{paragraph(300)}\n\n## Example\n\n{paragraph(300)}")) == 2


def test_a_tiny_section_joins_its_next_sibling_under_their_parent() -> None:
    found = markdown(f"# FAQ\n\nAbout.\n\n## One\n\nYes.\n\n## Two\n\n{paragraph(300)}\n\n## Three\n\n{paragraph(300)}")
    assert [each.heading_path for each, _ in found] == [("FAQ",), ("FAQ", "Three")]
    assert "Yes." in found[0][1]


def test_a_tiny_section_does_not_join_an_uncle() -> None:
    found = markdown(f"# A\n\n## A1\n\nTiny.\n\n# B\n\n{paragraph(300)}")
    assert [each.heading_path for each, _ in found] == [("A", "A1"), ("B",)]


def test_a_heading_goes_with_what_follows_even_when_that_is_cut() -> None:
    found = markdown(f"## Long\n\n{paragraph(1500)}")
    assert found[0][1].startswith("## Long\n\nword")
    assert {each.heading_path for each, _ in found} == {("Long",)}


def test_a_heading_without_anything_below_is_kept() -> None:
    assert texts(f"{paragraph(300)}\n\n## The end") == [paragraph(300), "## The end"]


def test_code_fences_and_tables_stay_whole() -> None:
    fence = "```sh\n" + "make thing\n\n" * 75 + "```"
    table = "| a | b |\n|---|---|\n" + "| one | two |\n" * 65
    assert LIMIT * 0.8 < len(fence) <= LIMIT
    assert LIMIT * 0.8 < len(table) <= LIMIT
    found = texts(f"# Title that is long enough\n\n{paragraph(200)}\n\n{fence}\n\n{paragraph(200)}\n\n{table}")
    assert any(fence in content for content in found)
    assert any(table.strip() in content for content in found)


def test_a_fence_within_a_long_list_stays_whole() -> None:
    steps = "".join(f"{number}. {paragraph(150)}\n" for number in range(1, 6))
    fence = "   ```sh\n" + "   make\n\n" * 60 + "   ```"
    text = f"{steps}{fence}\n6. {paragraph(150)}\n"
    assert len(text) > LIMIT
    assert any(fence.strip() in content for content in one_block(text, "list"))


@pytest.mark.parametrize("kind", ["code", "table"])
def test_what_is_longer_than_the_limit_is_cut_at_line_ends(kind: str) -> None:
    lines = [f"| {number} | {'x' * (number % 50)} |" for number in range(200)]
    found = one_block("\n".join(lines), kind)
    assert [line for content in found for line in content.split("\n")] == lines
    assert max(map(len, found)) <= LIMIT


@pytest.mark.parametrize("sentence", ["이 기능은 설정에서 켤 수 있다. ", "どこでも使えます。", "Is it there? ", "여기에 있어요! "])
def test_a_long_paragraph_is_cut_at_sentence_ends(sentence: str) -> None:
    found = one_block(sentence * 200)
    assert all(content.endswith(sentence.strip()) and content.startswith(sentence[:4]) for content in found)


def test_a_paragraph_that_is_hardly_too_long_stays_whole() -> None:
    text = paragraph(PARAGRAPH - 10)
    assert LIMIT < len(text) <= PARAGRAPH
    assert texts(f"{paragraph(300)}\n\n{text}\n\n{paragraph(300)}") == [paragraph(300), text, paragraph(300)]
    assert len(one_block(text, "quote")) == 2


def test_the_end_of_a_long_paragraph_is_no_stump() -> None:
    assert min(map(len, one_block(paragraph(PARAGRAPH + 50).replace("word word", "word. word")))) > 300


@pytest.mark.parametrize("cluster", ["e\u0301\u0323", "👩\u200d👩\u200d👧", "👍🏽", "\u1112\u1161\u11ab", "कि", "❤\ufe0f"])
def test_no_character_is_torn_apart(cluster: str) -> None:
    for offset in range(len(cluster)):
        found = one_block("x" * offset + cluster * (3000 // len(cluster)))
        assert len(found) > 2
        for content in found[1:]:
            assert unicodedata.category(content[0])[0] != "M"
            assert content.startswith(cluster[0])


def test_a_page_ends_a_passage() -> None:
    text = f"{paragraph(300)}\n\n{paragraph(300)}\n\nThree.\n\n{paragraph(300)}"
    blocks = [replace(block, page=page) for page, block in enumerate(find_blocks(text, Outline()), 1)]
    found = list(chunk(ParsedText(text, blocks)))
    assert [[place.value for place in each.page_breaks] for each in found] == [[1], [2], [3, 4]]
    assert text[found[2].start : found[2].end].startswith("Three.\n\nword")


def test_a_passage_of_short_sections_tells_where_each_begins() -> None:
    text = f"# Visit\n\nWe are closed on Mondays.\n\n## Car park\n\nIt is free.\n\n{paragraph(100)}\n\n## Cafe\n\n{paragraph(300)}"
    first, second = chunk(ParsedText(text, list(find_blocks(text, Outline()))))
    assert first.heading_path == ("Visit",)
    assert first.heading_breaks == (HeadingBreak(0, ("Visit",)), HeadingBreak(text.index("## Car"), ("Visit", "Car park")))
    assert (second.heading_path, second.heading_breaks) == (("Visit", "Cafe"), ())


def test_nothing_makes_no_chunk() -> None:
    assert list(chunk(ParsedText("", []))) == []
    assert texts("\n\n  \n") == []
    assert one_block(" \n ") == []


def test_indexed_text_is_led_by_the_headings() -> None:
    assert indexed_text(("Guide", "설치"), "본문") == "Guide > 설치\n본문"
    assert indexed_text((), "본문") == "본문"


LINE = st.sampled_from(
    [
        "# A",
        "## B",
        "### C",
        "- item",
        "1. step",
        "> quote",
        "| a | b |",
        "|---|---|",
        "```",
        "    code",
        "",
        "",
        "---",
        "한국어 문장이다.",
        "é👩\u200d👧",
    ]
)
WORDS = st.text(st.sampled_from("ab가나. \n`|#-\u0301\u200d👍"), max_size=400)


@example(" #")
@settings(max_examples=150)
@given(st.lists(st.one_of(LINE, WORDS, st.integers(200, 1600).map(paragraph)), max_size=25).map("\n".join))
def test_chunks_hold_everything_once(text: str) -> None:
    blocks = list(find_blocks(text, Outline()))
    found = list(chunk(ParsedText(text, blocks)))
    assert all(0 < each.end - each.start <= PARAGRAPH for each in found)
    assert all(before.end <= after.start for before, after in pairwise(found))
    for each in found:
        content = text[each.start : each.end]
        assert content == content.strip() != ""
    covered = {at for each in found for at in range(each.start, each.end)}
    for block in blocks:
        if block.kind != "rule":
            assert all(at in covered or text[at].isspace() for at in range(block.start, block.end))


def test_headings_of_several_sentences_may_be_cut_from_a_long_paragraph() -> None:
    """The cut lies within them, in front of the paragraph."""
    headings = "A heading. " * 40 + "Last"
    text = headings + "\n\n" + "word " * 156
    blocks = [Block(0, len(headings), "heading", ("A",), 3), Block(len(headings) + 2, len(text), "paragraph", ("A",), 4)]
    first, second = chunk(ParsedText(text, blocks))
    assert text[second.start :].startswith("Last\n\nword")
    assert first.page_breaks == (PageBreak(0, 3),)
    assert second.page_breaks == (PageBreak(0, 3), PageBreak(text.index("word"), 4))


@pytest.mark.parametrize("kind", ["paragraph", "code", "list", "quote"])
@pytest.mark.parametrize("unit", ["a", "가", "a b ", "x\n", "```\n", "\u0301"])
def test_megabytes_without_structure_are_cut_in_one_pass(kind: str, unit: str) -> None:
    text = unit * (1_000_000 // len(unit))
    assert sum(len(content.split()) for content in one_block(text, kind)) >= len(text.split())


def test_neither_a_date_nor_the_number_of_an_item_is_cut_from_what_follows() -> None:
    dated = "\n".join(f"공고 제{number}호의 접수는 2026. {number % 12 + 1}. 15. 까지 방문으로 받는다" for number in range(60))
    numbered = "\n".join(f"{number}. 접수 기간은 3월 {number}일부터이며 우편으로 접수할 수 있습니다" for number in range(60))
    for text in (dated, numbered):
        parsed = ParsedText(text, [Block(0, len(text), "paragraph")])
        for passage in chunk(parsed):
            assert text[passage.start - 1 : passage.start] in {"", "\n"}


def test_what_is_cut_from_the_beginning_of_a_table_stands_below_the_names_of_its_columns() -> None:
    rows = "\n".join(f"| 구역 {number} | {number}천 원 | {number}백 원 |" for number in range(80))
    text = f"# 요금\n\n| 구역     | 성인   | 어린이 |\n| --- | :---: | ---: |\n{rows}\n\n끝.\n"
    first, *others = chunk(ParsedText(text, list(find_blocks(text, Outline()))))
    assert first.heading_path == ("요금",)
    assert len(others) > 1
    assert {passage.heading_path for passage in others if "구역" in text[passage.start : passage.end]} == {
        ("요금", "구역 | 성인 | 어린이")
    }
