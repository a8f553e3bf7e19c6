import asyncio
import os
import stat
import sys
from pathlib import Path

import pytest
from structlog.testing import capture_logs
from tests.support.waiting import wait_until

from protostar.embedded.folder import hold, make_folder, socket_folder, write_private
from protostar.errors import ConfigurationError


async def test_the_lock_is_held_until_the_last_process_that_inherited_it_ends(tmp_path: Path) -> None:
    async with hold(tmp_path) as lock:
        lock.announce("http://127.0.0.1:8000")
        heir = await asyncio.create_subprocess_exec(
            sys.executable, "-c", "input()", stdin=asyncio.subprocess.PIPE, pass_fds=[lock.descriptor]
        )
    with pytest.raises(ConfigurationError, match=rf"process {os.getpid()}, since 2.*, at http://127.0.0.1:8000"):
        async with hold(tmp_path, patience=0):
            pass
    await heir.communicate(b"\n")
    async with hold(tmp_path, patience=5):
        pass


async def test_a_holder_that_has_not_said_who_it_is(tmp_path: Path) -> None:
    async with hold(tmp_path):
        os.truncate(tmp_path / "lock", 0)
        with pytest.raises(ConfigurationError, match="has not said who it is"):
            async with hold(tmp_path, patience=0):
                pass


async def test_who_waits_gets_the_lock_when_it_is_free(tmp_path: Path) -> None:
    async def wait() -> bool:
        async with hold(tmp_path, patience=30):
            return True

    with capture_logs() as logs:
        async with hold(tmp_path):
            waiting = asyncio.create_task(wait())
            await wait_until(lambda: [entry["event"] for entry in logs] == ["data_folder_in_use"])
    assert await waiting


def test_a_new_folder_is_private(tmp_path: Path) -> None:
    assert stat.S_IMODE(make_folder(tmp_path / "a" / "data").stat().st_mode) == 0o700


def test_a_file_in_the_way(tmp_path: Path) -> None:
    (tmp_path / "data").touch()
    with pytest.raises(ConfigurationError, match=r"data cannot be used: File exists"):
        make_folder(tmp_path / "data")


def test_a_folder_that_may_only_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "access", lambda *_: False)  # root may write everywhere but on such a disk
    with pytest.raises(ConfigurationError, match="another account, or its disk may only be read"):
        make_folder(tmp_path)


@pytest.mark.parametrize("name", ["x" * 150, "with space", "질문", "comma,comma"])
def test_a_path_that_sockets_cannot_have_is_replaced(short_folder: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(short_folder))
    data = make_folder(short_folder / name)
    folder = socket_folder(data, "redis")
    assert folder.parent == short_folder
    assert len(str(folder) + "/.s.PGSQL.5432") <= 103
    assert socket_folder(data, "redis") == folder
    assert socket_folder(make_folder(short_folder / (name + "2")), "redis") != folder


def test_a_plain_path_keeps_the_sockets_in_the_data_folder(short_folder: Path) -> None:
    assert socket_folder(short_folder, "redis") == short_folder / "redis.run"


def test_a_socket_folder_that_others_may_enter_is_refused(short_folder: Path) -> None:
    data = short_folder
    (data / "redis.run").mkdir(mode=0o755)
    with pytest.raises(ConfigurationError, match=r"redis\.run is not private"):
        socket_folder(data, "redis")


def test_a_link_instead_of_the_socket_folder_is_refused(short_folder: Path) -> None:
    data = short_folder
    (data / "elsewhere").mkdir(mode=0o700)
    (data / "redis.run").symlink_to(data / "elsewhere")
    with pytest.raises(ConfigurationError, match=r"redis\.run is not private"):
        socket_folder(data, "redis")


def test_a_private_file_replaces_a_public_one(tmp_path: Path) -> None:
    file = tmp_path / "local.json"
    file.write_text("old")
    file.chmod(0o644)
    write_private(file, "new")
    assert file.read_text() == "new"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert [entry.name for entry in tmp_path.iterdir()] == ["local.json"]
