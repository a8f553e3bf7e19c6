"""Finding passages: both legs, fused; whatever is away, the rest answers."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from typing import Final
from uuid import UUID

import structlog

from protostar.config import EmbeddingSettings
from protostar.db.session import Database
from protostar.db.vectors import SparseVector
from protostar.errors import InvalidInput, ModelRejected, ModelUnavailable
from protostar.knowledge import tokens
from protostar.knowledge.embeddings import Embedder
from protostar.knowledge.repository import CHUNKS_TERM
from protostar.retrieval.model import Candidate, Found, Mode, Query
from protostar.retrieval.repository import CANDIDATES, CANDIDATES_SHARE, EXACT_BELOW, RetrievalRepository
from protostar.telemetry import Metrics

log = structlog.get_logger()

DEPTH: Final = 100  # candidates of each leg


class Retriever:
    def __init__(self, database: Database, embedder: Embedder | None, settings: EmbeddingSettings, metrics: Metrics) -> None:
        self._database = database
        self._embedder = embedder
        self._weight = settings.weight
        self._metrics = metrics

    @property
    def model_name(self) -> str | None:
        return self._embedder.name if self._embedder is not None else None

    async def search(self, space_id: UUID, question: str, *, top_k: int, mode: Mode) -> Found:
        """The best `top_k` passages. Raises InvalidInput for `vector` without a model, DatabaseUnavailable."""
        if mode == "vector" and self._embedder is None:
            raise InvalidInput(
                "The mode «vector» needs an embedding model: set PROTOSTAR_EMBEDDING_BASE_URL, or search by keyword."
            )
        # The vector is asked for while PostgreSQL is; without a model there is nothing to wait for.
        embedding = asyncio.create_task(self._embed(question)) if mode != "keyword" and self._embedder is not None else None
        try:
            query = await self._query(space_id, question)
            vector = await embedding if embedding is not None else None
        finally:
            if embedding is not None:
                embedding.cancel()
        degraded = ["no_embeddings"] if embedding is not None and vector is None else []
        if degraded:
            self._metrics.degraded.labels("no_embeddings").inc()
            mode = "keyword"
        passages = await self._passages(space_id, query, vector, top_k, mode)
        from protostar.retrieval.model import Relevance

        return Found(query, passages, Relevance(bool(passages), 1.0), degraded)

    async def _embed(self, question: str) -> tuple[int, list[float]] | None:
        assert self._embedder is not None  # noqa: S101
        try:
            return await self._embedder.question(question)
        except (ModelUnavailable, ModelRejected) as error:
            log.warning("question_not_embedded", error=str(error))
            return None

    async def _query(self, space_id: UUID, question: str) -> Query:
        terms = tokens.terms(question)
        ids = {tokens.term_id(term) for term in terms}
        async with self._database.reading() as connection:
            known = await RetrievalRepository(connection).frequencies(space_id, [CHUNKS_TERM, *ids])
        chunks = known.pop(CHUNKS_TERM, 0)
        idf = {id_: tokens.idf(chunks, known.get(id_, 0)) for id_ in ids}
        return Query(question, tuple(terms), idf, known, chunks)

    async def _passages(self, space_id, query, vector, top_k, mode):
        present = sorted(query.frequencies)
        question = SparseVector(present, [query.idf[term] for term in present])
        async with self._database.reading() as connection:
            repository = RetrievalRepository(connection)
            candidates = await repository.candidates(
                space_id, question, rare=_rare(query), vector=vector, depth=DEPTH, keyword_leg=mode != "vector" and bool(present)
            )
            ranked = self._fuse(candidates, mode)[:top_k]
            texts = await repository.passages([candidate.id for candidate, _score in ranked])
        return [
            replace(texts[candidate.id], score=score, keyword=candidate.keyword, vector=candidate.vector)
            for candidate, score in ranked
            if candidate.id in texts
        ]

    def _fuse(self, candidates: Sequence[Candidate], mode: Mode):
        w = 0.0 if mode == "keyword" else 1.0 if mode == "vector" else self._weight
        if not candidates:
            return []

        def mm(values):
            known = [v for v in values if v is not None]
            if not known:
                return [0.0] * len(values)
            lo, hi = min(known), max(known)
            return [(v - lo) / (hi - lo) if v is not None and hi > lo else 0.0 for v in values]

        k = mm([c.keyword for c in candidates])
        v = mm([c.vector for c in candidates])
        scored = [(c, (1 - w) * a + w * b) for c, a, b in zip(candidates, k, v, strict=True)]
        return sorted(scored, key=lambda x: (-x[1], -x[0].keyword, str(x[0].id)))


def _rare(query: Query) -> list[int] | None:
    """The question's rarer terms, as many as keep the candidates few; None where scoring every chunk is as fast."""
    if query.chunks < EXACT_BELOW:
        return None
    budget = max(CANDIDATES, CANDIDATES_SHARE * query.chunks)
    chosen: list[int] = []
    for term, count in sorted(query.frequencies.items(), key=lambda item: item[1]):
        if chosen and count > budget:
            break
        budget -= count
        chosen.append(term)
    return chosen
