"""Finding passages: both legs, fused; whatever is away, the rest answers."""

import asyncio
import unicodedata
from collections import defaultdict
from collections.abc import Mapping, Sequence, Set
from dataclasses import replace
from typing import Final
from uuid import UUID

import structlog

from protostar.config import EmbeddingSettings
from protostar.db.session import Database
from protostar.db.vectors import SparseVector
from protostar.errors import InvalidInput, ModelRejected, ModelUnavailable
from protostar.knowledge.embeddings import Embedder
from protostar.retrieval.fusion import fuse, tie_break, unit, vector_weight
from protostar.retrieval.model import Candidate, ChunkId, Found, Mode, Passage, Query, SpaceVectors
from protostar.retrieval.proximity import proximity_of
from protostar.retrieval.reading.reader import read
from protostar.retrieval.relevance import decide
from protostar.retrieval.repository import (
    CANDIDATES,
    CANDIDATES_ENOUGH,
    CANDIDATES_SHARE,
    CANDIDATES_SHARE_ABOVE,
    EXACT_BELOW,
    RetrievalRepository,
    ef_search,
)
from protostar.retrieval.rerank import DEPTH as RERANKED
from protostar.retrieval.rerank import rerank
from protostar.retrieval.weighting import weigh
from protostar.telemetry import Metrics

log = structlog.get_logger()

DEPTH: Final = 100  # candidates of each leg
_SAME_WORDS: Final = 3


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
        """The best `top_k` passages, without copies. Raises InvalidInput for `vector` without a model, DatabaseUnavailable."""
        question = unicodedata.normalize("NFC", question)
        if mode == "vector" and self._embedder is None:
            raise InvalidInput(
                "The mode «vector» needs an embedding model: set PROTOSTAR_EMBEDDING_BASE_URL, or search by keyword."
            )
        if self._embedder is None or mode == "keyword" or (mode == "hybrid" and not await self._embedder.understands(question)):
            query, _vectors = await self._query(space_id, question)
            return await self._by_keyword(space_id, query, top_k)
        embedding = asyncio.create_task(self._embed(self._embedder, question))
        try:
            # The vector is asked for while PostgreSQL is.
            query, vectors = await self._query(space_id, question)
            if query.text != question:  # it was typed on the wrong keyboard, and its vector is of that
                return await self.search(space_id, query.text, top_k=top_k, mode=mode)
            vector = await embedding
        finally:
            embedding.cancel()
        if vector is None:
            return await self._degraded(space_id, query, top_k, "no_embeddings")
        if vectors.model_id not in (None, vector[0]):
            # Another model's vectors cannot be compared with this one's, and those of new documents alone would crowd out the rest.
            return await self._degraded(space_id, query, top_k, "reindex")
        return await self._by_both(space_id, query, vector, top_k, mode, indexed=vectors.indexed)

    async def _degraded(self, space_id: UUID, query: Query, top_k: int, reason: str) -> Found:
        self._metrics.degraded.labels(reason).inc()
        return await self._by_keyword(space_id, query, top_k, degraded=(reason,))

    @staticmethod
    async def _embed(embedder: Embedder, question: str) -> tuple[int, list[float]] | None:
        """The question's vector, or None where the model does not answer in time: keywords do."""
        try:
            return await embedder.question(question)
        except (ModelUnavailable, ModelRejected) as error:
            log.warning("question_not_embedded", error=str(error))
            return None

    async def _query(self, space_id: UUID, question: str) -> tuple[Query, SpaceVectors]:
        vectors = SpaceVectors(None, indexed=False)
        async with self._database.driver() as connection:
            repository = RetrievalRepository(connection)

            async def look(term_ids: Set[int]) -> Mapping[int, int]:
                nonlocal vectors
                known, vectors = await repository.known(space_id, term_ids)
                return known

            reading = await read(question, look)
        return weigh(
            reading.question, reading.counts, words=reading.words, guessed=reading.guessed, synonyms=reading.synonyms
        ), vectors

    async def _by_keyword(self, space_id: UUID, query: Query, top_k: int, degraded: Sequence[str] = ()) -> Found:
        if not query.frequencies:
            return Found(query, [], decide(query, [], []), list(degraded))
        wanted = max(top_k, RERANKED)
        kept: list[Passage] = []
        async with self._database.driver() as connection:
            for limit in (wanted, DEPTH):
                found = await RetrievalRepository(connection).keyword_passages(
                    space_id, _vector(query), rare=_rare(query), limit=limit
                )
                kept = _distinct(_by_score(found))[:wanted]
                if len(kept) == wanted or len(found) < limit:
                    break
        candidates = [Candidate(passage.chunk_id, passage.keyword, None) for passage in kept]
        ranked = _scored(fuse(candidates, 0), {passage.chunk_id: passage for passage in kept})
        proximity = proximity_of(query, ranked[:RERANKED])
        passages = rerank(query, ranked, proximity, unit(candidates, 0))
        return Found(query, passages[:top_k], decide(query, candidates, proximity), list(degraded))

    async def _by_both(
        self, space_id: UUID, query: Query, vector: tuple[int, Sequence[float]], top_k: int, mode: Mode, *, indexed: bool
    ) -> Found:
        async with self._database.driver() as connection:
            repository = RetrievalRepository(connection)
            by_word = mode != "vector" and bool(query.frequencies)
            candidates = await repository.candidates(
                space_id,
                _vector(query),
                vector,
                rare=_rare(query),
                depth=DEPTH,
                keyword_leg=by_word,
                effort=ef_search(query.chunks) if indexed else None,
            )
            weight = 1.0 if mode == "vector" else vector_weight(candidates, self._weight)
            fused = fuse(candidates, weight)
            wanted = max(top_k, RERANKED)
            ranked: list[Passage] = []
            for limit in (wanted, 2 * DEPTH):
                best = fused[:limit]
                ranked = _distinct(_scored(best, await repository.passages([candidate.id for candidate, _score in best])))[:wanted]
                if len(ranked) == wanted or len(best) < limit:
                    break
        proximity = proximity_of(query, ranked[:RERANKED])
        passages = rerank(query, ranked, proximity, unit(candidates, weight))
        return Found(query, passages[:top_k], decide(query, candidates, proximity))


def _vector(query: Query) -> SparseVector:
    """The question's side of BM25: the idf of its terms, also of those that are not counted yet while many documents come in."""
    terms = sorted(query.idf)
    return SparseVector(terms, [query.idf[term] for term in terms])


def _scored(fused: Sequence[tuple[Candidate, float]], texts: Mapping[ChunkId, Passage]) -> list[Passage]:
    """The passages in their order, with their scores; one that was purged in between is gone."""
    return [
        replace(texts[candidate.id], score=score, keyword=candidate.keyword, vector=candidate.vector)
        for candidate, score in fused
        if candidate.id in texts
    ]


def _distinct(passages: Sequence[Passage]) -> list[Passage]:
    """Without those whose words have come before: copies of a document would leave no room for anything else.

    The same words under other headings may be about something else, so up to three of them stay.
    """
    kept: list[Passage] = []
    headings: defaultdict[str, set[tuple[str, ...]]] = defaultdict(set)
    for passage in passages:
        before = headings[" ".join(passage.text.split())]
        if passage.heading_path not in before and len(before) < _SAME_WORDS:
            before.add(passage.heading_path)
            kept.append(passage)
    return kept


def _by_score(passages: Sequence[Passage]) -> list[Passage]:
    """Best first, and of equal ones the one that was added last."""
    return sorted(passages, key=lambda passage: (-passage.keyword, tie_break(passage.chunk_id)))


def _rare(query: Query) -> list[int] | None:
    """The question's rarer terms, as many as keep the candidates few, and the unknown ones; None where scoring all is as fast."""
    if query.chunks < EXACT_BELOW:
        return None
    enough = min(CANDIDATES_ENOUGH, CANDIDATES_SHARE * query.chunks)
    budget = max(CANDIDATES, enough, CANDIDATES_SHARE_ABOVE * query.chunks)
    chosen: list[int] = []
    for term, count in sorted(query.frequencies.items(), key=lambda item: item[1]):
        if chosen and count > budget:
            break
        budget -= count
        chosen.append(term)
    return [*chosen, *(query.idf.keys() - query.frequencies.keys())]
