"""Server-sent events (WHATWG HTML, section 9.2): writing them, and keeping a silent connection open."""

import asyncio
import json
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from typing import Any, Final

import structlog
from fastapi.responses import StreamingResponse
from starlette.types import ASGIApp, Receive, Scope, Send

log = structlog.get_logger()

KEEP_ALIVE: Final = 15.0  # seconds; proxies commonly cut a connection that is silent for 30 or 60
COMMENT: Final = b": still here\n\n"
_LATER: Final = "protostar.later"  # in an ASGI scope: the events that are sent once the application has returned
_ENCODER: Final = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))
_HEADERS: Final = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}


def to_json(data: Any) -> bytes:
    """On one line, as an event's data has to be."""
    return _ENCODER.encode(data).encode()


def event(name: str, data: Any, id_: str | int | None = None) -> bytes:
    """One event; `data` as JSON."""
    return encoded(name, to_json(data), id_)


def encoded(name: str, json_: bytes, id_: str | int | None = None) -> bytes:
    """One event whose data is JSON on one line already."""
    head = f"id: {id_}\nevent: {name}\ndata: " if id_ is not None else f"event: {name}\ndata: "
    return b"%s%s\n\n" % (head.encode(), json_)


async def kept_alive(events: AsyncGenerator[bytes], interval: float = KEEP_ALIVE) -> AsyncIterator[bytes]:
    """The events, and a comment whenever none came for `interval` seconds."""
    async with aclosing(events):
        waiting: asyncio.Task[bytes] | None = None
        try:
            while True:
                waiting = waiting or asyncio.ensure_future(anext(events))  # pyright: ignore[reportArgumentType, reportUnknownVariableType]
                done, _pending = await asyncio.wait({waiting}, timeout=interval)
                if not done:
                    yield COMMENT
                    continue
                try:
                    item = waiting.result()
                except StopAsyncIteration:
                    return
                waiting = None
                yield item
        finally:
            if waiting is not None:  # also where it has just ended: nobody else will ask how
                waiting.cancel()
                await asyncio.gather(waiting, return_exceptions=True)


class EventStream(StreamingResponse):
    """Events that keep their connection open themselves and end soon after their reader has gone, whether it is seen to go or not.

    Starlette's own response starts two tasks for each stream, and `kept_alive` one for each event.
    """

    media_type = "text/event-stream"

    def __init__(self, events: AsyncGenerator[bytes], status_code: int = 200) -> None:
        super().__init__(events, status_code, _HEADERS)  # FastAPI takes the status for OpenAPI from this signature
        self._events = events

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        later: list[AsyncGenerator[bytes]] | None = scope.get(_LATER)
        if later is None:
            await _pour(self._events, send)
        else:
            later.append(self._events)


class Outlast:
    """Lets an EventStream outlast the application around it (pure ASGI): what that holds of a request is several times what a
    stream needs.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        later: list[AsyncGenerator[bytes]] = []
        within = {**scope, _LATER: later}
        try:
            await self._app(within, receive, send)
        finally:
            if "route" in within:
                scope["route"] = within["route"]  # by which requests are counted
            del within
        try:
            while later:
                await _pour(later.pop(), send)
        except Exception:  # the connection that is closed tells the reader
            log.exception("request_raised")
            raise


async def _pour(events: AsyncGenerator[bytes], send: Send) -> None:
    async with aclosing(events):
        async for some in events:
            await send({"type": "http.response.body", "body": some, "more_body": True})
    await send({"type": "http.response.body", "body": b"", "more_body": False})


def stream(events: AsyncGenerator[bytes]) -> StreamingResponse:
    """A response that proxies neither buffer nor cache."""
    return StreamingResponse(kept_alive(events), media_type=EventStream.media_type, headers=_HEADERS)
