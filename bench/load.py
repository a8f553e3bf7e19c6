"""Callers that send one request after the other, so many at once."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import TypeVar

from bench.measure import percentile

T = TypeVar("T")
R = TypeVar("R")


class BenchError(Exception):
    """The product did not do what is measured here; a figure would mean nothing."""


async def at_once(callers: int, items: Iterable[T], call: Callable[[T], Awaitable[R]]) -> list[R]:
    """`call` for each item, by so many callers at once; the results in no order."""
    waiting = iter(items)
    results: list[R] = []

    async def caller() -> None:
        for item in waiting:
            results.append(await call(item))  # noqa: PERF401 - shared by all callers

    try:
        async with asyncio.TaskGroup() as group:
            for _ in range(callers):
                group.create_task(caller())
    except ExceptionGroup as failed:
        raise failed.exceptions[0] from None  # the others say the same
    return results


async def timed(call: Awaitable[object]) -> float:
    """Seconds until it is done."""
    started = time.perf_counter()
    await call
    return time.perf_counter() - started


def latencies(seconds: Sequence[float], prefix: str = "") -> dict[str, float]:
    """Percentiles in milliseconds."""
    shares = {"p50": 0.50, "p95": 0.95, "p99": 0.99}
    return {f"{prefix}{name}_ms": percentile(seconds, share) * 1000 for name, share in shares.items()}
