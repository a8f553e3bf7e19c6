"""Which foreign errors mean that the database is away, and that none slips through."""

import asyncio
import socket

import asyncpg
import pytest
import uvloop
from sqlalchemy import exc, text

from protostar.db.errors import connecting, is_passing, working
from protostar.db.session import Database, after_commit
from protostar.errors import DatabaseUnavailable, NotFound
from protostar.problems import problem


@pytest.mark.parametrize(
    ("error", "passing"),
    [
        (asyncpg.ConnectionDoesNotExistError(), True),
        (asyncpg.CannotConnectNowError(), True),
        (asyncpg.AdminShutdownError(), True),
        (asyncpg.DiskFullError(), True),
        (asyncpg.TooManyConnectionsError(), True),
        (asyncpg.DeadlockDetectedError(), True),
        (asyncpg.QueryCanceledError(), True),
        (asyncpg.LockNotAvailableError(), True),
        (asyncpg.UndefinedTableError(), True),
        (asyncpg.InvalidColumnReferenceError(), True),
        (asyncpg.UndefinedObjectError(), True),
        (asyncpg.InsufficientPrivilegeError(), True),
        (asyncpg.InterfaceError("connection is closed"), True),
        (exc.TimeoutError("pool"), True),
        (ConnectionRefusedError(), True),
        (asyncpg.UniqueViolationError(), False),
        (asyncpg.DataError(), False),
        (asyncpg.PostgresSyntaxError(), False),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else str(value),
)
def test_what_means_that_the_database_is_away(error: Exception, passing: bool) -> None:
    assert is_passing(error) is passing


def test_every_error_of_the_connection_class_is_passing() -> None:
    """Walks asyncpg's own list: a new connection error must not become an internal one."""
    classes = [kind for kind in vars(asyncpg.exceptions).values() if isinstance(kind, type) and issubclass(kind, Exception)]
    connection = [kind for kind in classes if str(getattr(kind, "sqlstate", None) or "").startswith(("08", "57", "53"))]
    assert len(connection) > 10
    assert all(is_passing(kind("x")) for kind in connection)


def test_our_own_errors_and_the_callers_files_pass_through() -> None:
    with pytest.raises(NotFound), working():
        raise NotFound
    with pytest.raises(FileNotFoundError), working():
        raise FileNotFoundError("a file of the caller")


async def test_a_connection_that_ended_while_it_was_written_to_is_unavailable() -> None:
    ours, theirs = socket.socketpair()

    async def write() -> None:
        _reader, writer = await asyncio.open_connection(sock=ours)
        writer.transport.abort()
        await asyncio.sleep(0)
        with pytest.raises(DatabaseUnavailable), working():
            writer.write(b"x")

    with theirs:
        await asyncio.to_thread(uvloop.run, write())
    with pytest.raises(RuntimeError), working():
        raise RuntimeError("of the caller's own")


async def test_a_statement_that_takes_too_long_is_a_database_that_is_busy(database: Database) -> None:
    with pytest.raises(DatabaseUnavailable, match="in time"):
        async with database.driver() as connection:
            await connection.fetchval("select pg_sleep(30)", timeout=0.05)
    async with database.driver() as connection:
        assert await connection.fetchval("select 1") == 1


def test_a_full_disk_is_called_so() -> None:
    with pytest.raises(DatabaseUnavailable, match="disk of the database is full: "), working():
        raise asyncpg.DiskFullError("could not extend file")


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (asyncpg.TooManyConnectionsError('too many connections for role "app"'), "has no connection left"),
        (asyncpg.InvalidPasswordError('password authentication failed for user "app"'), "does not let this server in"),
        (asyncpg.DiskFullError('could not extend file "base/1/2"'), "disk of the database is full"),
        (asyncpg.ReadOnlySQLTransactionError("cannot execute INSERT"), "takes no changes"),
        (asyncpg.InsufficientPrivilegeError("permission denied for table jobs"), "the rights that it needs"),
        (asyncpg.AdminShutdownError("terminating connection"), "does not answer"),
    ],
)
def test_what_postgresql_says_is_for_the_log_alone(error: Exception, told: str) -> None:
    with pytest.raises(DatabaseUnavailable) as raised, connecting():
        raise error
    assert str(error) in str(raised.value)
    assert str(error) not in raised.value.told
    assert told in raised.value.told
    assert problem(raised.value)["detail"] == raised.value.told


def test_a_pool_that_is_used_up_is_not_a_database_that_is_away() -> None:
    with pytest.raises(DatabaseUnavailable, match="PROTOSTAR_DATABASE_POOL"), connecting():
        raise exc.TimeoutError("QueuePool limit of size 10 overflow 0 reached, connection timed out, timeout 5.00")


@pytest.mark.parametrize("url", ["postgresql://u:p@127.0.0.1:1/x", "postgresql://u@/x?host=/nonexistent"])
async def test_a_server_that_is_not_there_is_unavailable(url: str) -> None:
    database = Database(url)
    with pytest.raises(DatabaseUnavailable):
        async with database.transaction():
            pass
    with pytest.raises(DatabaseUnavailable):
        async with database.reading():
            pass
    await database.close()


async def test_a_connection_that_is_cut_is_unavailable_and_the_next_one_works(database: Database) -> None:
    with pytest.raises(DatabaseUnavailable):
        async with database.transaction() as session:
            pid = (await session.execute(text("select pg_backend_pid()"))).scalar_one()
            async with database.transaction() as other:
                await other.execute(text("select pg_terminate_backend(:pid)"), {"pid": pid})
            await session.execute(text("select 1"))
    async with database.transaction() as session:
        assert (await session.execute(text("select 1"))).scalar_one() == 1


async def test_after_commit_runs_after_the_commit_and_never_after_a_rollback(database: Database) -> None:
    seen: list[str] = []

    async def note() -> None:
        async with database.transaction() as other:
            seen.append((await other.execute(text("select name from spaces where name = 'new'"))).scalar_one())

    async with database.transaction() as session:
        await session.execute(text("update spaces set name = 'new'"))
        after_commit(session, note)
        assert seen == []
    assert seen == ["new"]
    with pytest.raises(NotFound):
        async with database.transaction() as session:
            after_commit(session, note)
            raise NotFound
    assert seen == ["new"]


async def test_a_cancelled_transaction_hands_its_connection_back(database_url: str) -> None:
    database = Database(database_url, pool_size=1)

    async def hang() -> None:
        async with database.transaction() as session:
            started.set()
            await session.execute(text("select pg_sleep(30)"))

    for _ in range(3):
        started = asyncio.Event()
        task = asyncio.create_task(hang())
        await started.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    async with asyncio.timeout(5), database.transaction() as session:
        assert (await session.execute(text("select 1"))).scalar_one() == 1
    await database.close()
