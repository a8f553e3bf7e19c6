"""The SQL of both legs. All that a search reads is in PostgreSQL: BM25 weights frozen in a sparsevec, vectors in a halfvec."""

from collections.abc import Iterable, Sequence
from typing import Any, Final
from uuid import UUID

from sqlalchemy import bindparam, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.types import Integer, Uuid

from protostar.db.vectors import HalfVec, SparseVec, SparseVector
from protostar.knowledge.tokens import space_term
from protostar.retrieval.model import Candidate, ChunkId, Passage

# Chunks that the keyword leg scores without looking at the index: about a microsecond each.
EXACT_BELOW: Final = 5_000
# Above it the rarer terms of a question narrow the space: measured recall .9995 at 100,000 chunks, 1.0 at a million.
CANDIDATES: Final = 10_000
CANDIDATES_SHARE: Final = 0.03

_FREQUENCIES = text("""
    select term, sum(count) as chunks from (
        select term, count from term_frequencies where space_id = :space_id and term = any(:terms)
        union all
        select each.term, each.count * delta.sign
        from (select * from term_deltas where space_id = :space_id order by id desc limit 64) delta,
            unnest(delta.terms, delta.counts) as each(term, count) where each.term = any(:terms)) known
    group by term""").bindparams(bindparam("terms", type_=ARRAY(Integer)))

_CURRENT = "join documents d on d.id = c.document_id and d.current_version = c.version and d.deleted_at is null"

_KEYWORD_LEG = f"""
    select c.document_id, c.version, c.ordinal from chunks c {_CURRENT}
    where c.space_id = :space_id {{narrow}} order by c.weights <#> cast(:question as sparsevec) limit :depth"""
_NARROW = "and c.terms && cast(:rare as int[])"

# «+ 0» keeps the planner off an HNSW index: filtered by space and without iterative scan it returned 0.9 of 10 rows.
_VECTOR_LEG = f"""
    select c.document_id, c.version, c.ordinal from (
        select text_hash, (vector <=> cast(:vector as halfvec)) + 0 as distance from embeddings
        where space_id = :space_id and model_id = :model_id order by distance limit :depth) nearest
    join chunks c on c.space_id = :space_id and c.text_hash = nearest.text_hash {_CURRENT}"""

_SCORED = """
    with found as ({legs})
    select c.document_id, c.version, c.ordinal, -(c.weights <#> cast(:question as sparsevec)) as keyword, {cosine} as vector
    from found join chunks c using (document_id, version, ordinal)"""
_COSINE = """(select 1 - (e.vector <=> cast(:vector as halfvec)) from embeddings e
    where e.space_id = :space_id and e.model_id = :model_id and e.text_hash = c.text_hash)"""

_PASSAGES = text("""
    select c.document_id, c.version, c.ordinal, d.title, c.heading_path, c.page, c.char_start, c.char_end, c.text
    from unnest(:documents, :versions, :ordinals) as wanted(document_id, version, ordinal)
    join chunks c using (document_id, version, ordinal) join documents d on d.id = c.document_id""").bindparams(
    bindparam("documents", type_=ARRAY(Uuid)),
    bindparam("versions", type_=ARRAY(Integer)),
    bindparam("ordinals", type_=ARRAY(Integer)),
)


class RetrievalRepository:
    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def frequencies(self, space_id: UUID, terms: Iterable[int]) -> dict[int, int]:
        """In how many searchable chunks each of the terms stands; term 0 counts all chunks. What is not folded in yet counts."""
        rows = await self._connection.execute(_FREQUENCIES, {"space_id": space_id, "terms": list(terms)})
        return {row.term: int(row.chunks) for row in rows if row.chunks > 0}

    async def candidates(
        self,
        space_id: UUID,
        question: SparseVector,
        *,
        rare: Sequence[int] | None,
        vector: tuple[int, Sequence[float]] | None,
        depth: int,
        keyword_leg: bool = True,
    ) -> list[Candidate]:
        """Both legs' best `depth` chunks, each scored by both. `rare`: the terms of which a chunk needs one; None: any chunk."""
        legs: list[str] = []
        if keyword_leg:
            legs.append(_KEYWORD_LEG.format(narrow=_NARROW if rare is not None else ""))
        if vector is not None:
            legs.append(_VECTOR_LEG)
        if not legs:
            return []
        values: dict[str, Any] = {"space_id": space_id, "question": question, "depth": depth}
        types: list[Any] = [bindparam("question", type_=SparseVec())]
        if keyword_leg and rare is not None:
            values["rare"] = [space_term(space_id, term) for term in rare]
            types.append(bindparam("rare", type_=ARRAY(Integer)))
        if vector is not None:
            values |= {"model_id": vector[0], "vector": vector[1]}
            types.append(bindparam("vector", type_=HalfVec()))
        sql = _SCORED.format(
            legs=" union ".join(f"({leg})" for leg in legs), cosine=_COSINE if vector is not None else "cast(null as float8)"
        )
        rows = await self._connection.execute(text(sql).bindparams(*types), values)
        return [Candidate(ChunkId(row.document_id, row.version, row.ordinal), row.keyword, row.vector) for row in rows]

    async def passages(self, ids: Sequence[ChunkId]) -> dict[ChunkId, Passage]:
        values = {
            "documents": [id_.document_id for id_ in ids],
            "versions": [id_.version for id_ in ids],
            "ordinals": [id_.ordinal for id_ in ids],
        }
        found: dict[ChunkId, Passage] = {}
        for row in await self._connection.execute(_PASSAGES, values):
            id_ = ChunkId(row.document_id, row.version, row.ordinal)
            found[id_] = Passage(id_, row.title, tuple(row.heading_path), row.page, row.char_start, row.char_end, row.text)
        return found
