"""The only way the schema changes: Alembic, under an advisory lock, from whichever process comes first."""

import asyncio
import random

import structlog
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Connection, text
from sqlalchemy.ext.asyncio import AsyncConnection

from protostar.db.errors import connecting, is_locked_out, lacks_right, working
from protostar.db.revision import MIGRATIONS, head
from protostar.db.session import create_engine
from protostar.errors import ConfigurationError, DatabaseUnavailable

log = structlog.get_logger()

# An arbitrary number that no other program is likely to lock: "PROTOSTA" as eight ASCII bytes.
_LOCK = int.from_bytes(b"PROTOSTA", "big")


async def migrate(database_url: str) -> str:
    """Bring the schema to `head`, waiting for another process that is doing the same. The revision that it has now.

    Raises DatabaseUnavailable while PostgreSQL is away, ConfigurationError where its user lacks a right.
    """
    # A column of a large table takes as long as it takes, and whoever waits for another's lock waits for that.
    engine = create_engine(database_url, pool_size=2, longest=None)
    try:
        with connecting():
            connection = await engine.connect()
        try:
            with working():
                return await _migrate_alone(connection)
        except DatabaseUnavailable as error:
            if not lacks_right(error):
                raise
            raise ConfigurationError(
                f"The user of PROTOSTAR_DATABASE_URL lacks a right that the migration needs ({error}). It must be allowed to"
                f" create tables, and own those that are there; an administrator may run «create extension vector» for it."
            ) from None
        finally:
            await connection.close()
    finally:
        await engine.dispose()


async def migrate_when_possible(database_url: str) -> str:
    """`migrate`, however long PostgreSQL is away. Raises DatabaseUnavailable where it refuses the user or the password."""
    wait = 0.5
    while True:
        try:
            return await migrate(database_url)
        except DatabaseUnavailable as error:
            if is_locked_out(error):
                raise
            log.warning("waiting_for_database", error=str(error))
            await asyncio.sleep(wait * random.uniform(0.8, 1.2))  # noqa: S311
            wait = min(5, wait * 2)


async def _migrate_alone(connection: AsyncConnection) -> str:
    # The lock belongs to the session: each migration commits, and the lock must outlive that.
    await connection.execute(text("select pg_advisory_lock(:key)"), {"key": _LOCK})
    await connection.commit()
    try:
        return await connection.run_sync(_upgrade)
    finally:
        await connection.rollback()
        await connection.execute(text("select pg_advisory_unlock(:key)"), {"key": _LOCK})
        await connection.commit()


def _upgrade(connection: Connection) -> str:
    before = MigrationContext.configure(connection).get_current_revision()
    connection.rollback()
    if before is None:
        _check_place(connection)
    if before is not None and before > head():
        # Changes are made so that two builds can run side by side.
        log.warning("database_of_a_later_release", schema=before, known=head())
        return before
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.attributes["connection"] = connection
    command.upgrade(config, head())
    connection.commit()
    if before != head():
        log.info("database_migrated", before=before, after=head())
    return head()


def _check_place(connection: Connection) -> None:
    """Raises ConfigurationError where tables can be made nowhere, or could not hold every text."""
    encoding, schema = connection.execute(text("select current_setting('server_encoding'), current_schema()")).one()
    connection.rollback()
    if encoding != "UTF8":
        raise ConfigurationError(
            f"The database of PROTOSTAR_DATABASE_URL has the encoding {encoding}, which cannot hold every text: make one with"
            " «create database … encoding 'UTF8' template template0»."
        )
    if schema is None:
        raise ConfigurationError("The search_path of the user of PROTOSTAR_DATABASE_URL names no schema that it may use.")
