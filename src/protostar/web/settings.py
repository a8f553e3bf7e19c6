"""The pages of a space's settings: how it answers, its keys, its webhooks, its end."""

from fastapi import Request
from fastapi.responses import HTMLResponse

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
async def settings_page(request: Request, frame: PageFrame, pages: Templates) -> HTMLResponse:
    """Its forms go to the API from the page itself; the lists of keys and webhooks are read by it, anew after each change."""
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
    )


@router.get("/settings/keys")
async def keys_list(request: Request, principal: Manager, pages: Templates) -> HTMLResponse:
    spaces: Spaces = request.state.spaces
    keys = await spaces.keys(principal.space_id, before=None, limit=_MOST)
    return pages.render(request, "settings/keys.html", keys=keys, own=principal.key.key_id)


@router.get("/settings/webhooks")
async def webhooks_list(request: Request, principal: Manager, pages: Templates) -> HTMLResponse:
    webhooks: Webhooks = request.state.webhooks
    return pages.render(
        request, "settings/webhooks.html", webhooks=await webhooks.page(principal.space_id, before=None, limit=_MOST)
    )
