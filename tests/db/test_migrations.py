import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from uuid import uuid4

import asyncpg
import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text
from sqlalchemy.dialects.postgresql.base import ischema_names
from tests.support.databases import execute, named
from tests.support.waiting import wait_until

from protostar.db.base import HalfVec, SparseVec
from protostar.db.migrate import migrate, migrate_when_possible
from protostar.db.revision import MIGRATIONS, head, is_migrated, revisions
from protostar.db.session import Database, create_engine
from protostar.errors import DatabaseUnavailable
from protostar.models import metadata

IS_WAITING = "select exists (select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock')"


@pytest.fixture
def pgvector_types(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lets SQLAlchemy recognise the columns when it reads the schema back."""
    monkeypatch.setitem(ischema_names, "sparsevec", lambda *_size: SparseVec())
    monkeypatch.setitem(ischema_names, "halfvec", lambda *_size: HalfVec())


@pytest.mark.usefixtures("pgvector_types")
async def test_the_migrated_schema_is_the_metadata(database_url: str) -> None:
    engine = create_engine(database_url, pool_size=1)

    def differences(connection: Connection) -> list[object]:
        return list(compare_metadata(MigrationContext.configure(connection, opts={"compare_server_default": True}), metadata))

    async with engine.connect() as connection:
        assert await connection.run_sync(differences) == []
        fences = await connection.execute(text("select count(*) from pg_sequences where sequencename = 'job_fence'"))
        assert fences.scalar_one() == 1
    await engine.dispose()


async def test_migrating_twice_changes_nothing(database_url: str) -> None:
    await migrate(database_url)
    database = Database(database_url)
    assert await is_migrated(database)
    async with database.reading() as connection:
        assert (await connection.execute(text("select version_num from alembic_version"))).scalar_one() == head()
        assert (await connection.execute(text("select count(*) from spaces"))).scalar_one() == 1
    await database.close()


async def test_the_schema_of_a_later_release_is_left_as_it_is(database_url: str) -> None:
    await execute(database_url, "update alembic_version set version_num = '9999'")
    await migrate(database_url)
    database = Database(database_url)
    assert await is_migrated(database)
    await database.close()


def test_revisions_are_read_from_the_names_of_their_files() -> None:
    scripts = [*ScriptDirectory(str(MIGRATIONS)).walk_revisions()]
    assert revisions() == [script.revision for script in reversed(scripts)]
    assert head() == scripts[0].revision


async def test_an_empty_database_is_not_migrated(postgres_url: str) -> None:
    database = Database(postgres_url)
    assert not await is_migrated(database)
    await database.close()


async def test_migrating_does_not_wait_for_a_password_to_become_right(postgres_url: str) -> None:
    with pytest.raises(DatabaseUnavailable, match="nobody_here"):
        await migrate_when_possible(postgres_url.replace("postgres@", "nobody_here@"))


async def test_migrating_waits_for_a_server_that_is_away(postgres_url: str) -> None:
    """The database appears while it is being waited for."""
    name = f"late_{uuid4().hex[:12]}"
    waiting = asyncio.create_task(migrate_when_possible(named(postgres_url, name)))
    await asyncio.wait({waiting}, timeout=0.7)
    assert not waiting.done()
    await execute(postgres_url, f'create database "{name}"')
    async with asyncio.timeout(30):
        await waiting
    await execute(postgres_url, f'drop database "{name}" with (force)')


async def test_indexes_on_two_tables_are_in_no_deadlock_with_who_writes_to_both(
    postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with migrated_to("0015", postgres_url, monkeypatch) as url:
        writer, watcher = await asyncpg.connect(url), await asyncpg.connect(url)
        async with writer.transaction():
            await writer.execute("update document_versions set status = status")
            migrating = asyncio.create_task(migrate(url))
            await wait_until(lambda: watcher.fetchval(IS_WAITING), what="the migration waits for the table")
            await writer.execute("update jobs set state = state")
        assert await migrating == head()
        for connection in (writer, watcher):
            await connection.close()


@asynccontextmanager
async def migrated_to(revision: str, postgres_url: str, monkeypatch: pytest.MonkeyPatch) -> AsyncGenerator[str]:
    """The URL of a database as the release of `revision` left it."""
    name = f"old_{uuid4().hex[:12]}"
    await execute(postgres_url, f'create database "{name}"')
    url = named(postgres_url, name)
    with monkeypatch.context() as older:
        older.setattr("protostar.db.migrate.head", lambda: revision)
        assert await migrate(url) == revision
    yield url
    await execute(postgres_url, f'drop database "{name}" with (force)')
