"""The only way the schema changes: Alembic, under an advisory lock, from whichever process comes first."""

from pathlib import Path

import structlog
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text
from sqlalchemy.ext.asyncio import AsyncConnection

from protostar.db.errors import connecting, working
from protostar.db.session import create_engine

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
