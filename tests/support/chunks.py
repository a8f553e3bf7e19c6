"""Searchable chunks straight in the tables, where a test is about finding them and not about how they came there."""

from collections.abc import Sequence
from uuid import UUID

from protostar.db.session import Database
from protostar.db.vectors import SparseVector
from protostar.ids import new_id
from protostar.knowledge.embeddings import text_hash
from protostar.knowledge.repository import CHUNKS_TERM, KnowledgeRepository, StagedChunk
from protostar.knowledge.tokens import space_terms, terms, weights

_DOCUMENT = "insert into documents (id, space_id, title, filename, current_version) values ($1, $2, 'Title', 'f.md', $3)"
_VERSION = """
    insert into document_versions (document_id, version, status, filename, media_type, object_key, size, sha256, job_id)
    values ($1, $2, 'ready', 'f.md', 'text/markdown', 'key', 1, 'sha', $1)"""
_COUNT = """
    insert into term_frequencies (space_id, term, count) select $1, term, 1 from unnest($2::int[]) term
    on conflict (space_id, term) do update set count = term_frequencies.count + 1"""


async def store(database: Database, space_id: UUID, texts: Sequence[str], *, current: bool = True) -> UUID:
    """A document whose version 1 has these chunks; its id. Staged where it is not `current`: then nothing counts them."""
    id_ = new_id()
    async with database.driver() as connection:
        await connection.execute(_DOCUMENT, id_, space_id, int(current))
        await connection.execute(_VERSION, id_, 1)
        for text in texts if current else ():
            await connection.execute(_COUNT, space_id, [CHUNKS_TERM, *weights(terms(text))])
    async with database.transaction() as session:
        await KnowledgeRepository(session).stage(space_id, id_, 1, [_staged(space_id, at, text) for at, text in enumerate(texts)])
    return id_


def _staged(space_id: UUID, ordinal: int, text: str) -> StagedChunk:
    by_term = weights(terms(text))
    ids = sorted(by_term)
    vector = SparseVector(ids, [by_term[id_] for id_ in ids])
    return StagedChunk(ordinal, 0, len(text), None, [], text, text_hash(text), vector, space_terms(space_id, ids))
