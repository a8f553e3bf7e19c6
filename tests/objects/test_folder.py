"""What only a folder can go wrong with."""

import os
import shutil
import time
from pathlib import Path

import pytest
from tests.support.streams import chunks, collect

from protostar.config import S3Settings
from protostar.errors import ConfigurationError, ObjectMissing, ObjectsUnavailable
from protostar.objects.store import ObjectStore, StoredObject, open_object_store

DAY = 24 * 3600


@pytest.fixture
def root(tmp_path) -> Path:
    return tmp_path / "objects"


@pytest.fixture
def store(root) -> ObjectStore:
    return open_object_store(root.as_uri(), S3Settings())


@pytest.fixture
def outside(tmp_path) -> Path:
    folder = tmp_path / "outside"
    folder.mkdir()
    (folder / "secret").write_bytes(b"secret")
    return folder


async def test_a_link_out_of_the_folder_leads_to_nothing(store, root, outside):
    (root / "file").symlink_to(outside / "secret")
    (root / "folder").symlink_to(outside)
    for key in ("file", "folder/secret"):
        for stream in (store.read(key), store.read(key, start=1)):
            with pytest.raises(ObjectMissing):
                await anext(stream)
        with pytest.raises(ObjectMissing):
            await store.size(key)
        with pytest.raises(ObjectMissing):
            await store.copy(key, "a/copy", limit=100)
        with pytest.raises(ObjectMissing):
            async with store.local_copy(StoredObject(key, 6, "")):
                pass
        with pytest.raises(ObjectsUnavailable, match="symbolic link"):
            await store.put(key, chunks(b"new"), limit=100)
        await store.delete(key)
    assert [entry async for entry in store.list("")] == []
    assert [entry async for entry in store.list("folder")] == []
    assert [path.name for path in outside.iterdir()] == ["secret"]
    assert (outside / "secret").read_bytes() == b"secret"


async def test_a_link_within_the_folder_may_be_followed(store, root):
    await store.put("a/b", chunks(b"bytes"), limit=100)
    (root / "link").symlink_to(root / "a" / "b")
    assert await collect(store.read("link")) == b"bytes"


async def test_the_folder_itself_may_be_a_link(tmp_path, outside):
    (tmp_path / "link").symlink_to(outside)
    store = open_object_store((tmp_path / "link").as_uri(), S3Settings())
    await store.put("a/b", chunks(b"bytes"), limit=100)
    assert await collect(store.read("a/b")) == b"bytes"


async def test_a_folder_that_is_gone_is_not_made_anew(store, root):
    await store.put("a/b", chunks(b"bytes"), limit=100)
    root.rename(root.with_name("unmounted"))
    calls = [
        store.put("a/c", chunks(b"new"), limit=100),
        store.delete("a/b"),
        store.size("a/b"),
        store.copy("a/b", "a/c", limit=100),
        store.ready(),
        anext(store.read("a/b")),
        anext(store.list("a")),
    ]
    for call in calls:
        with pytest.raises(ObjectsUnavailable, match="is gone"):
            await call
    assert not root.exists()
    root.with_name("unmounted").rename(root)
    await store.ready()
    assert await collect(store.read("a/b")) == b"bytes"


async def test_a_full_disk_is_not_ready(store, monkeypatch):
    usage = shutil.disk_usage("/")
    monkeypatch.setattr(shutil, "disk_usage", lambda _folder: usage._replace(free=4096))
    with pytest.raises(ObjectsUnavailable, match=r"disk .* is full"):
        await store.ready()


async def test_a_stored_file_and_its_folders_are_flushed(store, root, monkeypatch):
    flushed = []

    def fsync(descriptor: int) -> None:
        flushed.append(os.fstat(descriptor).st_ino)
        real(descriptor)

    real = os.fsync
    monkeypatch.setattr(os, "fsync", fsync)
    await store.put("documents/a/original", chunks(b"bytes"), limit=100)
    paths = [root / "documents" / "a" / "original", root / "documents" / "a", root / "documents", root]
    assert flushed == [path.stat().st_ino for path in paths]


async def test_deleting_leaves_no_empty_folders(store, root):
    await store.put("documents/a/original", chunks(b"bytes"), limit=100)
    await store.delete("documents/a/original")
    assert list(root.iterdir()) == []
    await store.ready()


async def test_a_long_list(store, root):
    for number in range(2001):
        (root / str(number)).write_bytes(b"")
    assert len({entry.key async for entry in store.list("")}) == 2001


def test_what_a_killed_process_left_is_removed_after_a_day(root, outside):
    old = time.time() - DAY - 60
    for name in ("a/original#1", "a/original#23", "a/fresh#1", "a/original", "a/Notes#1", "incoming/s/r#1"):
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"")
        if "fresh" not in name:
            os.utime(path, (old, old))
    (outside / "other#1").write_bytes(b"")
    os.utime(outside / "other#1", (old, old))
    (root / "link").symlink_to(outside)
    open_object_store(root.as_uri(), S3Settings())
    left = {path.relative_to(root).as_posix() for path in root.rglob("*") if path.is_file()}
    assert left == {"a/fresh#1", "a/original", "a/Notes#1", "incoming/s/r#1"}
    assert (outside / "other#1").exists()


async def test_the_folder_is_made(tmp_path):
    for name in ("a/b c/d", "문서", "100%25 #1?"):
        folder = tmp_path / name
        store = open_object_store(folder.as_uri(), S3Settings())
        await store.put("a", chunks(b"bytes"), limit=100)
        assert (folder / "a").read_bytes() == b"bytes"


def test_a_folder_that_cannot_be_made(tmp_path):
    (tmp_path / "file").write_bytes(b"")
    for path in (tmp_path / "file", tmp_path / "file" / "below"):
        with pytest.raises(ObjectsUnavailable):
            open_object_store(path.as_uri(), S3Settings())


def test_the_whole_disk_is_not_a_folder_of_its_own():
    with pytest.raises(ConfigurationError, match="folder of its own"):
        open_object_store("file:///", S3Settings())


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
async def test_a_folder_of_somebody_else(store, root):
    await store.put("a/b", chunks(b"bytes"), limit=100)
    (root / "a" / "b").chmod(0)
    with pytest.raises(ObjectsUnavailable, match="This user may not use"):
        await anext(store.read("a/b"))
    root.chmod(0o500)
    try:
        with pytest.raises(ObjectsUnavailable, match="This user may not use"):
            await store.put("new/b", chunks(b"bytes"), limit=100)
        with pytest.raises(ObjectsUnavailable, match="cannot be written"):
            await store.ready()
    finally:
        root.chmod(0o700)


async def test_no_room_for_a_local_copy(store, tmp_path, monkeypatch):
    stored = await store.put("a/b", chunks(b"bytes"), limit=100)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "gone"))
    with pytest.raises(ObjectsUnavailable, match="temporary file"):
        async with store.local_copy(stored):
            pass
