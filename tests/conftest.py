"""Fixtures for everyone: one real PostgreSQL and one real Valkey per pytest process, each started when first wanted."""

from collections.abc import AsyncGenerator
from uuid import UUID

import pytest
from aiohttp import web
from hypothesis import settings
from tests.support.databases import copied, make_template
from tests.support.model_server import StandIn
from tests.support.servers import postgres_server, redis_server
from tests.support.stack import Stack, running_stack, settings_for

from protostar.access.repository import AccessRepository
from protostar.db.session import Database
from protostar.redis.client import RedisClient
from protostar.telemetry import Metrics

# How long an example takes says how busy the machine is.
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")


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


@pytest.fixture(scope="session")
async def template(postgres_url: str) -> str:
    return await make_template(postgres_url)


@pytest.fixture
async def database_url(postgres_url: str, template: str) -> AsyncGenerator[str]:
    """`postgresql://…` of a migrated database of this test's own."""
    async with copied(postgres_url) as url:
        yield url


@pytest.fixture
async def database(database_url: str) -> AsyncGenerator[Database]:
    database = Database(database_url)
    yield database
    await database.close()


@pytest.fixture
async def redis(redis_url: str) -> AsyncGenerator[RedisClient]:
    client = RedisClient(redis_url, Metrics())
    yield client
    await client.run(lambda commands: commands.flushdb())
    await client.close()


@pytest.fixture
async def space_id(database: Database) -> UUID:
    """The space that the first migration made."""
    async with database.transaction() as session:
        id_ = await AccessRepository(session).space(None)
    assert id_ is not None
    return id_


@pytest.fixture(scope="session")
async def stack(
    postgres_url: str, template: str, redis_url: str, tmp_path_factory: pytest.TempPathFactory
) -> AsyncGenerator[Stack]:
    """API and worker without models, shared by the tests of a process: each works in a space of its own."""
    async with copied(postgres_url) as url:
        async with running_stack(settings_for(url, f"{redis_url}?db=1", tmp_path_factory.mktemp("stack"))) as running:
            yield running


@pytest.fixture(scope="session")
async def model_server() -> AsyncGenerator[tuple[StandIn, str]]:
    stand_in = StandIn(dimensions=64)
    runner = web.AppRunner(stand_in.app, access_log=None, handler_cancellation=True, shutdown_timeout=0.2)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = runner.addresses[0][1]
    yield stand_in, f"http://127.0.0.1:{port}/v1"
    await runner.cleanup()


@pytest.fixture
def stand_in(model_server: tuple[StandIn, str]) -> StandIn:
    """The stand-in, well-behaved."""
    model_server[0].behave()
    model_server[0].counts = type(model_server[0].counts)()
    return model_server[0]
