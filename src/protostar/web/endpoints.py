"""The dashboard: all of its pages, and its static files."""

from typing import Annotated
from urllib.parse import quote
from uuid import UUID

from fastapi import FastAPI, Form, Request
from fastapi.responses import RedirectResponse, Response

from protostar.dependencies import Admin, cookie_name, is_https
from protostar.routing import Router
from protostar.spaces.schemas import Name, SpaceCreate
from protostar.spaces.service import Spaces
from protostar.web import ask, conversations, documents, insights, login, settings, system, widget
from protostar.web.assets import Assets
from protostar.web.pages import PageRoute, Pages, local_path

router = Router(route_class=PageRoute)


@router.get("/")
async def first_page() -> RedirectResponse:
    return RedirectResponse("/documents", 303)


@router.post("/space")
async def choose_space(
    request: Request, _key: Admin, space: Annotated[UUID, Form()], next_: Annotated[str, Form(alias="next", max_length=2000)] = "/"
) -> Response:
    """The space that an admin works on from now on. `next`: the page of it to go to."""
    return _to_space(request, space, next_)


@router.post("/spaces")
async def create_space(request: Request, _key: Admin, name: Annotated[Name, Form()]) -> Response:
    spaces: Spaces = request.state.spaces
    return _to_space(request, (await spaces.create(SpaceCreate(name=name))).id)


def _to_space(request: Request, space_id: UUID, wanted: str = "/") -> Response:
    response = Response(status_code=204, headers={"HX-Redirect": quote(local_path(wanted), safe="/?&=%")})
    name = cookie_name(request, "space")
    response.set_cookie(name, str(space_id), httponly=True, samesite="lax", secure=is_https(request))
    return response


def install(app: FastAPI) -> Pages:
    """Add the dashboard to the application; its pages, for the application's state."""
    assets = Assets()
    for part in (login, documents, ask, conversations, insights, settings, system):
        app.include_router(part.router, include_in_schema=False)
    app.include_router(router, include_in_schema=False)
    app.include_router(widget.install(), include_in_schema=False)
    app.mount("/static", assets)
    return Pages(assets)
