"""The API process."""

import asyncio
import contextlib
import math
import socket
from collections.abc import Awaitable, Callable
from datetime import timedelta
from operator import methodcaller
from typing import Any, Final

import structlog
import uvicorn
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from protostar.api.app import create_app
from protostar.api.protocol import Protocol
from protostar.config import Settings
from protostar.embedded.listening import inherited
from protostar.embedded.parent import parent_gone
from protostar.errors import ProtostarError
from protostar.garbage import settle
from protostar.telemetry import configure_logging

log = structlog.get_logger()

_LAST_BYTES: Final = 0.2  # seconds


def run_api(settings: Settings) -> None:
    """Serve until SIGTERM or SIGINT, on the sockets of `serve` where it is the parent; open answers get the grace time.

    Raises the error of ours that the start fails with.
    """
    configure_logging(settings.log_format, settings.log_level)
    stopping = asyncio.Event()
    app = _Explained(create_app(settings, stopping))
    config = uvicorn.Config(
        app,
        interface="asgi3",
        http=Protocol,
        host=settings.host,
        port=settings.port,
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_keep_alive=75,
        timeout_graceful_shutdown=math.ceil(settings.worker.grace.total_seconds()) + 2,  # for who does not heed a hang-up
        # Who is behind a proxy is decided by our own setting, PROTOSTAR_TRUSTED_PROXIES.
        proxy_headers=False,
    )
    settle()
    with asyncio.Runner(loop_factory=config.get_loop_factory()) as runner:
        try:
            runner.run(_serve(Server(config, stopping, settings.worker.grace), inherited()))
        except SystemExit:
            if app.error is not None:
                raise app.error from None
            raise


class _Explained:
    """Keeps an error of ours that the start fails with; uvicorn would print a traceback, and exit as if it did not know why."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self.error: ProtostarError | None = None

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        """No coroutine of its own: it would stand around each open stream."""
        return self._start(scope, receive, send) if scope["type"] == "lifespan" else self._app(scope, receive, send)

    async def _start(self, scope: Scope, receive: Receive, send: Send) -> None:
        failed: Message | None = None

        async def held_back(message: Message) -> None:
            nonlocal failed
            if message["type"] == "lifespan.startup.failed":
                failed = message
            else:
                await send(message)

        try:
            await self._app(scope, receive, held_back)
        except Exception as error:
            if failed is None:
                raise
            if isinstance(error, ProtostarError):
                self.error, failed = error, {"type": failed["type"]}
            await send(failed)


class Server(uvicorn.Server):
    """Tells the application when it takes nothing more, and hangs up on what is still open after the grace time; a moment later
    also on who reads no more.

    uvicorn would cancel it, with a traceback for each; a connection that is closed ends its request as one that was lost.
    """

    def __init__(self, config: uvicorn.Config, stopping: asyncio.Event, grace: timedelta) -> None:
        super().__init__(config)
        self._stopping = stopping
        self._grace = grace.total_seconds()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._stopping.set()
        later = asyncio.get_running_loop().call_later
        timers = [
            later(self._grace, self._each, methodcaller("close")),
            later(self._grace + _LAST_BYTES, self._each, methodcaller("abort")),
        ]
        try:
            await super().shutdown(sockets)
        finally:
            for timer in timers:
                timer.cancel()

    def _each(self, end: Callable[[Any], object]) -> None:
        for connection in list(self.server_state.connections):
            end(connection.transport)


async def _serve(server: uvicorn.Server, listening: list[socket.socket] | None) -> None:
    orphaned = asyncio.create_task(_stop_with_parent(server))
    try:
        await server.serve(listening)
    finally:
        orphaned.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await orphaned


async def _stop_with_parent(server: uvicorn.Server) -> None:
    await parent_gone()
    log.warning("parent_gone")
    server.should_exit = True
