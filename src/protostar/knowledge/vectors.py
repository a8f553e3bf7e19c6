"""Statements about vectors that stand alone: each is a transaction of its own, straight on asyncpg."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from protostar.db.session import Database

_MODEL: Final = "select id from embedding_models where name = $1 and dimensions = $2"
_ADD_MODEL: Final = "insert into embedding_models (name, dimensions) values ($1, $2) on conflict do nothing"

_MISSING: Final = """
    from chunks c where c.document_id = $1 and c.version = $2 and not exists (
        select from embeddings e where e.space_id = c.space_id and e.model_id = $3 and e.text_hash = c.text_hash)"""
_COUNT: Final = f"select count(distinct c.text_hash) {_MISSING}"
_NEXT: Final = f"""
    select text_hash, heading_path, text from (
        select distinct on (c.text_hash) c.text_hash, c.heading_path, c.text, c.ordinal {_MISSING}
        order by c.text_hash, c.ordinal) each_once
    order by ordinal limit $4"""
_ADD: Final = "insert into embeddings (space_id, model_id, text_hash, vector) values ($1, $2, $3, $4) on conflict do nothing"


@dataclass(frozen=True, slots=True)
class Missing:
    """A text that has no vector yet."""

    text_hash: UUID
    heading_path: list[str]
    text: str


class Vectors:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def model_id(self, name: str, dimensions: int) -> int:
        async with self._database.driver() as connection:
            await connection.execute(_ADD_MODEL, name, dimensions)
            return await connection.fetchval(_MODEL, name, dimensions)

    async def count_missing(self, document_id: UUID, version: int, model_id: int) -> int:
        """Different texts of the version that have no vector of this model yet."""
        async with self._database.driver() as connection:
            return await connection.fetchval(_COUNT, document_id, version, model_id)

    async def next_missing(self, document_id: UUID, version: int, model_id: int, limit: int) -> list[Missing]:
        """Each text once, in the document's order."""
        async with self._database.driver() as connection:
            return [Missing(*row) for row in await connection.fetch(_NEXT, document_id, version, model_id, limit)]

    async def add(self, space_id: UUID, model_id: int, vectors: Iterable[tuple[UUID, Sequence[float]]]) -> None:
        """All of them or none; those that another job has stored meanwhile are left as they are."""
        async with self._database.driver() as connection:
            await connection.executemany(_ADD, [(space_id, model_id, hash_, vector) for hash_, vector in vectors])
