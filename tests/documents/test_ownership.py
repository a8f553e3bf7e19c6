"""Whose the store is: what of another database's is not believed, and what happens when it is put right."""

import asyncio
import os
import time
from collections.abc import Iterable, MutableMapping
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from structlog.testing import capture_logs
from tests.support.streams import chunks
from tests.support.waiting import wait_until

from protostar.config import S3Settings
from protostar.db.session import Database
from protostar.documents.models import DocumentRow, DocumentVersionRow
from protostar.documents.ownership import ADOPT, MARK, Ownership
from protostar.documents.repository import DocumentRepository
from protostar.errors import ObjectCorrupt, ObjectMissing, ObjectsUnavailable, WrongStore
from protostar.ids import new_id
from protostar.objects.store import ObjectStore, StoredObject, open_object_store


@pytest.fixture
def place(tmp_path: Path) -> ObjectStore:
    return open_object_store(tmp_path.as_uri(), S3Settings())


async def name(database: Database, space_id: UUID, key: str) -> None:
    """A row that names an object."""
    async with database.transaction() as session:
        document = DocumentRow(space_id=space_id, title="a", filename="a.md")
        session.add(document)
        await session.flush()
        version = DocumentVersionRow(
            document_id=document.id, version=1, filename="a.md", media_type="text/markdown", object_key=key, size=5,
            sha256="0" * 64, job_id=new_id(),
        )  # fmt: skip
        await DocumentRepository(session).add_version(version)


def alarms(logs: Iterable[MutableMapping[str, Any]]) -> list[str]:
    """What an operator is told; a worker that other tests run in this process may say meanwhile that a job has ended."""
    return [entry["event"] for entry in logs if entry["log_level"] != "info"]


async def use(objects: ObjectStore, key: str = "documents/a") -> StoredObject:
    return await objects.put(key, chunks(b"bytes"), limit=10)


async def test_a_new_store_is_marked_and_used(database: Database, place: ObjectStore, tmp_path: Path) -> None:
    stored = await use(place.guarded(Ownership(database, place)))
    assert len((tmp_path / MARK).read_bytes()) == 64
    async with place.guarded(Ownership(database, place)).local_copy(stored) as path:
        assert path.read_bytes() == b"bytes"


async def test_a_store_that_cannot_be_marked_is_read(
    database: Database, space_id: UUID, place: ObjectStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    await name(database, space_id, "documents/a")
    stored = await use(place)

    async def refuse(*_args: Any, **_options: Any) -> StoredObject:
        raise ObjectsUnavailable("The object store has no room.")

    monkeypatch.setattr(place, "put", refuse)
    with capture_logs() as logs:
        async with place.guarded(Ownership(database, place)).local_copy(stored) as path:
            assert path.read_bytes() == b"bytes"
    assert alarms(logs) == ["store_not_marked"]


@pytest.mark.parametrize("mark", [None, b"0" * 64, b"<html>" + b"x" * 1000], ids=["none", "another's", "a page"])
async def test_a_store_of_others_is_neither_read_nor_written(
    database: Database, space_id: UUID, place: ObjectStore, tmp_path: Path, mark: bytes | None
) -> None:
    """Until it is put right, when it is used without a new start."""
    await name(database, space_id, "documents/ours")
    if mark is not None:
        (tmp_path / MARK).write_bytes(mark)
    before = sorted(tmp_path.rglob("*"))
    objects = place.guarded(Ownership(database, place))
    stored = StoredObject("documents/ours", 5, "0" * 64)
    with capture_logs() as logs:
        with pytest.raises(WrongStore, match="PROTOSTAR_OBJECTS_URL"):
            await use(objects)
        with pytest.raises(WrongStore):
            async with objects.local_copy(stored):
                pass
        with pytest.raises(WrongStore):
            await objects.size(stored.key)
        with pytest.raises(WrongStore):
            await objects.delete(stored.key)
    assert sorted(tmp_path.rglob("*")) == before
    assert alarms(logs) == ["objects_of_another_database"]

    (tmp_path / MARK).unlink(missing_ok=True)
    await use(place, stored.key)
    await use(objects)


async def test_old_objects_without_a_mark_are_others(database: Database, place: ObjectStore, tmp_path: Path) -> None:
    await use(place, "texts/theirs")
    at = time.time() - 2 * 24 * 3600
    os.utime(tmp_path / "texts/theirs", (at, at))
    with pytest.raises(WrongStore):
        await Ownership(database, place).check()


async def test_an_operator_may_give_a_store_to_a_database(
    database: Database, space_id: UUID, place: ObjectStore, tmp_path: Path
) -> None:
    await name(database, space_id, "documents/lost")
    (tmp_path / MARK).write_bytes(ADOPT + b"\n")
    await Ownership(database, place).check()
    assert len((tmp_path / MARK).read_bytes()) == 64


@pytest.mark.parametrize("how", ["gone", "cut", "replaced"])
async def test_what_a_store_that_misbehaves_says_is_not_believed(
    database: Database, space_id: UUID, place: ObjectStore, tmp_path: Path, how: str
) -> None:
    """Something between here and the store answers for it, for a while: the mark suffers as all objects do."""
    objects = place.guarded(Ownership(database, place))
    stored = await use(objects)
    await name(database, space_id, stored.key)
    true: dict[Path, bytes] = {path: path.read_bytes() for path in (tmp_path / MARK, tmp_path / stored.key)}
    for path, content in true.items():
        if how == "gone":
            path.unlink()
        else:
            path.write_bytes(content[:-1] if how == "cut" else b"<html>Sign in</html>")
    with pytest.raises(WrongStore):
        async with objects.local_copy(stored):
            pass
    for path, content in true.items():
        path.write_bytes(content)
    async with objects.local_copy(stored) as copied:
        assert copied.read_bytes() == b"bytes"


@pytest.mark.parametrize(("content", "error"), [(None, ObjectMissing), (b"byte", ObjectCorrupt)])
async def test_what_the_right_store_has_lost_is_lost(
    database: Database, place: ObjectStore, tmp_path: Path, content: bytes | None, error: type[Any]
) -> None:
    objects = place.guarded(Ownership(database, place))
    stored = await use(objects)
    path = tmp_path / stored.key
    path.unlink() if content is None else path.write_bytes(content)
    with pytest.raises(error):
        async with objects.local_copy(stored):
            pass
    with pytest.raises(error):
        await objects.size(stored.key, expected=stored.size)


async def test_a_store_that_hangs_is_asked_once_by_all_who_wait(
    database: Database, place: ObjectStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    ownership, asked, answers = Ownership(database, place), 0, asyncio.Event()

    async def hangs() -> None:
        nonlocal asked
        asked += 1
        await answers.wait()
        raise ObjectsUnavailable("The object store did not answer in time.")

    monkeypatch.setattr(ownership, "_mark", hangs)
    waiting = [asyncio.create_task(ownership.check()) for _ in range(5)]
    await wait_until(lambda: asked == 1)
    waiting.pop().cancel()
    answers.set()
    ended = await asyncio.gather(*waiting, return_exceptions=True)
    assert [type(error) for error in ended] == [ObjectsUnavailable] * 4
    assert asked == 1
    monkeypatch.undo()
    await ownership.check()
