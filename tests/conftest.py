"""Fixtures for everyone: one real PostgreSQL and one real Valkey per pytest process, each started when first wanted."""

from collections.abc import AsyncGenerator

import pytest

from tests.support.servers import postgres_server, redis_server


@pytest.fixture(scope="session")
async def postgres_url() -> AsyncGenerator[str]:
    """`postgresql://…` of a server of our own, with an empty database that is nobody's: make one per test module."""
    async with postgres_server() as url:
        yield url


@pytest.fixture(scope="session")
async def redis_url() -> AsyncGenerator[str]:
    """`unix://…` of a server of our own; who writes to it takes a key prefix or a database number of their own."""
    async with redis_server() as url:
        yield url
