"""`serve` as people and machines treat it: Ctrl-C, kill -9, twice at once."""

import asyncio
import json
import os
import re
import signal
import socket
import stat
from contextlib import suppress
from pathlib import Path

import asyncpg
import psutil
import pytest
from tests.embedded.conftest import Serve, Starter
from tests.support.waiting import is_gone, wait_until

POSTGRES = r"^\S*bin/postgres -D"


async def ready(serve: Serve) -> dict[str, str]:
    await wait_until(serve.is_ready, 60)
    return json.loads((serve.data / "local.json").read_text())


def database_url(serve: Serve) -> str:
    return named(serve, "standin.py api").environ()["PROTOSTAR_DATABASE_URL"]


async def execute(serve: Serve, statement: str) -> list[asyncpg.Record]:
    connection = await asyncpg.connect(database_url(serve))
    try:
        return await connection.fetch(statement)
    finally:
        await connection.close()


def named(serve: Serve, pattern: str) -> psutil.Process:
    """The one descendant whose command line matches."""
    (found,) = [process for process in serve.descendants() if re.search(pattern, command(process))]
    return found


def command(process: psutil.Process) -> str:
    """Its command line; empty if it is gone by now, as short-lived ones of PostgreSQL may be."""
    try:
        return " ".join(process.cmdline())
    except psutil.NoSuchProcess:
        return ""


def mode(path: str | Path) -> int:
    return stat.S_IMODE(Path(path).stat().st_mode)


async def test_ctrl_c_stops_everything_in_order(serve: Starter) -> None:
    running = serve()
    await ready(running)
    processes = running.descendants()
    assert len(processes) > 6  # two watchdogs, two servers, API, worker
    os.killpg(running.process.pid, signal.SIGINT)
    assert await asyncio.to_thread(running.process.wait, 20) == 0
    stopped = re.findall(r"service_stopped.*service=(\w+)", running.printed())
    assert stopped == ["api", "worker", "redis", "postgres"]
    assert all(map(is_gone, processes))
    assert "database system is shut down" in (running.data / "logs/postgres.log").read_text()
    assert not (running.data / "local.json").exists()


async def test_sigterm_while_it_starts_leaves_nothing_behind(serve: Starter) -> None:
    running = serve()
    await wait_until((running.data / "initdb.lock").exists, 30)
    running.process.terminate()
    assert await asyncio.to_thread(running.process.wait, 20) == 0
    again = serve()
    await ready(again)
    assert await execute(again, "select 1")


async def test_a_sigterm_that_is_passed_on_is_no_second_one(serve: Starter) -> None:
    running = serve()
    await ready(running)
    os.killpg(running.process.pid, signal.SIGTERM)
    await wait_until(lambda: "stopping" in running.printed())
    running.process.terminate()
    assert await asyncio.to_thread(running.process.wait, 20) == 0
    assert re.findall(r"service_stopped.*service=(\w+)", running.printed()) == ["api", "worker", "redis", "postgres"]


async def test_a_second_ctrl_c_kills_at_once(serve: Starter) -> None:
    running = serve()
    await ready(running)
    processes = running.descendants()
    named(running, "standin.py api").send_signal(signal.SIGSTOP)
    os.killpg(running.process.pid, signal.SIGINT)
    await wait_until(lambda: "stopping" in running.printed())
    os.killpg(running.process.pid, signal.SIGINT)
    assert await asyncio.to_thread(running.process.wait, 20) == 1
    await wait_until(lambda: all(map(is_gone, processes)), 10)


async def test_after_kill_9_of_serve_all_is_gone_and_the_next_start_recovers(serve: Starter) -> None:
    running = serve()
    await ready(running)
    await execute(running, "create table kept as select 42 as answer")
    processes = running.descendants()
    running.process.kill()
    running.process.wait()
    again = serve()  # at once, while the old servers are being stopped
    await wait_until(lambda: all(map(is_gone, processes)), 10)
    await ready(again)
    assert (await execute(again, "select answer from kept"))[0]["answer"] == 42


async def test_after_kill_9_of_serve_and_watchdogs_the_next_start_takes_the_orphans_down(serve: Starter) -> None:
    running = serve()
    await ready(running)
    await execute(running, "create table kept as select 42 as answer")
    processes = running.descendants()
    orphans = [process for process in processes if re.match(r"postgres:|\S*(bin/postgres|valkey-server) ", command(process))]
    assert len(orphans) > 5
    for process in [psutil.Process(running.process.pid), *processes]:
        if process not in orphans:
            with suppress(psutil.NoSuchProcess):  # a part of it ends by itself when «serve» is gone
                process.kill()
    running.process.wait()
    again = serve()
    await ready(again)
    assert all(map(is_gone, orphans))
    assert (await execute(again, "select answer from kept"))[0]["answer"] == 42


async def test_kill_9_of_each_child_is_repaired(serve: Starter) -> None:
    running = serve()
    local = await ready(running)
    await execute(running, "create table kept as select 42 as answer")
    for pattern in (
        POSTGRES,
        r"^\S*valkey-server",
        "standin.py worker",
        "standin.py api",
        "watchdog.py .*postgres.lock",
    ):
        victim = named(running, pattern)
        before = running.printed().count("service_ready")
        victim.kill()
        await wait_until(lambda victim=victim: is_gone(victim))
        await wait_until(lambda before=before: running.printed().count("service_ready") > before, 30, what=pattern)
    assert (await execute(running, "select answer from kept"))[0]["answer"] == 42
    assert "was ended by SIGKILL" in running.printed()
    port = int(local["url"].rpartition(":")[2])
    _, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.close()


async def test_who_comes_while_the_api_is_started_again_waits(serve: Starter) -> None:
    running = serve()
    local = await ready(running)
    victim = named(running, "standin.py api")
    victim.kill()
    await wait_until(lambda: is_gone(victim))
    reader, writer = await asyncio.open_connection("127.0.0.1", int(local["url"].rpartition(":")[2]))
    writer.write(b"GET / HTTP/1.1\r\n\r\n")
    assert b" 200 " in await reader.readline()
    writer.close()


async def test_a_second_serve_says_who_holds_the_folder(serve: Starter) -> None:
    running = serve()
    local = await ready(running)
    second = serve()
    assert await asyncio.to_thread(second.process.wait, 60) == 1
    printed = " ".join(second.printed().split())
    assert f"process {running.process.pid}, since 2" in printed
    assert local["url"] in printed
    assert "PROTOSTAR_DATA_DIR" in printed
    assert running.is_ready()


async def test_a_taken_port_names_the_setting(serve: Starter) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        running = serve(PORT=str(taken.getsockname()[1]))
        assert await asyncio.to_thread(running.process.wait, 30) == 1
    assert "PROTOSTAR_PORT" in running.printed()
    assert "Traceback" not in running.printed()


async def test_the_admin_key_is_shown_once_and_kept_private(serve: Starter) -> None:
    first = serve()
    local = await ready(first)
    key = first.data / "admin.key"
    assert key.read_text().strip() == local["key"]
    await wait_until(lambda: local["key"] in first.printed())
    for file in (key, first.data / "local.json"):
        assert mode(file) == 0o600
    first.process.terminate()
    await asyncio.to_thread(first.process.wait, 20)
    second = serve()
    assert (await ready(second))["key"] == local["key"]
    await wait_until(lambda: str(key) in second.printed().replace("\n", ""))
    assert local["key"] not in second.printed()


async def test_a_set_admin_key_is_taken_and_not_kept(serve: Starter) -> None:
    running = serve(ADMIN_KEY="chosen-by-the-owner")
    assert (await ready(running))["key"] == "chosen-by-the-owner"
    assert not (running.data / "admin.key").exists()
    assert "chosen-by-the-owner" not in running.printed()


async def test_servers_with_a_url_are_not_started(serve: Starter, postgres_url: str, redis_url: str) -> None:
    running = serve(DATABASE_URL=postgres_url, REDIS_URL=redis_url)
    await ready(running)
    assert sorted(command(process).rpartition(" ")[2] for process in running.descendants()) == ["api", "worker"]
    environment = named(running, "standin.py api").environ()
    assert environment["PROTOSTAR_DATABASE_URL"] == postgres_url
    assert environment["PROTOSTAR_REDIS_URL"] == redis_url


async def test_what_children_and_servers_are_told(serve: Starter) -> None:
    running = serve(CHAT_API_KEY="not-for-the-database")
    local = await ready(running)
    api = named(running, "standin.py api").environ()
    assert api["PROTOSTAR_ADMIN_KEY"] == local["key"]
    assert local["url"].endswith(":" + api["PROTOSTAR_PORT"])
    assert api["PROTOSTAR_REDIS_URL"].startswith("unix:///")
    postgres = named(running, POSTGRES).environ()
    assert not [name for name in postgres if name.startswith("PROTOSTAR")]


async def test_a_long_path_with_spaces(serve: Starter, short_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TMPDIR", str(short_folder))
    data = short_folder / "질문과 답" / ("long " * 40).strip() / "data"
    data.parent.mkdir(parents=True)
    running = serve(data)
    await ready(running)
    url = named(running, "standin.py api").environ()["PROTOSTAR_DATABASE_URL"]
    connection = await asyncpg.connect(url)
    assert await connection.fetchval("select current_database()") == "protostar"
    await connection.close()
    assert mode(re.search(r"host=([^&]+)", url)[1]) == 0o700
    running.process.terminate()
    await asyncio.to_thread(running.process.wait, 20)
