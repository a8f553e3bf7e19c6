from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.spaces import chunk_id

from protostar.retrieval.fusion import fuse, vector_weight
from protostar.retrieval.model import Candidate, ChunkId


def candidates(*scores: tuple[float, float | None]) -> list[Candidate]:
    return [Candidate(chunk_id(at), keyword, vector) for at, (keyword, vector) in enumerate(scores)]


def order(found: list[tuple[Candidate, float]]) -> list[int]:
    return [candidate.id.ordinal for candidate, _ in found]


def test_the_sum_is_weighted() -> None:
    both = candidates((10.0, 0.2), (0.0, 0.9), (6.0, 0.6))
    assert order(fuse(both, 0.0)) == [0, 2, 1]
    assert order(fuse(both, 1.0)) == [1, 2, 0]
    assert order(fuse(both, 0.5)) == [2, 0, 1]
    assert dict(zip(order(fuse(both, 0.3)), [score for _, score in fuse(both, 0.3)], strict=True))[0] == 0.7


def test_a_model_that_sees_nothing_does_not_outvote_the_words() -> None:
    blind = candidates((20.0, 0.31), (9.0, 0.33), (8.0, 0.32), (0.0, 0.34))
    assert order(fuse(blind, 0.3))[0] == 0


def test_a_text_without_a_vector_counts_nothing_in_that_leg() -> None:
    assert order(fuse(candidates((5.0, None), (5.0, 0.4), (5.0, 0.8)), 0.3)) == [2, 0, 1]
    assert order(fuse(candidates((1.0, None), (2.0, None)), 0.3)) == [1, 0]


def test_of_equal_chunks_that_of_the_latest_document_comes_first() -> None:
    ids = [ChunkId(UUID(int=document), 1, ordinal) for document, ordinal in ((1, 0), (3, 5), (2, 0), (3, 4))]
    found = [candidate.id for candidate, _ in fuse([Candidate(id_, 1.0, None) for id_ in ids], 0.0)]
    assert found == [ids[3], ids[1], ids[2], ids[0]]


def test_vectors_that_hardly_stand_out_have_no_say() -> None:
    crowd = [(30.0 - at, 0.2 + at % 5 / 100) for at in range(40)]
    blind, unsure, sure = (candidates(*crowd, (5.0, best)) for best in (0.25, 0.38, 0.9))
    assert vector_weight(blind, 0.3) == 0
    assert 0 < vector_weight(unsure, 0.3) < 0.3
    assert vector_weight(sure, 0.3) == 0.3


def test_a_model_that_crowds_its_cosines_has_its_say() -> None:
    crowd = [(30.0 - at, 0.8 + at % 5 / 1000) for at in range(40)]
    assert vector_weight(candidates(*crowd, (5.0, 0.9)), 0.5) == 0.5


def test_without_words_or_background_vectors_keep_their_weight() -> None:
    level = candidates(*[(0.0, 0.2)] * 40)
    assert vector_weight(level, 0.3) == 0.3
    assert vector_weight(candidates((3.0, 0.2), (2.0, 0.2), (1.0, None)), 0.3) == 0.3
    assert vector_weight([], 0.3) == 0.3


@pytest.mark.parametrize("cosine", [-1.0, 0.0, 0.7, 1.0])
def test_vectors_that_are_all_alike_have_no_say(cosine: float) -> None:
    assert vector_weight(candidates(*[(float(at), cosine) for at in range(40)]), 0.3) == pytest.approx(0, abs=1e-6)


def test_vectors_without_a_say_order_what_words_leave_equal() -> None:
    assert order(fuse(candidates((2.0, 0.1), (0.0, 0.2), (0.0, 0.3)), 0)) == [0, 2, 1]


def test_legs_that_tell_no_difference() -> None:
    assert fuse([], 0.3) == []
    assert [score for _, score in fuse(candidates((3.0, None)), 0.3)] == [0.7]
    assert [score for _, score in fuse(candidates((0.0, None), (0.0, None)), 0.3)] == [0.0, 0.0]


@given(st.permutations(range(6)))
def test_equal_scores_have_one_order(places: list[int]) -> None:
    rows = candidates(*[(float(at // 2), 0.5) for at in range(6)])
    assert order(fuse([rows[place] for place in places], 0.3)) == [4, 5, 2, 3, 0, 1]


@given(st.lists(st.tuples(st.floats(0, 40), st.none() | st.floats(-1, 1)), max_size=30), st.floats(0, 1))
def test_scores_fall_and_stay_within_0_and_1(rows: list[tuple[float, float | None]], weight: float) -> None:
    scores = [score for _, score in fuse(candidates(*rows), weight)]
    assert scores == sorted(scores, reverse=True)
    assert all(0 <= score <= 1.0000001 for score in scores)
    assert len(scores) == len(rows)
