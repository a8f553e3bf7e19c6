"""A reverse proxy on 127.0.0.1 whose faults can be switched while it runs."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Literal

import aiohttp
from aiohttp import web
from yarl import URL

Fault = Literal["pass", "503", "hang", "cut"]

HOP_BY_HOP = frozenset({"connection", "keep-alive", "te", "trailer", "transfer-encoding", "upgrade"})


@dataclass
class FaultyProxy:
    """Passes requests on to `target`, or answers 503, never answers, or cuts the response's body after `cut_after` bytes.

    Methods of `refused` are answered with 403.

    `faults` names the faults of the next requests, one each; when it is used up, `fault` holds. `seen` is what was asked for.
    """

    target: str
    url: str = ""
    fault: Fault = "pass"
    faults: list[Fault] = field(default_factory=list)
    cut_after: int = 0
    refused: frozenset[str] = frozenset()
    seen: list[tuple[str, str]] = field(default_factory=list)
    _session: aiohttp.ClientSession | None = None

    async def handle(self, request: web.Request) -> web.StreamResponse:
        self.seen.append((request.method, request.raw_path))
        fault = self.faults.pop(0) if self.faults else self.fault
        if request.method in self.refused:
            return web.Response(status=403, text="<Error><Code>AccessDenied</Code></Error>")
        if fault == "503":
            return web.Response(status=503, text="<Error><Code>ServiceUnavailable</Code></Error>")
        if fault == "hang":
            await asyncio.Event().wait()
        return await self._forward(request, cut=fault == "cut")

    async def _forward(self, request: web.Request, *, cut: bool) -> web.StreamResponse:
        assert self._session is not None
        url = URL(self.target + request.raw_path, encoded=True)
        body = request.content if request.body_exists else None
        headers = {name: value for name, value in request.headers.items() if name.lower() not in HOP_BY_HOP}
        async with self._session.request(request.method, url, headers=headers, data=body, allow_redirects=False) as upstream:
            kept = [(name, value) for name, value in upstream.headers.items() if name.lower() not in HOP_BY_HOP]
            response = web.StreamResponse(status=upstream.status, headers=dict(kept))
            await response.prepare(request)
            left = self.cut_after
            async for chunk in upstream.content.iter_any():
                await response.write(chunk[:left] if cut else chunk)
                left -= len(chunk)
                if cut and left <= 0:
                    assert request.transport is not None
                    request.transport.close()
                    break
            return response


@asynccontextmanager
async def faulty_proxy(target: str) -> AsyncIterator[FaultyProxy]:
    """Run a proxy before the server at the URL `target`; its own URL is `proxy.url`."""
    proxy = FaultyProxy(target)
    app = web.Application(client_max_size=2**40)
    app.router.add_route("*", "/{path:.*}", proxy.handle)
    runner = web.AppRunner(app, handler_cancellation=True, shutdown_timeout=0.1)
    async with aiohttp.ClientSession(auto_decompress=False, timeout=aiohttp.ClientTimeout()) as proxy._session:
        await runner.setup()
        try:
            site = web.TCPSite(runner, "127.0.0.1", 0)
            await site.start()
            host, port = runner.addresses[0][:2]
            proxy.url = f"http://{host}:{port}"
            yield proxy
        finally:
            await runner.cleanup()
