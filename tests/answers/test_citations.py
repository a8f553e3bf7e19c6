import re
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.support.spaces import passage

from protostar.answers.citations import LONGEST_QUOTE, Citation, MarkerFilter
from protostar.knowledge.breaks import HeadingBreak, PageBreak
from protostar.retrieval.model import Passage

STORED = [
    "환불은 결제 후 7일 이내에 신청할 수 있다. 배송이 시작된 상품은 반품 절차를 따른다. 고객센터는 평일에만 연다.",
    "The lift is inspected twice a year. Defects are repaired within two days. The report is kept for ten years.",
    "| 항목 | 요금 |\n|---|---|\n| 기본 | 1,000원 |\n| 야간 | 2,500원 |",
    "Nothing of use.",
]
PASSAGES = [passage(text, at, start=100 * at + 7) for at, text in enumerate(STORED)]


def streamed(pieces: list[str], passages: list[Passage] = PASSAGES) -> tuple[str, MarkerFilter]:
    markers = MarkerFilter(passages)
    return "".join([*map(markers.feed, pieces), markers.flush()]), markers


def resolve(text: str, passages: list[Passage] = PASSAGES) -> tuple[str, list[Citation], int]:
    """What is shown of a whole text, its citations, and how many numbers were dropped."""
    shown, markers = streamed([text], passages)
    return shown, markers.citations(shown), markers.dropped


@pytest.mark.parametrize(
    ("written", "shown", "dropped"),
    [
        ("It is so [1].", "It is so [1].", 0),
        ("It is so[2][1].", "It is so[1][2].", 0),
        ("A [3]. B [1]. C [3].", "A [1]. B [2]. C [1].", 0),
        ("A [1, 2]", "A [1][2]", 0),
        ("A [1,2;3]", "A [1][2][3]", 0),
        ("A [2-4]", "A [1][2][3]", 0),
        ("A [1, 1]", "A [1]", 0),
        ("가 【2】나 ［１］", "가 [1]나 [2]", 0),
        ("A 【2†source】", "A [1]", 0),
        ("A [^1]", "A [1]", 0),
        ("A [5].", "A.", 1),
        ("A [0] [99], B [1, 7]", "A, B [1]", 3),
        ("A [9]\n[8] B", "A\n B", 2),
        ("[[9]1]", "[ 1]", 1),
        ("see [a], [1a], [], [ and ]", "see [a], [1a], [], [ and ]", 0),
        ("`a[1]` and ``b `[2]` c`` [3]", "`a[1]` and ``b `[2]` c`` [1]", 0),
        ("a ` stray [2]\nb ` too [1]", "a ` stray [1]\nb ` too [2]", 0),
        ("```py\nx[1]\n```\nSo [2]", "```py\nx[1]\n```\nSo [1]", 0),
        ("~~~\nx[1]\n```\ny[9]\n~~~~\nSo [2]", "~~~\nx[1]\n```\ny[9]\n~~~~\nSo [1]", 0),
        ("- item\n  ```\n  x[1]\n  ```\n  So [2]", "- item\n  ```\n  x[1]\n  ```\n  So [1]", 0),
        ("```\nx[1]", "```\nx[1]", 0),
        ("[1[9]]", "[1 ]", 1),
        ("A [1-5000]", "A [1]", 1),
        ("a ~~~\nx[2]\nb", "a ~~~\nx[1]\nb", 0),
        ("`a``` [2] x`", "`a``` [2] x`", 0),
        ("~~~\nx\n~~~y [2]\n~~~\nSo [3]", "~~~\nx\n~~~y [2]\n~~~\nSo [1]", 0),
        ("trailing blank ", "trailing blank ", 0),
        ("cut short [1", "cut short [1", 0),
        ("", "", 0),
    ],
)
def test_markers_are_rewritten(written: str, shown: str, dropped: int) -> None:
    text, citations, count = resolve(written)
    assert (text, count) == (shown, dropped)
    assert [each.marker for each in citations] == list(range(1, len(citations) + 1))
    assert streamed(list(written))[0] == shown


def test_a_marker_is_shown_only_when_it_is_whole() -> None:
    markers = MarkerFilter(PASSAGES)
    assert [markers.feed(piece) for piece in ("So it is", " ", "[", "1", "]", ".")] == ["So it is", "", "", "", " [1]", "."]


def test_text_is_not_held_back_for_long() -> None:
    markers = MarkerFilter(PASSAGES)
    assert markers.feed("word ") == "word"
    assert markers.feed("and [not a marker") == " and [not a marker"
    assert markers.feed(" `" + "x" * 2000).startswith(" `")


def test_the_quote_is_the_sentence_that_bears_the_claim() -> None:
    text = (
        "보고서는 10년 동안 보관합니다 (kept for ten years) [2]. 환불은 7일 이내에 신청합니다 [1]. 야간 요금은 2,500원입니다. [3]"
    )
    _, citations, _ = resolve(text)
    assert [each.quote for each in citations] == [
        "The report is kept for ten years.",
        "환불은 결제 후 7일 이내에 신청할 수 있다.",
        STORED[2],  # the row, and what the header says of it
    ]


def test_a_claim_over_several_sentences_is_quoted_together() -> None:
    _, (citation,), _ = resolve("The lift is inspected twice a year and defects are repaired within two days [2].")
    assert citation.quote == "The lift is inspected twice a year. Defects are repaired within two days."


def test_markers_side_by_side_bear_one_claim() -> None:
    _, citations, _ = resolve("Defects are repaired within two days; 환불은 7일 이내입니다 [2] [1].")
    assert [each.quote for each in citations] == [
        "Defects are repaired within two days.",
        "환불은 결제 후 7일 이내에 신청할 수 있다.",
    ]


def test_two_claims_of_one_sentence_are_quoted_apart() -> None:
    both = "Backups are kept for thirty days. Restoring costs five euros."
    _, citations, _ = resolve(
        "Backups are kept for thirty days [1] and restoring costs five euros [2].", [passage(both, at) for at in range(2)]
    )
    assert [each.quote for each in citations] == ["Backups are kept for thirty days.", "Restoring costs five euros."]


def test_a_sentence_that_is_longer_than_a_quote_is_quoted_alone() -> None:
    long = "The lift is inspected " + "by one of the people who are named in the register " * 7 + "twice a year."
    assert len(long) > LONGEST_QUOTE
    _, (citation,), _ = resolve("It is inspected twice a year [1].", [passage(f"Bicycles stay outside. {long} Dogs wait.", 0)])
    assert citation.quote == long


def test_a_word_that_one_sentence_has_says_more_than_those_that_many_have() -> None:
    rest = ", and whoever finds anything else tells the people at the desk about it at once" * 2
    common = " ".join(f"The lift is inspected in case {number}{rest}." for number in ("one", "two", "three"))
    _, (citation,), _ = resolve("The lift is inspected by Zimmermann [1].", [passage(f"{common} Zimmermann does that{rest}.", 0)])
    assert "Zimmermann" in citation.quote


@pytest.mark.parametrize("claim", ["Quite so", "네", "", "???"])
def test_a_claim_that_shares_nothing_quotes_the_whole_passage(claim: str) -> None:
    _, (citation,), _ = resolve(f"{claim} [2]")
    assert citation.quote == STORED[1]


def test_a_citation_tells_where_it_stands() -> None:
    end = 1000 + len(STORED[0])
    source = Passage(PASSAGES[0].chunk_id, "안내서", ("요금", "환불"), (), (PageBreak(1000, 3),), 1000, end, STORED[0])
    _, (citation,), _ = resolve("배송이 시작된 상품은 반품 절차 [1]", [source])
    assert (citation.document_id, citation.version) == (source.document_id, 1)
    assert (citation.document_title, citation.heading_path, citation.page) == ("안내서", ("요금", "환불"), 3)
    assert citation.start == 1000 + STORED[0].index("배송이")
    assert citation.quote == "배송이 시작된 상품은 반품 절차를 따른다."


def test_a_citation_names_the_page_of_its_quote() -> None:
    """And not that of its passage: of several short slides in a row one passage is made."""
    text = "배송은 이틀 걸린다. 반품은 무료이다. 교환은 가게에서 한다."
    breaks = (PageBreak(90, 2), PageBreak(100 + text.index("반품"), 3), PageBreak(100 + text.index("교환"), 5))
    source = Passage(PASSAGES[0].chunk_id, "안내서", (), (), breaks, 100, 100 + len(text), text)
    for claim, page in (("배송은 이틀 걸린다", 2), ("반품은 무료이다", 3), ("교환은 가게에서 한다", 5)):
        _, (citation,), _ = resolve(f"{claim} [1]", [source])
        assert (citation.quote.removesuffix("."), citation.page) == (claim, page)


def test_a_citation_names_the_headings_of_its_quote() -> None:
    """And not what they have in common: of short sections one passage is made."""
    text = "# 안내\n\n화요일에 쉽니다.\n\n## 주차\n\n주차는 무료입니다."
    breaks = (HeadingBreak(100, ("안내",)), HeadingBreak(100 + text.index("##"), ("안내", "주차")))
    source = Passage(PASSAGES[0].chunk_id, "안내서", ("안내",), breaks, (), 100, 100 + len(text), text)
    for claim, path in (("화요일에 쉽니다", ("안내",)), ("주차는 무료입니다", ("안내", "주차"))):
        _, (citation,), _ = resolve(f"{claim} [1]", [source])
        assert (citation.quote.rpartition("\n")[2].removesuffix("."), citation.heading_path) == (claim, path)


def test_an_answer_without_markers_has_no_citations() -> None:
    assert resolve("The documents do not say it.") == ("The documents do not say it.", [], 0)
    assert resolve("So [1]", []) == ("So", [], 1)


MARKS = ["[1]", "[2]", "[3]", "[7]", "[1, 2]", "[2-3]", "【1】", "[", "]", "1", ",", "-", "^", "†"]
CODE = ["`", "``", "```", "~~~", "```py\n", "```\n", "> ", "- ", "\n", "\n\n", " ", "  ", "\t"]
WORDS = [". ", "다. ", "환불은", "7일", "lift", "report", "kept", "x" * 30, "é", "👩\u200d👧", "|"]
TOKENS = st.sampled_from([*MARKS, *CODE, *WORDS])
WRITTEN = st.lists(TOKENS, max_size=40).map("".join) | st.text(max_size=80)
TEXTS = st.text(st.sampled_from("ab 가나다.!?\n|1,-é👩"), max_size=700) | st.sampled_from(STORED)


@settings(max_examples=300)
@given(WRITTEN, st.data())
def test_the_split_does_not_matter(written: str, data: st.DataObject) -> None:
    cuts = sorted(data.draw(st.lists(st.integers(0, len(written)), max_size=8)))
    pieces = [written[start:end] for start, end in pairwise([0, *cuts, len(written)])]
    whole, found, dropped = resolve(written)
    for split in (pieces, list(written)):
        text, markers = streamed(split)
        assert (text, markers.dropped) == (whole, dropped)
        assert markers.citations(text) == found


@settings(max_examples=200)
@given(WRITTEN, st.lists(TEXTS, max_size=4), st.integers(0, 10_000))
def test_each_quote_is_the_stored_text_at_its_offsets(written: str, texts: list[str], offset: int) -> None:
    stored = "#" * offset + "".join(texts)
    passages = [passage(text, at, start=offset + sum(map(len, texts[:at]))) for at, text in enumerate(texts)]
    shown, citations, _ = resolve(written, passages)
    assert [each.marker for each in citations] == list(range(1, len(citations) + 1))
    for citation in citations:
        source = next(each for each in passages if each.start <= citation.start and citation.end <= each.end)
        assert citation.quote == stored[citation.start : citation.end]
        assert len(citation.quote) <= max(LONGEST_QUOTE, len(source.text))
        assert f"[{citation.marker}]" in shown


@settings(max_examples=200)
@given(st.lists(st.sampled_from(["[1]", "[2]", "[9]", "[", "]", "1", "가 ", "word", ". ", "\n", " "]), max_size=30).map("".join))
def test_every_marker_that_is_shown_resolves(written: str) -> None:
    shown, citations, _ = resolve(written)
    assert {int(number) for number in re.findall(r"\[(\d+)\]", shown)} == {each.marker for each in citations}
