"""Somebody's web site on 127.0.0.1, whose pages the test sets while it runs."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from aiohttp import web

Page = web.Response | Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass
class Website:
    """`pages`: path → bytes of a text, a whole response, or a function; all else is 404. `asked`: the paths, in order."""

    url: str = ""
    pages: dict[str, bytes | Page] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    requests: list[web.Request] = field(default_factory=list)

    async def handle(self, request: web.Request) -> web.StreamResponse:
        self.asked.append(request.path)
        self.requests.append(request)
        page = self.pages.get(request.path)
        if page is None:
            raise web.HTTPNotFound
        if isinstance(page, bytes):
            return web.Response(body=page, content_type="text/plain")
        if isinstance(page, web.Response):
            return web.Response(status=page.status, headers=page.headers, body=page.body)
        return await page(request)


async def forever(_request: web.Request) -> web.StreamResponse:
    await asyncio.Event().wait()
    raise AssertionError


def cut_after(count: int, *, of: int) -> Page:
    """A page that promises `of` bytes, and whose connection breaks after `count`."""

    async def cut(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Length": str(of), "Content-Type": "text/plain"})
        await response.prepare(request)
        await response.write(b"x" * count)
        assert request.transport is not None
        request.transport.close()
        return response

    return cut


@asynccontextmanager
async def website() -> AsyncGenerator[Website]:
    site = Website()
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", site.handle)
    runner = web.AppRunner(app, access_log=None, handler_cancellation=True, shutdown_timeout=0.1)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        site.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        yield site
    finally:
        await runner.cleanup()
