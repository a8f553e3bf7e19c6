"""The SQL of both legs. All that a search reads is in PostgreSQL: BM25 weights frozen in a sparsevec, vectors in a halfvec.

The statements go straight to asyncpg: on this path SQLAlchemy's execution took more time than PostgreSQL's.
"""

from collections.abc import Iterable, Sequence
from typing import Any, Final
from uuid import UUID

from protostar.db.vectors import SparseVector
from protostar.knowledge import breaks
from protostar.knowledge.tokens import space_terms
from protostar.retrieval.model import Candidate, ChunkId, Passage, SpaceVectors

# Spaces of fewer chunks are scored whole: under two microseconds a chunk.
EXACT_BELOW: Final = 1_000
# In larger ones the question's rarer terms choose what is scored: this many chunks, more as the space grows. Against the exact
# ranking: recall@10 1.0 and recall@100 .995 at 6,600 chunks (see docs/performance.md).
CANDIDATES: Final = 1_500
CANDIDATES_SHARE: Final = 0.1
CANDIDATES_ENOUGH: Final = 10_000
CANDIDATES_SHARE_ABOVE: Final = 0.03

# Enough among 100,000 chunks, and the most that pgvector allows (see docs/performance.md).
_EF_SEARCH: Final = 400
_MOST_EF_SEARCH: Final = 1_000

# One row for each of the terms that the space has, and one where it has none.
_KNOWN = """
    select spaces.embedding_model_id, spaces.vector_index_model_id, known.term, known.chunks
    from spaces left join (
        select term, sum(count) as chunks from (
            select term, count from term_frequencies where space_id = $1 and term = any($2)
            union all
            select each.term, each.count * delta.sign
            from (select * from term_deltas where space_id = $1 order by id desc limit 64) delta,
                unnest(delta.terms, delta.counts) as each(term, count) where each.term = any($2)) counts
        group by term) known on true
    where spaces.id = $1"""

_CURRENT = "d.id = c.document_id and d.current_version = c.version and d.deleted_at is null"

# $1 the question, $2 rare terms or null. The space stands in the text of these statements: prepared for any space they were planned
# for an average one, and read whole tables. Documents are joined when few chunks are left: looking each up takes as long as
# scoring it. What is staged or waits for its purge shows then; where that is too much, {current} looks first.
_KEYWORD_LEG = """
    select c.document_id, c.version, c.ordinal, c.text_hash, c.weights <#> $1 as distance from chunks c
    where {narrow} {current} order by distance limit {limit}"""
# «is true» keeps the planner off the index on space_id, which finds far more in a large space than the terms do.
_NARROW = "c.terms && $2::int[] and (c.space_id = :space) is true"
_WIDE = "c.space_id = :space and $2::int[] is null"
_NEVER = "c.space_id = :space and $2::int[] is null and false"
_CURRENT_CHUNK = f"and exists (select from documents d where {_CURRENT})"

# $3 the question's vector. «+ 0» keeps the planner off an HNSW index that it would filter.
_VECTOR_LEG = """
    select e.text_hash, (e.vector <=> $3) + 0 as distance from embeddings e
    where e.space_id = :space and e.model_id = :model {current} order by distance limit {limit}"""
# By the index that the space has of its own (see knowledge.vector_index).
_INDEXED_LEG = _VECTOR_LEG.replace("(e.vector <=> $3) + 0", "e.vector::halfvec(:dimensions) <=> $3::halfvec(:dimensions)")
_CURRENT_TEXT = f"""and exists (
    select from chunks c join documents d on {_CURRENT} where c.space_id = :space and c.text_hash = e.text_hash)"""

# Texts are looked up as an array and vectors one by one, and not joined: of a space that PostgreSQL's statistics do not know yet it
# expects one row, and went through the whole space for each of the nearest texts.
_BOTH_LEGS = f"""
    with hits as materialized ({{keyword_leg}}), nearest as materialized ({{vector_leg}}), found as (
        select document_id, version, ordinal, text_hash, distance from hits
        union
        select c.document_id, c.version, c.ordinal, c.text_hash, c.weights <#> $1 from chunks c
        where c.space_id = :space and c.text_hash = any(array(select text_hash from nearest)))
    select c.document_id, c.version, c.ordinal, -c.distance as keyword, 1 - coalesce(near.distance, (
            select e.vector <=> $3 from embeddings e
            where e.space_id = :space and e.model_id = :model and e.text_hash = c.text_hash)) as vector,
        d.id is not null as current
    from found c left join nearest near using (text_hash) left join documents d on {_CURRENT}"""

_PASSAGE = """c.document_id, c.version, c.ordinal, d.title, c.heading_path, c.heading_breaks, c.page, c.page_breaks, c.char_start,
    c.char_end, c.text"""
_KEYWORD_PASSAGES = f"""
    with hits as materialized ({{keyword_leg}})
    select {_PASSAGE}, -hits.distance as keyword
    from hits join chunks c using (document_id, version, ordinal) left join documents d on {_CURRENT} order by hits.distance"""
_PASSAGES = f"""
    select {_PASSAGE}, 0.0::float8 as keyword
    from unnest($1::uuid[], $2::int[], $3::int[]) as wanted(document_id, version, ordinal)
    join chunks c using (document_id, version, ordinal) join documents d on d.id = c.document_id"""


def ef_search(chunks: int) -> int:
    """How many neighbours a search of an HNSW index of so many chunks keeps at hand: larger ones miss more by the same effort."""
    return min(_MOST_EF_SEARCH, max(_EF_SEARCH, chunks // 1_000))


class RetrievalRepository:
    def __init__(self, connection: Any) -> None:
        """`connection`: of asyncpg, that knows pgvector's types."""
        self._connection = connection

    async def known(self, space_id: UUID, terms: Iterable[int]) -> tuple[dict[int, int], SpaceVectors]:
        """In how many searchable chunks each of the terms stands, and the space's vectors.

        Beside terms, what is counted as they are (see `tokens`). What is not folded in yet counts.
        """
        rows = await self._connection.fetch(_KNOWN, space_id, list(terms))
        model_id, index_id = rows[0][:2] if rows else (None, None)
        frequencies = {term: int(chunks) for _model, _index, term, chunks in rows if chunks is not None and chunks > 0}
        return frequencies, SpaceVectors(model_id, indexed=model_id is not None and index_id == model_id)

    async def keyword_passages(
        self, space_id: UUID, question: SparseVector, *, rare: Sequence[int] | None, limit: int
    ) -> list[Passage]:
        """The keyword leg alone, with the texts at once: `limit` passages if there are as many, and what else was read beside them.

        `rare`: the terms of which a chunk needs one; None: any chunk.
        """
        spare = 2 * limit
        for current in ("", _CURRENT_CHUNK):
            leg = _KEYWORD_LEG.format(narrow=_narrow(rare), current=current, limit=spare)
            sql = _KEYWORD_PASSAGES.format(keyword_leg=leg).replace(":space", f"'{space_id}'")
            rows = await self._connection.fetch(sql, question, _hashes(space_id, rare))
            found = [_passage(row) for row in rows if row["title"] is not None]
            if len(found) >= limit or len(rows) < spare:
                break
        return found

    async def candidates(
        self,
        space_id: UUID,
        question: SparseVector,
        vector: tuple[int, Sequence[float]],
        *,
        rare: Sequence[int] | None,
        depth: int,
        keyword_leg: bool,
        effort: int | None,
    ) -> list[Candidate]:
        """Both legs' best `depth` chunks or a few less, each scored by both. `vector`: the model's id and the question's vector;
        `effort`: `hnsw.ef_search` for the index that the space has of its own, None where it has none.
        """
        narrow = _narrow(rare) if keyword_leg else _NEVER
        model, values = vector
        if effort is not None:
            # Before each such search: whatever the one before has left does not matter. `set local` would need a transaction, which
            # takes two more trips, and stays open where the search is cancelled at the wrong moment.
            await self._connection.execute(f"set hnsw.ef_search = {effort}")
        for chunk, embedding in (("", ""), (_CURRENT_CHUNK, _CURRENT_TEXT)):
            keyword = _KEYWORD_LEG.format(narrow=narrow, current=chunk, limit=depth)
            # What looks first would make the index return too few.
            nearest = (_INDEXED_LEG if effort is not None and not embedding else _VECTOR_LEG).format(current=embedding, limit=depth)
            sql = _BOTH_LEGS.format(keyword_leg=keyword, vector_leg=nearest)
            sql = sql.replace(":space", f"'{space_id}'").replace(":model", str(model)).replace(":dimensions", str(len(values)))
            rows = await self._connection.fetch(sql, question, _hashes(space_id, rare), values)
            found = [Candidate(ChunkId(row[0], row[1], row[2]), row[3], row[4]) for row in rows if row[5]]
            if len(rows) - len(found) < depth / 4:
                break
        return found

    async def passages(self, ids: Sequence[ChunkId]) -> dict[ChunkId, Passage]:
        columns = [id_.document_id for id_ in ids], [id_.version for id_ in ids], [id_.ordinal for id_ in ids]
        found = [_passage(row) for row in await self._connection.fetch(_PASSAGES, *columns)]
        return {passage.chunk_id: passage for passage in found}


def _narrow(rare: Sequence[int] | None) -> str:
    return _NARROW if rare is not None else _WIDE


def _hashes(space_id: UUID, rare: Sequence[int] | None) -> list[int] | None:
    return space_terms(space_id, rare) if rare is not None else None


def _passage(row: Any) -> Passage:
    document_id, version, ordinal, title, path, heading_breaks, page, page_breaks, start, end, text, keyword = row
    headings = breaks.headings_of_stored(heading_breaks)
    pages = breaks.pages_of_stored(start, page, page_breaks)
    id_ = ChunkId(document_id, version, ordinal)
    return Passage(id_, title, tuple(path), headings, pages, start, end, text, keyword=keyword)
