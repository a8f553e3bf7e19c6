"""The sweep: what nothing names any more goes, what is young or named stays."""

import os
import time
from collections.abc import AsyncGenerator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

import pytest
from sqlalchemy import text

from protostar.access.repository import AccessRepository
from protostar.config import S3Settings
from protostar.db.session import Database
from protostar.documents.fetch import Fetcher
from protostar.documents.models import DocumentRow, DocumentVersionRow
from protostar.documents.ownership import MARK, Ownership
from protostar.documents.repository import DocumentRepository
from protostar.documents.sweep import remove_unnamed
from protostar.documents.tasks import tasks
from protostar.documents.upload import Receiver
from protostar.errors import ConfigurationError
from protostar.ids import new_id
from protostar.jobs.bell import Bell
from protostar.jobs.service import Jobs
from protostar.objects.store import ObjectInfo, ObjectStore, open_object_store
from protostar.outbound.addresses import refusal
from protostar.outbound.client import GuardedClient

DAY = 24 * 3600
JOBS = Jobs(Bell(None), max_attempts=5)


def put(folder: Path, key: str, *, age: float) -> str:
    path = folder / key
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"bytes")
    at = time.time() - age
    os.utime(path, (at, at))
    return key


def fetcher(database: Database, objects: ObjectStore) -> Fetcher:
    return Fetcher(database, GuardedClient(None, refusal), Receiver(objects, 1000), JOBS)


async def test_old_objects_without_a_row_go(database: Database, space_id: UUID, tmp_path: Path) -> None:
    objects = open_object_store(tmp_path.as_uri(), S3Settings())
    _fetch, sweep = tasks(database, objects, Ownership(database, objects), fetcher(database, objects), JOBS)
    kept = {
        put(tmp_path, "documents/named", age=2 * DAY),
        put(tmp_path, "texts/named", age=2 * DAY),
        put(tmp_path, "documents/young", age=DAY - 60),
        put(tmp_path, "incoming/theirs", age=2 * DAY),
    }
    put(tmp_path, "documents/orphan", age=DAY + 60)
    put(tmp_path, "texts/orphan", age=2 * DAY)
    async with database.transaction() as session:
        document = DocumentRow(space_id=space_id, title="a", filename="a.md")
        session.add(document)
        await session.flush()
        version = DocumentVersionRow(
            document_id=document.id, version=1, filename="a.md", media_type="text/markdown", object_key="documents/named",
            text_key="texts/named", size=5, sha256="0" * 64, job_id=new_id(),
        )  # fmt: skip
        await DocumentRepository(session).add_version(version)
    await sweep.run(None)
    assert {info.key async for info in objects.list("")} == kept | {MARK}


async def test_how_old_objects_are_the_clock_of_the_store_says(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is three days behind this machine's, so that what is being uploaded now bears a date of three days ago."""
    behind = timedelta(days=3)
    objects = open_object_store(tmp_path.as_uri(), S3Settings())
    ownership = Ownership(database, objects)
    await remove_unnamed(database, objects, ownership)
    listed, now = objects.list, objects.now

    async def list_(prefix: str) -> AsyncGenerator[ObjectInfo]:
        async for info in listed(prefix):
            yield replace(info, last_modified=info.last_modified - behind)

    async def now_() -> datetime:
        return await now() - behind

    monkeypatch.setattr(objects, "list", list_)
    monkeypatch.setattr(objects, "now", now_)
    put(tmp_path, "documents/orphan", age=DAY + 60)
    put(tmp_path, "documents/young", age=60)

    assert await remove_unnamed(database, objects, ownership) == 1
    assert (tmp_path / "documents/young").exists()


async def marked(objects: ObjectStore) -> bytes:
    return b"".join([chunk async for chunk in objects.read(MARK)])


async def test_a_new_store_is_marked_by_its_database(database: Database, tmp_path: Path) -> None:
    objects = open_object_store(tmp_path.as_uri(), S3Settings())
    put(tmp_path, "documents/young", age=60)
    await remove_unnamed(database, objects, Ownership(database, objects))
    mark = await marked(objects)
    assert len(mark) == 64
    put(tmp_path, "documents/orphan", age=2 * DAY)
    assert await remove_unnamed(database, objects, Ownership(database, objects)) == 1
    assert await marked(objects) == mark


@pytest.mark.parametrize("mark", [None, b"0" * 64, b"\xff" * 100])
async def test_nothing_is_removed_from_the_store_of_another_database(
    database: Database, tmp_path: Path, mark: bytes | None
) -> None:
    """As where a URL is wrong, or the objects of a back-up are there before its rows."""
    objects = open_object_store(tmp_path.as_uri(), S3Settings())
    put(tmp_path, "documents/theirs", age=2 * DAY)
    put(tmp_path, "texts/theirs", age=2 * DAY)
    if mark is not None:
        (tmp_path / MARK).write_bytes(mark)
    before = {info.key async for info in objects.list("")}
    _fetch, sweep = tasks(database, objects, Ownership(database, objects), fetcher(database, objects), JOBS)
    for _ in range(2):
        with pytest.raises(ConfigurationError, match="PROTOSTAR_DATABASE_URL"):
            await sweep.run(None)
    assert {info.key async for info in objects.list("")} == before


async def test_idempotency_keys_are_forgotten_after_a_day(database: Database, space_id: UUID, tmp_path: Path) -> None:
    async with database.transaction() as session:
        for key in ("young", "old"):
            await AccessRepository(session).remember(space_id, key, b"hash", new_id())
        await session.execute(text("update idempotency_keys set created_at = now() - interval '25 hours' where key = 'old'"))
    objects = open_object_store(tmp_path.as_uri(), S3Settings())
    _fetch, sweep = tasks(database, objects, Ownership(database, objects), fetcher(database, objects), JOBS)
    await sweep.run(None)
    async with database.transaction() as session:
        assert list((await session.execute(text("select key from idempotency_keys"))).scalars()) == ["young"]


async def test_what_should_have_been_erased_gets_a_job_again(database: Database, space_id: UUID, tmp_path: Path) -> None:
    """Once, and not before its time: where the job is dead, and also where there is one still. What is staged is not deleted."""
    async with database.transaction() as session:
        for name, hours in (("overdue", -2), ("due", 0), ("later", 2)):
            document = DocumentRow(space_id=space_id, title=name, filename=f"{name}.md")
            session.add(document)
            await session.flush()
            times = {"id": document.id, "at": timedelta(hours=hours)}
            await session.execute(text("update documents set deleted_at = now(), erase_at = now() + :at where id = :id"), times)
        begun = datetime.now(UTC) - timedelta(hours=9)
        staged = DocumentRow(space_id=space_id, title="staged", filename="a.md", latest_version=0, deleted_at=begun)
        session.add(staged)
    objects = open_object_store(tmp_path.as_uri(), S3Settings())
    _fetch, sweep = tasks(database, objects, Ownership(database, objects), fetcher(database, objects), JOBS)
    await sweep.run(None)
    await sweep.run(None)
    async with database.transaction() as session:
        waiting = (
            "select title from jobs join documents on documents.id = (args->>'document_id')::uuid where kind = 'document.purge'"
        )
        assert list((await session.execute(text(waiting))).scalars()) == ["overdue"]
