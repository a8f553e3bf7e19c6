"""What is too large, too long or broken off: refused in time, and nothing stays behind."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from urllib.parse import urlsplit

import aiohttp
import pytest
import starlette.requests
from tests.api.tenant import Tenant, idle_tenant, new_tenant, send
from tests.support.databases import copied
from tests.support.stack import running_stack, settings_for
from tests.support.waiting import wait_until

from protostar.api import middleware, protocol

KiB, MiB = 1024, 1024 * 1024
LIMIT = MiB
BOUNDARY = "limits"
OPENING = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="file"; filename="a.md"\r\n\r\n'.encode()
CLOSING = f"\r\n--{BOUNDARY}--\r\n".encode()
# What lies on the way without having been read: the sockets' buffers and uvicorn's.
BUFFERS = 16 * MiB


@pytest.fixture(scope="module")
async def small(postgres_url: str, template: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncGenerator[Tenant]:
    """A tenant of an API that takes up to 1 MiB."""
    async with copied(postgres_url) as url:
        settings = settings_for(url, None, tmp_path_factory.mktemp("small"), max_upload_bytes=LIMIT)
        async with idle_tenant(settings) as tenant:
            yield tenant


class Connection:
    """A client that decides itself what it sends, and when."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer
        self.sent = 0

    async def start(self, tenant: Tenant, target: str, *headers: str) -> None:
        lines = (f"POST {target} HTTP/1.1", "Host: localhost", f"Authorization: Bearer {tenant.key}", *headers, "", "")
        self.writer.write("\r\n".join(lines).encode())
        await self.writer.drain()

    async def send(self, content: bytes) -> None:
        self.writer.write(content)
        await self.writer.drain()
        self.sent += len(content)

    async def flood(self, most: int, chunk: bytes) -> None:
        """Send chunks until the server will not have more, or `most` bytes were sent."""
        with suppress(ConnectionError):
            while self.sent < most:
                await self.send(chunk)

    async def answer(self) -> tuple[int, bytes, bool]:
        """(status, head, whether the server closes the connection)."""
        head = await self.reader.readuntil(b"\r\n\r\n")
        closed = b"connection: close" in head.lower()
        if closed:
            with suppress(ConnectionError):
                await self.reader.read()  # to the end: it really does
        return int(head.split()[1]), head, closed


@asynccontextmanager
async def connected(tenant: Tenant) -> AsyncGenerator[Connection]:
    where = urlsplit(tenant.stack.url)
    reader, writer = await asyncio.open_connection(where.hostname, where.port)
    try:
        yield Connection(reader, writer)
    finally:
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()


def chunk_of(content: bytes) -> bytes:
    return f"{len(content):x}\r\n".encode() + content + b"\r\n"


RAW = ("/v1/documents?filename=a.md", "Content-Type: text/markdown")
FORM = ("/v1/documents", f"Content-Type: multipart/form-data; boundary={BOUNDARY}")


async def assert_nothing_is_left(tenant: Tenant) -> None:
    assert tenant.objects() == set()
    assert (await tenant.get("/v1/documents"))["items"] == []


@pytest.mark.parametrize(("target", "kind"), [RAW, FORM])
async def test_a_declared_length_that_is_too_large_is_refused_before_reading(target: str, kind: str, small: Tenant) -> None:
    async with connected(small) as client:
        await client.start(small, target, kind, f"Content-Length: {500 * MiB}")
        status, _head, closed = await client.answer()
    assert (status, closed) == (413, True)
    await assert_nothing_is_left(small)


async def test_a_refused_client_that_waits_for_100_never_sends(small: Tenant) -> None:
    async with connected(small) as client:
        await client.start(small, *RAW, f"Content-Length: {500 * MiB}", "Expect: 100-continue")
        assert (await client.answer())[0] == 413


@pytest.mark.parametrize(("target", "kind"), [RAW, FORM])
async def test_a_stream_that_becomes_too_large_is_cut_off(target: str, kind: str, small: Tenant) -> None:
    async with connected(small) as client:
        await client.start(small, target, kind, "Transfer-Encoding: chunked")
        if target == FORM[0]:
            await client.send(chunk_of(OPENING))
        answering = asyncio.create_task(client.answer())
        await client.flood(100 * MiB, chunk_of(bytes(64 * KiB)))
        assert (await answering)[::2] == (413, True)
        assert client.sent < LIMIT + 8 * MiB + BUFFERS
    await assert_nothing_is_left(small)


@pytest.mark.parametrize(
    ("target", "header", "status"),
    [
        ("/v1/documents?filename=a.png", "Content-Type: image/png", 415),
        ("/v1/documents", "Content-Type: text/markdown", 422),
        ("/v1/documents", "Content-Type: multipart/form-data", 422),
        ("/v1/documents", "Content-Type: application/json", 413),
    ],
)
async def test_any_refused_stream_is_cut_off(target: str, header: str, status: int, small: Tenant) -> None:
    async with connected(small) as client:
        await client.start(small, target, header, "Transfer-Encoding: chunked")
        answering = asyncio.create_task(client.answer())
        await client.flood(100 * MiB, chunk_of(b"\x89PNG\r\n\x1a\n" + bytes(64 * KiB)))
        assert (await answering)[::2] == (status, True)
        assert client.sent < 8 * MiB + BUFFERS
    await assert_nothing_is_left(small)


async def test_a_client_that_sent_a_little_too_much_keeps_its_connection(small: Tenant) -> None:
    async with connected(small) as client:
        for _ in range(2):
            await client.start(small, *RAW, f"Content-Length: {LIMIT + 1}")
            await client.send(bytes(LIMIT + 1))
            status, head, closed = await client.answer()
            assert (status, closed) == (413, False)
            length = next(int(line.split(b":")[1]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length"))
            assert b"1 MiB" in await client.reader.readexactly(length)
    await assert_nothing_is_left(small)


async def test_exactly_the_limit_is_taken(small: Tenant) -> None:
    async with new_tenant(small.stack) as tenant:
        taken = await tenant.upload("a.md", b"a" * LIMIT)
        assert (taken.status, taken.json["size"]) == (202, LIMIT)
        form = aiohttp.FormData()
        form.add_field("file", b"b" * LIMIT, filename="b.md")
        assert (await tenant.call("POST", "/v1/documents", data=form)).status == 202
        for key in tenant.objects():
            (tenant.stack.settings.data_dir / "objects" / key).unlink()


async def test_an_object_above_the_limit_is_refused(small: Tenant) -> None:
    path = small.stack.settings.data_dir / "objects" / "incoming" / small.id / "a.md"
    path.parent.mkdir(parents=True)
    path.write_bytes(bytes(LIMIT + 1))
    body = {"object_key": f"incoming/{small.id}/a.md", "filename": "a.md"}
    answered = await small.call("POST", "/v1/documents", json=body)
    path.unlink()
    assert (answered.status, answered.json["code"]) == (413, "too_large")
    await assert_nothing_is_left(small)


@pytest.mark.parametrize(
    ("method", "path"),
    [("POST", "/v1/answers"), ("POST", "/v1/search"), ("POST", "/v1/spaces"), ("PATCH", "/v1/documents/" + "0" * 32)],
)
async def test_json_is_not_read_without_end(method: str, path: str, small: Tenant) -> None:
    async def endless() -> AsyncIterator[bytes]:
        yield b'{"question": "'
        for _ in range(16):
            yield b"a" * 64 * KiB

    headers = {"Content-Type": "application/json"}
    async with aiohttp.ClientSession(small.stack.url, headers=headers) as nobody:  # it is read before the key is looked at
        answered = await send(nobody, method, path, data=endless())
    assert (answered.status, answered.json["code"], answered.headers["Connection"]) == (413, "too_large", "close")


# -- what stands beside the body

LONG_HEADER = b"X-Long: " + b"a" * MiB
MANY_HEADERS = b"".join(b"X-%d: %s\r\n" % (number, b"b" * 50) for number in range(16 * KiB))
TRAILERS = b"Transfer-Encoding: chunked\r\n\r\n0\r\n" + LONG_HEADER


@pytest.mark.parametrize("sent", [LONG_HEADER, MANY_HEADERS, TRAILERS], ids=["one header", "many headers", "trailers"])
async def test_a_head_is_not_read_without_end(sent: bytes, small: Tenant) -> None:
    async with connected(small) as client:
        await client.send(b"POST /v1/search HTTP/1.1\r\nHost: localhost\r\n")
        answering = asyncio.create_task(client.answer())
        with suppress(ConnectionError):
            await client.flood(len(sent), sent)
        assert (await answering)[::2] == (400, True)


async def test_cookies_that_would_take_long_to_decode_are_left_out(small: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    decoded: list[str] = []
    parse = starlette.requests.cookie_parser
    monkeypatch.setattr(starlette.requests, "cookie_parser", lambda cookies: decoded.append(cookies) or parse(cookies))
    async with connected(small) as client:
        foreign = '\\"' * 20_000
        await client.send(f'GET /health/live HTTP/1.1\r\nHost: x\r\nCookie: a=1; b="{foreign}"; c="2"\r\n\r\n'.encode())
        assert (await client.answer())[0] == 200
    assert decoded == ['a=1; c="2"']


async def test_who_signs_in_sends_a_key_and_no_more(small: Tenant) -> None:
    async with aiohttp.ClientSession(small.stack.url) as nobody:
        answered = await send(nobody, "POST", "/login", data={"key": "k" * 9 * KiB})
    assert answered.status == 413


@pytest.mark.parametrize("sent", [b"", b"GET /health/live HT", b"GET /health/live HTTP/1.1\r\nHost: x\r\n\r\nGET /"])
async def test_a_head_that_does_not_come_is_not_waited_for(sent: bytes, small: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(protocol, "HEAD_SECONDS", 0.2)
    async with connected(small) as client:
        await client.send(sent)
        async with asyncio.timeout(10):
            answered = await client.reader.read()  # to the end
    assert answered.startswith(b"HTTP/1.1 200 OK" if b"Host" in sent else b"")
    assert answered.count(b"HTTP/1.1") == sent.count(b"Host")


async def test_a_request_may_take_longer_than_its_head(small: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(protocol, "HEAD_SECONDS", 0.2)
    async with connected(small) as client:
        await client.start(small, *RAW, "Content-Length: 2")
        passed = asyncio.get_running_loop().time() + 0.5
        await wait_until(lambda: asyncio.get_running_loop().time() > passed)
        await client.send(b"ab")
        assert (await client.answer())[0] == 202


async def test_a_large_head_and_a_body_of_many_small_chunks_are_taken(small: Tenant) -> None:
    async with connected(small) as client:
        await client.start(small, *RAW, f"X-Long: {'a' * 50 * KiB}", "Transfer-Encoding: chunked")
        for _ in range(2_000):
            await client.send(chunk_of(b"a" * 100))
        await client.send(b"0\r\n\r\n")
        status, _head, closed = await client.answer()
    assert (status, closed) == (202, False)


# -- clients that go away


async def gone(tenant: Tenant) -> int:
    """How many requests ended without their client."""
    answered = await send(tenant.stack.http, "GET", "/metrics")
    line = next((line for line in answered.body.splitlines() if b"requests_total{" in line and b'status="499"' in line), b"0 0")
    return int(float(line.split()[-1]))


@pytest.fixture(scope="module")
async def large(postgres_url: str, template: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncGenerator[Tenant]:
    """A tenant of an API with the usual limit."""
    async with copied(postgres_url) as url, idle_tenant(settings_for(url, None, tmp_path_factory.mktemp("large"))) as tenant:
        yield tenant


@pytest.mark.parametrize("sent", [0, 100, MiB, 20 * MiB])
@pytest.mark.parametrize(("target", "kind"), [RAW, FORM])
async def test_a_client_that_goes_away_leaves_nothing(target: str, kind: str, sent: int, large: Tenant) -> None:
    before = await gone(large)
    async with connected(large) as client:
        await client.start(large, target, kind, f"Content-Length: {40 * MiB}")
        if target == FORM[0]:
            await client.send(OPENING)
        await client.flood(sent, b"a" * 64 * KiB)

    async def counted() -> bool:
        return await gone(large) == before + 1

    await wait_until(counted, what="the request ends")
    await assert_nothing_is_left(large)


async def test_a_client_that_goes_away_behind_the_file_leaves_nothing(large: Tenant) -> None:
    before = await gone(large)
    async with connected(large) as client:
        await client.start(large, *FORM, f"Content-Length: {40 * MiB}")
        await client.send(OPENING + b"# Whole" + CLOSING[: len(BOUNDARY) + 4] + b"\r\nContent-Disposition: form-data; name=")
        await wait_until(large.objects, what="the file is stored")

    async def counted() -> bool:
        return await gone(large) == before + 1

    await wait_until(counted, what="the request ends")
    await assert_nothing_is_left(large)


@pytest.mark.parametrize("sent", [100, 20 * MiB])
@pytest.mark.parametrize(("target", "kind"), [RAW, FORM])
async def test_an_upload_that_falls_silent_ends_and_leaves_nothing(
    target: str, kind: str, sent: int, large: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(middleware, "SILENCE", 0.5)
    async with connected(large) as client:
        await client.start(large, target, kind, f"Content-Length: {40 * MiB}")
        if target == FORM[0]:
            await client.send(OPENING)
        await client.flood(sent, b"a" * min(sent, 64 * KiB))
        status, _head, closed = await client.answer()
    assert (status, closed) == (408, True)
    await assert_nothing_is_left(large)


async def test_a_body_that_falls_silent_is_not_waited_for_before_its_sender_is_known(
    large: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(middleware, "SILENCE", 0.1)

    async def silent() -> AsyncIterator[bytes]:
        yield b'{"query": "'
        await asyncio.Event().wait()

    headers = {"Content-Type": "application/json"}
    async with aiohttp.ClientSession(large.stack.url, headers=headers) as nobody:
        answered = await send(nobody, "POST", "/v1/search", data=silent())
    assert (answered.status, answered.json["code"], answered.headers["Connection"]) == (408, "timeout", "close")


async def test_a_body_that_comes_in_drops_is_not_waited_for(large: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    """Many of them would take all places of the visitors."""
    monkeypatch.setattr(middleware, "SILENCE", 0.3)

    async def drops() -> AsyncIterator[bytes]:
        while True:
            yield b" "
            await asyncio.sleep(0.05)

    headers = {"Content-Type": "application/json"}
    async with aiohttp.ClientSession(large.stack.url, headers=headers) as nobody, asyncio.timeout(10):
        answered = await send(nobody, "POST", "/v1/visitors", data=drops())
    assert (answered.status, answered.json["code"]) == (408, "timeout")


async def test_an_upload_that_comes_in_drops_ends_and_leaves_nothing(large: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(middleware, "SILENCE", 0.3)
    async with connected(large) as client, asyncio.timeout(20):
        await client.start(large, *RAW, f"Content-Length: {40 * MiB}")
        answering = asyncio.create_task(client.answer())
        while not answering.done():
            with suppress(ConnectionError):
                await client.send(b"a")
            await asyncio.sleep(0.05)
        status, _head, closed = await answering
    assert (status, closed) == (408, True)
    await assert_nothing_is_left(large)


async def test_an_upload_that_is_slow_but_comes_is_taken(small: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(middleware, "SILENCE", 0.3)
    async with connected(small) as client:
        await client.start(small, *RAW, f"Content-Length: {10 * 8 * KiB}")
        for _ in range(10):
            await client.send(b"a" * 8 * KiB)
            await asyncio.sleep(0.06)
        assert (await client.answer())[0] == 202


async def test_an_upload_into_a_space_that_is_deleted_meanwhile_leaves_nothing(large: Tenant) -> None:
    async with new_tenant(large.stack) as tenant, connected(tenant) as client:
        await client.start(tenant, *RAW, "Content-Length: 6", "Expect: 100-continue")
        assert b" 100 " in await client.reader.readuntil(b"\r\n\r\n")  # so its key has been looked at
        assert (await send(large.stack.http, "DELETE", f"/v1/spaces/{tenant.id}")).status == 204
        await client.send(b"# Text")
        assert (await client.answer())[0] == 404
    assert large.objects() == set()


# -- texts


async def test_a_text_that_is_too_long_fails_with_a_sentence(database_url: str, redis_url: str, tmp_path: Path) -> None:
    settings = settings_for(database_url, f"{redis_url}?db=2", tmp_path, max_text_chars=1000)
    async with running_stack(settings) as stack, new_tenant(stack) as tenant:
        fits, long = await tenant.document("a.md", "가" * 1000), await tenant.document("b.md", "가" * 1001, status="failed")
    assert fits["chunk_count"] > 0
    assert "1,000" in long["error"] or "1000" in long["error"]
    assert long["error"].endswith(".")
