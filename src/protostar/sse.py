"""Server-sent events (WHATWG HTML, section 9.2): writing them, and keeping a silent connection open."""

import asyncio
import json
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from typing import Any, Final

from fastapi.responses import StreamingResponse

KEEP_ALIVE: Final = 15.0  # seconds; proxies commonly cut a connection that is silent for 30 or 60
COMMENT: Final = b": still here\n\n"


def event(name: str, data: Any, id_: str | int | None = None) -> bytes:
    """One event; `data` as JSON on one line."""
    head = f"id: {id_}\n" if id_ is not None else ""
    return f"{head}event: {name}\ndata: {json.dumps(data, ensure_ascii=False, separators=(',', ':'))}\n\n".encode()


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


def stream(events: AsyncGenerator[bytes]) -> StreamingResponse:
    """A response that proxies neither buffer nor cache."""
    headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    return StreamingResponse(kept_alive(events), media_type="text/event-stream", headers=headers)
