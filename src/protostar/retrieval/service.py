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
from protostar.retrieval.fusion import fuse
from protostar.retrieval.model import Candidate, Found, Mode, Passage, Query
from protostar.retrieval.relevance import decide
from protostar.retrieval.repository import CANDIDATES, CANDIDATES_SHARE, EXACT_BELOW, RetrievalRepository
from protostar.retrieval.rerank import DEPTH as RERANKED
from protostar.retrieval.rerank import rerank
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
        embedder = self._embedder if mode != "keyword" else None
        embedding = asyncio.create_task(self._embed(embedder, question)) if embedder is not None else None
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
        candidates, passages = await self._legs(space_id, query, mode, vector, max(top_k, RERANKED))
        return Found(query, passages[:top_k], decide(query, candidates), degraded)

    @staticmethod
    async def _embed(embedder: Embedder, question: str) -> tuple[int, list[float]] | None:
        """The question's vector, or None where the model does not answer in time: keywords do."""
        try:
            return await embedder.question(question)
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

    async def _legs(
        self, space_id: UUID, query: Query, mode: Mode, vector: tuple[int, Sequence[float]] | None, limit: int
    ) -> tuple[list[Candidate], list[Passage]]:
        """Every candidate of the legs, and up to `limit` passages of them, best first."""
        known = sorted(query.frequencies)
        question = SparseVector(known, [query.idf[term] for term in known])
        async with self._database.reading() as connection:
            repository = RetrievalRepository(connection)
            candidates = await repository.candidates(
                space_id,
                question,
                rare=_rare(query),
                vector=vector,
                depth=DEPTH,
                keyword_leg=mode != "vector" and bool(known),
            )
            weight = 1.0 if mode == "vector" else self._weight if vector is not None else 0.0
            ranked = fuse(candidates, weight)[:limit]
            texts = await repository.passages([candidate.id for candidate, _score in ranked])
        passages = [
            replace(texts[candidate.id], score=score, keyword=candidate.keyword, vector=candidate.vector)
            for candidate, score in ranked
            if candidate.id in texts
        ]
        return candidates, passages if mode == "vector" else rerank(query, passages)


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
