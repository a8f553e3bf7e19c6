"""The only way the schema changes: Alembic, under an advisory lock, from whichever process comes first."""

import asyncio
import random
from contextlib import suppress
from pathlib import Path

import structlog
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text
from sqlalchemy.ext.asyncio import AsyncConnection

from protostar.db.errors import connecting, working
from protostar.db.session import Database, create_engine
from protostar.errors import DatabaseUnavailable

log = structlog.get_logger()

# An arbitrary number that no other program is likely to lock: "PROTOSTA" as eight ASCII bytes.
_LOCK = int.from_bytes(b"PROTOSTA", "big")


def alembic_config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    return config


def head() -> str:
    """The newest revision that this build knows."""
    revision = ScriptDirectory.from_config(alembic_config()).get_current_head()
    return revision or "none"


async def migrate(database_url: str) -> None:
    """Bring the schema to `head`, waiting for another process that is doing the same.

    Raises DatabaseUnavailable while PostgreSQL is away.
    """
    engine = create_engine(database_url, pool_size=2)
    try:
        with connecting():
            connection = await engine.connect()
        try:
            with working():
                await _migrate_alone(connection)
        finally:
            await connection.close()
    finally:
        await engine.dispose()


async def migrate_when_possible(database_url: str) -> None:
    """`migrate`, however long PostgreSQL is away."""
    wait = 0.5
    while True:
        try:
            await migrate(database_url)
        except DatabaseUnavailable as error:
            log.warning("waiting_for_database", error=str(error))
            await asyncio.sleep(wait * random.uniform(0.8, 1.2))  # noqa: S311
            wait = min(5, wait * 2)
        else:
            return


async def _migrate_alone(connection: AsyncConnection) -> None:
    # The lock belongs to the session: each migration commits, and the lock must outlive that.
    await connection.execute(text("select pg_advisory_lock(:key)"), {"key": _LOCK})
    await connection.commit()
    try:
        await connection.run_sync(_upgrade)
    finally:
        await connection.rollback()
        await connection.execute(text("select pg_advisory_unlock(:key)"), {"key": _LOCK})
        await connection.commit()


def _upgrade(connection: Connection) -> None:
    before = MigrationContext.configure(connection).get_current_revision()
    connection.rollback()
    config = alembic_config()
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
    connection.commit()
    if before != head():
        log.info("database_migrated", before=before, after=head())


async def is_migrated(database: Database) -> bool:
    """Whether the schema is at least the one that this build needs. Raises DatabaseUnavailable."""
    async with database.reading() as connection:
        exists = await connection.execute(text("select to_regclass('alembic_version') is not null"))
        if not exists.scalar_one():
            return False
        found = (await connection.execute(text("select version_num from alembic_version"))).scalar_one_or_none()
    # A schema from a later build is fine: changes are made so that two builds can run side by side.
    return found is not None and found >= head()


async def wait_until_migrated(database: Database, stop: asyncio.Event) -> bool:
    """True once the schema is there; False when `stop` is set before. Never gives up by itself."""
    wait, waited = 0.2, False
    while not stop.is_set():
        try:
            if await is_migrated(database):
                if waited:
                    await database.reconnect()
                return True
            log.warning("waiting_for_migration", hint="run «protostar migrate»")
        except DatabaseUnavailable as error:
            log.warning("waiting_for_database", error=str(error))
        waited = True
        with suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), wait * random.uniform(0.8, 1.2))  # noqa: S311
        wait = min(5, wait * 2)
    return False
