from collections.abc import Iterator
from typing import Any

import pytest

from protostar.knowledge.tokens import term_id, terms
from protostar.retrieval.reading import keyboard, spelling
from protostar.retrieval.reading.unknown import replaced


def corrected(text: str, known: dict[str, int], chunks: int = 200) -> str:
    counts = {term_id(term): count for word, count in known.items() for term in terms(word)}
    meant = {each: word for each in spelling.unknown(text, counts) if (word := each.meant(counts, chunks)) is not None}
    return replaced(text, meant)


@pytest.mark.parametrize(
    "slip", ["warrenty", "waranty", "warrantty", "warratny", "warrabty", "arranty", "Warrantyy", "watranty", "xwarranty"]
)
def test_one_slip_is_undone(slip: str) -> None:
    assert corrected(f"How long is the {slip}?", {"warranty": 3, "service": 9}) == "How long is the warranty?"


@pytest.mark.parametrize(
    "text",
    [
        "How long is the guarantee?",  # no word of the space is near
        "warenti",  # two slips
        "WARRENTY",  # a name or an abbreviation
        "warrenty_period",
        "a/warrenty",
        "warrenty.html",
        "me@warrenty",
        "waranty2",
        "cart",  # short words are near too many
    ],
)
def test_what_may_be_meant_stays(text: str) -> None:
    assert corrected(text, {"warranty": 3, "card": 3, "html": 1}) == text


def test_a_word_that_the_space_has_is_not_misspelt() -> None:
    assert corrected("warrenty", {"warrenty": 1, "warranty": 90}) == "warrenty"


def test_the_commonest_word_is_meant() -> None:
    assert corrected("pumos", {"pumps": 5, "pumas": 2}) == "pumps"


def test_chance_hits_of_large_spaces_are_left_alone() -> None:
    assert corrected("warrenty", {"warranty": 5}, chunks=1_000_000) == "warrenty"
    assert corrected("warrenty", {"warranty": 60}, chunks=1_000_000) == "warranty"


@pytest.mark.parametrize("word", ["width", "three", "theme", "bring", "intro"])
def test_words_beside_those_that_only_ask_are_not_taken_for_them(word: str) -> None:
    assert corrected(f"{word} of the warranty", {"warranty": 3}) == f"{word} of the warranty"


def test_each_misspelt_word_is_corrected_at_its_place() -> None:
    known = {"warranty": 3, "printer": 5, "환불": 9}
    assert corrected("warranti-free pritner, 환부ㄹ, waranty", known) == "warranti-free printer, 환불, warranty"


def test_all_pairs_of_a_word_have_to_be_known() -> None:
    assert corrected("자동이체ㅇ", {"자동": 90, "이체": 1}) == "자동이체ㅇ"
    assert corrected("자동이체ㅇ", {"자동": 90, "동이": 1, "이체": 1}) == "자동이체"


def test_particles_of_korean_stay_at_the_word() -> None:
    assert corrected("warrenty는 얼마나 되나요", {"warranty": 3}) == "warranty는 얼마나 되나요"


@pytest.mark.parametrize("slip", ["환부ㄹ", "화ㅏㄴ불", "ㅎ환불", "환불ㅇ", "ㅎㅘ불", "환붋"])
def test_letters_without_a_syllable_are_slips(slip: str) -> None:
    assert not keyboard.is_usual(slip)
    assert corrected(f"{slip} 기간", {"환불": 9, "기간": 9}) == "환불 기간"


def test_whole_korean_words_are_what_they_are() -> None:
    assert corrected("환율 기관", {"환불": 9, "기간": 9}) == "환율 기관"


def test_laughter_is_none_of_it() -> None:
    assert corrected("환불 ㅠㅠ ㅋㅋㅋ", {"환불": 9, "쿠키": 9}) == "환불 ㅠㅠ ㅋㅋㅋ"


def test_no_more_than_a_few_words_are_looked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    looked: list[str] = []
    slips = spelling._slips

    def counted(word: str, *more: Any) -> Iterator[str]:
        looked.append(word)
        return slips(word, *more)

    monkeypatch.setattr(spelling, "_slips", counted)
    assert len(spelling.unknown(" ".join(["qwxzv"] * 50 + ["환부ㄹ"] * 50), {})) == 4
    assert len(looked) == 4
    assert spelling.unknown("환뷁" * 100, {}) == []
