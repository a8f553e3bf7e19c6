from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st
from tests.support.spaces import Space, passage

from protostar.retrieval.model import Passage, Query
from protostar.retrieval.proximity import proximity_of
from protostar.retrieval.rerank import DEPTH, rerank

UNIT = 0.1
FILLER = "그 밖의 사항은 운영 규정에 따라 처리하며 자세한 내용은 안내문을 참고한다. " * 4


def reranked(query: Query, passages: list[Passage]) -> list[Passage]:
    return rerank(query, passages, proximity_of(query, passages[:DEPTH]), UNIT)


def first(question: str, *texts: str) -> str:
    """The text put forward among passages of one score."""
    return reranked(Space(*texts).query(question), [passage(text, at, score=0.5) for at, text in enumerate(texts)])[0].text


def test_words_that_stand_together_count_more() -> None:
    apart = f"전기 요금은 별도이다. {FILLER} 차량 관리자는 따로 둔다. {FILLER} 충전 설비는 없다."
    together = f"{FILLER} 전기 차량 충전은 지하 1층에서 한다. {FILLER}"
    assert first("전기 차량 충전", apart, together) == together
    assert first("전기 차량 충전", together, apart) == together


def test_neighbours_in_order_count_more() -> None:
    swapped = "The board reviews the safety of each annual report by the lift."
    phrase = "The lift has an annual safety review board of its own, by report."
    assert first("annual safety review", swapped, phrase) == phrase


def test_headings_are_part_of_a_passage() -> None:
    plain = passage("It costs nothing for students of the city.", 0, score=0.5)
    headed = replace(plain, chunk_id=passage("", 1).chunk_id, heading_path=("Library card",))
    query = Space(plain.text, "Library card\n" + plain.text).query("library card")
    assert reranked(query, [plain, headed])[0].heading_path == ("Library card",)


def test_words_in_a_heading_count_more_than_in_the_text() -> None:
    said = passage("Library card: it costs nothing for students of the city.", 0, score=0.5)
    headed = passage("It costs nothing for students of the city.", 1, score=0.5, heading_path=("Library card",))
    query = Space(said.text, "Library card\n" + headed.text).query("library card")
    assert reranked(query, [said, headed])[0].heading_path == ("Library card",)


def test_a_small_sign_does_not_turn_a_clear_order() -> None:
    texts = ["annual safety review", "annual review of safety"]
    rows = [passage(texts[1], 1, score=1.0), passage(texts[0], 0, score=0.1)]
    found = reranked(Space(*texts).query("annual safety review"), rows)
    assert found[0].text == texts[1]


def test_nothing_known_changes_nothing() -> None:
    rows = [passage("some text", at, score=1 - at / 10) for at in range(5)]
    assert [each.chunk_id for each in reranked(Space("some text").query("전혀 다른 질문"), rows)] == [
        each.chunk_id for each in rows
    ]
    assert reranked(Space().query(""), []) == []


WORDS = st.lists(st.sampled_from(["lift", "safety", "review", "annual", "board", "전기", "차량", "충전"]), max_size=12).map(
    " ".join
)


@given(WORDS, st.lists(WORDS, min_size=1, max_size=20))
def test_every_passage_stays_and_scores_fall(question: str, texts: list[str]) -> None:
    rows = [passage(text, at, score=1 - at / 30) for at, text in enumerate(texts)]
    found = reranked(Space(*texts).query(question), rows)
    scores = [each.score for each in found]
    assert {each.chunk_id for each in found} == {each.chunk_id for each in rows}
    assert scores == sorted(scores, reverse=True)
    assert all(0 <= score <= 1 for score in scores)
    assert [each.chunk_id for each in found[DEPTH:]] == [each.chunk_id for each in rows[DEPTH:]]
