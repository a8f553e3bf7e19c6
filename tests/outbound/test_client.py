"""The guarded client against a real receiver on 127.0.0.1; what a name means is said by the test."""

import asyncio
import socket
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager

import aiohttp
import pytest
from aiohttp import web
from aiohttp.abc import AbstractResolver, ResolveResult
from yarl import URL

from protostar.errors import AddressRefused, SourceUnavailable, WebhookUnavailable
from protostar.outbound.addresses import refusal
from protostar.outbound.client import GuardedClient, Reply, open_client

Handler = Callable[[web.Request], object]


class Names(AbstractResolver):
    """Gives out `answers` one after the other, and the last one from then on."""

    def __init__(self, *answers: list[str]) -> None:
        self.answers = list(answers)
        self.asked: list[str] = []

    async def resolve(self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC) -> list[ResolveResult]:
        self.asked.append(host)
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        flags = socket.AI_NUMERICHOST | socket.AI_NUMERICSERV
        return [
            ResolveResult(
                hostname=host, host=each, port=port, family=socket.AF_INET6 if ":" in each else socket.AF_INET, proto=0, flags=flags
            )
            for each in answer
        ]

    async def close(self) -> None:
        return


class Receiver:
    """Counts what arrives and answers as it is told."""

    def __init__(self) -> None:
        self.requests: list[web.Request] = []
        self.bodies: list[bytes] = []
        self.port = 0
        self.answer: Callable[[web.Request], web.StreamResponse] = lambda _request: web.Response()

    async def handle(self, request: web.Request) -> web.StreamResponse:
        self.requests.append(request)
        self.bodies.append(await request.read())
        return self.answer(request)


@pytest.fixture
async def receiver() -> AsyncGenerator[Receiver]:
    receiver = Receiver()
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", receiver.handle)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    receiver.port = runner.addresses[0][1]
    yield receiver
    await runner.cleanup()


def only(*allowed: str) -> Callable[[str], str | None]:
    return lambda address: None if address in allowed else "is not on the test's list"


LOOPBACK = only("127.0.0.1")


async def post(client: GuardedClient, url: str, body: bytes = b"{}") -> Reply:
    return await client.post(url, body, {"Content-Type": "application/json"}, WebhookUnavailable)


async def test_posts_to_the_address_that_was_checked(receiver: Receiver) -> None:
    names = Names(["127.0.0.1"])
    async with open_client(LOOPBACK, names) as client:
        assert await post(client, f"http://receiver.test:{receiver.port}/hook?a=b", b"body") == Reply(200, None)
    assert names.asked == ["receiver.test"]
    (request,) = receiver.requests
    assert (request.method, request.raw_path, request.host) == ("POST", "/hook?a=b", f"receiver.test:{receiver.port}")
    assert receiver.bodies == [b"body"]
    assert request.headers["User-Agent"] == "protostar"


async def test_a_name_that_changes_its_meaning_gains_nothing(receiver: Receiver) -> None:
    """DNS rebinding: a good answer first, a forbidden one to whoever asks again."""
    names = Names(["127.0.0.1"], ["127.0.0.2"])
    url = f"http://receiver.test:{receiver.port}/"
    async with open_client(LOOPBACK, names) as client:
        assert (await post(client, url)).status == 200
        assert len(names.asked) == 1, "nobody asks again between check and connection"
        with pytest.raises(AddressRefused):
            await post(client, url)
    assert len(receiver.requests) == 1


@pytest.mark.parametrize("answer", [["127.0.0.2"], ["127.0.0.1", "127.0.0.2"], ["::1"], ["127.0.0.1", "::1"]])
async def test_one_forbidden_address_is_enough(receiver: Receiver, answer: list[str]) -> None:
    async with open_client(LOOPBACK, Names(answer)) as client:
        with pytest.raises(AddressRefused, match=r"it is not on the test's list\.$"):
            await post(client, f"http://receiver.test:{receiver.port}/")
    assert receiver.requests == []


LITERALS = ["127.0.0.1", "[::1]", "[::ffff:127.0.0.1]", "[64:ff9b::7f00:1]", "127.1", "2130706433", "0.0.0.0", "127.0.0.1."]


@pytest.mark.parametrize("host", [*LITERALS, "localhost", "0x7f000001", "0177.0.0.1"])
async def test_no_spelling_of_loopback_gets_through(receiver: Receiver, host: str) -> None:
    async with open_client(refusal) as client:
        with pytest.raises((AddressRefused, WebhookUnavailable)):
            await post(client, f"http://{host}:{receiver.port}/")
    assert receiver.requests == []


@pytest.mark.parametrize("host", LITERALS)
async def test_an_address_in_the_url_is_refused_before_anything_is_sent(host: str) -> None:
    async with open_client(refusal) as client:
        with pytest.raises(AddressRefused):
            client.check(f"http://{host}/")


async def test_whatever_passes_the_first_check_meets_the_second(receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    """aiohttp resolves no host that looks like an address: the socket's own check stands behind."""
    monkeypatch.setattr("protostar.outbound.client._looks_like_address", lambda _host: False)
    async with open_client(refusal) as client:
        for host in ("127.0.0.1", "127.1", "2130706433"):
            with pytest.raises(AddressRefused):
                await post(client, f"http://{host}:{receiver.port}/")
    assert receiver.requests == []


@pytest.mark.parametrize(
    "url",
    [
        "", "receiver.test", "//receiver.test/", "ftp://receiver.test/", "file:///etc/passwd", "gopher://receiver.test:1024/",
        "http://", "http:///path", "http://user@receiver.test/", "http://user:word@receiver.test/", "http://:word@receiver.test/",
        "http://receiver.test:22/", "http://receiver.test:25/", "http://receiver.test:1023/", "http://receiver.test:0/",
        "http://receiver.test:65536/", "http://receiver.test:x/", "http://[::1/",
        "http://xn--a.com/", "http://xn--/", "http://exa mple.com/", "http://exa%20mple.com/", "http://..com/", "http://a..com/",
        "http://a<b>.test/", f"http://{'a' * 64}.test/",
    ],
)  # fmt: skip
async def test_urls_that_are_refused(url: str) -> None:
    async with open_client(only(), Names([])) as client:
        with pytest.raises(AddressRefused):
            client.check(url)


@pytest.mark.parametrize(
    "url",
    [
        "http://a.test",
        "http://a_b.test.",
        "http://한국.test/",
        "https://a.test/x?y=z",
        "http://a.test:80",
        "http://a.test:1024/",
        "https://a.test:65535/",
    ],
)
async def test_urls_that_are_taken(url: str) -> None:
    async with open_client(only(), Names([])) as client:
        assert client.check(url) == URL(url)


async def test_a_redirect_is_not_followed(receiver: Receiver) -> None:
    receiver.answer = lambda _request: web.Response(status=302, headers={"Location": f"http://127.0.0.1:{receiver.port}/inside"})
    async with open_client(LOOPBACK) as client:
        assert (await post(client, f"http://127.0.0.1:{receiver.port}/")).status == 302
    assert len(receiver.requests) == 1


async def fetched(client: GuardedClient, url: str) -> bytes:
    async with client.download(url, SourceUnavailable) as download:
        return b"".join([chunk async for chunk in download.body])


async def test_a_download_follows_redirects_and_resolves_each_name(receiver: Receiver) -> None:
    names = Names(["127.0.0.1"])
    receiver.answer = lambda request: (
        web.Response(body=b"bytes")
        if request.path == "/b"
        else web.Response(status=307, headers={"Location": f"//other.test:{receiver.port}/b"})
    )
    async with open_client(LOOPBACK, names) as client:
        assert await fetched(client, f"http://first.test:{receiver.port}/a") == b"bytes"
    assert names.asked == ["first.test", "other.test"]


@pytest.mark.parametrize(
    "location",
    ["http://127.0.0.2/", "http://[::1]/", "http://[::ffff:127.0.0.2]/", "http://[::ffff:7f00:2]/", "http://2130706434/", "file:///etc/passwd",
     "http://a.test:22/", "http://user@a.test/", "http://[::1", ""],
)  # fmt: skip
async def test_a_redirect_is_checked_like_the_first_url(receiver: Receiver, location: str) -> None:
    receiver.answer = lambda _request: web.Response(status=302, headers={"Location": location} if location else {})
    async with open_client(LOOPBACK, Names(["127.0.0.1"])) as client:
        with pytest.raises(AddressRefused):
            await fetched(client, f"http://a.test:{receiver.port}/")
    assert len(receiver.requests) == 1


async def test_a_redirect_to_the_same_name_gains_nothing_by_rebinding(receiver: Receiver) -> None:
    receiver.answer = lambda _request: web.Response(status=302, headers={"Location": "/again"})
    async with open_client(LOOPBACK, Names(["127.0.0.1"], ["127.0.0.2"])) as client:
        with pytest.raises(AddressRefused):
            await fetched(client, f"http://a.test:{receiver.port}/")
    assert len(receiver.requests) == 1


async def test_a_download_tells_what_the_server_says(receiver: Receiver) -> None:
    headers = {
        "Content-Type": "text/csv; charset=euc-kr",
        "Content-Disposition": 'attachment; filename="a.csv"',
        "Retry-After": "7",
    }
    receiver.answer = lambda _request: web.Response(status=503, headers=headers, body=b"a,b")
    async with open_client(LOOPBACK) as client:
        async with client.download(f"http://127.0.0.1:{receiver.port}/", SourceUnavailable) as download:
            said = (download.status, download.retry_after, download.media_type, download.filename, download.size, download.encoding)
    assert said == (503, 7.0, "text/csv; charset=euc-kr", "a.csv", 3, None)


@pytest.mark.parametrize(
    "disposition", ["", "=", "attachment; filename", "attachment; filename*=x", 'attachment; filename="', "가"]
)
async def test_a_content_disposition_that_is_none_is_none(receiver: Receiver, disposition: str) -> None:
    receiver.answer = lambda _request: web.Response(headers={"Content-Disposition": disposition})
    async with open_client(LOOPBACK) as client:
        async with client.download(f"http://127.0.0.1:{receiver.port}/", SourceUnavailable) as download:
            assert download.filename is None


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n12345", "broke off: nothing came within"),
        (b"HTTP/1.1 200 OK\r\n", "did not answer: nothing came within"),
    ],
)
async def test_a_silent_download_is_an_absence(monkeypatch: pytest.MonkeyPatch, answer: bytes, why: str) -> None:
    monkeypatch.setattr("protostar.outbound.client.DOWNLOAD_TIMEOUT", aiohttp.ClientTimeout(total=5, connect=1, sock_read=0.1))
    async with raw_server(answer, then="wait") as port, open_client(LOOPBACK) as client:
        with pytest.raises(SourceUnavailable, match=why):
            await fetched(client, f"http://127.0.0.1:{port}/")


async def test_a_download_has_a_last_moment_with_all_its_redirects(monkeypatch: pytest.MonkeyPatch, receiver: Receiver) -> None:
    monkeypatch.setattr("protostar.outbound.client.DOWNLOAD_TIMEOUT", aiohttp.ClientTimeout(total=0.3, connect=1, sock_read=0.25))
    async with raw_server(b"HTTP/1.1 200 OK\r\n\r\n", then="babble") as port, open_client(LOOPBACK) as client:
        receiver.answer = lambda _request: web.Response(status=302, headers={"Location": f"http://127.0.0.1:{port}/"})
        with pytest.raises(SourceUnavailable, match=r"broke off: it took longer than 0\.3 s"):
            await fetched(client, f"http://127.0.0.1:{receiver.port}/")


async def test_a_body_that_ends_too_early_is_no_body(receiver: Receiver) -> None:
    async with raw_server(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n12345") as port, open_client(LOOPBACK) as client:
        with pytest.raises(SourceUnavailable, match="broke off"):
            await fetched(client, f"http://127.0.0.1:{port}/")


async def test_retry_after_is_read(receiver: Receiver) -> None:
    receiver.answer = lambda _request: web.Response(status=503, headers={"Retry-After": "7"})
    async with open_client(LOOPBACK) as client:
        assert await post(client, f"http://127.0.0.1:{receiver.port}/") == Reply(503, 7.0)


async def test_no_cookie_is_kept(receiver: Receiver) -> None:
    receiver.answer = lambda _request: web.Response(headers={"Set-Cookie": "a=b"})
    async with open_client(LOOPBACK, Names(["127.0.0.1"])) as client:
        for _ in range(2):
            await post(client, f"http://receiver.test:{receiver.port}/")
    assert all("Cookie" not in request.headers for request in receiver.requests)


@asynccontextmanager
async def raw_server(answer: bytes, *, then: str = "close", ended: asyncio.Event | None = None) -> AsyncGenerator[int]:
    """The port of a server that says `answer` to whoever has sent a head, and then does "close", "babble" or "wait"."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await reader.readuntil(b"\r\n\r\n")
            writer.write(answer)
            while then == "babble":
                writer.write(bytes(64 * 1024))
                await writer.drain()
            if then == "wait":
                await reader.read()
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()
            if ended is not None:
                ended.set()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1]


async def test_an_endless_body_ends_with_its_head() -> None:
    ended = asyncio.Event()
    async with raw_server(b"HTTP/1.1 200 OK\r\n\r\n", then="babble", ended=ended) as port, open_client(LOOPBACK) as client:
        assert (await post(client, f"http://127.0.0.1:{port}/")).status == 200
        await asyncio.wait_for(ended.wait(), 10)


@pytest.mark.parametrize("answer", [b"", b"not HTTP\r\n\r\n", b"HTTP/1.1 200 OK\r\nA: " + bytes(100_000) + b"\r\n\r\n"])
async def test_no_proper_answer_is_an_absence(answer: bytes) -> None:
    async with raw_server(answer) as port, open_client(LOOPBACK) as client:
        with pytest.raises(WebhookUnavailable, match=r"^The receiver did not answer: "):
            await post(client, f"http://127.0.0.1:{port}/")


async def test_nobody_there_is_an_absence() -> None:
    with socket.socket() as reserved:
        reserved.bind(("127.0.0.1", 0))
        async with open_client(LOOPBACK) as client:
            with pytest.raises(WebhookUnavailable, match="no connection could be made"):
                await post(client, f"http://127.0.0.1:{reserved.getsockname()[1]}/")


async def test_silence_is_an_absence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("protostar.outbound.client.TIMEOUT", aiohttp.ClientTimeout(total=0.1))
    async with raw_server(b"", then="wait") as port, open_client(LOOPBACK) as client:
        with pytest.raises(WebhookUnavailable, match="nothing came within"):
            await post(client, f"http://127.0.0.1:{port}/")


async def test_a_name_that_does_not_exist_is_an_absence() -> None:
    class Nowhere(Names):
        async def resolve(self, *_args: object, **_more: object) -> list[ResolveResult]:
            raise socket.gaierror(socket.EAI_NONAME, "no such name")

    async with open_client(LOOPBACK, Nowhere()) as client:
        with pytest.raises(WebhookUnavailable, match="its host name cannot be resolved"):
            await post(client, "http://receiver.test/")


async def test_a_name_that_cannot_be_one_is_an_absence() -> None:
    async with open_client(LOOPBACK) as client:
        with pytest.raises((AddressRefused, WebhookUnavailable)):
            await post(client, f"http://{'a' * 64}.test/")


async def test_a_server_without_tls_is_an_absence(receiver: Receiver) -> None:
    async with open_client(LOOPBACK) as client:
        with pytest.raises(WebhookUnavailable, match=r"no secure connection|the connection broke"):
            await post(client, f"https://127.0.0.1:{receiver.port}/")
