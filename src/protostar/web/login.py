"""Signing in with a key or with the link that `serve` printed, and signing out."""

from typing import Annotated

from fastapi import Form, Query, Request
from fastapi.responses import RedirectResponse, Response

from protostar.access.sessions import SESSION_TTL, Sessions
from protostar.dependencies import Cookie, check_own_page, check_same_origin, cookie_name, is_https, opened
from protostar.errors import Forbidden, Unauthorized
from protostar.routing import Router
from protostar.web.frame import Templates
from protostar.web.pages import PageRoute, local_path


class _LoginRoute(PageRoute):
    """A ticket is good once, also where nobody heard that it was taken."""

    repeated = frozenset[str]()


router = Router(route_class=_LoginRoute)

Service = Annotated[Sessions, opened("sessions")]
Next = Annotated[str, Query(alias="next", max_length=2000)]


@router.get("/login")
async def sign_in_page(
    request: Request,
    pages: Templates,
    sessions: Service,
    next_: Next = "/",
    ended: bool = False,
    ticket: Annotated[str | None, Query(max_length=200)] = None,
) -> Response:
    """The form; with a ticket straight to the dashboard. HEAD leaves the ticket alone: it is good once."""
    if ticket is None or request.method == "HEAD":
        return pages.render(request, "login.html", next=local_path(next_), error=None, ended=ended)
    try:
        token = await sessions.redeem(ticket)
    except Unauthorized as error:
        return pages.render(request, "login.html", 401, next=local_path(next_), error=str(error), ended=False)
    return await _signed_in(request, sessions, token, "/")


@router.post("/login")
async def sign_in(
    request: Request,
    pages: Templates,
    sessions: Service,
    key: Annotated[str, Form(max_length=500)] = "",
    next_: Annotated[str, Form(alias="next", max_length=2000)] = "/",
) -> Response:
    check_same_origin(request)
    try:
        token = await sessions.open(key)
    except Unauthorized:
        sentence = "This key is not known here. Check that it was copied whole."
        return pages.render(request, "login.html", 401, next=local_path(next_), error=sentence, ended=False)
    except Forbidden as error:
        return pages.render(request, "login.html", 403, next=local_path(next_), error=str(error), ended=False)
    return await _signed_in(request, sessions, token, local_path(next_))


@router.post("/logout")
async def sign_out(request: Request, sessions: Service, csrf: Annotated[str, Form(max_length=100)] = "") -> Response:
    response = RedirectResponse("/login", 303)
    token = request.cookies.get(cookie_name(request, "session"))
    if token is None:  # signed out in another tab; or another site asks, whose forms bring no cookie, and must not take it away
        return response
    check_own_page(request, token, csrf)
    await sessions.end(token)
    _forget(request, response, "session")
    _forget(request, response, "space")
    return response


async def _signed_in(request: Request, sessions: Sessions, token: str, where: str) -> Response:
    """Who signs in again goes on in the space that they had chosen, where the key can choose one."""
    response = RedirectResponse(where, 303)
    lifetime = int(SESSION_TTL.total_seconds())
    name = cookie_name(request, "session")
    response.set_cookie(name, token, max_age=lifetime, httponly=True, samesite="lax", secure=is_https(request))
    if not (await sessions.find(token)).may("admin"):
        _forget(request, response, "space")
    return response


def _forget(request: Request, response: Response, cookie: Cookie) -> None:
    response.delete_cookie(cookie_name(request, cookie), httponly=True, samesite="lax", secure=is_https(request))
