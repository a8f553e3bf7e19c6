"""A migrated database per test, copied from a template in a few milliseconds."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from uuid import uuid4

import asyncpg
from sqlalchemy import make_url

from protostar.db.migrate import migrate

TEMPLATE = "protostar_template"


def named(url: str, database: str) -> str:
    return make_url(url).set(database=database).render_as_string(hide_password=False)


async def make_template(postgres_url: str) -> str:
    """The URL of a migrated database that nobody writes to."""
    await execute(postgres_url, f'create database "{TEMPLATE}"')
    url = named(postgres_url, TEMPLATE)
    await migrate(url)
    return url


@asynccontextmanager
async def copied(postgres_url: str) -> AsyncGenerator[str]:
    """The URL of a fresh copy of the template, dropped at the end."""
    name = f"test_{uuid4().hex[:12]}"
    await execute(postgres_url, f'create database "{name}" template "{TEMPLATE}"')
    try:
        yield named(postgres_url, name)
    finally:
        await execute(postgres_url, f'drop database "{name}" with (force)')


async def execute(url: str, statement: str) -> None:
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(statement)
    finally:
        await connection.close()
