"""What is erased, what is kept because something else needs it, and who is asked to come again."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from pathlib import Path
from unittest.mock import Mock
from uuid import UUID

import pytest
from sqlalchemy import text
from tests.support.chunks import store

from protostar.cache import Cache
from protostar.config import AnswerSettings, S3Settings
from protostar.db.session import Database
from protostar.documents.kinds import FOLD, fold, purge
from protostar.jobs.bell import Bell
from protostar.jobs.context import JobContext
from protostar.jobs.registry import Registry
from protostar.jobs.repository import Enqueue, JobRepository
from protostar.jobs.service import Jobs
from protostar.knowledge.kinds import purge_vectors
from protostar.knowledge.purge import Purge
from protostar.knowledge.repository import KnowledgeRepository
from protostar.knowledge.rows import text_hash
from protostar.knowledge.tasks import tasks
from protostar.knowledge.vector_index import VectorIndex
from protostar.knowledge.vectors import Vectors
from protostar.objects.store import open_object_store
from protostar.spaces.kinds import purge as purge_space

JOBS = Jobs(Bell(None), max_attempts=5)
Run = Callable[[JobContext], Awaitable[None]]


@pytest.fixture
def erasing(database: Database, tmp_path: Path) -> Purge:
    return Purge(database, open_object_store(tmp_path.as_uri(), S3Settings()), JOBS, Cache(None), AnswerSettings())


async def run(database: Database, job: Enqueue, task: Run) -> None:
    """As a worker does that has claimed it."""
    async with database.transaction() as session:
        assert await JOBS.enqueue(session, job) is not None
        (claimed,) = await JobRepository(session).claim([job.kind], limit=1, owner="w", lease=timedelta(minutes=1))
    await task(JobContext(claimed, database, None))


async def execute(database: Database, statement: str, **values: object) -> None:
    async with database.transaction() as session:
        await session.execute(text(statement), values)


async def waiting(database: Database) -> list[str | None]:
    """The dedupe keys of what is to be done later."""
    async with database.transaction() as session:
        return list(
            (await session.execute(text("select dedupe_key from jobs where state = 'queued' and run_at > now()"))).scalars()
        )


async def vectors_of(database: Database, space_id: UUID, name: str, *texts: str) -> int:
    """Store a vector of each; the model's id."""
    vectors = Vectors(database)
    model_id = await vectors.model_id(name, 2)
    await vectors.add(space_id, model_id, [(UUID(bytes=text_hash(each)), [1.0, 0.0]) for each in texts])
    return model_id


async def kept(database: Database) -> list[int]:
    """The models of the vectors that are there."""
    async with database.transaction() as session:
        return list((await session.execute(text("select model_id from embeddings order by model_id"))).scalars())


async def test_a_vector_that_another_document_needs_stays(database: Database, space_id: UUID) -> None:
    id_ = await store(database, space_id, ["shared", "alone"])
    await store(database, space_id, ["shared"])
    await vectors_of(database, space_id, "m", "shared", "alone")
    await execute(database, "update documents set deleted_at = now() where id = :id", id=id_)
    async with database.transaction() as session:
        assert await KnowledgeRepository(session).purge_chunks(space_id, id_) == 2
        left = (await session.execute(text("select text_hash from embeddings"))).scalars().all()
    assert left == [UUID(bytes=text_hash("shared"))]


async def test_a_passage_lacks_the_vector_of_another_model(database: Database, space_id: UUID) -> None:
    id_ = await store(database, space_id, ["one", "two"])
    whole = await vectors_of(database, space_id, "whole", "one", "two")
    half = await vectors_of(database, space_id, "half", "one")
    async with database.transaction() as session:
        repository = KnowledgeRepository(session)
        assert [await repository.lacks_vectors(id_, 1, model) for model in (whole, half)] == [False, True]


async def test_the_vectors_that_a_space_is_searched_by_are_not_purged(
    database: Database, space_id: UUID, erasing: Purge, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nor is their index dropped."""
    dropped: list[int] = []

    async def drop(_self: Vectors, _space_id: UUID, model_id: int) -> None:
        dropped.append(model_id)

    monkeypatch.setattr(Vectors, "drop_index", drop)
    old = await vectors_of(database, space_id, "old", "one")
    new = await vectors_of(database, space_id, "new", "one")
    use = "update spaces set embedding_model_id = :model where id = :id"
    await execute(database, use, model=old, id=space_id)
    await run(database, purge_vectors(space_id, old), erasing.vectors)
    assert (await kept(database), dropped) == ([old, new], [])
    await execute(database, use, model=new, id=space_id)
    await execute(database, "delete from jobs")
    await run(database, purge_vectors(space_id, old), erasing.vectors)
    assert (await kept(database), dropped) == ([new], [old])


async def test_a_purge_that_comes_too_early_sees_to_it_that_one_comes_again(
    database: Database, space_id: UUID, erasing: Purge
) -> None:
    """Though the key of that one is its own."""
    id_ = await store(database, space_id, ["one"])
    await execute(database, "update documents set deleted_at = now(), erase_at = now() + interval '1 hour'")
    await run(database, purge(space_id, id_), erasing.document)
    assert await waiting(database) == [purge(space_id, id_).dedupe_key]
    await execute(database, "delete from jobs")
    await execute(database, "update spaces set deleted_at = now(), erase_at = now() + interval '1 hour'")
    await run(database, purge_space(space_id), erasing.space)
    assert await waiting(database) == [purge_space(space_id).dedupe_key]
    async with database.transaction() as session:
        assert (await session.execute(text("select count(*) from chunks"))).scalar_one() == 1


async def test_what_changes_while_frequencies_are_folded_is_folded_too(database: Database, space_id: UUID) -> None:
    """Its job is enqueued beside the one that runs, which may have looked already."""
    registry = Registry.of(*tasks(Mock(), Mock(), Mock(), VectorIndex(database), JOBS))
    await run(database, Enqueue(FOLD, space_id, {}, dedupe_key=fold(space_id).dedupe_key), registry.tasks[FOLD].run)
    async with database.transaction() as session:
        assert await JOBS.enqueue(session, fold(space_id)) is not None
