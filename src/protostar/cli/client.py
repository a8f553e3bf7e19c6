"""The HTTP client of the commands: where the server is, retries, problem documents, server-sent events.

    ProtostarError
    ├── ApiError               the server refused, with a problem document (RFC 9457)
    │   └── Busy               and said when to come back                                   retryable
    └── NoServer               nobody answers, or not as a Protostar server does, or not to this key
        └── ConnectionLost     the server had answered before                               retryable

Every write carries an `Idempotency-Key`, so every request may be repeated after a cut connection.
"""

import asyncio
import io
import json
import sys
from collections.abc import AsyncGenerator, Callable, Generator, Mapping
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Self, cast
from urllib.parse import urlsplit
from uuid import UUID

import aiohttp

from protostar.cli.events import Event, EventParser
from protostar.config import ClientSettings
from protostar.errors import NotFound, ProtostarError
from protostar.ids import new_id
from protostar.retry import decide, parse_retry_after

ATTEMPTS = 6
LONGEST_WAIT = 300.0  # seconds
HOW_TO_START = "Start one with `protostar serve`, or set PROTOSTAR_URL and PROTOSTAR_KEY."
_CONNECT_TIMEOUT = 10.0
_ANSWER_TIMEOUT = 300.0
_STREAM_TIMEOUT = 45.0  # the server writes a comment every 15 s

Json = dict[str, Any]
Body = Callable[[], Any]


class ApiError(ProtostarError):
    """A refusal of the server; `status` and `problem` are those of its problem document."""

    def __init__(self, status: int, problem: Json, retry_after: float | None = None) -> None:
        detail = problem.get("detail") or problem.get("title") or f"The server answered with status {status}."
        super().__init__(str(detail), retry_after=retry_after)
        self.status = status
        self.problem = problem


class Busy(ApiError):
    retryable = True


class NoServer(ProtostarError):
    title = "No Protostar server answers"


class ConnectionLost(NoServer):
    title = "The connection to the server was lost"
    retryable = True


@dataclass(frozen=True, slots=True)
class Server:
    url: str
    key: str


def find_server(settings: ClientSettings) -> Server:
    """The server of PROTOSTAR_URL and PROTOSTAR_KEY, else the one that `serve` described in `local.json`.

    The key in `local.json` is for its own address alone: it goes to no other. Raises NoServer.
    """
    key = settings.key.get_secret_value() if settings.key else None
    if settings.url is not None:
        if key is None:
            raise NoServer("PROTOSTAR_KEY is needed together with PROTOSTAR_URL.")
        url = settings.url.rstrip("/")
        if url.endswith("/v1"):
            raise NoServer(f"PROTOSTAR_URL is the address of the server, without «/v1»: {url.removesuffix('/v1')}")
        return Server(url, key)
    path = settings.data_dir / "local.json"
    try:
        local = json.loads(path.read_bytes())
        return Server(local["url"].rstrip("/"), key or local["key"])
    except FileNotFoundError:
        raise NoServer(f"No server is known: there is no {path}. {HOW_TO_START}") from None
    except OSError as error:
        raise NoServer(f"{path} cannot be read: {error.strerror}. {HOW_TO_START}") from error
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise NoServer(f"{path} is damaged; the next start of `protostar serve` writes it anew.") from error


def pause_before_retry(error: ProtostarError, attempt: int, attempts: int = ATTEMPTS) -> float | None:
    """Seconds to wait before attempt + 1, or None to give up: after `attempts`, or where a person would not wait so long."""
    pause = decide(error, attempt, base=1.0, cap=8.0)
    return None if pause is None or pause > LONGEST_WAIT or attempt >= attempts else pause


class ApiClient:
    """One session with one server. `note` is told, in a sentence, whenever the client waits."""

    def __init__(self, server: Server, *, note: Callable[[str], None], space: UUID | None = None, attempts: int = ATTEMPTS) -> None:
        """`space`: the one to work on, for a key that may choose. `attempts`: of each request."""
        self._server = server
        self._note = note
        self._space = {"Protostar-Space": str(space)} if space is not None else {}
        self.attempts = attempts
        self._answered = False
        self._session: aiohttp.ClientSession

    async def __aenter__(self) -> Self:
        self._session = aiohttp.ClientSession(
            headers={"Authorization": f"Bearer {self._server.key}", **self._space},
            connector=aiohttp.TCPConnector(limit=0),
            timeout=_timeout(_ANSWER_TIMEOUT),
        )
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._session.close()

    def with_key(self, key: str) -> "ApiClient":
        """A client of the same server with another key; the caller opens it."""
        return ApiClient(Server(self._server.url, key), note=self._note)

    async def ping(self) -> None:
        """Raises NoServer when nobody answers."""
        async with self._open("GET", "/health/live"):
            pass

    async def get(self, path: str, params: Mapping[str, Any] | None = None) -> Json:
        return await self._json("GET", path, params=params)

    async def post(self, path: str, body: Json | None = None, headers: Mapping[str, str] | None = None) -> Json:
        return await self._json("POST", path, body=lambda: {"json": body}, headers=headers)

    async def delete(self, path: str) -> None:
        async with self._open("DELETE", path):
            pass

    async def post_bytes(self, path: str, content: bytes, media_type: str) -> None:
        async with self._open("POST", path, body=lambda: {"data": io.BytesIO(content)}, headers={"Content-Type": media_type}):
            pass

    async def send_form(
        self,
        method: str,
        path: str,
        form: Callable[[], aiohttp.FormData | aiohttp.MultipartWriter],
        params: Mapping[str, Any] | None = None,
    ) -> tuple[int, Json]:
        """Send a form, which `form` makes anew for each attempt; returns (status, document)."""
        async with self._open(method, path, params=params, body=lambda: {"data": form()}) as response:
            with self._translated():
                return response.status, await response.json()

    async def page(self, path: str, params: Mapping[str, Any], limit: int = sys.maxsize) -> Json:
        """All items of a list, up to `limit`, over as many requests as that takes: `{items, next_cursor}`."""
        items: list[Json] = []
        cursor: str | None = None
        while True:
            at = {"cursor": cursor} if cursor else {}
            answer = await self.get(path, {**params, **at, "limit": min(200, limit - len(items))})
            items += answer["items"]
            cursor = answer.get("next_cursor")
            if cursor is None or len(items) >= limit:
                return {"items": items, "next_cursor": cursor}

    async def get_bytes(self, path: str, params: Mapping[str, Any] | None = None) -> bytes:
        async with self._open("GET", path, params=params) as response:
            return await response.read()

    async def download(self, path: str, params: Mapping[str, Any] | None = None, *, start: int = 0) -> AsyncGenerator[bytes]:
        """The bytes from `start` on, where the path serves ranges. Raises ConnectionLost where they break off."""
        headers = {"Range": f"bytes={start}-"} if start else None
        async with self._open("GET", path, params=params, headers=headers, whole=False) as response:
            with self._translated():
                async for chunk in response.content.iter_chunked(65_536):
                    yield chunk

    async def events(
        self, method: str, path: str, *, body: Json | None = None, headers: Mapping[str, str] | None = None
    ) -> AsyncGenerator[Event]:
        """The events of one connection. Ends when the connection ends, in whatever way.

        Whether the stream was complete, only its last event tells.
        """
        headers = {"Accept": "text/event-stream", **(headers or {})}
        make = (lambda: {"json": body}) if body is not None else None
        async with self._open(method, path, headers=headers, body=make, silence=_STREAM_TIMEOUT, whole=False) as response:
            parser = EventParser()
            try:
                with self._translated():
                    async for chunk in response.content.iter_any():
                        for event in parser.feed(chunk):
                            yield event
            except ConnectionLost:
                return

    async def _json(self, method: str, path: str, **options: Any) -> Json:
        """`options`: of `_open`."""
        async with self._open(method, path, **options) as response:
            with self._translated():
                return await response.json() if response.status != 204 else {}

    @asynccontextmanager
    async def _open(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, Any] | None = None,
        body: Body | None = None,
        headers: Mapping[str, str] | None = None,
        silence: float = _ANSWER_TIMEOUT,
        whole: bool = True,
    ) -> AsyncGenerator[aiohttp.ClientResponse]:
        """A successful response; problems are raised, or waited for where that is worthwhile.

        `silence`: seconds without a byte after which the connection counts as lost. `whole`: its body has been read, so that one
        that breaks off is asked for again.
        """
        headers = dict(headers or {})
        if method != "GET":
            headers.setdefault("Idempotency-Key", str(new_id()))
        attempt = 1
        while True:
            try:
                response = await self._send(
                    method, path, params=params, headers=headers, timeout=_timeout(silence), **(body() if body else {})
                )
                if whole:
                    with self._translated():
                        await response.read()
                break
            except ProtostarError as error:
                await self.pause(error, attempt)
            attempt += 1
        async with response:
            yield response

    async def pause(self, error: ProtostarError, attempt: int) -> None:
        """Wait before the next attempt, or raise `error` where there is to be none."""
        pause = pause_before_retry(error, attempt, self.attempts)
        if pause is None:
            raise error
        self._note(f"{str(error).rstrip('.')}. Trying again in {pause:.1f} s ({attempt + 1} of {self.attempts}).")
        await asyncio.sleep(pause)

    async def _send(self, method: str, path: str, **options: Any) -> aiohttp.ClientResponse:
        with self._translated():
            response = await self._session.request(method, self._server.url + path, allow_redirects=False, **options)
            self._answered = True
            if response.status < 300:
                return response
            async with response:
                problem = await _problem(response)
            self._check_settings(response.status, problem)
            retry_after = parse_retry_after(response.headers.get("Retry-After"), datetime.now(UTC))
            refusal = Busy if response.status in {429, 503} and retry_after is not None else ApiError
            raise refusal(response.status, problem, retry_after)

    def _check_settings(self, status: int, problem: Json) -> None:
        """Raises NoServer where it is not what was asked for that is wrong, but whom we asked, or as whom."""
        url = self._server.url
        if status == 401:
            raise NoServer(
                f"{url} does not know this key: check PROTOSTAR_KEY or, where that is not set, local.json in the data folder."
            )
        # Of a path that leads nowhere the title is HTTP's own.
        if status == 404 and urlsplit(url).path and problem.get("title") != NotFound.title:
            raise NoServer(f"There is no Protostar at {url}: PROTOSTAR_URL is the address of the server, mostly without a path.")

    @contextmanager
    def _translated(self) -> Generator[None]:
        """aiohttp's errors and time-outs become NoServer or ConnectionLost."""
        try:
            yield
        except aiohttp.InvalidURL as error:
            raise NoServer(f"{self._server.url} is not the address of a server: check PROTOSTAR_URL.") from error
        except (aiohttp.ContentTypeError, json.JSONDecodeError) as error:
            raise NoServer(f"What answers at {self._server.url} is not a Protostar server. {HOW_TO_START}") from error
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            if self._answered:
                raise ConnectionLost(f"The connection to {self._server.url} was lost.") from error
            raise NoServer(f"No server answers at {self._server.url}. {HOW_TO_START}") from error


def _timeout(silence: float) -> aiohttp.ClientTimeout:
    return aiohttp.ClientTimeout(total=None, connect=_CONNECT_TIMEOUT, sock_read=silence)


async def _problem(response: aiohttp.ClientResponse) -> Json:
    """The problem document, or what stands in for one when something between us and the server answered."""
    with suppress(ValueError):
        problem = await response.json(content_type=None)
        if isinstance(problem, dict):
            return cast("Json", problem)
    return {"detail": f"The server answered with status {response.status} {response.reason or ''}".rstrip() + "."}
