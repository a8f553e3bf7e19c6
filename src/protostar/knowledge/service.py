"""What became of a document's text, as its owner reads it: its passages, and whether its summary is still to come."""

from uuid import UUID

from protostar.db.session import Database
from protostar.documents.service import Documents
from protostar.jobs.repository import JobRepository
from protostar.knowledge import breaks
from protostar.knowledge.kinds import summarize
from protostar.knowledge.repository import KnowledgeRepository
from protostar.knowledge.schemas import Chunk, ChunkPage


async def passages(
    documents: Documents, database: Database, space_id: UUID, document_id: UUID, *, first: int, limit: int
) -> ChunkPage:
    """Of the version that answers questions, in the document's order from the `first` on. Raises NotFound."""
    version = await documents.holdings.version(space_id, document_id, None)
    if version.status != "ready":  # what there is may be half of it
        return ChunkPage(version=version.version, items=[], next_cursor=None)
    async with database.transaction() as session:
        rows = await KnowledgeRepository(session).chunks(document_id, version.version, after=first - 1, limit=limit + 1)
    items = [
        Chunk(
            ordinal=row.ordinal,
            start=row.char_start,
            end=row.char_end,
            page=breaks.value_of(breaks.pages_of_stored(row.char_start, row.page, row.page_breaks), row.char_start, row.char_end),
            heading_path=row.heading_path,
            text=row.text,
        )
        for row in rows[:limit]
    ]
    return ChunkPage(version=version.version, items=items, next_cursor=str(items[-1].ordinal + 1) if len(rows) > limit else None)


async def is_being_summarized(database: Database, space_id: UUID, document_id: UUID, version: int) -> bool:
    """Whether a job is to write the summary of this version. Asked before the summary is looked for: they end at once."""
    async with database.transaction() as session:
        return await JobRepository(session).is_under_way(summarize(space_id, document_id, version))
