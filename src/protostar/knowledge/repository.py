"""Statements about chunks and term frequencies."""

import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Row, bindparam, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.types import Boolean, Integer, SmallInteger, Text, Uuid

from protostar.db.session import driver_connection
from protostar.db.vectors import SparseVector
from protostar.knowledge import tokens
from protostar.knowledge.rows import COLUMNS, HEAD, TAIL

_DROP_STAGED = text("delete from chunks where document_id = :document_id and version = :version")

_SET_TERMS = text("""
    insert into version_terms (document_id, version, terms, counts, scheme)
    values (:document_id, :version, :terms, :counts, :scheme)
    on conflict (document_id, version) do update set terms = excluded.terms, counts = excluded.counts, scheme = excluded.scheme
    """).bindparams(bindparam("terms", type_=ARRAY(Integer)), bindparam("counts", type_=ARRAY(Integer)))

# A statement of its own: one that had to wait sees this row changed, but everything else as it was before.
_LOCK_DOCUMENT = text("""
    select current_version, deleted_at is not null as deleted from documents where id = :document_id for update""")
_SUPERSEDED = text("""
    update document_versions set status = 'failed', stage = null, error = 'A newer version replaced this one before it was read.'
    where document_id = :document_id and version = :version""")
# Should the document be restored, it is read from the beginning.
_UNREAD = text("""
    update document_versions set status = 'queued', stage = null, error = null
    where document_id = :document_id and version = :version""")
# An upload that came after the version makes the next one anyway.
_KEEP_TEXT = text("""
    with kept as (
        update document_versions set status = 'ready', ready_at = now(), stage = null, error = null
        where document_id = :document_id and version = :version)
    update documents set latest_version = latest_version + 1
    where id = :document_id and latest_version = :version and deleted_at is null returning latest_version""")
_ADD_FOLLOWING = text("""
    insert into document_versions (document_id, version, filename, media_type, object_key, size, sha256, job_id)
    select document_id, :version, filename, media_type, object_key, size, sha256, :job_id
    from document_versions where document_id = :document_id and version = :version - 1""")
_LACKS_VECTORS = text("""
    select exists (select from chunks c where c.document_id = :document_id and c.version = :version and not exists (
        select from embeddings e where e.space_id = c.space_id and e.model_id = :model_id and e.text_hash = c.text_hash))""")
# The version before leaves the space's frequencies as this one joins them.
_SWITCH = text("""
    with new_terms as (
        insert into version_terms (document_id, version, terms, counts, scheme)
        values (:document_id, :version, :terms, :counts, :scheme)
        on conflict (document_id, version) do update
            set terms = excluded.terms, counts = excluded.counts, scheme = excluded.scheme),
    deltas as (
        insert into term_deltas (space_id, sign, terms, counts)
        select cast(:space_id as uuid), 1, cast(:terms as int[]), cast(:counts as int[]) union all
        select :space_id, -1, terms, counts from version_terms where document_id = :document_id and version = :before),
    ready as (
        update document_versions set status = 'ready', ready_at = now(), stage = null, error = null, text_key = :text_key,
            text_size = :text_size, text_sha256 = :text_sha256, text_chars = :text_chars, encoding = :encoding,
            page_count = :page_count, unread_pages = :unread_pages, chunk_count = :chunk_count
        where document_id = :document_id and version = :version)
    update documents set current_version = :version, updated_at = now(),
        title = case when title_given then title else coalesce(:title, title) end
    where id = :document_id""").bindparams(bindparam("terms", type_=ARRAY(Integer)), bindparam("counts", type_=ARRAY(Integer)))

# Of versions that answer questions; the others are on their way out, or will follow the rule of their day until then.
_OUTDATED = text("""
    select t.document_id, t.version from documents d join version_terms t on t.document_id = d.id and t.version = d.current_version
    where d.space_id = :space_id and d.deleted_at is null and (t.scheme < :scheme or (:newer and t.scheme > :scheme))
    order by t.document_id limit 100""").bindparams(bindparam("newer", type_=Boolean))
_WITH_OLDER_TERMS = text("""
    select distinct d.space_id from version_terms t
    join documents d on d.id = t.document_id and d.current_version = t.version and d.deleted_at is null
    join spaces s on s.id = d.space_id and s.deleted_at is null
    where t.scheme < :scheme""")
_SCHEME = text("select scheme from version_terms where document_id = :document_id and version = :version")
_SET_WEIGHTS: Final = "update chunks set weights = $4, terms = $5 where document_id = $1 and version = $2 and ordinal = $3"
_USE_MODEL = text("""
    with before as (select id, embedding_model_id from spaces where id = :space_id for update)
    update spaces s set embedding_model_id = :model_id, vector_index_model_id = :index_id from before
    where s.id = before.id returning before.embedding_model_id""").bindparams(
    bindparam("model_id", type_=SmallInteger), bindparam("index_id", type_=SmallInteger)
)
_VECTORS = text(f"""
    select embedding_model_id, vector_index_model_id,
        (select count from term_frequencies where space_id = s.id and term = {tokens.CHUNKS}) as chunks
    from spaces s where id = :space_id""")
_TO_REINDEX = text("""
    select count(*) from spaces s where s.deleted_at is null and (
        s.id in (select d.space_id from version_terms t
            join documents d on d.id = t.document_id and d.current_version = t.version and d.deleted_at is null
            where t.scheme < :scheme or t.scheme > :scheme)
        or exists (select from embedding_models m where m.id = s.embedding_model_id
            and (m.name <> :name or m.dimensions <> coalesce(:dimensions, m.dimensions))))""").bindparams(
    bindparam("name", type_=Text), bindparam("dimensions", type_=Integer)
)

# Rows are folded in the order of their terms: two folders of one space could otherwise deadlock.
_FOLD = text("""
    with gone as (
        delete from term_deltas where id in (
            select id from term_deltas where space_id = :space_id order by id limit 500 for update skip locked)
        returning sign, terms, counts),
    sums as (
        select each.term, sum(each.count * gone.sign) as delta
        from gone, unnest(gone.terms, gone.counts) as each(term, count) group by each.term having sum(each.count * gone.sign) <> 0)
    insert into term_frequencies as known (space_id, term, count) select :space_id, term, delta from sums order by term
    on conflict (space_id, term) do update set count = known.count + excluded.count""")
_DROP_EMPTY = text("delete from term_frequencies where space_id = :space_id and count <= 0")
_UNFOLDED = text("select exists (select from term_deltas where space_id = :space_id)")

# Versions below the current one no longer answer anything; what is staged above it is another job's.
_IS_PAST = "d.deleted_at is not null and (d.erase_at is null or d.erase_at <= now())"
_PURGE_CHUNKS = text(f"""
    delete from chunks where (document_id, version, ordinal) in (
        select c.document_id, c.version, c.ordinal from chunks c join documents d on d.id = c.document_id
        where c.document_id = :document_id and ({_IS_PAST} or c.version < d.current_version) limit 1000)
    returning text_hash""")
_PURGE_EMBEDDINGS = text("""
    delete from embeddings e where e.space_id = :space_id and e.text_hash = any(:hashes)
        and not exists (select from chunks c where c.space_id = e.space_id and c.text_hash = e.text_hash)
    """).bindparams(bindparam("hashes", type_=ARRAY(Uuid)))
_PURGE_TERMS = text(f"""
    delete from version_terms t using documents d
    where t.document_id = :document_id and d.id = t.document_id and ({_IS_PAST} or t.version < d.current_version)""")

_CHUNKS = text("""
    select ordinal, version, char_start, char_end, page, page_breaks, heading_path, text from chunks
    where document_id = :document_id and version = :version and ordinal > :after order by ordinal limit :limit""")


@dataclass(frozen=True, slots=True)
class StoredText:
    """The extracted text of a version, and what the parser learned about it."""

    text_key: str
    text_size: int
    text_sha256: str
    text_chars: int
    encoding: str | None
    page_count: int | None
    unread_pages: int
    title: str | None
    chunk_count: int


class KnowledgeRepository:
    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    # -- staging

    async def drop_staged(self, document_id: UUID, version: int) -> None:
        await self._session.execute(_DROP_STAGED, _key(document_id, version))

    async def stage(self, rows: bytes) -> None:
        """`rows`: of the parser, see rows.py."""
        connection = await driver_connection(self._session)
        source = io.BytesIO(HEAD + rows + TAIL)
        await connection.copy_to_table("chunks", source=source, columns=COLUMNS, format="binary")

    async def set_terms(self, document_id: UUID, version: int, frequencies: dict[int, int]) -> None:
        """`frequencies`: term id → chunks of the version that hold it."""
        terms = sorted(frequencies)
        values = {"terms": terms, "counts": [frequencies[term] for term in terms], "scheme": tokens.VERSION}
        await self._session.execute(_SET_TERMS, {**_key(document_id, version), **values})

    # -- the switch

    async def lock(self, document_id: UUID, version: int) -> int | None:
        """Keep others from switching the document until the transaction ends.

        Returns the version that answers questions, 0 for none; None where that is a newer one already, or the document is deleted:
        what was staged for this version is gone then.
        """
        row = (await self._session.execute(_LOCK_DOCUMENT, {"document_id": document_id})).one_or_none()
        if row is not None and not row.deleted and row.current_version < version:
            return row.current_version
        await self._session.execute(_UNREAD if row is not None and row.deleted else _SUPERSEDED, _key(document_id, version))
        await self.drop_staged(document_id, version)
        return None

    async def switch(
        self,
        space_id: UUID,
        document_id: UUID,
        version: int,
        before: int,
        stored: StoredText,
        frequencies: tuple[list[int], list[int]],
    ) -> None:
        """Let the version answer questions from now on, and not `before`, which `lock` told.

        `frequencies`: term ids, and how many chunks of the version hold each.
        """
        values = {name: getattr(stored, name) for name in stored.__slots__}
        values |= {
            "space_id": space_id,
            "before": before,
            "terms": frequencies[0],
            "counts": frequencies[1],
            "scheme": tokens.VERSION,
        }
        await self._session.execute(_SWITCH, {**_key(document_id, version), **values})

    async def lacks_vectors(self, document_id: UUID, version: int, model_id: int) -> bool:
        """Whether a staged chunk has no vector: one that was there may be purged before anything else names its text."""
        values = {**_key(document_id, version), "model_id": model_id}
        return bool((await self._session.execute(_LACKS_VECTORS, values)).scalar_one())

    async def keep_text(self, document_id: UUID, version: int) -> int | None:
        """The version has a text and needs no other; the number of the one that follows it, None where that is made already."""
        return (await self._session.execute(_KEEP_TEXT, _key(document_id, version))).scalar_one_or_none()

    async def add_following(self, document_id: UUID, version: int, job_id: UUID | None) -> None:
        """Make the version of the bytes of the one before it."""
        await self._session.execute(_ADD_FOLLOWING, {**_key(document_id, version), "job_id": job_id})

    # -- reindexing

    async def outdated(self, space_id: UUID, *, newer: bool) -> list[tuple[UUID, int]]:
        """Up to 100 versions that answer questions and whose terms follow an older rule than `tokens` does now, or a newer one."""
        values = {"space_id": space_id, "scheme": tokens.VERSION, "newer": newer}
        rows = await self._session.execute(_OUTDATED, values)
        return [(row.document_id, row.version) for row in rows]

    async def with_older_terms(self) -> Sequence[UUID]:
        """The spaces whose terms follow an older rule than `tokens` does now."""
        return (await self._session.execute(_WITH_OLDER_TERMS, {"scheme": tokens.VERSION})).scalars().all()

    async def is_outdated(self, document_id: UUID, version: int) -> bool:
        scheme = (await self._session.execute(_SCHEME, _key(document_id, version))).scalar_one_or_none()
        return scheme is not None and scheme != tokens.VERSION

    async def lock_current(self, document_id: UUID, version: int) -> bool:
        """Whether the version answers questions, and goes on to until this transaction ends."""
        row = (await self._session.execute(_LOCK_DOCUMENT, {"document_id": document_id})).one_or_none()
        return row is not None and not row.deleted and row.current_version == version

    async def set_weights(
        self, document_id: UUID, version: int, weighed: Iterable[tuple[int, SparseVector, Sequence[int]]]
    ) -> None:
        """`weighed`: ordinal, weights and terms, as in `chunks`."""
        connection = await driver_connection(self._session)
        await connection.executemany(_SET_WEIGHTS, [(document_id, version, *row) for row in weighed])

    async def use_model(self, space_id: UUID, model_id: int, index_id: int | None) -> int | None:
        """Search the space by this model's vectors from now on; returns the model before."""
        values = {"space_id": space_id, "model_id": model_id, "index_id": index_id}
        return (await self._session.execute(_USE_MODEL, values)).scalar_one_or_none()

    async def vectors(self, space_id: UUID) -> tuple[int | None, int | None, int]:
        """The model that the space is searched by, the one that it has an index of, and how many chunks it has."""
        row = (await self._session.execute(_VECTORS, {"space_id": space_id})).one_or_none()
        return (row.embedding_model_id, row.vector_index_model_id, row.chunks or 0) if row is not None else (None, None, 0)

    async def to_reindex(self, name: str | None, dimensions: int | None) -> int:
        """How many spaces follow another rule for terms, or are searched by another model's vectors, than this process would."""
        values = {"scheme": tokens.VERSION, "name": name, "dimensions": dimensions}
        return (await self._session.execute(_TO_REINDEX, values)).scalar_one()

    # -- afterwards

    async def fold_terms(self, space_id: UUID) -> bool:
        """Fold up to 500 deltas into the frequencies; whether there are more."""
        await self._session.execute(_FOLD, {"space_id": space_id})
        await self._session.execute(_DROP_EMPTY, {"space_id": space_id})
        return bool((await self._session.execute(_UNFOLDED, {"space_id": space_id})).scalar_one())

    async def purge_chunks(self, space_id: UUID, document_id: UUID) -> int:
        """Delete up to 1,000 chunks that answer nothing any more, with the vectors that only they had; how many."""
        hashes = list((await self._session.execute(_PURGE_CHUNKS, {"document_id": document_id})).scalars())
        if hashes:
            await self._session.execute(_PURGE_EMBEDDINGS, {"space_id": space_id, "hashes": list(set(hashes))})
        else:
            await self._session.execute(_PURGE_TERMS, {"document_id": document_id})
        return len(hashes)

    async def chunks(self, document_id: UUID, version: int, *, after: int, limit: int) -> Sequence[Row[Any]]:
        values = {**_key(document_id, version), "after": after, "limit": limit}
        return (await self._session.execute(_CHUNKS, values)).all()


def _key(document_id: UUID, version: int) -> dict[str, Any]:
    return {"document_id": document_id, "version": version}
