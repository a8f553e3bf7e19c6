"""The product in this process: a real HTTP server and a real worker on a database and a Redis of their own."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import uvicorn

from protostar.api.app import create_app
from protostar.api.protocol import Protocol
from protostar.config import Settings, load_settings
from protostar.jobs.worker import Worker
from protostar.resources import open_resources
from protostar.tasks import open_registry

ADMIN_KEY = "admin-key-of-the-tests"


@dataclass(frozen=True, slots=True)
class Stack:
    """`http`: a client that sends the admin key."""

    url: str
    settings: Settings
    http: aiohttp.ClientSession

    def client(self, key: str | None, **headers: str) -> aiohttp.ClientSession:
        """A client with another key; the caller closes it."""
        authorization = {"Authorization": f"Bearer {key}"} if key is not None else {}
        return aiohttp.ClientSession(self.url, headers={**authorization, **headers})


def settings_for(database_url: str, redis_url: str | None, folder: Path, **more: Any) -> Settings:
    """Settings of a stack; `more` overrides, groups as dictionaries."""
    return load_settings(
        _env_file=None, database_url=database_url, redis_url=redis_url, data_dir=folder, admin_key=ADMIN_KEY, port=0, **more
    )


@asynccontextmanager
async def running_api(settings: Settings) -> AsyncGenerator[str]:
    """The URL of an API that serves until the end of the block."""
    server = uvicorn.Server(
        uvicorn.Config(
            create_app(settings),
            http=Protocol,
            port=0,
            log_config=None,
            access_log=False,
            timeout_graceful_shutdown=2,
            # As in api/server.py: a client that was idle finds its connection open, and no header says who it is.
            timeout_keep_alive=75,
            proxy_headers=False,
        )
    )
    serving = asyncio.create_task(server.serve())
    while not server.started:
        if serving.done():
            serving.result()
        await asyncio.sleep(0.01)
    port = server.servers[0].sockets[0].getsockname()[1]
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        await serving


@asynccontextmanager
async def running_worker(settings: Settings, kinds: frozenset[str] = frozenset()) -> AsyncGenerator[Worker]:
    """A worker that runs jobs until the end of the block."""
    async with open_resources(settings) as resources, open_registry(resources) as registry:
        worker = Worker(resources.database, resources.redis, registry, settings.worker, resources.metrics, kinds=kinds)
        running = asyncio.create_task(worker.run())
        try:
            yield worker
        finally:
            worker.stop.set()
            await running


@asynccontextmanager
async def running_stack(settings: Settings) -> AsyncGenerator[Stack]:
    async with running_api(settings) as url, running_worker(settings):
        async with aiohttp.ClientSession(url, headers={"Authorization": f"Bearer {ADMIN_KEY}"}) as http:
            yield Stack(url, settings, http)
