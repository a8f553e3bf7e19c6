"""Searchable chunks straight in the tables, where a test is about finding them and not about how they came there."""

from collections.abc import Sequence
from uuid import UUID

from protostar.db.session import Database
from protostar.ids import new_id
from protostar.knowledge.chunking import Chunk
from protostar.knowledge.repository import KnowledgeRepository
from protostar.knowledge.rows import Owner, Rows, text_hash
from protostar.knowledge.tokens import CHUNKS, counted, terms, weights

_DOCUMENT = "insert into documents (id, space_id, title, filename, current_version) values ($1, $2, 'Title', 'f.md', $3)"
_VERSION = """
    insert into document_versions (document_id, version, status, filename, media_type, object_key, size, sha256, job_id)
    values ($1, $2, 'ready', 'f.md', 'text/markdown', 'key', 1, 'sha', $1)"""
_COUNT = """
    insert into term_frequencies (space_id, term, count) select $1, term, 1 from unnest($2::int[]) term
    on conflict (space_id, term) do update set count = term_frequencies.count + 1"""


async def store(
    database: Database, space_id: UUID, texts: Sequence[str], *, current: bool = True, heading_path: tuple[str, ...] = ()
) -> UUID:
    """A document whose version 1 has these chunks; its id. Staged where it is not `current`: then nothing counts them."""
    id_ = new_id()
    async with database.driver() as connection:
        await connection.execute(_DOCUMENT, id_, space_id, int(current))
        await connection.execute(_VERSION, id_, 1)
        for text in texts if current else ():
            await connection.execute(_COUNT, space_id, [CHUNKS, *counted(terms(text), weights(terms(text)))])
    rows = Rows(Owner(space_id, id_, 1))
    staged = [
        rows.row(Chunk(0, len(text), heading_path=heading_path), text, text_hash(text), weights(terms(text))) for text in texts
    ]
    async with database.transaction() as session:
        await KnowledgeRepository(session).stage(b"".join(staged))
    return id_
