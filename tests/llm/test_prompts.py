from datetime import date

import pytest

from protostar.llm.prompts import Language, answer, instructions, language_of

FOUND = "ERR-1042 오류는 저장 공간이 부족하다는 뜻입니다."


@pytest.mark.parametrize("question", ["VPN 신청은 어떻게 하나요?", "ㅋㅋ", "How do I 신청?"])
def test_any_hangul_is_korean(question: str) -> None:
    assert language_of(question, "Nothing but English.") == "ko"


@pytest.mark.parametrize("question", ["How do I ask for a VPN?", "Docker", "refund"])
def test_an_english_word_is_english_whatever_was_found(question: str) -> None:
    assert language_of(question, FOUND) == "en"


@pytest.mark.parametrize("question", ["VPN", "ERR-1042", "iPhone15", "2024-05-01", "?"])
def test_without_a_word_the_passage_tells(question: str) -> None:
    assert (language_of(question, FOUND), language_of(question)) == ("ko", "en")


@pytest.mark.parametrize(("language", "day"), [("ko", "오늘은 2026-11-28 토요일입니다."), ("en", "Today is Saturday, 2026-11-28.")])
def test_a_model_knows_the_day_and_may_tell_it(language: Language, day: str) -> None:
    messages = answer("오늘 열어요?", [], [], persona="", language=language, asked_on=date(2026, 11, 28))
    assert f"\n- {day}\n" in messages[0].content
    assert day not in instructions(messages)
