"""`/v1/documents/{id}/chunks`: the passages that a document was cut into. `/v1/reindex`: what they are found by, built anew."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request
from pydantic import BaseModel

from protostar.db.session import Database
from protostar.dependencies import Limit, Manager
from protostar.documents.service import Documents
from protostar.jobs.service import Jobs
from protostar.knowledge import kinds
from protostar.knowledge.repository import KnowledgeRepository

router = APIRouter(prefix="/v1")


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


class Reindexing(BaseModel):
    """`job_id`: null where the space is being reindexed already."""

    job_id: UUID | None


async def _parts(request: Request) -> tuple[Documents, Database]:
    return request.state.documents, request.state.database


@router.get("/documents/{document_id}/chunks", tags=["documents"])
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


async def _jobs(request: Request) -> tuple[Jobs, Database]:
    return request.state.resources.jobs, request.state.database


@router.post("/reindex", tags=["spaces"], status_code=202)
async def reindex(principal: Manager, parts: Annotated[tuple[Jobs, Database], Depends(_jobs)]) -> Reindexing:
    """Builds the vectors of the configured embedding model, and terms by the present rule, beside those that answer; then switches.

    For use after a change of the model or its dimensions, or where `protostar doctor` asks for it.
    """
    jobs, database = parts
    async with database.transaction() as session:
        return Reindexing(job_id=await jobs.enqueue(session, kinds.reindex(principal.space_id)))
