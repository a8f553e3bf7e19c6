"""The pages of documents: the list, and one document with its text, passages, versions and questions."""

from collections.abc import Collection, Sequence
from typing import Annotated, Any, Final, Literal
from uuid import UUID

from fastapi import Query, Request
from fastapi.responses import HTMLResponse, Response

from protostar.answers.service import Answers
from protostar.db.session import Database
from protostar.dependencies import Cursor, Manager, opened
from protostar.documents.media_types import FORMAT_NAMES, PDF
from protostar.documents.schemas import Document
from protostar.documents.service import Documents
from protostar.errors import NotFound
from protostar.knowledge.service import is_being_summarized, passages
from protostar.paging import before, page_of
from protostar.routing import Router
from protostar.spaces.models import SpaceRow
from protostar.spaces.service import Spaces
from protostar.visitors.service import Visitors
from protostar.web.frame import PageFrame, Templates, elsewhere
from protostar.web.pages import PageRoute, is_fragment

router = Router(route_class=PageRoute)

Show = Literal["all", "working", "ready", "failed", "deleted"]
_STATUSES: Final[dict[str, tuple[str, ...]]] = {
    "all": (),
    "working": ("queued", "processing"),
    "ready": ("ready",),
    "failed": ("failed",),
    "deleted": (),
}
_PAGE: Final = 50
_ASKED: Final = 20
_DELETED: Final = 200  # that are listed; soon they are erased

Service = Annotated[Documents, opened("documents")]


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
    listing: dict[str, Any] = {
        "statuses": _STATUSES[show],
        "words": q.strip(),
        "before": before(cursor, space_id),
        "limit": _PAGE + 1,
    }
    found: Sequence[Document] = await documents.holdings.page(space_id, **listing) if show != "deleted" else ()
    listed: dict[str, Any] = {
        "documents": page_of(found, _PAGE, space_id),
        "answering": await _answering(documents, space_id, found),
        "deleted": await documents.holdings.deleted(space_id, words=q.strip(), limit=_DELETED) if show == "deleted" else [],
        "q": q,
        "show": show,
        "first": cursor is None,
        "space_id": space_id,
        "formats": FORMAT_NAMES,
    }
    usage = await _usage(request, documents, frame.space)
    if is_fragment(request):
        return pages.render(request, "documents/list.html", **listed, **usage, fragment=True)
    return pages.render(request, "documents/index.html", frame=frame, **listed, **usage, fragment=False)


@router.get("/documents/rows")
async def document_rows(
    request: Request,
    principal: Manager,
    pages: Templates,
    documents: Service,
    ids: Annotated[list[UUID], Query(alias="id", max_length=_PAGE)] = [],  # noqa: B006 - FastAPI copies it
    queued: Annotated[list[UUID], Query(max_length=_PAGE)] = [],  # noqa: B006
) -> Response:
    """The rows of documents that are being read, as they stand now; for the list to put in their places.

    `queued`: of these only the ones that are anything else by now.
    """
    spaces: Spaces = request.state.spaces
    space = await spaces.get(principal.space_id)
    same = set(queued)
    found = await documents.holdings.some(space.id, [*ids, *queued])
    changed = [each for each in found if each.id not in same or each.status != "queued" or each.error is not None]
    usage = await _usage(request, documents, space)
    answering = await _answering(documents, space.id, changed)
    return pages.render(request, "documents/rows.html", documents=changed, **usage, answering=answering, space_id=space.id)


async def _answering(documents: Documents, space_id: UUID, found: Sequence[Document]) -> Collection[UUID]:
    """Those whose latest version has failed while one before it answers."""
    return await documents.holdings.answering(space_id, [each.id for each in found if each.status == "failed"])


async def _usage(request: Request, documents: Documents, space: SpaceRow) -> dict[str, Any]:
    """What the space uses, and what it may."""
    visitors: Visitors = request.state.visitors
    spent, allowance = await visitors.spent(space)
    usage = await documents.holdings.usage(space.id)
    return {"usage": usage, "spent": spent, "allowance": allowance, "limit": documents.receiver.limit}


@router.get("/documents/{document_id}")
async def document_page(
    request: Request,
    document_id: UUID,
    frame: PageFrame,
    pages: Templates,
    documents: Service,
    version: Annotated[int | None, Query(ge=1)] = None,
    start: Annotated[int, Query(ge=0)] = 0,
    end: Annotated[int, Query(ge=0)] = 0,
    page: Annotated[int, Query(ge=1)] = 1,
) -> HTMLResponse:
    """A document opens on its text, a PDF on its pages; `start`, `end` and `page` lead to a passage of one of its versions."""
    try:
        document = await documents.holdings.get(frame.space.id, document_id)
    except NotFound:
        deleted = await documents.holdings.restorable(frame.space.id, document_id)
        if deleted is not None:
            return pages.render(request, "documents/deleted.html", 404, frame=frame, document=deleted)
        other = await elsewhere(request, frame, pages, await documents.holdings.space_of(document_id))
        if other is None:
            raise
        return other
    versions = await documents.holdings.versions(frame.space.id, document_id)
    number = version or versions.current_version or document.version
    shown = next((each for each in versions.items if each.version == number), None)
    if shown is None:
        raise NotFound(f"The document has no version {number}.")
    return pages.render(
        request,
        "documents/document.html",
        frame=frame,
        document=document,
        versions=versions,
        shown=shown,
        passage={"start": start, "end": end, "page": page},
        pages=shown.media_type == PDF,
        space_id=frame.space.id,
    )


@router.get("/documents/{document_id}/state")
async def document_state(
    request: Request, document_id: UUID, principal: Manager, pages: Templates, documents: Service
) -> HTMLResponse:
    """How far the reading of a document is; asked again by itself until that has ended."""
    try:
        document = await documents.holdings.get(principal.space_id, document_id)
    except NotFound:
        return _gone()
    response = pages.render(request, "documents/progress.html", document=document)
    if document.status in ("ready", "failed"):
        response.headers["HX-Refresh"] = "true"
    return response


@router.get("/documents/{document_id}/summary")
async def document_summary(
    request: Request,
    document_id: UUID,
    principal: Manager,
    pages: Templates,
    documents: Service,
    version: Annotated[int, Query(ge=1, le=2**31 - 1)],
) -> HTMLResponse:
    """The summary of a version that had none yet; asked again by itself for as long as a job is to write it."""
    waits = await is_being_summarized(request.state.database, principal.space_id, document_id, version)
    try:
        document = await documents.holdings.get(principal.space_id, document_id)
    except NotFound:
        return _gone()
    return pages.render(request, "documents/summary.html", document=document, waits=waits or document.version != version)


def _gone() -> HTMLResponse:
    """Of a part: the page itself, loaded again, says what has become of the document."""
    return HTMLResponse(headers={"HX-Refresh": "true"})


@router.get("/documents/{document_id}/passages")
async def document_passages(
    request: Request,
    document_id: UUID,
    principal: Manager,
    pages: Templates,
    documents: Service,
    after: Annotated[int, Query(ge=0, le=2**31 - 1)] = 0,
) -> HTMLResponse:
    """The passages that answer questions, some at a time; the last one asks for more when it comes into view."""
    database: Database = request.state.database
    try:
        found = await passages(documents, database, principal.space_id, document_id, first=after, limit=_PAGE)
    except NotFound:
        return _gone()
    return pages.render(request, "documents/passages.html", id=document_id, found=found)


@router.get("/documents/{document_id}/questions")
async def document_questions(request: Request, document_id: UUID, principal: Manager, pages: Templates) -> HTMLResponse:
    """The latest questions whose answers cite the document."""
    answers: Answers = request.state.answers
    found = await answers.records.citing(principal.space_id, document_id, limit=_ASKED)
    return pages.render(request, "documents/questions.html", answers=found)
