"""The jobs of knowledge: what makes documents and spaces searchable, keeps them so, and erases them."""

from datetime import timedelta
from functools import partial
from typing import Final
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from protostar.documents.kinds import EMBED, FOLD, INDEX, PURGE
from protostar.documents.repository import DocumentRepository
from protostar.jobs.context import JobContext
from protostar.jobs.model import Change
from protostar.jobs.registry import Task
from protostar.jobs.repository import JobRepository
from protostar.jobs.service import Jobs
from protostar.knowledge import tokens
from protostar.knowledge.kinds import (
    CHECK_TERMS,
    INDEX_VECTORS,
    PURGE_VECTORS,
    REINDEX,
    RENEW_TERMS,
    index_vectors,
    renew_terms,
)
from protostar.knowledge.pipeline import Pipeline
from protostar.knowledge.purge import Purge
from protostar.knowledge.reindex import Reindex
from protostar.knowledge.repository import KnowledgeRepository
from protostar.knowledge.vector_index import VectorIndex
from protostar.spaces.kinds import PURGE as PURGE_SPACE
from protostar.spaces.kinds import purge as purge_space
from protostar.webhooks.events import emit

_PROMISED: Final = (
    "This job erases what nobody is shown any more, and cannot be cancelled. Until then what was deleted can be restored."
)

_ERASED_AGAIN: Final = timedelta(hours=1)


def tasks(pipeline: Pipeline, purge: Purge, reindex: Reindex, index: VectorIndex, jobs: Jobs) -> list[Task]:
    async def fold(context: JobContext) -> None:
        if context.job.space_id is None:
            return
        async with context.writing() as session:
            await JobRepository(session).free_key(context.job)
        more = True
        while more:
            async with context.writing() as session:
                repository = KnowledgeRepository(session)
                more = await repository.fold_terms(context.job.space_id)
                if not more and await index.is_needed(repository, context.job.space_id):
                    await jobs.enqueue(session, index_vectors(context.job.space_id))

    async def check_terms(context: JobContext) -> None:
        async with context.writing() as session:
            for space_id in await KnowledgeRepository(session).with_older_terms():
                await jobs.enqueue(session, renew_terms(space_id, tokens.VERSION))

    async def follow(session: AsyncSession, change: Change) -> None:
        """A version's status says what its job's state means for its owner."""
        status = "queued" if change.state == "queued" else "failed"
        document_id, version = UUID(change.job.args["document_id"]), int(change.job.args["version"])
        followed = await DocumentRepository(session).set_status(document_id, version, status=status, error=change.error)
        if followed and status == "failed" and change.job.space_id is not None:
            data = {"document_id": str(document_id), "version": version, "error": change.error}
            await emit(session, jobs, change.job.space_id, "document.failed", data)

    return [
        Task(INDEX, pipeline.index, on_change=follow),
        Task(EMBED, pipeline.embed_later, limit=2),
        Task(PURGE, purge.document, kept=_PROMISED),
        Task(PURGE_SPACE, purge.space, on_change=partial(_erase_again, jobs), kept=_PROMISED),
        Task(FOLD, fold),
        Task(REINDEX, reindex.space, limit=1),
        Task(CHECK_TERMS, check_terms),
        Task(RENEW_TERMS, reindex.terms, limit=1),
        Task(PURGE_VECTORS, purge.vectors, limit=1),
        Task(INDEX_VECTORS, index.job, limit=1),
    ]


async def _erase_again(jobs: Jobs, session: AsyncSession, change: Change) -> None:
    """What was promised is tried without end: the store may be away for longer than a job is tried."""
    if change.state in ("dead", "failed"):
        await jobs.enqueue(session, purge_space(UUID(change.job.args["space_id"]), _ERASED_AGAIN))
