"""The engine and the only place where anything is committed."""

import asyncio
import copy
import secrets
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from functools import partial
from typing import Any, TypeVar

import asyncpg
from sqlalchemy import event
from sqlalchemy.exc import InvalidatePoolError, SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, AsyncSession, create_async_engine
from sqlalchemy.pool import QueuePool

from protostar.db.errors import connecting, is_away, is_passing, working
from protostar.db.patience import Absence
from protostar.db.vectors import register_codecs
from protostar.errors import DatabaseUnavailable

T = TypeVar("T")

AfterCommit = Callable[[], Awaitable[None]]
_AFTER_COMMIT = "after_commit"

_RENEWED_AFTER = 1800  # seconds
_LONGEST = 60.0  # seconds; what takes longer on purpose says so


class _Connection(asyncpg.Connection):
    """Its prepared statements have names that no other process uses.

    A pooler that gives each transaction another session would otherwise run what another process has prepared by that name.
    """

    def _get_unique_id(self, prefix: str) -> str:
        return f"protostar_{prefix}_{secrets.token_hex(12)}"


async def connect(url: str, *, longest: float | None = _LONGEST) -> Any:
    """A connection of asyncpg to a `postgresql://` URL, with the parameters that libpq knows.

    `longest`: seconds for a statement, after which it raises TimeoutError; None: no limit.
    """
    # asyncpg reads the URL itself: SQLAlchemy makes arguments of its parameters, and asyncpg has none for `sslmode`.
    driver: Any = asyncpg  # it has no types
    connection = await driver.connect(
        url,
        connection_class=_Connection,
        timeout=5,
        command_timeout=longest,
        server_settings={
            "application_name": "protostar",
            # A process that hangs in the middle of a transaction must not hold its locks for ever.
            "idle_in_transaction_session_timeout": "60s",
            "jit": "off",
            # No statement here is worth a second process: under load one search would take the cores of all others.
            "max_parallel_workers_per_gather": "0",
            # What is searched lies in memory or on an SSD; planned for disks that turn, tables were read whole.
            "random_page_cost": "1.1",
        },
    )
    # Whatever the role's is: under another, those who write at once would refuse one another. No parameter of the start, for
    # poolers know few.
    try:
        await connection.execute("set default_transaction_isolation = 'read committed'")
    except BaseException:
        connection.terminate()
        raise
    return connection


def create_engine(
    url: str, *, pool_size: int, longest: float | None = _LONGEST, renewed_after: int = _RENEWED_AFTER
) -> AsyncEngine:
    """An engine over such connections. Nothing is connected yet."""
    engine = create_async_engine(
        "postgresql+asyncpg://",
        async_creator=partial(connect, url, longest=longest),
        pool_size=pool_size,
        max_overflow=0,
        pool_timeout=5,
        pool_recycle=renewed_after,
        # The one used last has its statements prepared and its tables in the server's cache.
        pool_use_lifo=True,
        hide_parameters=True,  # an error is logged, and questions and documents are none of the log's business
    )

    @event.listens_for(engine.sync_engine, "connect")
    def _on_connect(connection: Any, _record: Any) -> None:  # pyright: ignore[reportUnusedFunction]
        connection.run_async(register_codecs)

    @event.listens_for(engine.sync_engine, "checkout")
    def _on_checkout(connection: Any, _record: Any, _proxy: Any) -> None:  # pyright: ignore[reportUnusedFunction]
        # What PostgreSQL has closed by restarting, its socket has said by now; nobody's question is needed to find it out.
        if connection.driver_connection.is_closed():
            raise InvalidatePoolError

    return engine


class Database:
    """Connections of one process. Every method raises DatabaseUnavailable while PostgreSQL is away for longer than a restart."""

    def __init__(self, url: str, *, pool_size: int = 5, renewed_after: int = _RENEWED_AFTER) -> None:
        """Nothing is connected yet. `renewed_after`: seconds after which a connection is made anew; -1: never."""
        self._url = url
        self._engine = create_engine(url, pool_size=pool_size, renewed_after=renewed_after)
        self._reader = self._engine.execution_options(isolation_level="AUTOCOMMIT")
        self._reserved: Database | None = None
        self._absence = Absence()
        self._waits = True

    @property
    def reserved(self) -> "Database":
        """A connection of its own beside the pool, for what must not stand behind all those that wait for a lock.

        It is kept for as long as it lasts: where PostgreSQL has none left, somebody else would get the one that was given up.
        """
        if self._reserved is None:
            self._reserved = Database(self._url, pool_size=1, renewed_after=-1)
        return self._reserved

    @property
    def at_once(self) -> "Database":
        """The same connections, for whoever wants to know whether PostgreSQL is there now."""
        view = copy.copy(self)
        view._waits = False  # noqa: SLF001 - its own
        return view

    @property
    def is_busy(self) -> bool:
        """Whether all connections of the pool are in use."""
        pool = self._engine.pool
        return isinstance(pool, QueuePool) and pool.checkedout() >= pool.size()

    @asynccontextmanager
    async def transaction(self) -> AsyncGenerator[AsyncSession]:
        """One transaction: committed at the end of the block, rolled back when it raises.

        What `after_commit` registered runs once the commit has succeeded.
        """
        session = AsyncSession(self._engine, expire_on_commit=False)
        try:
            await self._enter(session.connection)
            with working():
                yield session
                await session.commit()
        finally:
            await _hand_back(session)
        callbacks: list[AfterCommit] = session.info.pop(_AFTER_COMMIT, [])
        for callback in callbacks:
            await callback()

    @asynccontextmanager
    async def driver(self) -> AsyncGenerator[Any]:
        """asyncpg's own connection, in autocommit, for the few statements where every tenth of a millisecond counts."""
        async with self.reading() as connection:
            raw = await connection.get_raw_connection()
            yield raw.driver_connection

    @asynccontextmanager
    async def reading(self) -> AsyncGenerator[AsyncConnection]:
        """A connection in autocommit for single statements that only read: no BEGIN and COMMIT around them."""
        connection = await self._enter(self._reader.connect)
        try:
            with working():
                yield connection
        finally:
            await _hand_back(connection)

    @asynccontextmanager
    async def autocommit(self) -> AsyncGenerator[AsyncSession]:
        """A session in which each statement is a transaction of its own: no BEGIN and COMMIT around it."""
        session = AsyncSession(self._reader)
        try:
            await self._enter(session.connection)
            with working():
                yield session
        finally:
            await asyncio.shield(session.close())

    async def _enter(self, connect: Callable[[], Awaitable[T]]) -> T:
        """What `connect` returns, tried again while PostgreSQL restarts: nothing has been asked of it yet."""
        clock = asyncio.get_running_loop().time
        while True:
            began = clock()
            try:
                with connecting():
                    entered = await connect()
            except DatabaseUnavailable as error:
                if not self._waits or not is_away(error) or not await self._absence.wait(began):
                    raise
            else:
                self._absence.ends()
                return entered

    async def reconnect(self) -> None:
        """Make new connections from now on: those from before the first migration do not know pgvector's types."""
        await self._engine.dispose()

    async def close(self) -> None:
        await self._engine.dispose()
        if self._reserved is not None:
            await self._reserved.close()


async def _hand_back(used: AsyncSession | AsyncConnection) -> None:
    """Also where the task is cancelled. A connection that broke is thrown away: how the work ended is known by then."""
    try:
        await asyncio.shield(used.close())
    except (OSError, SQLAlchemyError) as error:
        if not is_passing(error):
            raise
        await used.invalidate()


def after_commit(session: AsyncSession, callback: AfterCommit) -> None:
    """Run `callback` when the session's transaction has been committed; not at all when it is rolled back."""
    session.info.setdefault(_AFTER_COMMIT, []).append(callback)


async def driver_connection(session: AsyncSession) -> Any:
    """The asyncpg connection inside the session's transaction, for COPY.

    The transaction has begun by then: before any statement asyncpg would commit by itself.
    """
    connection = await session.connection()
    raw = await connection.get_raw_connection()
    return raw.driver_connection
