"""Searches by one caller and by sixteen, and the same without HTTP: what PostgreSQL alone takes."""

import time
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

from bench.corpus import Document, questions
from bench.load import at_once, latencies, timed
from bench.measure import costs
from bench.stack import Stack
from protostar.config import EmbeddingSettings
from protostar.db.session import Database
from protostar.retrieval.service import Retriever
from protostar.telemetry import Metrics

CALLERS = (1, 16)
TOP_K = 10


async def measure(stack: Stack, corpus: Sequence[Document], space: dict[str, str], count: int, seed: str) -> dict[str, Any]:
    """`count` hybrid searches by each number of callers, for sentences of the documents.

    `found`: share of searches whose hits hold the sentence's document; the stand-in's vectors are hashes, so it says only that
    search works.
    """
    await _searches(stack, space, questions(corpus, 32, f"{seed}-warm"), 16)
    figures: dict[str, Any] = {
        "model_p50_ms": await _model_alone(stack, corpus, seed),
        "sql_p50_ms": await _sql_alone(stack, questions(corpus, 100, f"{seed}-sql")),
    }
    for callers in CALLERS:
        asked = questions(corpus, count if callers == 1 else 4 * count, f"{seed}-{callers}")
        with costs(stack.processes) as cost:
            answered = await _searches(stack, space, asked, callers)
        prefix = f"c{callers}_"
        figures |= latencies([seconds for seconds, _found in answered], prefix)
        figures[f"{prefix}per_s"] = len(asked) / cost.wall
        for role in ("api", "postgres", "models", "client"):
            figures[f"{prefix}{role}_cpu_ms"] = cost.cpu.get(role, 0.0) / len(asked) * 1000
        figures[f"{prefix}cpu_of_others"] = cost.others / cost.wall
        figures[f"{prefix}found"] = sum(found for _seconds, found in answered) / len(asked)
    return figures


async def _searches(
    stack: Stack, space: dict[str, str], asked: Sequence[tuple[str, Document]], callers: int
) -> list[tuple[float, bool]]:
    """(seconds, whether the sentence's document is among the hits) of each."""

    async def search(question: tuple[str, Document]) -> tuple[float, bool]:
        text, _document = question
        hits: list[dict[str, Any]] = []

        async def request() -> None:
            found = await stack.ask("POST", "/v1/search", json={"query": text, "top_k": TOP_K}, headers=space)
            hits.extend(found["hits"])

        seconds = await timed(request())
        return seconds, any(text in hit["text"] for hit in hits)

    return await at_once(callers, asked, search)


async def _model_alone(stack: Stack, corpus: Sequence[Document], seed: str) -> float:
    """What the stand-in takes for the vector of a question, in milliseconds: part of every hybrid search."""

    async def embed(question: tuple[str, Document]) -> float:
        body = {"model": "embed", "input": [question[0]]}
        return await timed(stack.ask("POST", f"{stack.models}/v1/embeddings", json=body))

    return latencies(await at_once(1, questions(corpus, 50, f"{seed}-model"), embed))["p50_ms"]


class _Statements:
    """The product's database and its connection, which adds up the seconds in which it waits for PostgreSQL."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.seconds = 0.0

    @asynccontextmanager
    async def driver(self) -> AsyncGenerator["_Statements"]:
        async with self._database.driver() as self._connection:
            yield self

    async def fetch(self, *statement: Any) -> Any:
        started = time.perf_counter()
        try:
            return await self._connection.fetch(*statement)
        finally:
            self.seconds += time.perf_counter() - started


class _Known:
    """An embedder that gives every question the vector of some text at once: as many vectors are scored."""

    def __init__(self, model_id: int, vector: Sequence[float]) -> None:
        self._found = model_id, vector

    async def understands(self, _text: str) -> bool:
        return True

    async def question(self, _text: str) -> tuple[int, Sequence[float]]:
        return self._found


async def _sql_alone(stack: Stack, asked: Sequence[tuple[str, Document]]) -> float:
    """Milliseconds, p50, that the statements of a search in the newest space take on a connection of their own."""
    space_id = UUID((await stack.ask("GET", "/v1/spaces"))["items"][0]["id"])
    database = Database(stack.database_url, pool_size=1)
    try:
        async with database.driver() as connection:
            row = "select model_id, vector from embeddings where space_id = $1 limit 1"
            known: Any = _Known(*await connection.fetchrow(row, space_id))
        seconds: list[float] = []
        for question, _document in asked:
            statements: Any = _Statements(database)
            await Retriever(statements, known, EmbeddingSettings(), Metrics()).search(
                space_id, question, top_k=TOP_K, mode="hybrid"
            )
            seconds.append(statements.seconds)
    finally:
        await database.close()
    return latencies(seconds)["p50_ms"]
