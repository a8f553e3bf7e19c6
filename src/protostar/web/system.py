"""The page of the whole installation, for its admins."""

from collections.abc import Sequence
from typing import Annotated, Final

from fastapi import Request
from fastapi.responses import HTMLResponse

from protostar import health
from protostar.dependencies import Admin, opened
from protostar.resources import Resources
from protostar.routing import Router
from protostar.spaces.models import SpaceRow
from protostar.spaces.service import Spaces
from protostar.web.frame import PageFrame, Templates
from protostar.web.pages import PageRoute, is_fragment

router = Router(route_class=PageRoute)

_DELETED: Final = 200  # spaces that are listed; soon they are erased


@router.get("/spaces/deleted")
async def deleted_spaces(request: Request, _key: Admin, pages: Templates) -> HTMLResponse:
    """Those that can be restored, for the page that says that there is no space any more."""
    return pages.render(request, "system/deleted.html", deleted=await _deleted(request))


async def _deleted(request: Request) -> Sequence[SpaceRow]:
    spaces: Spaces = request.state.spaces
    return await spaces.deleted(before=None, limit=_DELETED)


@router.get("/system")
async def system_page(
    request: Request, _key: Admin, frame: PageFrame, pages: Templates, resources: Annotated[Resources, opened("resources")]
) -> HTMLResponse:
    """The whole page, or for htmx the figures alone: it asks for them anew every few seconds."""
    overview = await health.overview(resources)
    if is_fragment(request):
        return pages.render(request, "system/figures.html", overview=overview)
    return pages.render(request, "system/index.html", frame=frame, overview=overview, deleted=await _deleted(request))
