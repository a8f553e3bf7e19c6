"""When the embedding model or the rule for terms has changed: what a space is searched by is built anew beside what answers."""

import asyncio
from collections import Counter
from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Row

from protostar.db.session import Database
from protostar.db.vectors import SparseVector
from protostar.documents.kinds import fold
from protostar.documents.repository import DocumentRepository
from protostar.errors import ModelRejected, ModelUnavailable
from protostar.jobs.context import JobContext
from protostar.jobs.service import Jobs
from protostar.knowledge import tokens
from protostar.knowledge.chunking import indexed_text
from protostar.knowledge.embeddings import Embedder
from protostar.knowledge.kinds import purge_vectors
from protostar.knowledge.repository import KnowledgeRepository
from protostar.knowledge.vector_index import VectorIndex
from protostar.spaces.repository import SpaceRepository

_BATCH = 500


class Reindex:
    def __init__(self, database: Database, embedder: Embedder | None, index: VectorIndex, jobs: Jobs) -> None:
        self._database = database
        self._embedder = embedder
        self._index = index
        self._jobs = jobs

    async def space(self, context: JobContext) -> None:
        """`space.reindex`: terms document by document, then all vectors, then the switch.

        What was done before a kill is found done; vectors are paid for once. Raises ModelUnavailable.
        """
        space_id = context.job.space_id
        if space_id is None:
            return
        await self._terms(context, space_id, newer=True)
        model_id = await self._vectors(context, space_id, self._embedder) if self._embedder is not None else None
        index_id = await self._index.ensure(space_id, model_id) if model_id is not None else None
        async with context.finishing() as session:
            if model_id is not None:
                before = await KnowledgeRepository(session).use_model(space_id, model_id, index_id)
                if before not in (None, model_id):
                    await self._jobs.enqueue(session, purge_vectors(space_id, before))
            await SpaceRepository(session).new_knowledge(space_id)

    async def terms(self, context: JobContext) -> None:
        """`terms.renew`: terms by this release's rule, document by document, where they follow an older one."""
        space_id = context.job.space_id
        if space_id is None or context.job.args["scheme"] != tokens.VERSION:
            return  # a worker of the release that asks for it will be asked again
        await self._terms(context, space_id, newer=False)
        async with context.finishing() as session:
            await SpaceRepository(session).new_knowledge(space_id)

    async def _vectors(self, context: JobContext, space_id: UUID, embedder: Embedder) -> int:
        async def show(done: int, total: int) -> None:
            await context.note("embed", done, total)
            await context.show("embed", done, total)

        try:
            return await embedder.fill_space(space_id, show)
        except ModelRejected as error:
            # As with `document.embed`: a key gets renewed, a model gets installed.
            raise ModelUnavailable(str(error)) from error

    async def _terms(self, context: JobContext, space_id: UUID, *, newer: bool) -> None:
        """`newer`: also those by the rule of a newer release, after a step back from it."""
        done = 0
        while True:
            async with self._database.transaction() as session:
                outdated = await KnowledgeRepository(session).outdated(space_id, newer=newer)
            if not outdated:
                return
            for document_id, version in outdated:
                await self._rebuild(context, space_id, document_id, version)
                done += 1
            await context.note("terms", done, done)

    async def _rebuild(self, context: JobContext, space_id: UUID, document_id: UUID, version: int) -> None:
        """Weights, terms and frequencies of a version, in one transaction: they are only right together."""
        async with context.writing() as session:
            repository = KnowledgeRepository(session)
            # Another job may have rebuilt it in the meantime.
            if not await repository.lock_current(document_id, version) or not await repository.is_outdated(document_id, version):
                return
            documents = DocumentRepository(session)
            await documents.count_terms(space_id, document_id, version, -1)
            frequencies: Counter[int] = Counter()
            after = -1
            while rows := await repository.chunks(document_id, version, after=after, limit=_BATCH):
                weighed, counts = await asyncio.to_thread(_weigh, space_id, rows)
                await repository.set_weights(document_id, version, weighed)
                frequencies.update(counts)
                after = rows[-1].ordinal
            await repository.set_terms(document_id, version, frequencies)
            await documents.count_terms(space_id, document_id, version, 1)
            await self._jobs.enqueue(session, fold(space_id))


def _weigh(space_id: UUID, rows: Sequence[Row[Any]]) -> tuple[list[tuple[int, SparseVector, Sequence[int]]], Counter[int]]:
    """Ordinal, weights and terms of each chunk, and how many of them hold each term."""
    weighed: list[tuple[int, SparseVector, Sequence[int]]] = []
    counts = Counter({tokens.CHUNKS: len(rows)})
    for row in rows:
        terms = tokens.terms(indexed_text(row.heading_path, row.text))
        weights = tokens.weights(terms)
        counts.update(tokens.counted(terms, weights))
        ids = sorted(weights)
        vector = SparseVector(ids, [weights[id_] for id_ in ids])
        weighed.append((row.ordinal, vector, tokens.space_terms(space_id, ids)))
    return weighed, counts
