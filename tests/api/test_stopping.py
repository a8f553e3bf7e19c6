"""The API is stopped: what is unfinished goes back to the queue, and nobody who still reads is a fault."""

import asyncio
import logging
import socket
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import aiohttp
import asyncpg
import pytest
import uvicorn
from starlette.types import ASGIApp, Receive, Scope, Send
from tests.api.tenant import idle_tenant
from tests.support.stack import ADMIN_KEY, settings_for

from protostar.answers.repository import AnswerRepository
from protostar.answers.writer import Writer
from protostar.api.app import create_app
from protostar.api.protocol import Protocol
from protostar.api.server import Server

GRACE = timedelta(seconds=0.3)


@asynccontextmanager
async def served(app: ASGIApp, stopping: asyncio.Event) -> AsyncGenerator[tuple[str, int]]:
    """The address, to the end of the block, where it is stopped."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        config = uvicorn.Config(app, http=Protocol, log_config=None, access_log=False, timeout_graceful_shutdown=5)
        server = Server(config, stopping, GRACE)
        serving = asyncio.create_task(server.serve([listening]))
        while not server.started:
            await asyncio.sleep(0.01)
        try:
            yield listening.getsockname()
        finally:
            server.should_exit = True
            async with asyncio.timeout(10):
                await serving


async def endless(scope: Scope, receive: Receive, send: Send) -> None:
    """A response that goes on until its reader has gone."""
    if scope["type"] == "lifespan":
        for step in ("startup", "shutdown"):
            await receive()
            await send({"type": f"lifespan.{step}.complete"})
        return
    await receive()
    gone = asyncio.ensure_future(receive())
    await send({"type": "http.response.start", "status": 200, "headers": []})
    while not gone.done():
        await send({"type": "http.response.body", "body": bytes(65536), "more_body": True})
        await asyncio.sleep(0.001)


@pytest.mark.parametrize("reads", [True, False])
async def test_who_still_reads_is_hung_up_on_without_an_error(reads: bool, caplog: pytest.LogCaptureFixture) -> None:
    """Also who has stopped reading, with bytes on their way."""
    stopping = asyncio.Event()
    with caplog.at_level(logging.WARNING):
        async with served(endless, stopping) as address:
            reader, writer = await asyncio.open_connection(*address, limit=1024)
            writer.write(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
            await reader.readexactly(1000)
            reading = asyncio.ensure_future(reader.read(-1) if reads else asyncio.sleep(0))
            assert not stopping.is_set()
    assert stopping.is_set()
    assert caplog.messages == []
    await asyncio.gather(reading, return_exceptions=True)
    writer.close()


async def test_a_question_that_is_just_taken_in_is_given_back_too(
    database_url: str, redis_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its answer begins when the others have ended."""
    settings = settings_for(database_url, f"{redis_url}?db=6", tmp_path, worker={"grace": GRACE.total_seconds()})
    take = AnswerRepository.take

    async def slowly(*args: Any, **more: Any) -> Any:
        await asyncio.sleep(2 * GRACE.total_seconds())
        return await take(*args, **more)

    async def never(*_args: Any, **_more: Any) -> None:
        await asyncio.sleep(60)

    monkeypatch.setattr(AnswerRepository, "take", slowly)
    monkeypatch.setattr(Writer, "write", never)
    async with idle_tenant(settings) as tenant:
        stopping = asyncio.Event()
        headers = {"Authorization": f"Bearer {ADMIN_KEY}", "Protostar-Space": tenant.id}
        async with aiohttp.ClientSession(headers=headers) as http:
            async with served(create_app(settings, stopping), stopping) as (host, port):
                asking = asyncio.ensure_future(http.post(f"http://{host}:{port}/v1/answers", json={"question": "How many kiwis?"}))
                await asyncio.sleep(GRACE.total_seconds() / 2)
            await asyncio.gather(asking, return_exceptions=True)
    connection = await asyncpg.connect(database_url)
    states = await connection.fetch("select state, lost_leases from jobs where kind = 'answer.write' and space_id = $1", tenant.id)
    await connection.close()
    assert [tuple(row) for row in states] == [("queued", 0)]
