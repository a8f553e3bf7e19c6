"""The SQL of both legs. All that a search reads is in PostgreSQL: BM25 weights frozen in a sparsevec, vectors in a halfvec.

The statements go straight to asyncpg: on this path SQLAlchemy's execution took more time than PostgreSQL's.
"""

from collections.abc import Iterable, Sequence
from typing import Any, Final
from uuid import UUID

from protostar.db.vectors import SparseVector
from protostar.knowledge.tokens import space_terms
from protostar.retrieval.model import Candidate, ChunkId, Passage

# Chunks that the keyword leg scores without looking at the index: about a microsecond each.
EXACT_BELOW: Final = 5_000
# Above it the rarer terms of a question narrow the space: measured recall .9995 at 100,000 chunks, 1.0 at a million.
CANDIDATES: Final = 10_000
CANDIDATES_SHARE: Final = 0.03

_FREQUENCIES = """
    select term, sum(count) as chunks from (
        select term, count from term_frequencies where space_id = $1 and term = any($2)
        union all
        select each.term, each.count * delta.sign
        from (select * from term_deltas where space_id = $1 order by id desc limit 64) delta,
            unnest(delta.terms, delta.counts) as each(term, count) where each.term = any($2)) known
    group by term"""

_CURRENT = "join documents d on d.id = c.document_id and d.current_version = c.version and d.deleted_at is null"

# $1 space, $2 the question, $3 how many, $4 rare terms or null
_KEYWORD_LEG = f"""
    select c.document_id, c.version, c.ordinal from chunks c {_CURRENT}
    where c.space_id = $1 {{narrow}} order by c.weights <#> $2 limit $3"""
_NARROW = "and c.terms && $4::int[]"
_WIDE = "and $4::int[] is null"
_NEVER = "and $4::int[] is null and false"

# $5 the model, $6 the question's vector. «+ 0» keeps the planner off an HNSW index: filtered by space and without iterative scan it
# returned 0.9 of 10 rows.
_VECTOR_LEG = f"""
    select c.document_id, c.version, c.ordinal from (
        select text_hash, (vector <=> $6) + 0 as distance from embeddings
        where space_id = $1 and model_id = $5 order by distance limit $3) nearest
    join chunks c on c.space_id = $1 and c.text_hash = nearest.text_hash {_CURRENT}"""

_BOTH_LEGS = """
    with found as ({legs})
    select c.document_id, c.version, c.ordinal, -(c.weights <#> $2) as keyword,
        (select 1 - (e.vector <=> $6) from embeddings e
         where e.space_id = $1 and e.model_id = $5 and e.text_hash = c.text_hash) as vector
    from found join chunks c using (document_id, version, ordinal)"""

_PASSAGE = "c.document_id, c.version, c.ordinal, d.title, c.heading_path, c.page, c.char_start, c.char_end, c.text"
_KEYWORD_PASSAGES = f"""
    select {_PASSAGE}, -(c.weights <#> $2) as keyword from chunks c {_CURRENT}
    where c.space_id = $1 {{narrow}} order by c.weights <#> $2 limit $3"""
_PASSAGES = f"""
    select {_PASSAGE}, 0.0::float8 as keyword
    from unnest($1::uuid[], $2::int[], $3::int[]) as wanted(document_id, version, ordinal)
    join chunks c using (document_id, version, ordinal) join documents d on d.id = c.document_id"""


class RetrievalRepository:
    def __init__(self, connection: Any) -> None:
        """`connection`: of asyncpg, that knows pgvector's types."""
        self._connection = connection

    async def frequencies(self, space_id: UUID, terms: Iterable[int]) -> dict[int, int]:
        """In how many searchable chunks each of the terms stands; term 0 counts all chunks. What is not folded in yet counts."""
        rows = await self._connection.fetch(_FREQUENCIES, space_id, list(terms))
        return {term: int(chunks) for term, chunks in rows if chunks > 0}

    async def keyword_passages(
        self, space_id: UUID, question: SparseVector, *, rare: Sequence[int] | None, limit: int
    ) -> list[Passage]:
        """The keyword leg alone, with the texts at once. `rare`: the terms of which a chunk needs one; None: any chunk."""
        sql = _KEYWORD_PASSAGES.format(narrow=_narrow(rare))
        return [_passage(row) for row in await self._connection.fetch(sql, space_id, question, limit, _hashes(space_id, rare))]

    async def candidates(
        self,
        space_id: UUID,
        question: SparseVector,
        vector: tuple[int, Sequence[float]],
        *,
        rare: Sequence[int] | None,
        depth: int,
        keyword_leg: bool,
    ) -> list[Candidate]:
        """Both legs' best `depth` chunks, each scored by both. `vector`: the model's id and the question's vector."""
        narrow = _narrow(rare) if keyword_leg else _NEVER
        sql = _BOTH_LEGS.format(legs=f"({_KEYWORD_LEG.format(narrow=narrow)}) union ({_VECTOR_LEG})")
        rows = await self._connection.fetch(sql, space_id, question, depth, _hashes(space_id, rare), *vector)
        return [Candidate(ChunkId(row[0], row[1], row[2]), row[3], row[4]) for row in rows]

    async def passages(self, ids: Sequence[ChunkId]) -> dict[ChunkId, Passage]:
        columns = [id_.document_id for id_ in ids], [id_.version for id_ in ids], [id_.ordinal for id_ in ids]
        found = [_passage(row) for row in await self._connection.fetch(_PASSAGES, *columns)]
        return {passage.chunk_id: passage for passage in found}


def _narrow(rare: Sequence[int] | None) -> str:
    return _NARROW if rare is not None else _WIDE


def _hashes(space_id: UUID, rare: Sequence[int] | None) -> list[int] | None:
    return space_terms(space_id, rare) if rare is not None else None


def _passage(row: Any) -> Passage:
    document_id, version, ordinal, title, heading_path, page, start, end, text, keyword = row
    return Passage(ChunkId(document_id, version, ordinal), title, tuple(heading_path), page, start, end, text, keyword=keyword)
