"""The page where questions are asked."""

from fastapi import Request
from fastapi.responses import HTMLResponse

from protostar.documents.service import Documents
from protostar.routing import Router
from protostar.spaces.schemas import SpaceSettings
from protostar.web.frame import PageFrame, Templates
from protostar.web.pages import PageRoute

router = Router(route_class=PageRoute)


@router.get("/ask")
async def ask_page(request: Request, frame: PageFrame, pages: Templates) -> HTMLResponse:
    """Questions and answers go to the API from the page itself."""
    documents: Documents = request.state.documents
    some = await documents.holdings.page(frame.space.id, before=None, limit=1)
    settings = SpaceSettings.stored(frame.space.settings)
    return pages.render(request, "ask.html", frame=frame, settings=settings, ready=bool(some))
