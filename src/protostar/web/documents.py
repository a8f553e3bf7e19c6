"""The pages of documents: the list, and one document with its text, passages, versions and questions."""

from typing import Annotated, Any, Final, Literal
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import HTMLResponse, Response

from protostar.dependencies import Cursor, Manager
from protostar.documents.media_types import FORMATS
from protostar.documents.service import Documents
from protostar.paging import before, page_of
from protostar.web.frame import PageFrame, Templates
from protostar.web.pages import PageRoute, is_fragment

router = APIRouter(route_class=PageRoute)

Show = Literal["all", "working", "ready", "failed"]
_STATUSES: Final[dict[str, tuple[str, ...]]] = {
    "all": (),
    "working": ("queued", "processing"),
    "ready": ("ready",),
    "failed": ("failed",),
}
_PAGE: Final = 50


def _documents(request: Request) -> Documents:
    return request.state.documents


Service = Annotated[Documents, Depends(_documents)]


@router.get("/documents")
async def documents_page(
    request: Request,
    frame: PageFrame,
    pages: Templates,
    documents: Service,
    q: Annotated[str, Query(max_length=200)] = "",
    show: Show = "all",
    cursor: Cursor = None,
) -> HTMLResponse:
    """The whole page, or for htmx the list alone."""
    space_id = frame.space.id
    rows = await documents.page(
        space_id, statuses=_STATUSES[show], words=q.strip(), before=before(cursor, space_id), limit=_PAGE + 1
    )
    listed: dict[str, Any] = {
        "documents": page_of(rows, _PAGE, space_id),
        "q": q,
        "show": show,
        "first": cursor is None,
        "space_id": space_id,
    }
    usage = await documents.usage(space_id)
    if is_fragment(request):
        return pages.render(request, "documents/list.html", **listed, usage=usage, fragment=True)
    limit = documents.receiver.limit
    return pages.render(
        request, "documents/index.html", frame=frame, **listed, usage=usage, limit=limit, formats=FORMATS, fragment=False
    )


@router.get("/documents/rows")
async def document_rows(
    request: Request,
    principal: Manager,
    pages: Templates,
    documents: Service,
    ids: Annotated[list[UUID], Query(alias="id", max_length=_PAGE)],
) -> Response:
    """The rows of documents that are being read, as they stand now; for the list to put in their places."""
    found = await documents.some(principal.space_id, ids)
    usage = await documents.usage(principal.space_id)
    return pages.render(request, "documents/rows.html", documents=found, usage=usage, space_id=principal.space_id)
