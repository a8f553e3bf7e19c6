"""Somebody's backend: a real HTTP server that can be stopped and started on its port, and checks signatures by itself."""

import base64
import hashlib
import json
import socket
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web


def hmac_sha256(key: bytes, message: bytes) -> bytes:
    """As RFC 2104 writes it, and not as the standard library does."""
    padded = (hashlib.sha256(key).digest() if len(key) > 64 else key).ljust(64, b"\0")
    inner = hashlib.sha256(bytes(byte ^ 0x36 for byte in padded) + message).digest()
    return hashlib.sha256(bytes(byte ^ 0x5C for byte in padded) + inner).digest()


def signature(secret: str, id_: str, timestamp: str, body: bytes) -> str:
    """As the specification of Standard Webhooks words it."""
    scheme, _, encoded = secret.partition("_")
    assert scheme == "whsec"
    signed = b".".join([id_.encode(), timestamp.encode(), body])
    return "v1," + base64.standard_b64encode(hmac_sha256(base64.standard_b64decode(encoded), signed)).decode()


@dataclass(frozen=True)
class Arrival:
    headers: Any
    body: bytes

    @property
    def id(self) -> str:
        return self.headers["webhook-id"]

    @property
    def event(self) -> Any:
        return json.loads(self.body)

    def verify(self, secret: str) -> None:
        timestamp = self.headers["webhook-timestamp"]
        assert self.headers["webhook-signature"] == signature(secret, self.id, timestamp, self.body)
        assert abs(int(timestamp) - time.time()) < 60
        assert self.headers["Content-Type"] == "application/json"


@dataclass
class Receiver:
    """`status`: what it answers. `accepted`: what it answered with 2xx; `arrivals`: everything."""

    port: int
    status: int = 204
    headers: dict[str, str] = field(default_factory=dict)
    arrivals: list[Arrival] = field(default_factory=list)
    accepted: list[Arrival] = field(default_factory=list)
    _runner: web.AppRunner | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/hook"

    async def start(self) -> None:
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", self._handle)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", self.port).start()

    async def stop(self) -> None:
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    async def _handle(self, request: web.Request) -> web.Response:
        arrival = Arrival(request.headers.copy(), await request.read())
        self.arrivals.append(arrival)
        if 200 <= self.status < 300:
            self.accepted.append(arrival)
        return web.Response(status=self.status, headers=self.headers)


@asynccontextmanager
async def new_receiver(*, running: bool = True) -> AsyncGenerator[Receiver]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        receiver = Receiver(free.getsockname()[1])
    if running:
        await receiver.start()
    yield receiver
    await receiver.stop()
