"""Requests to one OpenAI-compatible server, and the translation of everything that can go wrong with them.

Our own on aiohttp: for streams of many small chunks httpx, on which the OpenAI SDK is built, was measured at about ten times the
CPU per request.
"""

import asyncio
import json
import math
from collections.abc import AsyncGenerator, Awaitable, Generator, Mapping
from contextlib import asynccontextmanager, closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final, Literal, TypeVar, cast

import aiohttp
import pydantic
from pydantic import JsonValue
from yarl import URL

from protostar.config import PREFIX, ChatSettings, EmbeddingSettings
from protostar.errors import ConfigurationError, ModelKeyRejected, ModelRejected, ModelUnavailable, ProtostarError
from protostar.http_errors import NO_ANSWER, reason
from protostar.llm.sse import EventTooLong
from protostar.retry import parse_retry_after
from protostar.timer import ResettableTimer

T = TypeVar("T")

CONNECT_TIMEOUT: Final = 2.0
MAX_ERROR_BYTES: Final = 64 * 1024
MAX_WORDS: Final = 300
SECRET_LENGTH: Final = 8
"""Shorter keys are placeholders, as in `EMPTY`, and may be ordinary words of a sentence."""

KEY_REFUSED: Final = 401
"""403 may be of what was asked: gateways refuse texts with it that they moderate."""
TRANSIENT: Final = frozenset({408, 409, 425, 429})
"""Statuses below 500 that pass; 409 is what OpenAI answers while a resource is locked."""

OPTIONAL: Final[Mapping[str, str | None]] = {"max_tokens": "max_completion_tokens", "stream_options": None}
"""Parameters that some models refuse, and what takes their place: a name, or nothing."""


@dataclass(slots=True)
class Way:
    """How a request went. `kept`: over a connection of an earlier one, which the server may have closed meanwhile."""

    kept: bool = False


def tracing() -> aiohttp.TraceConfig:
    """What a session needs to tell requests their way."""

    async def reused(_session: aiohttp.ClientSession, context: Any, _params: aiohttp.TraceConnectionReuseconnParams) -> None:
        context.trace_request_ctx.kept = True

    config = aiohttp.TraceConfig()
    config.on_connection_reuseconn.append(reused)
    return config


class Patience:
    """How long to wait for a sign of the server: `first` seconds for the first one, `total` seconds for all."""

    def __init__(self, first: float, *, total: float | None = None) -> None:
        self._clock = asyncio.get_running_loop().time
        self._total = total
        self._end = math.inf if total is None else self._clock() + total
        self._timer = ResettableTimer(self._expire)
        self._waiting: asyncio.Task[Any] | None = None
        self._has_expired = False
        self.renew(first)

    def renew(self, seconds: float) -> None:
        """A sign came: wait this long for the next, from now."""
        self._seconds = seconds
        self._until = self._clock() + seconds

    def close(self) -> None:
        """Nothing more is waited for."""
        self._timer.close()

    async def wait(self, awaited: Awaitable[T]) -> T:
        """Raises TimeoutError that says what it waited for. As asyncio.timeout_at does it, but with one timer for many waits."""
        self._waiting, self._has_expired = asyncio.current_task(), False
        assert self._waiting is not None  # noqa: S101 - only a task waits
        cancelled = self._waiting.cancelling()
        self._timer.set(min(self._until, self._end))
        try:
            return await awaited
        except aiohttp.ServerTimeoutError:
            raise
        except asyncio.CancelledError as error:
            if not self._has_expired or self._waiting.uncancel() > cancelled:
                raise
            raise self._too_late() from error
        except TimeoutError as error:
            raise self._too_late() from error
        finally:
            self._timer.clear()
            self._waiting = None

    def _expire(self) -> None:
        if self._waiting is not None:
            self._has_expired = True
            self._waiting.cancel()

    def _too_late(self) -> TimeoutError:
        silent = self._until <= self._end
        return TimeoutError(f"nothing came for {self._seconds:g} s" if silent else f"not done within {self._total:g} s")


class ModelServer:
    """The server of one model. Its errors name the settings of `group`, never an address or a key."""

    def __init__(
        self, session: aiohttp.ClientSession, group: Literal["CHAT", "EMBEDDING"], settings: ChatSettings | EmbeddingSettings
    ) -> None:
        """Raises ConfigurationError when the base URL or the key cannot be used in a request."""
        self._session = session
        self._group = group
        self._subject = f"The {group.lower()} model"
        self._base_url = self._checked_url(settings.base_url or "")
        self._key = settings.api_key.get_secret_value().strip() if settings.api_key else ""
        if not (self._key.isascii() and self._key.isprintable()):
            raise ConfigurationError(f"{self._setting('API_KEY')} must be printable ASCII")
        self._headers = {"Content-Type": "application/json", "Accept-Encoding": "identity", "User-Agent": "protostar"}
        if self._key:
            self._headers["Authorization"] = f"Bearer {self._key}"
        self._refused: set[str] = set()

    @asynccontextmanager
    async def post(self, path: str, payload: Mapping[str, object], patience: Patience) -> AsyncGenerator[aiohttp.ClientResponse]:
        """The response with status 200; leaving early closes the connection, and so ends the work on the other side.

        Foreign errors, those of the block too, leave as ModelUnavailable or ModelRejected. A request that is refused for an
        optional parameter is sent again without it, and so are all later ones.
        """
        with closing(patience), self._translated():
            while True:
                sent = self._accepted(payload)
                async with await patience.wait(self._reach(path, sent)) as response:
                    if response.status == 200:
                        del payload, sent  # a stream is long, and so may a prompt be
                        yield response
                        return
                    body = await patience.wait(_beginning(response, MAX_ERROR_BYTES))
                words = body_words(body)
                if response.status not in (400, 422) or not self._learn(sent, words):
                    raise self.refusal(response.status, words, response.headers.get("Retry-After"))

    def refusal(self, status: int, words: str, retry_after: str | None = None) -> ProtostarError:
        """The error that an HTTP status means; `words` are the server's own."""
        said = self._said(words)
        sentence = f"{self._subject} answered {status}" + (f": {said}" if said else "")
        if status in TRANSIENT or status >= 500:
            return ModelUnavailable(sentence, retry_after=parse_retry_after(retry_after, datetime.now(UTC)))
        kind = ModelKeyRejected if status == KEY_REFUSED else ModelRejected
        return kind(f"{sentence.rstrip('.')}. Check {self._suspects(status)}")

    def reported(self, error: JsonValue) -> ProtostarError:
        """The error in a body that came with status 200; gateways put the real status into its `code`."""
        code = error.get("code") if isinstance(error, dict) else None
        words = error_words(error)
        return self.refusal(code, words) if isinstance(code, int) and 400 <= code < 600 else self.unusable(words)

    def unusable(self, why: str) -> ModelUnavailable:
        return ModelUnavailable(f"{self._subject} did not answer as it should: {self._said(why)}")

    def rejected(self, why: str, *settings: str) -> ModelRejected:
        return ModelRejected(f"{self._subject} {why}. Check {' and '.join(map(self._setting, settings))}")

    def _said(self, words: str) -> str:
        """Somebody's words on one line, without the key, and then cut."""
        hidden = words.replace(self._key, "…") if len(self._key) >= SECRET_LENGTH else words
        line = " ".join(hidden.split())
        return line if len(line) <= MAX_WORDS else line[: MAX_WORDS - 1] + "…"

    async def _reach(self, path: str, payload: Mapping[str, object]) -> aiohttp.ClientResponse:
        """The beginning of the response, over a kept connection only while the server keeps it too.

        llama.cpp closes each one after a stream, although it says that it keeps it for five seconds.
        """
        body = json.dumps(payload, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")
        while True:
            way = Way()
            try:
                return await self._send(path, body, way)
            except (aiohttp.ServerDisconnectedError, aiohttp.ClientOSError):
                if not way.kept:
                    raise

    def _send(self, path: str, body: bytes, way: Way) -> Awaitable[aiohttp.ClientResponse]:
        timeout = aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_TIMEOUT)
        return self._session.post(
            self._base_url + path, data=body, headers=self._headers, timeout=timeout, allow_redirects=False, trace_request_ctx=way
        )

    def _accepted(self, payload: Mapping[str, object]) -> dict[str, object]:
        """The payload without the parameters that this server has refused."""
        names = {name: OPTIONAL[name] if name in self._refused else name for name in payload}
        return {name: payload[key] for key, name in names.items() if name is not None}

    def _learn(self, sent: Mapping[str, object], words: str) -> bool:
        """Whether the server's words are about optional parameters that were sent."""
        refused = {name for name, instead in OPTIONAL.items() if name in sent and (instead or name) in words}
        self._refused |= refused
        return bool(refused)

    @contextmanager
    def _translated(self) -> Generator[None]:
        try:
            yield
        except (aiohttp.InvalidURL, aiohttp.NonHttpUrlClientError, aiohttp.RedirectClientError) as error:
            raise self.rejected("has an address that cannot be used", "BASE_URL") from error
        except (pydantic.ValidationError, EventTooLong) as error:
            raise self.unusable("its reply is not what the OpenAI API promises") from error
        except NO_ANSWER as error:
            raise ModelUnavailable(f"{self._subject} did not answer: {_reason(error)}") from error

    def _checked_url(self, base_url: str) -> str:
        try:
            url = URL(base_url)
            usable = url.scheme in ("http", "https") and bool(url.host) and url.user is None and url.password is None
        except ValueError:
            usable = False
        if not usable:
            raise ConfigurationError(
                f"{self._setting('BASE_URL')} must be an http(s) URL without a user name, as in http://host/v1"
            )
        return base_url.rstrip("/")

    def _suspects(self, status: int) -> str:
        if status in (KEY_REFUSED, 403):
            return self._setting("API_KEY")
        if status in (404, 405) or status < 400:
            return f"{self._setting('BASE_URL')} (up to and including /v1) and {self._setting('MODEL')}"
        if self._group == "CHAT":
            return f"{self._setting('MODEL')}, and {self._setting('CONTEXT_CHARS')} if the prompt is too long for it"
        return f"{self._setting('MODEL')}, {self._setting('DIMENSIONS')} and {self._setting('BATCH_SIZE')}"

    def _setting(self, name: str) -> str:
        return f"{PREFIX}{self._group}_{name}"


async def read_bounded(response: aiohttp.ClientResponse, limit: int) -> bytes:
    """The whole body; raises aiohttp's ClientPayloadError when it is longer than `limit` bytes."""
    body = bytearray()
    while chunk := await response.content.readany():
        body += chunk
        if len(body) > limit:
            raise aiohttp.ClientPayloadError(f"the body is longer than {limit} bytes")
    return bytes(body)


async def _beginning(response: aiohttp.ClientResponse, size: int) -> bytes:
    body = bytearray()
    while len(body) < size and (chunk := await response.content.readany()):
        body += chunk
    return bytes(body[:size])


def body_words(body: bytes) -> str:
    """What the body of an error says, or nothing when it is a page for people."""
    try:
        return error_words(json.loads(body))
    except (ValueError, RecursionError):
        text = body.decode("utf-8", "replace").strip()
        return "" if text.startswith("<") else text


def error_words(value: object) -> str:
    """The sentence in `{"error": {"message": …}}`, `{"error": …}`, `{"message": …}` or `{"detail": …}`: servers differ."""
    while isinstance(value, dict):
        fields = cast("dict[str, Any]", value)
        value = next((fields[name] for name in ("error", "message", "detail") if fields.get(name)), "")
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _reason(error: Exception) -> str:
    """Why there was no answer; visitors may read it."""
    if type(error) is TimeoutError:
        return str(error)
    if isinstance(error, aiohttp.ConnectionTimeoutError):
        return f"no connection within {CONNECT_TIMEOUT:g} s"
    return "its answer broke off" if isinstance(error, aiohttp.ClientPayloadError) else reason(error)
