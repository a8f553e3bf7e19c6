"""Pure ASGI: a request id, the access log and the request metrics; bounds; and CORS for what a visitor's page may call."""

import asyncio
import re
import time
from collections.abc import Iterable
from typing import Any
from uuid import uuid4

import structlog
from starlette.exceptions import HTTPException
from starlette.middleware.cors import CORSMiddleware
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from protostar.api.errors import respond
from protostar.concurrency import ConcurrencyLimit
from protostar.config import LimitSettings
from protostar.errors import ProtostarError, Unavailable
from protostar.telemetry import Metrics

log = structlog.get_logger()

_QUIET = ("/health", "/metrics")
_VISITORS = ("/v1/answers", "/v1/conversations", "/v1/visitors", "/v1/widget")
_UPLOADS = re.compile(r"/v1/documents(/[^/]+/content)?|/v1/imports/.+")
_BODY_BYTES = 256 * 1024  # several times what the longest settings or metadata need
_SMALLER = {"/login": 8 * 1024, "/v1/answers": 64 * 1024, "/v1/visitors": 64 * 1024}  # which anybody may send
_LEAST_BYTES = 16 * 1024
SILENCE = 60.0  # seconds; as web servers commonly have it


class Observe:
    """Binds `request` to every log line of a request, and counts it by its route, so that ids make no new series."""

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self._app = app
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request_id = uuid4().hex[:12]
        started = time.monotonic()
        status = 500
        seconds = None

        async def observed(message: Message) -> None:
            nonlocal status, seconds
            if message["type"] == "http.response.start":
                status, seconds = message["status"], time.monotonic() - started
                message["headers"] = [*message.get("headers", []), (b"x-request-id", request_id.encode())]
            await send(message)

        with structlog.contextvars.bound_contextvars(request=request_id):
            try:
                await self._app(scope, receive, observed)
            finally:
                self._record(scope, status, seconds if seconds is not None else time.monotonic() - started)

    def _record(self, scope: Scope, status: int, seconds: float) -> None:
        route: Any = scope.get("route")
        path = getattr(route, "path", "unknown")
        self._metrics.requests.labels(scope["method"], path, str(status)).inc()
        self._metrics.request_seconds.labels(path).observe(seconds)
        if not scope["path"].startswith(_QUIET):
            log.info("request", method=scope["method"], path=scope["path"], status=status, ms=round(seconds * 1000))


class LastResort:
    """Answers a request that ended with an unforeseen error. Starlette would do so outside of everything else, where neither the
    request's id nor its route is known, and let uvicorn print the traceback once more."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        begun = False

        async def sending(message: Message) -> None:
            nonlocal begun
            begun = True
            await send(message)

        try:
            await self._app(scope, receive, sending)
        except Exception:
            log.exception("request_raised")
            if begun:  # what was sent stays a part, which a connection that is closed says
                raise
            told = ProtostarError("An unforeseen error; the log of the server has the details.")
            await respond(told)(scope, receive, send)


class SmallBodies:
    """Bounds what is read into memory, and for how long: a JSON body is read whole, even before it is known who sends it.

    Uploads are streamed, and imports are bounded once that is known.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or _UPLOADS.fullmatch(scope["path"]):
            await self._app(scope, receive, send)
            return
        most = _SMALLER.get(scope["path"], _BODY_BYTES)
        size, until = 0, time.monotonic() + SILENCE

        async def bounded() -> Message:
            nonlocal size
            message = await receive()
            size += len(message.get("body", b""))
            # Of all exceptions that leave the reading of a body, FastAPI only lets HTTPException pass.
            if message.get("more_body", False) and time.monotonic() > until:
                raise _too_slow(f"The body did not come within {SILENCE:g} seconds.")
            if size > most:
                raise HTTPException(413, f"The body may have {most:,} bytes at most.", {"Connection": "close"})
            return message

        await self._app(scope, bounded, send)


class Silence:
    """Ends requests whose body stops coming, or comes in drops: a client that vanished without a word would keep its place for
    ever, and one that means no good would keep many.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        whole = False
        waited = came = 0.0  # since so much was waited for the client; how long the store takes is none of its fault

        async def awaited() -> Message:
            nonlocal whole, waited, came
            if whole:  # what comes now is that the client has gone
                return await receive()
            began = time.monotonic()
            try:
                async with asyncio.timeout(SILENCE):
                    message = await receive()
            except TimeoutError:
                raise _too_slow(f"Nothing of the body came for {SILENCE:g} seconds.") from None
            whole = not message.get("more_body", False)
            waited, came = waited + time.monotonic() - began, came + len(message.get("body", b""))
            if waited > SILENCE and not whole:
                if came < _LEAST_BYTES:
                    raise _too_slow(f"Less than {_LEAST_BYTES:,} bytes of the body came in {SILENCE:g} seconds.")
                waited = came = 0.0
            return message

        await self._app(scope, awaited, send)


def _too_slow(sentence: str) -> HTTPException:
    return HTTPException(408, sentence, {"Connection": "close"})


class Crowded:
    """Bounds the requests at once of each feature, and of all pages, so that a crowd at one leaves room at the others and memory
    stays flat.
    """

    def __init__(self, app: ASGIApp, settings: LimitSettings, features: Iterable[str]) -> None:
        """`features`: the path segments behind `/v1/`."""
        self._app = app
        sentence = "As many requests of this kind as this server takes at once are under way."
        # An answer is a request for as long as it streams.
        more = {"answers": settings.answers}
        self._limits = {feature: ConcurrencyLimit(settings.requests + more.get(feature, 0), sentence) for feature in features}
        self._limit_of_pages = ConcurrencyLimit(settings.requests, sentence)

    def _limit_of(self, path: str) -> ConcurrencyLimit | None:
        if path.startswith("/v1/"):
            return self._limits.get(path.split("/")[2])
        return None if path.startswith(_QUIET) else self._limit_of_pages

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        limit = self._limit_of(scope["path"]) if scope["type"] == "http" else None
        if limit is None:
            await self._app(scope, receive, send)
            return
        try:
            limit.enter()
        except Unavailable as error:
            await respond(error, unread=True)(scope, receive, send)
            return
        try:
            await self._app(scope, receive, send)
        finally:
            limit.leave()


class VisitorCors:
    """Lets any page call the visitors' routes from a browser: which pages may is decided by the key's origins, not here."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._cors = CORSMiddleware(
            app,
            allow_origins=["*"],
            allow_methods=["GET", "POST"],
            allow_headers=["Authorization", "Content-Type", "Idempotency-Key", "Last-Event-ID", "Protostar-Visitor"],
            expose_headers=["Protostar-Visitor", "Retry-After", "X-Request-Id"],
            max_age=600,
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        visitors = scope["type"] == "http" and scope["path"].startswith(_VISITORS)
        await (self._cors if visitors else self._app)(scope, receive, send)
