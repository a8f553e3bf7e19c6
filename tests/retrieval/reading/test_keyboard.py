import pytest
from hypothesis import given
from hypothesis import strategies as st

from protostar.retrieval.reading import keyboard

USUAL = [char for code in range(ord("가"), ord("힣") + 1) if keyboard.is_usual(char := chr(code))]


def test_usual_syllables_are_those_of_the_standard() -> None:
    assert len(USUAL) == 2_350
    assert not keyboard.is_usual("뷁")
    assert not keyboard.is_usual("환불ㅇ")
    assert not keyboard.is_usual("refund")


@given(st.text(st.sampled_from(USUAL), min_size=1))
def test_the_keys_of_a_word_make_the_word(word: str) -> None:
    assert keyboard.typed(keyboard.keys(word)) == word


@pytest.mark.parametrize(
    ("pressed", "text"),
    [
        ("rkqtdl", "값이"),
        ("ekfrqhRdmaxkd", "닭볶음탕"),
        ("dho", "왜"),
        ("rkql", "가비"),  # a consonant belongs to the vowel after it
        ("ghksqnfl", "환부리"),
        ("Tks", "싼"),
        ("RKQTDL", "까ㅃㅆ이"),
        ("rkr1dnjf", "각1월"),
    ],
)
def test_keys_make_syllables(pressed: str, text: str) -> None:
    assert keyboard.typed(pressed) == text


def test_letters_without_a_syllable_stay_letters() -> None:
    assert keyboard.typed("how") == "ㅗㅐㅈ"
    assert keyboard.keys("ㅗㅐㅈ") == "how"


def test_a_question_typed_with_the_keyboard_set_to_latin_letters() -> None:
    assert keyboard.as_hangul("dusck gbrksms 15dlf dlsrkdy?") == "연차 휴가는 15일 인가요?"
    assert keyboard.as_hangul("SMS dkffla") == "SMS 알림"
    for other in ("How do I get a refund?", "PDF export", "2024", "", "환불 기간", "SMS 알림 되나요?", "Go 배포", "SMS"):
        assert keyboard.as_hangul(other) is None


def test_keys_lie_beside_one_another() -> None:
    assert {key: set(keyboard.beside(key)) for key in "qgm"} == {"q": set("wa"), "g": set("ftyhbv"), "m": set("njk")}
