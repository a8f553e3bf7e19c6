"""Every error that is foreseen becomes a problem document here, once; the others do in `middleware.LastResort`.

A person who mistyped an address gets a page instead.
"""

import asyncio
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, Final

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from sqlalchemy.exc import DBAPIError
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.routing import Match
from starlette.types import Receive, Scope, Send

from protostar.errors import InvalidInput, NotFound, ProtostarError, RangeNotSatisfiable, TooLarge, Unauthorized
from protostar.problems import MEDIA_TYPE, problem, retry_after
from protostar.web.pages import no_page, wants_page

log = structlog.get_logger()

_KINDS: Final = {  # code and title of what FastAPI, Starlette or the middleware refuse
    400: ("bad_request", "The request cannot be read"),
    404: (NotFound.code, NotFound.title),
    405: ("method_not_allowed", "This path does not take the method"),
    408: ("timeout", "The request's body did not come in time"),
    413: (TooLarge.code, TooLarge.title),
}
_NOT_AN_OBJECT: Final = {"missing", "dict_type", "model_type", "model_attributes_type"}
_NUL = ("22021", "22P05")  # SQLSTATE: in text, in JSON
_LINGER: Final = 1.0  # seconds


class _LastWord(JSONResponse):
    """Said to a client that is still sending. Nothing more is read, and the connection stays open long enough for it to look.

    Closed at once with bytes unread, the connection would be reset, and what had been said lost with it (RFC 9112, section 9.6).
    """

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002 - ASGI's signature
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        await send({"type": "http.response.body", "body": self.body, "more_body": True})
        await asyncio.sleep(_LINGER)
        await send({"type": "http.response.body", "body": b""})


def respond(error: ProtostarError, *, unread: bool = False) -> JSONResponse:
    """`unread`: the client is still sending what nobody wants; the connection cannot be used again."""
    headers: dict[str, str] = {}
    if (seconds := retry_after(error)) is not None:
        headers["Retry-After"] = str(seconds)
    if isinstance(error, Unauthorized):
        headers["WWW-Authenticate"] = "Bearer"
    if isinstance(error, RangeNotSatisfiable):
        headers["Content-Range"] = f"bytes */{error.size}"
    if unread:
        headers["Connection"] = "close"
    kind = _LastWord if unread else JSONResponse
    return kind(problem(error), error.status_code, headers, media_type=MEDIA_TYPE)


async def _ours(request: Request, error: Exception) -> Response:
    assert isinstance(error, ProtostarError)  # noqa: S101 - the handler is registered for it
    if error.status_code >= 500:
        log.warning("request_failed", code=error.code, error=str(error))
    return respond(error, unread=getattr(request.state, "unread", False))


async def _invalid(_request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)  # noqa: S101
    return respond(InvalidInput("; ".join(_sentence(issue) for issue in error.errors()[:5])))


def _sentence(issue: Mapping[str, Any]) -> str:
    if issue["type"] == "json_invalid":
        return f"The body is not valid JSON: {issue['ctx']['error']}, at character {issue['loc'][-1]}."
    if issue["loc"] == ("body",) and issue["type"] in _NOT_AN_OBJECT:
        return "The body must be a JSON object, sent with the header «Content-Type: application/json»."
    where = ".".join(str(part) for part in issue["loc"][1:]) or "body"
    return f"{where}: {issue['msg'].removeprefix('Value error, ')}"


async def _http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101
    if error.status_code in (HTTPStatus.NOT_FOUND, HTTPStatus.METHOD_NOT_ALLOWED) and wants_page(request):
        return no_page(request)
    code, title = _KINDS.get(error.status_code, ("http_error", error.detail))
    detail, headers = error.detail, dict(error.headers or {})
    if error.status_code == HTTPStatus.NOT_FOUND:
        detail = "There is nothing at this path."
    elif error.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
        headers["Allow"] = _methods(request)
        detail = f"This path takes {headers['Allow']}."
    elif error.status_code == HTTPStatus.BAD_REQUEST:
        detail = "The body cannot be read as JSON in UTF-8."
    document = {"type": f"urn:protostar:problem:{code}", "title": title, "status": error.status_code}
    document |= {"detail": detail, "code": code}
    kind = _LastWord if "Connection" in headers else JSONResponse
    return kind(document, error.status_code, headers, media_type=MEDIA_TYPE)


def _methods(request: Request) -> str:
    """What the path takes: each method has a route of its own, and Starlette names that of the first alone."""
    scopes = [{**request.scope, "method": method} for method in ("DELETE", "GET", "HEAD", "PATCH", "POST", "PUT")]
    return ", ".join(
        scope["method"] for scope in scopes if any(route.matches(scope)[0] is Match.FULL for route in request.app.routes)
    )


async def _unstorable(_request: Request, error: Exception) -> Response:
    """PostgreSQL stores every character but NUL, and says so wherever it meets one."""
    assert isinstance(error, DBAPIError)  # noqa: S101
    if getattr(error.orig, "sqlstate", None) in _NUL:
        return respond(InvalidInput("Text may not hold the character NUL (U+0000)."))
    raise error


async def _left(_request: Request, _error: Exception) -> Response:
    return Response(status_code=499)  # nobody reads it: the client has gone


def install(app: FastAPI) -> None:
    app.add_exception_handler(ProtostarError, _ours)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(ClientDisconnect, _left)
    app.add_exception_handler(DBAPIError, _unstorable)
