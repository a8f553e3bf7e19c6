"""HNSW indexes: one for each space that is too large to be scanned, over that space's vectors alone.

An index over all spaces would have to be filtered: with a filter that keeps one vector in a hundred, recall was .92 at ten times
the cost. Migrations know nothing of these indexes; `spaces.vector_index_model_id` says that one can be used.
"""

from typing import Final
from uuid import UUID

from protostar.db.session import Database
from protostar.jobs.context import JobContext
from protostar.knowledge.repository import KnowledgeRepository
from protostar.knowledge.vectors import Vectors

INDEX_ABOVE: Final = 20_000
"""Chunks of a space from which on an index pays: an exact scan of 1,536 dimensions takes about 1.2 µs a vector."""


class VectorIndex:
    """`above`: chunks of a space from which on it gets an index."""

    def __init__(self, database: Database, above: int = INDEX_ABOVE) -> None:
        self._database = database
        self._vectors = Vectors(database)
        self._above = above

    async def job(self, context: JobContext) -> None:
        """`vectors.index`: build the index that the space lacks."""
        space_id = context.job.space_id
        if space_id is None:
            return
        async with self._database.transaction() as session:
            model_id, _index_id, _chunks = await KnowledgeRepository(session).vectors(space_id)
        index_id = await self.ensure(space_id, model_id) if model_id is not None else None
        async with context.finishing() as session:
            repository = KnowledgeRepository(session)
            active, _index_id, _chunks = await repository.vectors(space_id)
            if model_id is not None and active == model_id:
                await repository.use_model(space_id, model_id, index_id)

    async def is_needed(self, repository: KnowledgeRepository, space_id: UUID) -> bool:
        """Whether the space has grown so large that it wants an index that it lacks."""
        model_id, index_id, chunks = await repository.vectors(space_id)
        return model_id is not None and index_id != model_id and chunks >= self._above

    async def ensure(self, space_id: UUID, model_id: int) -> int | None:
        """The model's id once its index is there and can be used; None where the space is too small for one."""
        async with self._database.transaction() as session:
            _model_id, _index_id, chunks = await KnowledgeRepository(session).vectors(space_id)
        if chunks < self._above:
            return None
        await self._vectors.index(space_id, model_id)
        return model_id
