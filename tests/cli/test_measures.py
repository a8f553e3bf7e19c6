"""The measures, against examples worked out by hand."""

import math

import pytest

from protostar.cli.evaluation.measures import Figure, figure, holds_within, measure, ndcg, recall, reciprocal_rank, verdict

RANKING = ["a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k"]


@pytest.mark.parametrize(
    ("gold", "depth", "expected"),
    [({"a"}, 1, 1), ({"b"}, 1, 0), ({"b", "z"}, 5, 1 / 2), ({"a", "e", "f"}, 5, 2 / 3), ({"k"}, 10, 0)],
)
def test_recall_is_the_share_of_what_is_right(gold: set[str], depth: int, expected: float) -> None:
    assert recall(RANKING, gold, depth) == expected


@pytest.mark.parametrize(("gold", "expected"), [({"a"}, 1), ({"d", "c"}, 1 / 3), ({"j"}, 1 / 10), ({"k"}, 0)])
def test_the_first_right_one_counts(gold: set[str], expected: float) -> None:
    assert reciprocal_rank(RANKING, gold) == expected


@pytest.mark.parametrize(
    ("gold", "expected"),
    [
        ({"a"}, 1),
        ({"a", "b"}, 1),
        ({"c"}, 1 / 2),  # 1 / log2(4)
        ({"a", "c"}, (1 + 1 / 2) / (1 + 1 / math.log2(3))),
        ({"b", "z"}, (1 / math.log2(3)) / (1 + 1 / math.log2(3))),
        ({"k"}, 0),
    ],
)
def test_discounted_gain(gold: set[str], expected: float) -> None:
    assert ndcg(RANKING, gold) == pytest.approx(expected)


def test_a_short_ranking_is_measured_too() -> None:
    assert measure(["x"], {"a"}) == {"recall@1": 0, "recall@5": 0, "recall@10": 0, "mrr@10": 0, "ndcg@10": 0}
    assert measure([], {"a"})["mrr@10"] == 0


@pytest.mark.parametrize(
    ("span", "expected"),
    [
        ((10, 20), True),  # at the start of the first passage
        ((95, 105), False),  # across the edge of the first
        ((500, 550), True),  # just within the budget of the second
        ((500, 551), False),
        ((900, 910), False),  # in the third, beyond the budget
    ],
)
def test_a_span_counts_within_the_budget(span: tuple[int, int], expected: bool) -> None:
    assert holds_within([(0, 100), (500, 600), (900, 1000)], span, 150) is expected


def test_the_interval_is_that_of_the_mean() -> None:
    found = figure([1.0] * 80 + [0.0] * 20, seed=3)

    assert found.value == 0.8
    assert found.low == pytest.approx(0.8 - 1.96 * 0.04, abs=0.02)  # the binomial's standard error is .04
    assert found.high == pytest.approx(0.8 + 1.96 * 0.04, abs=0.02)
    assert found == figure([1.0] * 80 + [0.0] * 20, seed=3)
    assert figure([0.5, 0.5], seed=0) == Figure(0.5, 0.5, 0.5)


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        (Figure(0.80, 0.75, 0.85), Figure(0.90, 0.86, 0.94), "better"),
        (Figure(0.80, 0.75, 0.85), Figure(0.84, 0.80, 0.88), "same"),
        (Figure(0.80, 0.75, 0.85), Figure(0.90, 0.79, 0.99), "same"),  # too unsure of itself
        (Figure(0.80, 0.75, 0.85), Figure(0.60, 0.50, 0.70), "worse"),
    ],
)
def test_a_change_counts_beyond_both_intervals(before: Figure, after: Figure, expected: str) -> None:
    assert verdict(before, after) == expected
