"""What becomes of an upload's bytes when the database goes away at the worst moment."""

import math
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession
from tests.support.streams import chunks

from protostar.config import S3Settings
from protostar.db.session import Database
from protostar.documents.schemas import UrlUpload
from protostar.documents.service import Documents
from protostar.documents.upload import Receiver, Upload
from protostar.errors import DatabaseUnavailable, RateLimited
from protostar.jobs.bell import Bell
from protostar.jobs.progress import LiveProgress
from protostar.jobs.service import Jobs
from protostar.objects.store import ObjectStore, open_object_store
from protostar.outbound.addresses import refusal
from protostar.outbound.client import GuardedClient
from protostar.redis.announcements import Announcements


class Losing:
    """A database that goes away at the first `times` commits: before them, or behind them, with the answer."""

    def __init__(self, database: Database, *, behind: bool, times: float = math.inf) -> None:
        self._database = database
        self._behind = behind
        self._times = times

    @asynccontextmanager
    async def transaction(self) -> AsyncGenerator[AsyncSession]:
        self._times -= 1
        async with self._database.transaction() as session:
            yield session
            if not self._behind and self._times >= 0:
                raise DatabaseUnavailable from ConnectionResetError()
        if self._behind and self._times >= 0:
            raise DatabaseUnavailable from ConnectionResetError()


@pytest.fixture(autouse=True)
def shortly(monkeypatch: pytest.MonkeyPatch) -> None:
    """Wait for the database a moment and no longer."""
    monkeypatch.setattr("protostar.documents.service._BYTES_IN_HAND", 2)


@pytest.fixture
def objects(tmp_path: Path) -> ObjectStore:
    return open_object_store(tmp_path.as_uri(), S3Settings())


def service(database: Database | Losing, objects: ObjectStore, *, queue_limit: int = 100) -> Documents:
    jobs = Jobs(Bell(None), max_attempts=5, queue_limit=queue_limit)
    receiver, client = Receiver(objects, 1000), GuardedClient(None, refusal)
    return Documents(database, jobs, receiver, client, LiveProgress(None), Announcements(None), uploads=8, grace=timedelta(0))


async def received(documents: Documents) -> Upload:
    return await documents.receiver.raw("a.md", None, chunks(b"# Text"))


async def stored(objects: ObjectStore) -> set[str]:
    return {info.key async for info in objects.list("documents")}


@pytest.mark.parametrize("behind", [True, False], ids=["behind it", "before it"])
async def test_an_upload_goes_on_where_the_database_went_away_at_the_commit(
    database: Database, objects: ObjectStore, space_id: UUID, *, behind: bool
) -> None:
    upload = await received(service(database, objects))
    document, new = await service(Losing(database, behind=behind, times=2), objects).create(space_id, upload, None)
    assert new
    next_version = await received(service(database, objects))
    replaced = await service(Losing(database, behind=behind, times=2), objects).replace(space_id, document.id, next_version, None)
    assert (replaced.id, replaced.version) == (document.id, 2)
    (only,) = await service(database, objects).holdings.page(space_id, before=None, limit=2)
    assert (only.id, only.version) == (document.id, 2)
    assert await stored(objects) == {upload.stored.key, next_version.stored.key}


async def test_bytes_stay_when_only_the_answer_of_the_commit_is_lost(
    database: Database, objects: ObjectStore, space_id: UUID
) -> None:
    documents = service(Losing(database, behind=True), objects)
    upload = await received(documents)
    with pytest.raises(DatabaseUnavailable):
        await documents.create(space_id, upload, None)
    (document,) = await service(database, objects).holdings.page(space_id, before=None, limit=2)
    assert document.sha256 == upload.stored.sha256
    assert await stored(objects) == {upload.stored.key}
    again, new = await service(database, objects).create(space_id, await received(documents), None)
    assert (again.id, new) == (document.id, False)
    assert await stored(objects) == {upload.stored.key}

    with pytest.raises(DatabaseUnavailable):
        await documents.replace(space_id, document.id, next_version := await received(documents), None)
    assert (await service(database, objects).holdings.get(space_id, document.id)).version == 2
    assert await stored(objects) == {upload.stored.key, next_version.stored.key}


async def test_bytes_go_when_the_database_was_not_there_at_all(objects: ObjectStore, space_id: UUID, database: Database) -> None:
    class Away:
        @asynccontextmanager
        async def transaction(self) -> AsyncGenerator[AsyncSession]:
            raise DatabaseUnavailable from ConnectionResetError()
            yield

    documents = service(Away(), objects)
    with pytest.raises(DatabaseUnavailable):
        await documents.create(space_id, await received(documents), None)
    assert await stored(objects) == set()


async def test_bytes_that_no_row_names_before_the_commit_are_left_for_the_sweep(
    database: Database, objects: ObjectStore, space_id: UUID
) -> None:
    """Nobody can tell this from the lost answer above."""
    documents = service(Losing(database, behind=False), objects)
    upload = await received(documents)
    with pytest.raises(DatabaseUnavailable):
        await documents.create(space_id, upload, None)
    assert await service(database, objects).holdings.page(space_id, before=None, limit=2) == []
    assert await stored(objects) == {upload.stored.key}


async def test_no_way_leads_into_a_full_queue(database: Database, objects: ObjectStore, space_id: UUID) -> None:
    documents = service(database, objects, queue_limit=1)
    document, _new = await documents.create(space_id, await received(documents), None)
    async with database.transaction() as session:
        await session.execute(text("update document_versions set status = 'failed'"))
    with pytest.raises(RateLimited):
        await documents.reread(space_id, document.id, None)
    one, two = (UrlUpload(url=f"https://example.com/{name}.md") for name in ("one", "two"))
    fetched, _new = await documents.create_from_url(space_id, one, None)
    assert (await documents.create_from_url(space_id, one, None))[0].id == fetched.id  # which needs no room
    with pytest.raises(RateLimited):
        await documents.create_from_url(space_id, two, None)
    with pytest.raises(RateLimited):
        await documents.replace_from_url(space_id, document.id, two, None)
