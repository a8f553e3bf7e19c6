import pytest

from protostar.knowledge.tokens import CHUNKS, LACKS_PAIRS, LACKS_WORDS, idf, term_id
from protostar.retrieval.model import Query
from protostar.retrieval.weighting import weigh


def weighed(question: str, counts: dict[int, int], **frequencies: int) -> Query:
    return weigh(question, counts | {term_id(term): count for term, count in frequencies.items()})


def bilingual(chunks: int, korean: int, english: int) -> dict[int, int]:
    return {CHUNKS: chunks, LACKS_PAIRS: chunks - korean, LACKS_WORDS: chunks - english}


def test_a_term_is_as_rare_as_in_the_chunks_of_its_script() -> None:
    counts = bilingual(8_000, 400, 7_600)
    query = weighed("서버 설정", counts, 서버=40, 설정=3)
    assert query.idf == {term_id("서버"): idf(400, 40), term_id("설정"): idf(400, 3)}
    assert (query.chunks, query.population) == (8_000, 400)
    assert weighed("server", counts, server=40).idf == {term_id("server"): idf(7_600, 40)}


def test_latin_names_in_a_korean_question_are_weighed_as_those_of_korean_documents() -> None:
    query = weighed("redis 설정 방법", bilingual(1_000, 1_000, 20), redi=30, 설정=100, 방법=200)
    assert query.idf[term_id("redi")] == idf(1_000, 30)
    assert query.population == 1_000


def test_words_that_hold_a_question_together_count_half() -> None:
    query = weighed("Getting a tick off", {CHUNKS: 30}, get=2, tick=2, off=2)
    half, whole = idf(30, 2) / 2, idf(30, 2)
    assert query.idf == {term_id("get"): half, term_id("tick"): whole, term_id("off"): half}
    assert query.size == 2


@pytest.mark.parametrize("question", ["damaged goods", "the holidays in May", "Keep 앱 가격", "put 옵션"])
def test_their_look_alikes_count_whole(question: str) -> None:
    query = weighed(question, {CHUNKS: 30})
    assert set(query.idf.values()) == {idf(30, 0)}
    assert query.size == len(query.idf)


@pytest.mark.parametrize("korean", [0, 1, 11])
def test_a_handful_of_chunks_in_a_script_makes_its_words_neither_common_nor_rare(korean: int) -> None:
    query = weighed("redis 구독 요금", bilingual(1_000 + korean, korean, 1_000), redi=200)
    assert query.idf == {
        term_id("redi"): idf(1_000, 200),
        term_id("구독"): idf(25, 0),
        term_id("요금"): idf(25, 0),
    }


def test_a_word_that_stands_in_many_foreign_chunks_is_weighed_among_more() -> None:
    counts = bilingual(1_000, 1_000, 100)
    assert weighed("redis", counts, redi=400).idf == {term_id("redi"): idf(800, 400)}
    assert weighed("redis", counts, redi=900).idf == {term_id("redi"): idf(1_000, 900)}


@pytest.mark.parametrize("question", ["1789", "redis", "설정"])
@pytest.mark.parametrize(
    "counts",
    [
        pytest.param({CHUNKS: 500}, id="scripts not counted yet"),
        pytest.param({CHUNKS: 500, LACKS_PAIRS: 0, LACKS_WORDS: 0}, id="all in both"),
    ],
)
def test_where_nothing_is_foreign_all_chunks_count(question: str, counts: dict[int, int]) -> None:
    query = weighed(question, counts)
    assert set(query.idf.values()) == {idf(500, 0)}
    assert query.population == 500


@pytest.mark.parametrize("counts", [{}, {CHUNKS: 3, LACKS_PAIRS: 90, LACKS_WORDS: 90}, {LACKS_PAIRS: 5}])
def test_counts_that_do_not_fit_do_no_harm(counts: dict[int, int]) -> None:
    """Those of a bulk deletion may be a moment behind those of a bulk upload."""
    for question in ("", "1789", "redis 설정"):
        assert all(value >= 0 for value in weighed(question, counts, 설정=7).idf.values())
