"""How good a ranking is, and how sure that is: the measures of `protostar eval`, as pure functions.

A ranking is a sequence of names, best first, none twice; `gold` holds the names that are right, at least one.
"""

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from random import Random
from statistics import fmean

RANKING = ("recall@1", "recall@5", "recall@10", "mrr@10", "ndcg@10")
_DEPTH = 10
_ROUNDS = 1000


@dataclass(frozen=True, slots=True)
class Figure:
    """A mean over questions; `low` to `high` is its 95 % bootstrap interval."""

    value: float
    low: float
    high: float


def recall(ranking: Sequence[str], gold: Collection[str], depth: int) -> float:
    """The share of `gold` among the first `depth`."""
    return len(set(ranking[:depth]) & set(gold)) / len(gold)


def reciprocal_rank(ranking: Sequence[str], gold: Collection[str]) -> float:
    """1 / the rank of the first that is right; 0 where none is among the first ten."""
    return next((1 / rank for rank, name in enumerate(ranking[:_DEPTH], start=1) if name in gold), 0.0)


def ndcg(ranking: Sequence[str], gold: Collection[str]) -> float:
    """Discounted gain, 1 / log2(rank + 1) for each that is right, as a share of that of the best ranking; of the first ten."""
    gain = sum(1 / math.log2(rank + 1) for rank, name in enumerate(ranking[:_DEPTH], start=1) if name in gold)
    best = sum(1 / math.log2(rank + 1) for rank in range(1, min(_DEPTH, len(gold)) + 1))
    return gain / best


def measure(ranking: Sequence[str], gold: Collection[str]) -> dict[str, float]:
    """Every measure of `RANKING` for one question."""
    recalls = (recall(ranking, gold, depth) for depth in (1, 5, 10))
    return dict(zip(RANKING, (*recalls, reciprocal_rank(ranking, gold), ndcg(ranking, gold)), strict=True))


def holds_within(passages: Sequence[tuple[int, int]], span: tuple[int, int], budget: int) -> bool:
    """Whether one of the passages (start, end) holds the whole span within the first `budget` characters of them all."""
    for start, end in passages:
        if start <= span[0] and span[1] <= min(end, start + budget):
            return True
        budget -= end - start
        if budget <= 0:
            break
    return False


def figure(values: Sequence[float], seed: int) -> Figure:
    """The mean of at least one value, with its percentile bootstrap interval; the same seed gives the same interval."""
    random = Random(seed)  # noqa: S311 - drawn for statistics
    means = sorted(fmean(random.choices(values, k=len(values))) for _ in range(_ROUNDS))
    return Figure(fmean(values), means[round(0.025 * _ROUNDS)], means[round(0.975 * _ROUNDS) - 1])


def verdict(before: Figure, after: Figure) -> str:
    """`better` or `worse` where each value lies beyond the other's interval, else `same`."""
    if after.value > before.high and before.value < after.low:
        return "better"
    if after.value < before.low and before.value > after.high:
        return "worse"
    return "same"


def verdicts(before: Mapping[str, Figure], after: Mapping[str, Figure]) -> dict[str, str]:
    """The verdict on each figure that both have."""
    return {name: verdict(before[name], value) for name, value in after.items() if name in before}
