"""Statements about vectors that stand alone: each is a transaction of its own, straight on asyncpg."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from protostar.db.session import Database
from protostar.db.vectors import encode_halfvec
from protostar.llm.fluency import Fluency

_MODEL: Final = "select id from embedding_models where name = $1 and dimensions = $2"
_ADD_MODEL: Final = "insert into embedding_models (name, dimensions) values ($1, $2) on conflict do nothing"
_FLUENCY: Final = """
    select korean as ko, english as en from embedding_models
    where name = $1 and dimensions = coalesce($2, dimensions) and korean is not null order by id desc limit 1"""
_EXAMINED: Final = "update embedding_models set korean = $2, english = $3 where id = $1"

_MISSING: Final = """
    from chunks c where c.document_id = $1 and c.version = $2 and not exists (
        select from embeddings e where e.space_id = c.space_id and e.model_id = $3 and e.text_hash = c.text_hash)"""
_COUNT: Final = f"select count(distinct c.text_hash) {_MISSING}"
_NEXT: Final = f"""
    select text_hash, heading_path, text from (
        select distinct on (c.text_hash) c.text_hash, c.heading_path, c.text, c.ordinal {_MISSING}
        order by c.text_hash, c.ordinal) each_once
    order by ordinal limit $4"""
_MISSING_IN_SPACE: Final = """
    from chunks c join documents d on d.id = c.document_id and d.current_version = c.version and d.deleted_at is null
    where c.space_id = $1 and not exists (
        select from embeddings e where e.space_id = c.space_id and e.model_id = $2 and e.text_hash = c.text_hash)"""
_COUNT_IN_SPACE: Final = f"select count(distinct c.text_hash) {_MISSING_IN_SPACE}"
_NEXT_IN_SPACE: Final = f"""
    select distinct on (c.text_hash) c.text_hash, c.heading_path, c.text {_MISSING_IN_SPACE} and c.text_hash > $3
    order by c.text_hash limit $4"""
# The first vectors of a space say what it is searched by; so do those of another model where the ones before are gone.
_ADOPT: Final = """
    update spaces s set embedding_model_id = $2 where s.id = $1 and s.embedding_model_id is distinct from $2 and not exists (
        select from embeddings e where e.space_id = s.id and e.model_id = s.embedding_model_id)"""
_PURGE: Final = """
    delete from embeddings where (space_id, model_id, text_hash) in (
        select e.space_id, e.model_id, e.text_hash from embeddings e join spaces s on s.id = e.space_id
        where e.space_id = $1 and e.model_id = $2 and s.embedding_model_id <> $2 limit 1000)"""
_DIMENSIONS: Final = "select dimensions from embedding_models where id = $1"
_UNKNOWN: Final = """
    select hash from unnest($3::uuid[]) hash where not exists (
        select from embeddings e where e.space_id = $1 and e.model_id = $2 and e.text_hash = hash)"""
# In the order of the hashes: two jobs with texts in common could otherwise wait for one another.
_ADD: Final = """
    insert into embeddings (space_id, model_id, text_hash, vector)
    select $1, $2, hash, vector from unnest($3::uuid[], $4::halfvec[]) each_one(hash, vector) order by hash
    on conflict do nothing"""

_INDEX_IS_VALID: Final = "select i.indisvalid from pg_class c join pg_index i on i.indexrelid = c.oid where c.relname = $1"
_HOURS: Final = 24 * 3600.0  # seconds that an index may take


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
            id_ = await connection.fetchval(_MODEL, name, dimensions)
            if id_ is None:  # each attempt to add one spends an id, of which there are 32,767
                await connection.execute(_ADD_MODEL, name, dimensions)
                id_ = await connection.fetchval(_MODEL, name, dimensions)
            return id_

    async def fluency(self, name: str, dimensions: int | None) -> Fluency | None:
        """None until the model was examined. `dimensions`: None for whatever they are."""
        async with self._database.driver() as connection:
            row = await connection.fetchrow(_FLUENCY, name, dimensions)
            return dict(row) if row is not None else None

    async def examined(self, model_id: int, fluency: Fluency) -> None:
        async with self._database.driver() as connection:
            await connection.execute(_EXAMINED, model_id, fluency["ko"], fluency["en"])

    async def count_missing(self, document_id: UUID, version: int, model_id: int) -> int:
        """Different texts of the version that have no vector of this model yet."""
        async with self._database.driver() as connection:
            return await connection.fetchval(_COUNT, document_id, version, model_id)

    async def next_missing(self, document_id: UUID, version: int, model_id: int, limit: int) -> list[Missing]:
        """Each text once, in the document's order."""
        async with self._database.driver() as connection:
            return [Missing(*row) for row in await connection.fetch(_NEXT, document_id, version, model_id, limit)]

    async def adopt(self, space_id: UUID, model_id: int) -> None:
        """Let the space be searched by this model's vectors, unless it has another's."""
        async with self._database.driver() as connection:
            await connection.execute(_ADOPT, space_id, model_id)

    async def count_missing_in_space(self, space_id: UUID, model_id: int) -> int:
        """Different texts that answer questions and have no vector of this model yet."""
        async with self._database.driver() as connection:
            return await connection.fetchval(_COUNT_IN_SPACE, space_id, model_id)

    async def next_missing_in_space(self, space_id: UUID, model_id: int, after: UUID, limit: int) -> list[Missing]:
        """Each text once, in the order of their hashes, from `after` on."""
        async with self._database.driver() as connection:
            return [Missing(*row) for row in await connection.fetch(_NEXT_IN_SPACE, space_id, model_id, after, limit)]

    async def purge(self, space_id: UUID, model_id: int) -> int:
        """Delete up to 1,000 vectors of a model that the space is not searched by; how many."""
        async with self._database.driver() as connection:
            return int((await connection.execute(_PURGE, space_id, model_id)).split()[-1])

    async def dimensions(self, model_id: int) -> int:
        async with self._database.driver() as connection:
            return await connection.fetchval(_DIMENSIONS, model_id)

    async def unknown(self, space_id: UUID, model_id: int, hashes: Iterable[UUID]) -> set[UUID]:
        """Those of the hashes that have no vector of this model yet."""
        async with self._database.driver() as connection:
            return {row[0] for row in await connection.fetch(_UNKNOWN, space_id, model_id, list(hashes))}

    async def add(self, space_id: UUID, model_id: int, vectors: Iterable[tuple[UUID, Sequence[float]]]) -> None:
        """All of them or none; those that another job has stored meanwhile are left as they are."""
        async with self._database.driver() as connection:
            pairs = [(hash_, encode_halfvec(vector)) for hash_, vector in vectors]
            hashes, encoded = [hash_ for hash_, _vector in pairs], [vector for _hash, vector in pairs]
            await connection.execute(_ADD, space_id, model_id, hashes, encoded)

    async def index(self, space_id: UUID, model_id: int) -> None:
        """Build the HNSW index of the space's vectors of this model, unless it is there."""
        dimensions, name = await self.dimensions(model_id), _index_name(space_id, model_id)
        async with self._database.driver() as connection:
            is_valid = await connection.fetchval(_INDEX_IS_VALID, name)
            if is_valid:
                return
            if is_valid is not None:  # what is left of a build that was killed
                await connection.execute(f"drop index concurrently if exists {name}", timeout=_HOURS)
            await connection.execute("set maintenance_work_mem = '1GB'")
            try:
                await connection.execute(
                    f"create index concurrently {name} on embeddings"
                    f" using hnsw ((vector::halfvec({dimensions})) halfvec_cosine_ops) with (m = 24, ef_construction = 64)"
                    f" where space_id = '{space_id}' and model_id = {model_id}",
                    timeout=_HOURS,
                )
            finally:
                await connection.execute("reset maintenance_work_mem")

    async def drop_index(self, space_id: UUID, model_id: int) -> None:
        async with self._database.driver() as connection:
            await connection.execute(f"drop index concurrently if exists {_index_name(space_id, model_id)}", timeout=_HOURS)


def _index_name(space_id: UUID, model_id: int) -> str:
    return f"hnsw_{space_id.hex}_{model_id}"
