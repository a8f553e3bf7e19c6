"""`/v1/documents/{id}/chunks`: the passages that a document was cut into, `/v1/reindex`: what they are found by, built anew.

`/v1/documents/{id}/pages`: the pages of a PDF, and where a passage stands on them.
"""

from typing import Annotated
from uuid import UUID

from fastapi import Path, Query, Response

from protostar.db.session import Database
from protostar.dependencies import IfNoneMatch, Limit, Manager, opened
from protostar.documents.download import tagged, unchanged
from protostar.documents.service import Documents
from protostar.jobs.service import Jobs
from protostar.knowledge import kinds
from protostar.knowledge.pages import LONGEST_PASSAGE, PageImages, pdf_of
from protostar.knowledge.schemas import Box, ChunkPage, Highlight, PageSize, PdfPages, Reindexing
from protostar.knowledge.service import passages
from protostar.openapi import BINARY, NOT_MODIFIED
from protostar.routing import Router

router = Router(prefix="/v1")

Service = Annotated[Documents, opened("documents")]
Stored = Annotated[Database, opened("database")]
Images = Annotated[PageImages, opened("page_images")]
Version = Annotated[int | None, Query(ge=1, le=2**31 - 1, description="unset: the one that answers questions")]
Offset = Annotated[int, Query(ge=0, le=2**31 - 1)]


@router.get("/documents/{document_id}/chunks", tags=["documents"])
async def list_document_chunks(
    document_id: UUID,
    principal: Manager,
    documents: Service,
    database: Stored,
    cursor: Annotated[str, Query(pattern="^[0-9]{0,9}$", description="`next_cursor` of the page before")] = "",
    limit: Limit = 50,
) -> ChunkPage:
    """In the document's order, of the version that answers questions; none while there is none yet."""
    return await passages(documents, database, principal.space_id, document_id, first=int(cursor or 0), limit=limit)


@router.get("/documents/{document_id}/pages", tags=["documents"])
async def list_document_pages(
    document_id: UUID,
    principal: Manager,
    documents: Service,
    images: Images,
    version: Version = None,
    start: Annotated[Offset, Query(description="where a passage begins in the version's text, as a citation tells")] = 0,
    end: Annotated[Offset, Query(description=f"where it ends; {LONGEST_PASSAGE:,} further at most")] = 0,
) -> PdfPages:
    """The pages of a PDF, and where the passage stands on them."""
    row = await documents.holdings.version(principal.space_id, document_id, version)
    found = await images.pages(row, start, end)
    return PdfPages(
        version=row.version,
        page_count=found.page_count,
        pages=[PageSize(width=width, height=height) for width, height in found.sizes],
        highlights=[
            Highlight(page=page, boxes=[Box(left=left, top=top, right=right, bottom=bottom) for left, top, right, bottom in boxes])
            for page, boxes in found.boxes
        ],
    )


@router.get(
    "/documents/{document_id}/pages/{page}",
    tags=["documents"],
    response_class=Response,
    responses={200: {"content": {"image/webp": {"schema": BINARY}}}, 304: NOT_MODIFIED},
)
async def get_document_page(
    document_id: UUID,
    page: Annotated[int, Path(ge=1, le=2**31 - 1)],
    principal: Manager,
    documents: Service,
    images: Images,
    version: Version = None,
    width: Annotated[int, Query(ge=100, le=2000, description="pixels; of a very long page the image is narrower")] = 1000,
    if_none_match: IfNoneMatch = None,
) -> Response:
    """A page of a PDF as an image. It never changes."""
    row = await documents.holdings.version(principal.space_id, document_id, version)
    etag = f"{pdf_of(row).stored.sha256}-{page}-{width}"
    if (response := unchanged(etag, if_none_match)) is not None:
        return response
    return Response(await images.draw(row, page, width), headers=tagged(etag), media_type="image/webp")


@router.post("/reindex", tags=["spaces"], status_code=202)
async def reindex(principal: Manager, jobs: Annotated[Jobs, opened("jobs")], database: Stored) -> Reindexing:
    """Builds the vectors of the configured embedding model, and terms by the present rule, beside those that answer; then switches.

    For use after a change of the model or its dimensions, or where `protostar doctor` asks for it.
    """
    async with database.transaction() as session:
        return Reindexing(job_id=await jobs.enqueue(session, kinds.reindex(principal.space_id)))
