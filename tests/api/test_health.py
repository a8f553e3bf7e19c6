from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import asyncpg
import pytest
from tests.api.tenant import send
from tests.support.databases import execute, make_template
from tests.support.disks import fill, small_disk
from tests.support.servers import postgres_server
from tests.support.stack import Stack, running_api, running_worker, settings_for
from tests.support.waiting import wait_until

from protostar.documents.ownership import MARK


async def test_health_names_each_dependency(stack: Stack) -> None:
    async with stack.http.get("/health/ready") as response:
        body = await response.json()
        assert response.status == 200
    assert body["status"] == "ok"
    assert body["dependencies"] == {"postgres": "ok", "redis": "ok", "objects": "ok", "chat": "off", "embeddings": "off"}


@pytest.mark.parametrize("path", ["/health/live", "/health/ready"])
async def test_monitors_may_ask_with_head(path: str, stack: Stack) -> None:
    answered = await send(stack.http, "HEAD", path)
    assert (answered.status, answered.body) == (200, b"")


@asynccontextmanager
async def api(url: str, folder: Path) -> AsyncGenerator[aiohttp.ClientSession]:
    """A client without a key."""
    async with running_api(settings_for(url, None, folder)) as address, aiohttp.ClientSession(address) as http:
        yield http


async def ready(http: aiohttp.ClientSession) -> tuple[int, dict[str, Any]]:
    async with http.get("/health/ready") as response:
        return response.status, await response.json()


def as_user(url: str, name: str) -> str:
    return url.replace("postgres@", f"{name}@")


@pytest.mark.parametrize("how", ["read-only", "another's tables", "another user"])
async def test_a_database_that_cannot_be_used_is_down_and_says_why(database_url: str, tmp_path: Path, how: str) -> None:
    """And nobody without a key reads what PostgreSQL said."""
    await execute(database_url, "drop role if exists hired; create role hired login")
    url, says = {
        "read-only": (as_user(database_url, "postgres"), "takes no changes"),
        "another's tables": (as_user(database_url, "hired"), "rights that it needs"),
        "another user": (as_user(database_url, "stranger"), "does not let this server in"),
    }[how]
    if how == "read-only":
        await execute(database_url, f'alter database "{urlsplit(database_url).path[1:]}" set default_transaction_read_only = on')
    async with api(url, tmp_path) as http:
        status, found = await ready(http)
        async with http.get("/v1/documents", headers={"Authorization": "Bearer pk_nonsense"}) as response:
            problem = await response.json()
            assert response.status == 503
    assert (status, found["status"], found["dependencies"]["postgres"]) == (503, "down", "down")
    assert says in found["reasons"]["postgres"]
    assert problem["code"] == "database_unavailable"
    said = str(found) + str(problem)
    assert not any(word in said for word in ("hired", "stranger", "INSERT", "UPDATE", "alembic", "space_keys"))


async def test_a_database_whose_disk_is_full_is_down_until_there_is_room(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Though what fits into the pages that are there can be written, and all can be read."""
    with small_disk(200) as disk:
        async with postgres_server(disk) as server, api(await make_template(server), tmp_path) as http:
            assert (await ready(http))[0] == 200
            fill(disk / "ballast")
            status, found = await ready(http)
            assert (status, found["reasons"]["postgres"]) == (503, "The disk of the database is full.")
            await ready(http)
            (disk / "ballast").unlink()
            assert (await ready(http))[0] == 200
    told = [line for line in capsys.readouterr().out.splitlines() if "dependency_down" in line]
    assert len(told) == 1, "once, not with every question"
    assert "No space left on device" in told[0]


async def test_tables_that_may_not_be_written_are_found_though_the_schema_can_be_read(database_url: str, tmp_path: Path) -> None:
    await execute(database_url, "create role reader login; grant select on all tables in schema public to reader")
    try:
        async with api(as_user(database_url, "reader"), tmp_path) as http:
            status, found = await ready(http)
        assert status == 503
        assert "another user's" in found["reasons"]["postgres"]
    finally:
        await execute(database_url, "drop owned by reader; drop role reader")


async def test_health_answers_while_every_connection_waits_for_a_lock(database_url: str, tmp_path: Path) -> None:
    locking = await asyncpg.connect(database_url)
    settings = settings_for(database_url, None, tmp_path, database_pool=2)
    async with running_api(settings) as address, aiohttp.ClientSession(address) as http:
        assert (await ready(http))[0] == 200
        async with locking.transaction():
            await locking.execute("lock table workers, spaces")
            status, found = await ready(http)
        assert status == 503
        assert "PROTOSTAR_DATABASE_POOL" in found["reasons"]["postgres"]
    await locking.close()


async def test_a_store_of_another_database_is_down_and_takes_nothing_in(database_url: str, tmp_path: Path) -> None:
    (tmp_path / "objects").mkdir()
    (tmp_path / "objects" / MARK).write_bytes(b"0" * 64)
    settings = settings_for(database_url, None, tmp_path)
    async with running_api(settings) as address, aiohttp.ClientSession(address) as http:
        status, found = await ready(http)
        assert (status, found["status"], found["dependencies"]["objects"]) == (200, "degraded", "down")
        assert "PROTOSTAR_OBJECTS_URL" in found["reasons"]["objects"]
        key = {"Authorization": "Bearer admin-key-of-the-tests"}
        async with http.post("/v1/documents", params={"filename": "a.md"}, data=b"# Text", headers=key) as response:
            assert (response.status, (await response.json())["code"]) == (503, "wrong_store")


async def test_kinds_of_jobs_that_no_worker_takes_are_named(database_url: str, tmp_path: Path) -> None:
    settings = settings_for(database_url, None, tmp_path)
    async with api(database_url, tmp_path) as http, running_worker(settings, frozenset({"document.summarize"})):

        async def seen() -> Any:
            found = (await ready(http))[1]
            return found["workers"] and found

        found = await wait_until(seen)
    assert "document.index" in found["kinds_without_worker"]
    assert "document.summarize" not in found["kinds_without_worker"]
    now, seen_at = (datetime.fromisoformat(moment) for moment in (found["now"], found["workers"][0]["seen_at"]))
    assert abs(now - seen_at) < timedelta(minutes=1), "by one clock"
