"""The pages of a space's settings: how it answers, its keys, its webhooks, its end."""

from typing import Any

from fastapi import Request
from fastapi.responses import HTMLResponse

from protostar.access.model import Principal
from protostar.dependencies import Manager
from protostar.routing import Router
from protostar.spaces.schemas import SpaceSettings
from protostar.spaces.service import Spaces
from protostar.visitors.service import Visitors
from protostar.web.frame import PageFrame, Templates
from protostar.web.pages import PageRoute
from protostar.web.widget import ACCENT, ACCENT_DARK
from protostar.webhooks.service import Webhooks

router = Router(route_class=PageRoute)

_MOST = 200  # keys that are listed; nobody has more


@router.get("/settings")
async def settings_page(request: Request, frame: PageFrame, principal: Manager, pages: Templates) -> HTMLResponse:
    """Its forms go to the API from the page itself, which reads the list of keys or of webhooks anew after a change.

    It comes with both lists: one that arrived later would move what is below it away from the pointer.
    """
    settings = SpaceSettings.stored(frame.space.settings)
    visitors: Visitors = request.state.visitors
    return pages.render(
        request,
        "settings/index.html",
        frame=frame,
        space=frame.space,
        settings=settings,
        accent=ACCENT,
        accent_dark=ACCENT_DARK,
        origin=str(request.base_url).rstrip("/"),
        usual=visitors.usual,
        cache_seconds=f"{request.state.settings.answer.cache_ttl.total_seconds():g}",
        grace_minutes=f"{request.state.settings.delete_grace.total_seconds() / 60:g}",
        **await _keys(request, principal),
        **await _webhooks(request, principal),
    )


@router.get("/settings/keys")
async def keys_list(request: Request, principal: Manager, pages: Templates) -> HTMLResponse:
    return pages.render(request, "settings/keys.html", **await _keys(request, principal))


@router.get("/settings/webhooks")
async def webhooks_list(request: Request, principal: Manager, pages: Templates) -> HTMLResponse:
    return pages.render(request, "settings/webhooks.html", **await _webhooks(request, principal))


async def _keys(request: Request, principal: Principal) -> dict[str, Any]:
    spaces: Spaces = request.state.spaces
    return {"keys": await spaces.keys(principal.space_id, before=None, limit=_MOST), "own": principal.key.key_id}


async def _webhooks(request: Request, principal: Principal) -> dict[str, Any]:
    webhooks: Webhooks = request.state.webhooks
    return {"webhooks": await webhooks.page(principal.space_id, before=None, limit=_MOST)}
