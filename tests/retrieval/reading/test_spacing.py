import pytest

from protostar.knowledge.tokens import term_id, terms
from protostar.retrieval.reading import spacing

KNOWN = "환불 기간 요금 할인 신청 방법 절차 받으 거쳐 연차 휴가 며칠 배송 조회 회비 사용 서울 시청 지원 지원금"


def respaced(text: str, known: str = KNOWN, chunks: int = 200, count: int = 10) -> str:
    return spacing.respaced(text, dict.fromkeys(map(term_id, terms(known)), count), chunks)


@pytest.mark.parametrize(
    ("question", "words"),
    [
        ("환불기간은얼마나되나요?", "환불기간은 얼마나 되나요?"),
        ("연차휴가는며칠인가요", "연차휴가는 며칠인가요"),
        ("어떤절차를거쳐야하나요", "어떤 절차를 거쳐야하나요"),
        ("지원금신청방법알려주세요.", "지원금신청방법 알려주세요."),
        ("요 금 할 인은 어떻게 받나요", "요금 할인은 어떻게 받나요"),
        ("2월부터연차는며칠인가요", "2월부터 연차는 며칠인가요"),
    ],
)
def test_words_of_the_space_are_told_apart(question: str, words: str) -> None:
    assert respaced(question) == words


@pytest.mark.parametrize(
    "question",
    [
        "환불 기간은 며칠인가요?",
        "배송 조회는 어떻게 하나요",
        "2024년 요금",
        "How long is the refund?",
        "환불\n기간",
        "",
        "가",
        "서울 시청",
    ],
)
def test_what_is_written_well_stays_as_it_is(question: str) -> None:
    assert respaced(question) == question


@pytest.mark.parametrize(
    "question", ["새 옷 포장 되나요?", "두 달 지나면 환불 되나요", "흰 옷은 어떻게 빨아요?", "찬 물로 세탁해도 되나요?"]
)
def test_words_that_stand_anywhere_stay_apart_as_they_are(question: str) -> None:
    known = "새 옷 포장 두 달 지나면 환불 흰 옷은 빨아요 찬 물로 세탁해도"
    assert respaced(question, known, count=1) == question


def test_words_that_the_space_does_not_know_stay_whole() -> None:
    assert respaced("서울시립도서관은 임진왜란을 언제 알렸나요") == "서울시립도서관은 임진왜란을 언제 알렸나요"


def test_nothing_but_blanks_is_changed() -> None:
    for known in (KNOWN, "", "은얼 마나 간은"):
        for chunks in (0, 1, 30, 10**6):
            for question in ("환불기간은얼마나되나요", "가 나 다 라", "슬레이 트제거지원을 받으려면어떤절차를", "ㅋㅋ 네"):
                assert respaced(question, known, chunks).replace(" ", "") == question.replace(" ", "")


def test_the_ids_of_what_has_to_be_known() -> None:
    assert spacing.term_ids("환불 기간 pdf") == {term_id(part) for part in ("환", "불", "기", "간", "환불", "불기", "기간")}
