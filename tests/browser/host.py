"""Somebody else's web site: an origin of its own, with pages that make it hard for whatever they embed."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Final

from aiohttp import web

STRICT: Final = "default-src 'none'; script-src {product}; connect-src {product}; style-src 'self'; img-src 'self'"
"""No inline script or style, no eval; `{product}` is the origin that is embedded."""

HOSTILE: Final = """
* { all: unset !important; display: block !important; }
*, *::before, *::after {
  font: 9px/1 cursive !important; color: red !important; background: yellow !important; letter-spacing: 1em !important;
  text-transform: uppercase !important; position: static !important; transform: rotate(2deg) !important;
  visibility: hidden !important; opacity: .2 !important; pointer-events: none !important;
}
button, input, textarea { border: 9px dashed lime !important; width: 1px !important; height: 1px !important; }
"""
"""The worst that a style sheet of the page can do to what it embeds."""


@dataclass
class Host:
    """`serve` lays a page down and gives its URL."""

    url: str = ""
    _pages: dict[str, web.Response] = field(default_factory=dict)
    _sheets: dict[str, str] = field(default_factory=dict)

    def serve(self, body: str, *, head: str = "", lang: str = "en", csp: str | None = None, css: str = "") -> str:
        """`csp`: the page's policy, in force as the header; `css`: its style sheet, from a file of its own."""
        name = f"/{len(self._pages)}"
        self._sheets[name] = css
        html = (
            f'<!doctype html><html lang="{lang}"><head><meta charset="utf-8"><title>Host</title>'
            f'<meta name="viewport" content="width=device-width, initial-scale=1">'
            f'<link rel="icon" href="/favicon.ico"><link rel="stylesheet" href="{name}.css">{head}</head><body>{body}</body></html>'
        )
        headers = {"Content-Security-Policy": csp} if csp is not None else {}
        self._pages[name] = web.Response(text=html, content_type="text/html", headers=headers)
        return self.url + name

    async def handle(self, request: web.Request) -> web.Response:
        path = request.path
        if path.endswith(".css"):
            return web.Response(text=self._sheets.get(path.removesuffix(".css"), ""), content_type="text/css")
        if path == "/favicon.ico":
            return web.Response(status=204)
        page = self._pages.get(path)
        if page is None:
            raise web.HTTPNotFound
        return web.Response(body=page.body, headers=page.headers)


@asynccontextmanager
async def running_host() -> AsyncIterator[Host]:
    host = Host()
    app = web.Application()
    app.router.add_get("/{path:.*}", host.handle)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.2)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    host.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    yield host
    await runner.cleanup()
