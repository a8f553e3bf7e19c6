"""Whether the schema is the one that this build needs. Without Alembic, which takes as long to import as all of SQLAlchemy."""

import asyncio
import random
import time
from contextlib import suppress
from pathlib import Path
from typing import Final

import structlog
from sqlalchemy import text

from protostar.db.session import Database
from protostar.errors import DatabaseUnavailable

log = structlog.get_logger()

MIGRATIONS: Final = Path(__file__).parent / "migrations"
_PATIENCE: Final = 10.0


def revisions() -> list[str]:
    """What this build knows, oldest first: the files of `migrations/versions` begin with their numbers."""
    return sorted(file.name.partition("_")[0] for file in (MIGRATIONS / "versions").glob("[0-9]*_*.py"))


def head() -> str:
    """The newest revision that this build knows."""
    return revisions()[-1]


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
    started, wait, waited = time.monotonic(), 0.2, False
    while not stop.is_set():
        try:
            if await is_migrated(database):
                if waited:
                    await database.reconnect()
                return True
            if time.monotonic() - started > _PATIENCE:
                log.warning("waiting_for_migration", hint="run «protostar migrate»")
            else:  # one that runs beside us, as «serve» has it, takes a few seconds
                log.info("waiting_for_migration")
            wait = min(wait, _PATIENCE / 10)
        except DatabaseUnavailable as error:
            log.warning("waiting_for_database", error=str(error))
        waited = True
        with suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), wait * random.uniform(0.8, 1.2))  # noqa: S311
        wait = min(5, wait * 2)
    return False
