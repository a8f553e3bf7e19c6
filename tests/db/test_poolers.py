"""What stands between Protostar and PostgreSQL must keep sessions apart."""

import asyncpg
import pytest
from sqlalchemy import text
from tests.support.poolers import pgbouncer

from protostar.db.poolers import is_pooled, mixes_sessions
from protostar.db.session import Database, connect
from protostar.errors import DatabaseUnavailable

_COUNT = text("select count(*) from documents")


async def _mixes(url: str) -> bool:
    first, second = await connect(url), await connect(url)
    try:
        return await is_pooled(first) and await mixes_sessions(first, second)
    finally:
        await first.close()
        await second.close()


async def test_sessions_are_whole_without_a_pooler(database_url: str) -> None:
    assert not await _mixes(database_url)


@pytest.mark.parametrize(("mode", "mixed"), [("session", False), ("transaction", True), ("statement", True)])
async def test_only_a_pooler_of_sessions_keeps_them_apart(database_url: str, mode: str, mixed: bool) -> None:
    async with pgbouncer(database_url, mode) as pooled:
        assert await _mixes(pooled) is mixed


async def test_a_session_pooler_serves_all_that_a_process_does(database_url: str) -> None:
    async with pgbouncer(database_url, "session") as pooled:
        database = Database(pooled)
        try:
            for _ in range(3):
                async with database.transaction() as session, database.reading() as connection:
                    assert (await session.execute(_COUNT)).scalar_one() == 0
                    assert (await connection.execute(_COUNT)).scalar_one() == 0
        finally:
            await database.close()


async def test_no_process_runs_what_another_has_prepared(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where a pooler hands a session on, a statement of the same name is another's."""
    names: list[str] = []
    for _ in range(2):
        monkeypatch.setattr(asyncpg.connection, "_uid", 0)  # as in a process that has just started
        connection = await connect(database_url)
        try:
            await connection.fetchval("select 1")
            names += [row["name"] for row in await connection.fetch("select name from pg_prepared_statements")]
        finally:
            await connection.close()

    assert len(names) == len(set(names)) >= 4


async def test_what_a_transaction_pooler_loses_is_told_as_such(database_url: str) -> None:
    async with pgbouncer(database_url, "transaction") as pooled:
        database = Database(pooled, pool_size=2)
        try:
            with pytest.raises(DatabaseUnavailable, match="A pooler"):
                async with database.reading() as connection:
                    await connection.execute(_COUNT)
                    async with database.transaction() as session:  # takes the session in which that was prepared
                        await session.execute(text("select 1"))
                        await connection.execute(_COUNT)
        finally:
            await database.close()
