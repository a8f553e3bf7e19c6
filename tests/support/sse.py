"""Reading server-sent events in tests."""

import json
from collections.abc import AsyncGenerator
from typing import Any, NamedTuple

import aiohttp


class SentEvent(NamedTuple):
    name: str
    data: dict[str, Any]
    id: str | None


async def read_events(response: aiohttp.ClientResponse) -> AsyncGenerator[SentEvent]:
    """The events of a response as they arrive; comments are passed over."""
    assert response.content_type == "text/event-stream", await response.text()
    fields: dict[str, str] = {}
    async for raw in response.content:
        line = raw.decode().rstrip("\n")
        if not line:
            if "event" in fields:
                yield SentEvent(fields["event"], json.loads(fields["data"]), fields.get("id"))
            fields = {}
        elif not line.startswith(":"):
            name, _, value = line.partition(": ")
            fields[name] = value


def text_of(events: list[SentEvent]) -> str:
    """What a reader sees in the end: the deltas since the last reset."""
    text = ""
    for event in events:
        if event.name == "reset":
            text = ""
        elif event.name == "delta":
            text += event.data["text"]
    return text
