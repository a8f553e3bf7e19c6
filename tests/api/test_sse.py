"""Server-sent events: one line of JSON each, and a sign of life in between."""

import asyncio
import gc
import json
from collections.abc import AsyncGenerator

import pytest
from starlette.types import Message, Receive, Scope, Send
from tests.support.waiting import wait_until

from protostar.sse import COMMENT, EventStream, Outlast, event, kept_alive


def test_an_event_is_one_block_whatever_it_says() -> None:
    text = "first\nsecond\r\n\ndata: «third»\u2028"
    sent = event("delta", {"text": text}, "7-1")
    head, name, data, *rest = sent.split(b"\n")
    assert (head, name, rest) == (b"id: 7-1", b"event: delta", [b"", b""])
    assert json.loads(data.removeprefix(b"data: ")) == {"text": text}
    assert event("done", {}).startswith(b"event: done\n")


async def test_silence_is_filled_with_comments() -> None:
    silence = asyncio.Event()

    async def events() -> AsyncGenerator[bytes]:
        yield b"first"
        await silence.wait()
        yield b"second"

    stream = kept_alive(events(), interval=0.01)
    assert [await anext(stream) for _ in range(3)] == [b"first", COMMENT, COMMENT]
    silence.set()
    assert [sent async for sent in stream if sent != COMMENT] == [b"second"]


async def test_a_reader_that_leaves_ends_the_writer() -> None:
    ended = asyncio.Event()

    async def events() -> AsyncGenerator[bytes]:
        try:
            yield b"first"
            await asyncio.Event().wait()
        finally:
            ended.set()

    stream = kept_alive(events(), interval=0.01)
    assert [await anext(stream), await anext(stream)] == [b"first", COMMENT]
    await stream.aclose()
    assert ended.is_set()


async def test_a_reader_that_leaves_when_the_writer_ends_leaves_no_error_behind() -> None:
    errors: list[dict] = []
    asyncio.get_running_loop().set_exception_handler(lambda _loop, context: errors.append(context))

    async def leave() -> None:
        end = asyncio.Event()

        async def events() -> AsyncGenerator[bytes]:
            yield b"first"
            await end.wait()

        stream = kept_alive(events())
        assert await anext(stream) == b"first"
        reading = asyncio.ensure_future(anext(stream))
        await asyncio.sleep(0)
        end.set()
        for _ in range(2):  # the writer has ended, and the reader does not know yet
            await asyncio.sleep(0)
        reading.cancel()
        await asyncio.wait({reading})

    await leave()
    gc.collect()
    assert errors == []


async def test_an_error_of_the_writer_is_the_readers() -> None:
    async def events() -> AsyncGenerator[bytes]:
        yield b"first"
        raise ValueError("broken")

    stream = kept_alive(events())
    assert await anext(stream) == b"first"
    with pytest.raises(ValueError, match="broken"):
        await anext(stream)


async def test_a_stream_goes_on_when_the_application_has_returned() -> None:
    begin, sent = asyncio.Event(), list[Message]()
    returned: list[Scope] = []

    async def events() -> AsyncGenerator[bytes]:
        await begin.wait()
        yield b"first"
        yield b"second"

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await EventStream(events())(scope, receive, send)
        scope["route"] = "the route"
        scope["large"] = "nothing that a stream needs"
        returned.append(scope)

    async def receive() -> Message:
        raise AssertionError

    async def send(message: Message) -> None:
        sent.append(message)

    scope: Scope = {"type": "http"}
    streaming = asyncio.create_task(Outlast(app)(scope, receive, send))
    await wait_until(lambda: bool(returned))
    assert [message["type"] for message in sent] == ["http.response.start"]
    assert scope == {"type": "http", "route": "the route"}
    begin.set()
    await streaming
    assert [message["body"] for message in sent[1:]] == [b"first", b"second", b""]
    assert [message["more_body"] for message in sent[1:]] == [True, True, False]


async def test_a_stream_whose_connection_breaks_ends_its_writer() -> None:
    ended = asyncio.Event()

    async def events() -> AsyncGenerator[bytes]:
        try:
            yield b"first"
        finally:
            ended.set()

    async def send(message: Message) -> None:
        if message["type"] == "http.response.body":
            raise OSError("gone")

    with pytest.raises(OSError, match="gone"):
        await Outlast(EventStream(events()))({"type": "http"}, None, send)  # pyright: ignore[reportArgumentType]
    assert ended.is_set()
