"""Connections that break at the worst moment."""

import asyncio
from contextlib import AsyncExitStack, suppress
from typing import Any
from urllib.parse import urlsplit

import asyncpg
import pytest
from sqlalchemy import text
from tests.support.databases import execute
from tests.support.waiting import wait_until

from protostar.db.session import Database, connect
from protostar.errors import DatabaseUnavailable, LeaseLost


@pytest.mark.parametrize("kind", ["transaction", "reading"])
async def test_a_connection_that_broke_does_not_hide_how_the_work_ended(database_url: str, kind: str) -> None:
    database = Database(database_url, pool_size=1)

    async def usable() -> bool:
        with suppress(DatabaseUnavailable):
            async with database.transaction() as session:
                return (await session.execute(text("select 1"))).scalar_one() == 1
        return False

    try:
        with pytest.raises(LeaseLost):
            async with getattr(database, kind)() as used:
                pid = (await used.execute(text("select pg_backend_pid()"))).scalar_one()
                connection = used if kind == "reading" else await used.connection()
                driver = (await connection.get_raw_connection()).driver_connection
                await execute(database_url, f"select pg_terminate_backend({pid})")
                await wait_until(driver.is_closed)
                raise LeaseLost
        await wait_until(usable)  # it has left its place in the pool
    finally:
        await database.close()


async def test_connections_that_the_server_closed_while_nobody_used_them_cost_nobody_an_answer(database_url: str) -> None:
    database = Database(database_url, pool_size=3)
    try:
        async with AsyncExitStack() as stack:
            idle = [await stack.enter_async_context(database.driver()) for _ in range(3)]
            pids = [await connection.fetchval("select pg_backend_pid()") for connection in idle]
        await execute(database_url, f"select pg_terminate_backend(pid) from unnest(array{pids}) as pid")
        await wait_until(lambda: all(connection.is_closed() for connection in idle))
        async with AsyncExitStack() as stack:
            fresh = [await stack.enter_async_context(database.driver()) for _ in range(3)]
            assert not {await connection.fetchval("select pg_backend_pid()") for connection in fresh} & set(pids)
    finally:
        await database.close()


async def test_transactions_read_what_is_committed_whatever_the_role_prefers(database_url: str) -> None:
    """Else those who write at once refuse one another."""
    name = urlsplit(database_url).path[1:]
    await execute(database_url, f'alter database "{name}" set default_transaction_isolation = serializable')
    database = Database(database_url, pool_size=1)
    isolation = text("show transaction_isolation")
    try:
        async with database.transaction() as session:
            in_transaction = (await session.execute(isolation)).scalar_one()
        async with database.reading() as connection:
            alone = (await connection.execute(isolation)).scalar_one()
        async with database.transaction() as session:
            afterwards = (await session.execute(isolation)).scalar_one()
    finally:
        await database.close()
    assert (in_transaction, alone, afterwards) == ("read committed",) * 3


async def test_a_connection_that_breaks_while_it_is_prepared_is_closed(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[Any] = []

    async def cancelled(connection: Any, *_: object) -> None:
        made.append(connection)
        raise asyncio.CancelledError

    monkeypatch.setattr(asyncpg.Connection, "execute", cancelled)
    with pytest.raises(asyncio.CancelledError):
        await connect(database_url)
    assert [connection.is_closed() for connection in made] == [True]


@pytest.mark.parametrize("parameter", ["sslmode=prefer", "application_name=mine"])
async def test_a_url_may_have_the_parameters_of_libpq(database_url: str, parameter: str) -> None:
    database = Database(f"{database_url}{'&' if '?' in database_url else '?'}{parameter}", pool_size=1)
    try:
        for each in (database, database.reserved):
            async with each.transaction() as session:
                assert (await session.execute(text("show application_name"))).scalar_one() == "protostar"
    finally:
        await database.close()


async def test_a_parameter_that_postgresql_does_not_know_is_named(database_url: str) -> None:
    database = Database(f"{database_url}{'&' if '?' in database_url else '?'}channel_binding=require", pool_size=1)
    try:
        with pytest.raises(DatabaseUnavailable, match="channel_binding"):
            async with database.transaction():
                pass
    finally:
        await database.close()
