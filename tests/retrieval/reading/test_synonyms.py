import re
from collections.abc import Callable
from importlib.resources import files

import pytest

from protostar.knowledge.tokens import stemmed, term_id, terms
from protostar.retrieval.reading import synonyms
from protostar.retrieval.reading.unknown import replaced


def in_words_of(known: str, text: str, *, chunks: int = 200) -> str:
    """The text in the words of a space that has these."""
    counts = dict.fromkeys(map(term_id, terms(known)), 3)
    meant = {each: word for each in synonyms.unknown(text, counts) if (word := each.meant(counts, chunks)) is not None}
    return replaced(text, meant)


@pytest.mark.parametrize(
    ("known", "text", "read"),
    [
        ("rental of bikes", "where can I hire bikes?", "where can I rental bikes?"),
        ("the refrigerator", "Fridge for our food", "refrigerator for our food"),
        ("vaccines", "How much is a jab?", "How much is a vaccination?"),  # by stems
        ("jab", "vaccinations, please", "jab, please"),
        ("반려견 동반", "강아지는 되나요?", "반려견는 되나요?"),
        ("무선인터넷 비밀번호", "와이파이 비밀번호", "무선인터넷 비밀번호"),
        ("주차요금", "주차비는 얼마인가요", "주차요금는 얼마인가요"),
        ("환불 안내", "돈 돌려받을 수 있나요", "환불받을 수 있나요"),  # across a blank
        ("와이파이 안내", "WiFi 되나요", "와이파이 되나요"),  # in the other script
        ("와이파이 안내", "wi-fi는요?", "와이파이는요?"),
        ("Wi-Fi 안내", "와이파이 되나요", "wi-fi 되나요"),
        ("10kg 이하", "몇 키로까지 되나요", "몇 kg까지 되나요"),
        ("에이에스 접수", "AS 기간", "에이에스 기간"),
        ("주차 안내", "parking?", "주차?"),
        ("반려견 동반", "강아지도 되나요?", "반려견도 되나요?"),
        ("마지막 주문", "라스트오더는요?", "마지막 주문는요?"),  # by two words
        # what only asks, alone
        ("영업시간", "오늘 몇 시까지 해요?", "오늘 영업 시간 해요?"),
        ("영업시간", "일요일에는 몇시에 열어요", "일요일에는 영업 시간 열어요"),
        ("오시는 길", "어디에 있어요?", "오시는 길 있어요?"),
        ("요금", "얼마예요?", "요금?"),
        ("our address", "Where exactly are you?", "address exactly are you?"),
    ],
)
def test_a_word_that_the_space_does_not_have_becomes_one_that_it_has(known: str, text: str, read: str) -> None:
    assert in_words_of(known, text) == read


@pytest.mark.parametrize(
    ("known", "text"),
    [
        ("hire rental", "where can I hire bikes?"),  # it has the word itself
        ("rental", "Mr Hire"),  # a name
        ("rental", "hire_date, hire.html, a/hire, hire2"),
        ("rental", "HIRE"),
        ("winner rental", "it won't work, let's see"),
        ("quokka", "where can I hire bikes?"),
        ("반려견 강아지", "강아지는 되나요?"),
        ("어린이 수강", "아이폰, 들어갈 수 있나요"),
        ("강아지", "개인정보, 개 인정보, 개는"),  # a syllable may be a piece of another word
        ("간호사 원장", "이용자 의 사용 가능 시간"),  # nor is «의사» in it
        ("", "강아지 hire"),
        ("영업시간 주소", "접수는 몇 시까지 해요? 서류는 어디에 내요?"),  # something else is asked for
        ("address", "where can I park?"),
    ],
)
def test_everything_else_stays(known: str, text: str) -> None:
    assert in_words_of(known, text) == text


def test_chance_hits_of_large_spaces_are_left_alone() -> None:
    assert in_words_of("rental", "hire", chunks=1_000_000) == "hire"


def test_many_words_are_not_looked_up() -> None:
    assert len(synonyms.unknown("hire 강아지 " * 50, {})) == 8


@pytest.mark.parametrize(
    ("language", "word", "key"),
    [("en", "[a-z]{2,20}", stemmed), ("ko", "[가-힣]{1,12}(?:_[가-힣]{1,12})?|[a-z]{1,20}(?:[-/][a-z]{1,19})?", str)],
)
def test_the_lists_hold_groups_of_words(language: str, word: str, key: Callable[[str], str]) -> None:
    """In order, none within another, and no word twice: what stands there twice can be forgotten once."""
    text = files("protostar.retrieval.reading").joinpath(f"synonyms.{language}.txt").read_text(encoding="utf-8")
    groups = [line.split(" ") for line in text.splitlines()]
    assert groups == sorted(groups)
    for group in groups:
        assert len(group) > 1
        assert len({key(each) for each in group}) == len(group), group
        assert all(re.fullmatch(word, each) for each in group), group
    sets = [frozenset(group) for group in groups]
    holding: dict[str, list[frozenset[str]]] = {}
    for each in sets:
        for one in each:
            holding.setdefault(one, []).append(each)
    assert not [each for each in sets if sum(each <= other for other in holding[next(iter(each))]) > 1]
