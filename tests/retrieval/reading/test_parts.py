"""Messages that ask several things."""

import pytest

from protostar.retrieval.reading.parts import questions


@pytest.mark.parametrize(
    ("text", "asked"),
    [
        ("헬스장에 개인 PT 있어요? 가격은요?", ["헬스장에 개인 PT 있어요?", "가격은요?"]),
        ("Is there a car park? And what does it cost?!", ["Is there a car park?", "And what does it cost?!"]),
        ("안녕하세요! 주차 되나요? 몇 시까지 하나요? 감사합니다.", ["주차 되나요?", "몇 시까지 하나요?"]),
        ("주차 되나요?\n몇 시까지 하나요?\n주말에도 하나요?", ["주차 되나요?", "몇 시까지 하나요?", "주말에도 하나요?"]),
    ],
)
def test_the_questions_of_a_message(text: str, asked: list[str]) -> None:
    assert questions(text) == asked


@pytest.mark.parametrize(
    "text",
    [
        "주차 되나요?",
        "Hi! Is there a car park? Thanks!",
        "My dog ate grapes. What shall I do? Is it dangerous?",
        "주차 되나요? 알려주세요.",
        'What does "who goes there?" mean?',
        "주차 되나요? " + "아주 길게 " * 100 + "말하면요?",
        "A? B? C? D? 몇 시? 어디? 누가? 왜?",
        "",
    ],
)
def test_one_alone_or_with_what_is_told_beside_it_stays_whole(text: str) -> None:
    assert questions(text) == []
