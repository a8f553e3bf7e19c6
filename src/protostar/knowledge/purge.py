"""Erasing: chunks that answer nothing any more, deleted documents, deleted spaces."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Final
from uuid import UUID

import structlog
from sqlalchemy import text

from protostar.cache import Cache
from protostar.config import AnswerSettings
from protostar.db.session import Database
from protostar.documents.kinds import purge
from protostar.jobs.context import JobContext
from protostar.jobs.repository import JobRepository
from protostar.jobs.service import Jobs
from protostar.knowledge.repository import KnowledgeRepository
from protostar.knowledge.vector_index import VectorIndex
from protostar.knowledge.vectors import Vectors
from protostar.objects.store import ObjectStore
from protostar.spaces.kinds import purge as purge_space

log = structlog.get_logger()

_KEYS = text("""
    select unnest(array_remove(array[object_key, text_key], null)) from document_versions where document_id = :document_id""")
_HIDE = text("""
    update documents set deleted_at = coalesce(deleted_at, now()), erase_at = null
    where id in (select id from documents where space_id = :space_id limit 100) returning id""")
# The lock makes it wait for whoever restores the document at this moment.
_DOCUMENT = text("""
    select space_id, deleted_at is not null as deleted, greatest(erase_at - now(), interval '0') as left
    from documents where id = :id for update""")

# Nobody can restore it from here on.
_BEGIN_SPACE = text("""
    update spaces set erase_at = null
    where id = :id and deleted_at is not null and (erase_at is null or erase_at <= clock_timestamp()) returning id""")
_SPACE = text("""
    select deleted_at is not null as deleted, greatest(erase_at - clock_timestamp(), interval '0') as left
    from spaces where id = :id for update""")

# Children before parents. Few rows at a time: no statement may take longer than the database's patience, however old the space is.
_SPACE_TABLES = ("conversations", "embeddings", "term_deltas", "term_frequencies", "idempotency_keys", "webhooks", "space_keys")
_ROWS: Final = 1_000


class Purge:
    def __init__(
        self, database: Database, objects: ObjectStore, index: VectorIndex, jobs: Jobs, cache: Cache, answers: AnswerSettings
    ) -> None:
        self._cache = cache
        self._answers = answers
        self._jobs = jobs
        self._database = database
        self._objects = objects
        self._index = index
        self._vectors = Vectors(database)

    async def document(self, context: JobContext) -> None:
        """`document.purge`: of a living document the chunks of old versions; of a deleted one everything."""
        await self._document(context, UUID(context.job.args["document_id"]))

    async def _document(self, context: JobContext, id_: UUID) -> None:
        async with self._database.transaction() as session:
            document = (await session.execute(_DOCUMENT, {"id": id_})).one_or_none()
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
            keys = list((await session.execute(_KEYS, {"document_id": id_})).scalars())
        # Objects before rows: a row without its object is retried, an object without its row would wait for the sweep.
        for key in keys:
            await self._objects.delete(key)
        async with context.writing() as session:
            await session.execute(text("delete from documents where id = :id"), {"id": id_})

    async def vectors(self, context: JobContext) -> None:
        """`vectors.purge`: those of a model that the space is not searched by any more."""
        space_id, model_id = context.job.space_id, int(context.job.args["model_id"])
        if space_id is None:
            return
        async with self._database.transaction() as session:
            active, _index_id, _chunks = await KnowledgeRepository(session).vectors(space_id)
        if active == model_id:
            return
        await self._index.drop(space_id, model_id)
        while await self._vectors.purge(space_id, model_id):
            async with context.writing():
                pass

    async def space(self, context: JobContext) -> None:
        """`space.purge`: everything that a deleted space held, then the space; also while Redis is away."""
        space_id = UUID(context.job.args["space_id"])
        async with context.writing() as session:
            due = (await session.execute(_BEGIN_SPACE, {"id": space_id})).one_or_none()
        if due is None:
            await self._leave_space(context, space_id)
            return
        ids: Sequence[UUID] | None = None
        while ids is None or ids:
            async with context.writing() as session:
                ids = (await session.execute(_HIDE, {"space_id": space_id})).scalars().all()
            for id_ in ids:
                await self._document(context, id_)
        async with self._database.transaction() as session:
            _model_id, index_id, _chunks = await KnowledgeRepository(session).vectors(space_id)
        if index_id is not None:
            await self._index.drop(space_id, index_id)
        # Answers under way may still be put there until their deadline.
        forgotten = await self._cache.forget(space_id, self._answers.deadline + self._answers.cache_ttl)
        for table in _SPACE_TABLES:
            while await self._delete_some(context, table, space_id):
                pass
        async with context.finishing() as session:
            if not forgotten:
                seconds = self._answers.cache_ttl.total_seconds()
                log.warning("cached_answers_left", space=str(space_id), seconds=seconds)
                remark = f"Redis was away: cached answers of the space expire by themselves within {seconds:g} seconds."
                await JobRepository(session).remark(context.job, remark)
            for table in _SPACE_TABLES:  # what came meanwhile
                await session.execute(text(f"delete from {table} where space_id = :space_id"), {"space_id": space_id})
            await session.execute(text("delete from spaces where id = :space_id"), {"space_id": space_id})

    async def _leave_space(self, context: JobContext, space_id: UUID) -> None:
        """It was given back, or may still be; whoever deletes it at this moment waits for this job's end, and enqueues another."""
        async with context.finishing() as session:
            space = (await session.execute(_SPACE, {"id": space_id})).one_or_none()
            if space is not None and space.deleted:
                await JobRepository(session).free_key(context.job)
                await self._jobs.enqueue(session, purge_space(space_id, space.left))

    async def _delete_some(self, context: JobContext, table: str, space_id: UUID) -> bool:
        """Whether there were any."""
        some = f"select ctid from {table} where space_id = :space_id limit {_ROWS}"
        statement = text(f"delete from {table} where ctid in ({some}) returning 1")
        async with context.writing() as session:
            return bool((await session.execute(statement, {"space_id": space_id})).all())
