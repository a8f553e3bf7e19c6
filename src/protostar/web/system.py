"""The page of the whole installation, for its admins."""

from typing import Annotated

from fastapi import Depends, Request
from fastapi.responses import HTMLResponse

from protostar import health
from protostar.dependencies import Admin
from protostar.resources import Resources
from protostar.routing import Router
from protostar.web.frame import PageFrame, Templates
from protostar.web.pages import PageRoute, is_fragment

router = Router(route_class=PageRoute)


async def _resources(request: Request) -> Resources:
    return request.state.resources


@router.get("/system")
async def system_page(
    request: Request, _key: Admin, frame: PageFrame, pages: Templates, resources: Annotated[Resources, Depends(_resources)]
) -> HTMLResponse:
    """The whole page, or for htmx the figures alone: it asks for them anew every few seconds."""
    overview = await health.overview(resources)
    if is_fragment(request):
        return pages.render(request, "system/figures.html", overview=overview)
    return pages.render(request, "system/index.html", frame=frame, overview=overview)
