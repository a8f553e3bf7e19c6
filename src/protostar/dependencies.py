"""Aliases for endpoints: who asks, and the parts that the lifespan has opened. Only endpoints import this."""

import hmac
from typing import Annotated, Any, Final, Literal
from uuid import UUID

from fastapi import Depends, Header, Query, Request, Security
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer, SecurityScopes

from protostar.access.address import client_address, is_trusted
from protostar.access.model import Key, Principal, Role
from protostar.access.service import Access
from protostar.access.sessions import Sessions, csrf_token
from protostar.errors import Forbidden, InvalidInput, NotFound, OriginRefused, Unauthorized

Cookie = Literal["session", "space"]
CSRF_HEADER: Final = "X-CSRF-Token"
_SAFE: Final = ("GET", "HEAD", "OPTIONS")

_bearer = HTTPBearer(auto_error=False, description="«Authorization: Bearer <key>»")


def is_https(request: Request) -> bool:
    """As the browser sees it: also where a proxy that is trusted ends TLS."""
    peer = request.client.host if request.client is not None else ""
    forwarded = _forwarded(request, "proto") if is_trusted(peer, request.state.settings.trusted_proxies) else []
    return (forwarded[-1] if forwarded else request.url.scheme) == "https"


def _forwarded(request: Request, what: str) -> list[str]:
    """The values of `X-Forwarded-…`, that of the nearest proxy last: several lines are one list (RFC 9110, section 5.2)."""
    lines = request.headers.getlist(f"x-forwarded-{what}")
    return [value for line in lines for part in line.split(",") if (value := part.strip())]


def cookie_name(request: Request, cookie: Cookie) -> str:
    """Browsers keep cookies by host alone, so the name holds the port: two installations on one host know each their own.

    By HTTPS it begins with `__Host-`: neither a page of plain HTTP nor one of another host of the domain can set such a cookie.
    """
    port = request.headers.get("host", "").rpartition(":")[2]
    suffix = f"_{port}" if port.isascii() and port.isdigit() else ""
    return f"{'__Host-' if is_https(request) else ''}protostar_{cookie}{suffix}"


async def _key(
    request: Request, scopes: SecurityScopes, credentials: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)]
) -> Key:
    """The key of the request, or of its browser session, checked against the role that the endpoint names as its scope."""
    access: Access = request.state.access
    if credentials is not None:
        key = await access.authenticate(credentials.credentials)
    elif (token := request.cookies.get(cookie_name(request, "session"))) is not None:
        key = await _key_of_session(request, token)
    else:
        raise Unauthorized("Send a key in the header «Authorization: Bearer <key>».")
    role: Role = scopes.scopes[0]  # pyright: ignore[reportAssignmentType]
    if not key.may(role):
        raise Forbidden(f"This needs a key of the role «{role}»; yours is «{key.role}».")
    if key.role == "ask" and request.headers.get("origin") not in key.origins:
        raise OriginRefused("This publishable key may only be used from the pages whose origins («Origin») its owner has listed.")
    return key


async def _key_of_session(request: Request, token: str) -> Key:
    """A browser sends the cookie with whatever makes it ask: what changes something has to come from a page of the session."""
    if request.method not in _SAFE:
        check_own_page(request, token, request.headers.get(CSRF_HEADER, ""))
    sessions: Sessions = request.state.sessions
    return await sessions.find(token)


def check_own_page(request: Request, token: str, sent: str) -> None:
    """Raises Forbidden unless a page of the session made the browser ask. `sent`: in the header, or a field of a form."""
    check_same_origin(request)
    if not hmac.compare_digest(sent.encode(), csrf_token(token).encode()):
        raise Forbidden(f"The request lacks what this session's pages send along («{CSRF_HEADER}»). Reload the page.")


def check_same_origin(request: Request) -> None:
    """Raises Forbidden unless a page of this server made the browser ask.

    By `Sec-Fetch-Site`, which no page can set; by `Origin` where the browser does not send that, as over plain HTTP.
    """
    site, origin = request.headers.get("sec-fetch-site"), request.headers.get("origin", "")
    host = origin.partition("://")[2]
    same = site == "same-origin" if site is not None else host != "" and host == request.headers.get("host")
    if not same:
        raise Forbidden("The request comes from another site.")


async def _principal(
    request: Request,
    key: Annotated[Key, Depends(_key)],
    space: Annotated[UUID | None, Header(alias="Protostar-Space", description="the space to work on, for the admin key")] = None,
    linked: Annotated[str, Query(alias="space", include_in_schema=False)] = "",
) -> Principal:
    access: Access = request.state.access
    if "authorization" in request.headers:
        if linked:
            raise InvalidInput("space: there is no such query parameter here. The header «Protostar-Space» names the space.")
    elif space is None and key.space_id is None:
        return await _in_chosen_space(request, access, key, linked)
    return await access.principal(key, space)


async def _in_chosen_space(request: Request, access: Access, key: Key, linked: str) -> Principal:
    """The space that an admin works on in the dashboard: links and images of a page name it (`linked`), as they send no header.

    A choice that was erased since is none.
    """
    if (named := _uuid(linked)) is not None:
        return await access.principal(key, named)
    try:
        return await access.principal(key, _uuid(request.cookies.get(cookie_name(request, "space"))))
    except NotFound:
        return await access.principal(key, None)


def _uuid(text: str | None) -> UUID | None:
    try:
        return UUID(text or "")
    except ValueError:
        return None


async def _address(request: Request) -> str:
    peer = request.client.host if request.client is not None else ""
    return client_address(peer, _forwarded(request, "for"), request.state.settings.trusted_proxies)


def opened(name: str) -> Any:
    """The part that the lifespan has opened under this name."""

    async def part(request: Request) -> Any:
        return getattr(request.state, name)

    return Depends(part)


Address = Annotated[str, Depends(_address)]


# The installation's own business is done in no space: there may be none yet.
Admin = Annotated[Key, Security(_key, scopes=["admin"])]
Manager = Annotated[Principal, Security(_principal, scopes=["manage"])]
Asker = Annotated[Principal, Security(_principal, scopes=["ask"])]

Limit = Annotated[int, Query(ge=1, le=200, description="items of one page")]
Cursor = Annotated[str | None, Query(max_length=100, description="`next_cursor` of the page before")]

VisitorToken = Annotated[
    str | None,
    Header(alias="Protostar-Visitor", description="who asks, with a publishable key: of `POST /v1/visitors` or the event `start`"),
]

IfNoneMatch = Annotated[str | None, Header(alias="If-None-Match", description="`ETag`s of what is there already")]

IdempotencyKey = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        min_length=1,
        max_length=200,
        description="the same key within a day means the same request: nothing is done twice",
    ),
]
