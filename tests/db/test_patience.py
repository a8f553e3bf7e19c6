"""Who waits for PostgreSQL, and how long."""

import asyncio
import tempfile
from collections.abc import AsyncGenerator
from pathlib import Path

import asyncpg
import pytest
import structlog
from sqlalchemy import text
from tests.support.relay import Relay, placed_before
from tests.support.waiting import wait_until

from protostar.db import patience
from protostar.db.patience import Absence, again, patiently
from protostar.db.session import Database
from protostar.errors import DatabaseUnavailable

ANSWER = text("select 42")
CALLERS = 40


@pytest.fixture
async def relay(database_url: str) -> AsyncGenerator[tuple[Relay, Database]]:
    """The way to the test's database, and one that has been there before."""
    with tempfile.TemporaryDirectory(dir=Path("/tmp").resolve()) as folder:  # a socket's path is short
        async with placed_before(database_url, Path(folder), Relay) as (relay, url):
            database = Database(url, pool_size=3)
            await ask(database)
            yield relay, database
            await database.close()
            relay.close()


async def cut(way: Relay, database: Database) -> None:
    """Close the way, and wait until the connection that lies in the pool has noticed."""
    async with database.driver() as idle:
        pass
    way.close()
    await wait_until(idle.is_closed)


async def ask(database: Database) -> int:
    async with database.transaction() as session:
        return (await session.execute(ANSWER)).scalar_one()


async def ask_by(database: Database, kind: str) -> int:
    async with getattr(database, kind)() as entered:
        return await entered.fetchval("select 42") if kind == "driver" else (await entered.execute(ANSWER)).scalar_one()


@pytest.mark.parametrize("kind", ["transaction", "autocommit", "reading", "driver"])
async def test_a_restart_is_waited_for(relay: tuple[Relay, Database], kind: str) -> None:
    way, database = relay
    await cut(way, database)
    before = way.knocks
    asked = [asyncio.create_task(ask_by(database, kind)) for _ in range(CALLERS)]
    await wait_until(lambda: way.knocks > before + 3)
    assert not any(task.done() for task in asked)
    way.open()
    assert await asyncio.gather(*asked) == [42] * CALLERS


async def test_callers_of_one_process_knock_in_turn(relay: tuple[Relay, Database]) -> None:
    way, database = relay
    await cut(way, database)
    asked = [asyncio.create_task(ask(database)) for _ in range(CALLERS)]
    await wait_until(lambda: way.knocks > CALLERS + 5)  # each once, then one at a time
    loop = asyncio.get_running_loop()
    began, knocks = loop.time(), way.knocks
    await asyncio.sleep(0.5)
    assert way.knocks - knocks <= 1 + (loop.time() - began) / patience._KNOCK
    way.open()
    assert await asyncio.gather(*asked) == [42] * CALLERS


async def test_a_long_absence_is_told_and_then_told_at_once(relay: tuple[Relay, Database], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patience, "_RESTART", 0.3)
    way, database = relay
    await cut(way, database)
    before = way.knocks
    with pytest.raises(DatabaseUnavailable):
        await ask(database)
    assert way.knocks > before + 2
    for _ in range(3):
        before = way.knocks
        with pytest.raises(DatabaseUnavailable):
            await ask(database)
        assert way.knocks == before + 1
    way.open()
    assert await ask(database) == 42
    monkeypatch.undo()
    await cut(way, database)  # it is away anew, so it is waited for anew
    asked, before = asyncio.create_task(ask(database)), way.knocks
    await wait_until(lambda: way.knocks > before + 3)
    way.open()
    assert await asked == 42


async def test_time_spent_in_the_queue_for_a_connection_is_no_absence() -> None:
    long_ago = asyncio.get_running_loop().time() - 60
    absence = Absence()
    assert not await absence.wait(long_ago)
    absence.ends()  # meanwhile others were served
    assert await absence.wait(long_ago)


async def test_who_wants_to_know_now_does_not_wait(relay: tuple[Relay, Database]) -> None:
    way, database = relay
    await cut(way, database)
    before = way.knocks
    with pytest.raises(DatabaseUnavailable):
        await ask(database.at_once)
    assert way.knocks == before + 1
    way.open()
    assert await ask(database.at_once) == 42


async def test_a_server_that_was_never_there_is_not_waited_for(relay: tuple[Relay, Database]) -> None:
    way, database = relay
    await cut(way, database)
    stranger = Database(database._url)
    before = way.knocks
    with pytest.raises(DatabaseUnavailable):
        await ask(stranger)
    assert way.knocks == before + 1
    await stranger.close()


async def test_a_pool_that_is_used_up_is_waited_for_once(relay: tuple[Relay, Database]) -> None:
    _way, database = relay
    database._engine.pool._timeout = 0.1  # pyright: ignore[reportAttributeAccessIssue]
    async with database.driver(), database.driver(), database.driver():
        with pytest.raises(DatabaseUnavailable, match="PROTOSTAR_DATABASE_POOL"):
            await ask(database)


@pytest.mark.parametrize("kind", ["transaction", "autocommit", "reading", "driver"])
async def test_what_broke_off_is_done_again_once(relay: tuple[Relay, Database], kind: str) -> None:
    way, database = relay
    done = 0

    async def work() -> int:
        nonlocal done
        done += 1
        async with getattr(database, kind)() as entered:
            if done <= breaks:
                way.close()
                way.open()
            return await entered.fetchval("select 42") if kind == "driver" else (await entered.execute(ANSWER)).scalar_one()

    breaks = 1
    assert await again(work) == 42
    assert done == 2
    done, breaks = 0, 2
    with pytest.raises(DatabaseUnavailable):
        await again(work)
    assert done == 2


@pytest.mark.parametrize("statement", ["select pg_sleep(30)", "select 1 / 0"])
async def test_what_took_too_long_or_is_wrong_is_not_done_again(database: Database, statement: str) -> None:
    done = 0

    async def work() -> None:
        nonlocal done
        done += 1
        async with database.transaction() as session:
            await session.execute(text("set local statement_timeout = 50"))
            await session.execute(text(statement))

    with pytest.raises(Exception, match=r"statement timeout|division by zero"):
        await again(work)
    assert done == 1


async def test_patience_ends_where_an_end_is_set() -> None:
    tries = 0

    async def work() -> None:
        nonlocal tries
        tries += 1
        raise DatabaseUnavailable from cause

    cause: Exception = ConnectionRefusedError()
    with pytest.raises(DatabaseUnavailable):
        await patiently(work, at_most=0.3)
    assert tries > 1
    tries, cause = 0, asyncpg.DiskFullError()  # PostgreSQL is there, and says so
    with pytest.raises(DatabaseUnavailable):
        await patiently(work, at_most=0.3)
    assert tries == 1


async def test_a_shutdown_and_a_crash_break_connections_off() -> None:
    """Walks asyncpg's own list, as `is_passing` does."""
    for kind in (
        asyncpg.AdminShutdownError,
        asyncpg.CrashShutdownError,
        asyncpg.CannotConnectNowError,
        asyncpg.ConnectionDoesNotExistError,
        asyncpg.InterfaceError,
        asyncpg.InternalClientError,
    ):
        done = 0

        async def work(kind: type[Exception] = kind) -> int:
            nonlocal done
            done += 1
            if done == 1:
                raise DatabaseUnavailable from kind("x")
            return done

        assert await again(work) == 2


async def test_the_log_is_told_once_of_a_write_that_waits() -> None:
    tries = 0

    async def write() -> int:
        nonlocal tries
        tries += 1
        if tries < 4:
            raise DatabaseUnavailable("The disk of the database is full.")
        return tries

    with structlog.testing.capture_logs() as lines:
        assert await patiently(write) == 4
    assert [line["event"] for line in lines] == ["write_waits_for_database"]
