"""Erasing: chunks that answer nothing any more, deleted documents, deleted spaces."""

from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

import structlog

from protostar.cache import Cache
from protostar.config import AnswerSettings
from protostar.db.session import Database
from protostar.documents.kinds import purge
from protostar.documents.repository import DocumentRepository
from protostar.jobs.context import JobContext
from protostar.jobs.repository import JobRepository
from protostar.jobs.service import Jobs
from protostar.knowledge.repository import KnowledgeRepository
from protostar.knowledge.vectors import Vectors
from protostar.objects.store import ObjectStore
from protostar.spaces.kinds import purge as purge_space
from protostar.spaces.repository import TABLES, SpaceRepository

log = structlog.get_logger()


class Purge:
    def __init__(self, database: Database, objects: ObjectStore, jobs: Jobs, cache: Cache, answers: AnswerSettings) -> None:
        self._cache = cache
        self._answers = answers
        self._jobs = jobs
        self._database = database
        self._objects = objects
        self._vectors = Vectors(database)

    async def document(self, context: JobContext) -> None:
        """`document.purge`: of a living document the chunks of old versions; of a deleted one everything."""
        await self._document(context, UUID(context.job.args["document_id"]))

    async def _document(self, context: JobContext, id_: UUID) -> None:
        async with self._database.transaction() as session:
            document = await DocumentRepository(session).deletion(id_)
        if document is None:
            return
        deleted = 1
        while deleted:
            async with context.writing() as session:
                deleted = await KnowledgeRepository(session).purge_chunks(document.space_id, id_)
        if document.deleted and document.left:
            await self._come_again(context, document.space_id, id_, document.left)
        elif document.deleted:
            await self._erase(context, id_)

    async def _come_again(self, context: JobContext, space_id: UUID, id_: UUID, after: timedelta) -> None:
        """The deletion may still be taken back: whatever this job was for, the document is erased then."""
        async with context.finishing() as session:
            await JobRepository(session).free_key(context.job)
            await self._jobs.enqueue(session, purge(space_id, id_, after))

    async def _erase(self, context: JobContext, id_: UUID) -> None:
        async with self._database.transaction() as session:
            keys = await DocumentRepository(session).keys(id_)
        # Objects before rows: a row without its object is retried, an object without its row would wait for the sweep.
        for key in keys:
            await self._objects.delete(key)
        async with context.writing() as session:
            await DocumentRepository(session).erase(id_)

    async def vectors(self, context: JobContext) -> None:
        """`vectors.purge`: those of a model that the space is not searched by any more."""
        space_id, model_id = context.job.space_id, int(context.job.args["model_id"])
        if space_id is None:
            return
        async with self._database.transaction() as session:
            active, _index_id, _chunks = await KnowledgeRepository(session).vectors(space_id)
        if active == model_id:
            return
        await self._vectors.drop_index(space_id, model_id)
        while await self._vectors.purge(space_id, model_id):
            async with context.writing():
                pass

    async def space(self, context: JobContext) -> None:
        """`space.purge`: everything that a deleted space held, then the space; also while Redis is away."""
        space_id = UUID(context.job.args["space_id"])
        async with context.writing() as session:
            is_due = await SpaceRepository(session).begin_erasure(space_id)
        if not is_due:
            await self._leave_space(context, space_id)
            return
        ids: Sequence[UUID] | None = None
        while ids is None or ids:
            async with context.writing() as session:
                ids = await DocumentRepository(session).hide_some(space_id)
            for id_ in ids:
                await self._document(context, id_)
        async with self._database.transaction() as session:
            _model_id, index_id, _chunks = await KnowledgeRepository(session).vectors(space_id)
        if index_id is not None:
            await self._vectors.drop_index(space_id, index_id)
        # Answers under way may still be put there until their deadline.
        forgotten = await self._cache.forget(space_id, self._answers.deadline + self._answers.cache_ttl)
        for table in TABLES:
            while await self._delete_some(context, table, space_id):
                pass
        async with context.finishing() as session:
            if not forgotten:
                seconds = self._answers.cache_ttl.total_seconds()
                log.warning("cached_answers_left", space=str(space_id), seconds=seconds)
                remark = f"Redis was away: cached answers of the space expire by themselves within {seconds:g} seconds."
                await JobRepository(session).remark(context.job, remark)
            await SpaceRepository(session).erase(space_id)

    async def _leave_space(self, context: JobContext, space_id: UUID) -> None:
        """It was given back, or may still be; whoever deletes it at this moment waits for this job's end, and enqueues another."""
        async with context.finishing() as session:
            space = await SpaceRepository(session).deletion(space_id)
            if space is not None and space.deleted:
                await JobRepository(session).free_key(context.job)
                await self._jobs.enqueue(session, purge_space(space_id, space.left))

    async def _delete_some(self, context: JobContext, table: str, space_id: UUID) -> bool:
        """Whether there were any."""
        async with context.writing() as session:
            return await SpaceRepository(session).erase_some(space_id, table)
