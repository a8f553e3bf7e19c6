"""`/v1/documents/{id}/chunks`: the passages that a document was cut into."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request
from pydantic import BaseModel

from protostar.db.session import Database
from protostar.dependencies import Limit, Manager
from protostar.documents.service import Documents
from protostar.knowledge.repository import KnowledgeRepository

router = APIRouter(prefix="/v1/documents", tags=["documents"])


class Chunk(BaseModel):
    """`text` is the stored text's `[start:end]`, in code points."""

    ordinal: int
    start: int
    end: int
    page: int | None
    heading_path: list[str]
    text: str


class ChunkPage(BaseModel):
    version: int
    items: list[Chunk]
    next_cursor: str | None


def _parts(request: Request) -> tuple[Documents, Database]:
    return request.state.documents, request.state.database


@router.get("/{document_id}/chunks")
async def list_chunks(
    document_id: UUID,
    principal: Manager,
    parts: Annotated[tuple[Documents, Database], Depends(_parts)],
    cursor: Annotated[int, Query(ge=0, le=2**31 - 1, description="`next_cursor` of the page before")] = 0,
    limit: Limit = 50,
) -> ChunkPage:
    """In the document's order, of the version that answers questions; none while there is none yet."""
    documents, database = parts
    version = await documents.version(principal.space_id, document_id, None)
    if version.status != "ready":  # what there is may be half of it
        return ChunkPage(version=version.version, items=[], next_cursor=None)
    async with database.transaction() as session:
        rows = await KnowledgeRepository(session).chunks(document_id, version.version, after=cursor - 1, limit=limit + 1)
    items = [
        Chunk(
            ordinal=row.ordinal, start=row.char_start, end=row.char_end, page=row.page, heading_path=row.heading_path, text=row.text
        )
        for row in rows[:limit]
    ]
    return ChunkPage(version=version.version, items=items, next_cursor=str(items[-1].ordinal + 1) if len(rows) > limit else None)
