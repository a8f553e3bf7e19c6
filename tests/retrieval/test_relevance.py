import random
from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.spaces import Space

from protostar.retrieval.model import Relevance
from protostar.retrieval.proximity import proximity_of
from protostar.retrieval.relevance import decide as decide_on
from protostar.retrieval.rerank import DEPTH

GUIDE = (
    "누구나 도서관 이용증을 만들 수 있다. 신분증을 가지고 1층 안내대로 오면 당일 발급한다.",
    "책은 한 사람이 다섯 권까지 2주 동안 빌린다. 예약한 사람이 없으면 한 번 연장한다.",
    "늦게 돌려준 책은 하루에 100원의 연체료를 낸다. 잃어버린 책은 같은 책으로 갚는다.",
    "열람실은 오전 9시부터 오후 10시까지 열고 월요일에는 쉰다.",
    "단체 견학은 일주일 전에 전화로 신청하며 한 번에 서른 명까지 받는다.",
    "The reading room has free wireless access; the password changes every month.",
    "Printing costs 50 won a page. Bring your own paper for large formats.",
    "Meeting rooms are booked online, at most two hours a day for each group.",
)


def decide(space: Space, question: str, vectors: Sequence[float | None] | None = None) -> Relevance:
    query = space.query(question)
    proximity = proximity_of(query, space.passages(question)[:DEPTH])
    return decide_on(query, space.candidates(question, vectors), proximity)


def answerable(question: str, *texts: str) -> bool:
    return decide(Space(*(texts or GUIDE)), question).answerable


@pytest.mark.parametrize(
    "question",
    [
        "책은 몇 권까지 빌릴 수 있나요?",
        "연체료는 얼마인가요?",
        "열람실은 언제 쉬나요?",
        "단체 견학은 어떻게 신청하나요?",
        "How much does printing cost?",
        "Can I book a meeting room online?",
        "wireless password",
    ],
)
def test_what_the_documents_say_is_answered(question: str) -> None:
    assert answerable(question)
    assert answerable(question, *GUIDE, *(f"{number}번 서가에는 역사책이 있다." for number in range(200)))


def test_a_guess_counts_half_as_a_word_that_nobody_says() -> None:
    space = Space(*GUIDE)
    guessed = space.query("wireless pasword")
    assert guessed.guessed
    asked, unknown = space.query("wireless password"), space.query("wireless zyxwvu")
    candidates, proximity = space.candidates("wireless password"), proximity_of(asked, space.passages("wireless password"))
    coverages = [decide_on(query, candidates, proximity).coverage for query in (asked, guessed, unknown)]
    assert coverages == sorted(coverages, reverse=True)
    masses = [1 / coverage for coverage in coverages]
    assert masses[1] == pytest.approx((masses[0] + masses[2]) / 2)


@pytest.mark.parametrize(
    "question",
    [
        "오늘 서울 날씨 어때요?",
        "임진왜란이 일어난 해는 언제인가요?",
        "주식 투자로 수익을 내는 방법을 알려줘",
        "What is the capital of Mongolia?",
        "Who was the king of France in 1789?",
        "Write a poem about the sea",
    ],
)
def test_what_the_documents_do_not_say_is_refused(question: str) -> None:
    assert not answerable(question)


def test_what_else_a_space_holds_does_not_count_against_a_question() -> None:
    """Chunks that have nothing to do with it, in its own script, make no question unanswerable; strangers' stay so."""
    numbers = random.Random(1)
    noise = [" ".join("".join(chr(numbers.randrange(0xAC00, 0xD7A4)) for _ in range(3)) for _ in range(60)) for _ in range(1_500)]
    space = Space(*GUIDE, *noise)
    asked = (
        "책을 잃어버린 사람은 어떻게 하나요?",
        "단체는 몇 명까지 받나요?",
        "예약한 책도 연장되나요?",
        "월요일에 열람실 쉬나요?",
    )
    assert [question for question in asked if not answerable(question)] == []
    assert [question for question in asked if not decide(space, question).answerable] == []
    assert not decide(space, "주식 투자로 수익을 내는 방법을 알려줘").answerable


def test_what_comes_near_an_answer_is_told_from_what_has_nothing_to_do_with_it() -> None:
    space = Space(*GUIDE)
    near = decide(space, "단체로 영화를 볼 수 있는 방을 빌리려면 누구에게 말하나요?")
    far = decide(space, "화성 탐사선의 착륙 지점은 어디인가?")
    assert (near.answerable, near.near) == (False, True)
    assert (far.answerable, far.near) == (False, False)
    assert decide(space, "연체료는 얼마인가요?").near


def test_a_question_in_words_has_to_show_more_where_chunks_are_few() -> None:
    """And none in Korean, nor what comes near: that is the same in both."""
    space = Space(*GUIDE)
    few, korean = decide(space, "wireless password"), decide(space, "연체료는 얼마인가요?")
    some = decide(Space(*GUIDE, *(f"Shelf {number} holds history." for number in range(147))), "wireless password")
    many = decide(Space(*GUIDE, *(f"Shelf {number} holds history." for number in range(200))), "wireless password")
    assert [each.least for each in (few, some, many, korean)] == pytest.approx([1.5, 0.675, 0.0, 0.0])
    assert replace(few, evidence=1.4).near
    assert not replace(few, evidence=1.4).answerable
    assert replace(korean, evidence=0.1).answerable


@pytest.mark.parametrize("question", ["", "???", "무엇인가요?", "what is it?"])
def test_a_question_without_a_subject_is_refused(question: str) -> None:
    assert not answerable(question)


def test_an_empty_space_answers_nothing() -> None:
    space = Space()
    assert not decide(space, "연체료는 얼마인가요?").answerable


def test_one_short_document_answers_a_question_in_other_words() -> None:
    text = "늦게 돌려준 책은 하루에 100원의 연체료를 낸다."
    assert answerable("연체료는 하루에 얼마를 내야 하나요?", text)
    assert not answerable("주차장은 몇 시에 닫나요?", text)


def test_coverage_is_the_share_of_the_highest_score() -> None:
    space = Space(*GUIDE)
    whole, part, none = (decide(space, question).coverage for question in ("연체료", "연체료와 반납기한의 법적근거", "화성 탐사선"))
    assert 0 == none < part < whole < 1


def test_vectors_speak_where_no_word_is_shared() -> None:
    texts = [f"{number}번 서가에는 역사책이 있다." for number in range(40)]
    space = Space(*texts)
    question = "Where do I find the fiction section?"
    crowd = [0.75 + at / 1000 for at in range(40)]
    assert not decide(space, question, crowd).answerable
    assert decide(space, question, [*crowd[:-1], 0.92]).answerable
    assert not decide(space, question, [None] * 40).answerable


def test_a_few_vectors_are_no_background() -> None:
    space = Space(*GUIDE)
    question = "연체료는 얼마인가요?"
    alone = decide(space, question)
    assert decide(space, question, [0.5] * 8) == alone


@given(st.text(max_size=60), st.lists(st.text(max_size=60), max_size=5))
def test_any_question_gets_a_decision(question: str, texts: list[str]) -> None:
    space = Space(*texts)
    found = decide(space, question)
    assert 0 <= found.coverage <= 1
