from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protostar.retrieval.extracts import LONGEST, sentences, summarize


def split(text: str) -> list[str]:
    return [text[start:end] for start, end in sentences(text)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("하나이다. 둘이에요? 셋입니다!", ["하나이다.", "둘이에요?", "셋입니다!"]),
        ("一つ。二つ。", ["一つ。", "二つ。"]),
        ('He said "stop." Then he left.', ['He said "stop."', "Then he left."]),
        ("Dr. Kim met J. Lee, e.g. at 3.5 km.", ["Dr. Kim met J. Lee, e.g. at 3.5 km."]),
        ("1. first\n2. second\n   goes on", ["1. first", "2. second\n   goes on"]),
        ("- 가\n- 나", ["- 가", "- 나"]),
        ("| a | b |\n| c | d |", ["| a | b |", "| c | d |"]),
        ("a line of a PDF\nends anywhere. So it is.", ["a line of a PDF\nends anywhere.", "So it is."]),
        ("## Title\n\nText", ["## Title", "Text"]),
        ("# 1. Title\nText. More", ["# 1. Title", "Text.", "More"]),
        ("준비물:\n신분증", ["준비물:", "신분증"]),
        ("2021. 5. 1. 제정한다. 2025. 12. 20. 고친다.", ["2021. 5. 1. 제정한다.", "2025. 12. 20. 고친다."]),
        ("It was so until 2021. 5 of them stayed.", ["It was so until 2021.", "5 of them stayed."]),
        ("제2장 환급\n제7조(환급) 그 날부터\n30일 이내에", ["제2장 환급", "제7조(환급) 그 날부터\n30일 이내에"]),
        ("제3조의2(증좌) 조합원은\n제2장에 따라 한다", ["제3조의2(증좌) 조합원은\n제2장에 따라 한다"]),
        ("**Q. 매달 내나요?**\nA. 아닙니다.", ["**Q. 매달 내나요?**\nA. 아닙니다."]),
        ("", []),
        (" \n ", []),
    ],
)
def test_sentences(text: str, expected: list[str]) -> None:
    assert split(text) == expected


def test_lines_without_full_stops_do_not_become_one_long_sentence() -> None:
    lines = [f"key {number} has the value {number * 7}" for number in range(40)]
    assert split("\n".join(lines)) == lines


@given(st.text(st.sampled_from("ab 가다.!?\n|-#1。 "), max_size=600))
def test_sentences_are_disjoint_and_hold_everything(text: str) -> None:
    found = list(sentences(text))
    assert [text[start:end].strip() for start, end in found] == [text[start:end] for start, end in found]
    assert "".join("".join(text[start:end].split()) for start, end in found) == "".join(text.split())
    assert all(before[1] <= after[0] for before, after in pairwise(found))


STORY = [
    "# 승강기 안전\n\n승강기는 해마다 두 번 안전 검사를 받는다. 검사는 공인 기관이 한다.\n\n| 항목 | 값 |",
    "안전 검사에서 결함이 나오면 승강기를 세우고 이틀 안에 고친다. 승강기 안전 검사 기록은 10년 동안 보관한다 [3].",
    "```\nlift.stop()\n```\n\n직원 식당은 1층에 있다. 승강기는 해마다 두 번 안전 검사를 받는다.",
]


def test_a_summary_opens_with_the_first_statement_and_keeps_the_order() -> None:
    found = summarize(STORY)
    assert found.startswith("승강기는 해마다 두 번 안전 검사를 받는다.")
    assert found.index("결함이") < found.index("10년 동안 보관한다.")
    assert found.count("해마다 두 번") == 1
    assert not any(mark in found for mark in ("#", "|", "[3]", "```"))
    assert found == summarize(STORY)


def test_a_summary_is_short() -> None:
    long = [f"This is statement {number} about subject {number % 7} of the whole report on lifts." for number in range(2000)]
    assert 0 < len(summarize([" ".join(long)])) <= 600
    assert 0 < len(summarize(["word " * 5000])) <= 600
    assert LONGEST < 600


def test_a_summary_tells_whole_dates() -> None:
    rules = ["출자금 관리 규정\n제정 2021. 5. 1. / 개정 2025. 2. 20.\n제1조(출자) 출자 1좌의 금액은 50,000원으로 한다."]
    assert "2021. 2. 20." not in summarize(rules)
    assert "2021. 5. 1. / 개정 2025. 2. 20." in summarize(rules)


def test_nothing_has_no_summary() -> None:
    assert summarize([]) == summarize([" \n"]) == ""


@given(st.lists(st.text(st.sampled_from("ab 가다.!?\n|-#[1]`*"), max_size=200), max_size=5))
def test_any_text_has_a_summary(texts: list[str]) -> None:
    assert len(summarize(texts)) <= 600
