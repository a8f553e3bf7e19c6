"""Statements about documents and their versions."""

import json
from collections.abc import Collection, Iterable, Sequence
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Row, Select, bindparam, delete, func, or_, select, text, update
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.types import Text

from protostar.db.locks import serialize
from protostar.db.session import Database
from protostar.documents.models import DocumentRow, DocumentVersionRow
from protostar.jobs.model import Job

Pair = tuple[DocumentRow, DocumentVersionRow]

_REFERENCED = text("""
    select object_key from document_versions where object_key = any(:keys)
    union all select text_key from document_versions where text_key = any(:keys)
    """).bindparams(bindparam("keys", type_=ARRAY(Text)))

_SOME_KEYS = text("""
    (select object_key from document_versions where object_key is not null order by document_id limit :limit)
    union (select object_key from document_versions where object_key is not null order by document_id desc limit :limit)""")

_SAME = text("""
    select d.id from documents d join document_versions v on v.document_id = d.id and v.version = d.latest_version
    where d.space_id = :space_id and d.filename = :filename and d.deleted_at is null and v.sha256 = :sha256
    order by d.id limit 1""")

_MOVE = text("""
    with moved as (
        update documents d set filename = :filename
        from (
            select d.id, d.latest_version
            from documents d join document_versions v on v.document_id = d.id and v.version = d.latest_version
            where d.space_id = :space_id and d.filename = :plain and d.deleted_at is null and v.sha256 = :sha256
            order by d.id limit 1) same
        -- Told again of the row itself, for which it may have been waited.
        where d.id = same.id and d.latest_version = same.latest_version and d.filename = :plain and d.deleted_at is null
        returning d.id, d.latest_version)
    update document_versions v set filename = :filename from moved
    where v.document_id = moved.id and v.version = moved.latest_version returning v.document_id""")

# The chunks of a version that stops being searchable leave the space's frequencies, and come back with it.
_COUNT_TERMS = text("""
    insert into term_deltas (space_id, sign, terms, counts)
    select :space_id, :sign, terms, counts from version_terms where document_id = :document_id and version = :version""")

# One statement, so that it needs no transaction around it: the job's fence and what its owner sees of it.
_BEGIN_STAGE: Final = """
    with mine as (
        update jobs set progress = $3 where id = $1 and fence = $2 and state = 'running' returning true)
    update document_versions v set status = 'processing', error = null, stage = $3 from mine, documents d
    where v.document_id = $4 and v.version = $5 and v.status <> 'ready' and d.id = v.document_id and d.deleted_at is null
    returning d.space_id, v.object_key, v.size, v.sha256, v.media_type, v.filename, v.text_sha256"""


_USAGE = text("""
    select latest.status, count(*), coalesce(sum(stored.size), 0)::bigint from documents d
    join document_versions latest on latest.document_id = d.id and latest.version = d.latest_version
    cross join lateral (select sum(size) as size from document_versions v where v.document_id = d.id) stored
    where d.space_id = :space_id and d.deleted_at is null group by latest.status""")

_TAKEN_AGAIN = text("""
    select exists (select from documents d join document_versions v on v.document_id = d.id and v.version = d.latest_version
        where d.space_id = :space_id and d.deleted_at is null and d.created_at >= :since
            and (d.filename = :filename and v.sha256 = :sha256 or v.url = :url))""")
_DELETION = text("""
    select space_id, deleted_at is not null as deleted, greatest(erase_at - now(), interval '0') as left
    from documents where id = :id for update""")
_KEYS = text("select unnest(array_remove(array[object_key, text_key], null)) from document_versions where document_id = :id")
_HIDE_SOME = text("""
    update documents set deleted_at = coalesce(deleted_at, now()), erase_at = null
    where id in (select id from documents where space_id = :space_id limit 100) returning id""")
# With what its current version answers from: a process of a release that knows no way back may have begun to erase it.
_IS_WHOLE = text("""
    select not exists (select from jobs where kind = 'document.purge' and state = 'running' and args->>'document_id' = d.id::text)
        and (d.current_version = 0 or v.chunk_count = (
            select count(*) from chunks c where c.document_id = d.id and c.version = d.current_version))
    from documents d left join document_versions v on v.document_id = d.id and v.version = d.current_version
    where d.id = :document_id""")

_NAMES = (DocumentRow.title, DocumentRow.filename)
_RESTORABLE = (DocumentRow.deleted_at.is_not(None)) & (DocumentRow.erase_at > func.clock_timestamp())


class DocumentRepository:
    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def serialize_uploads(self, space_id: UUID, name: str) -> None:
        """Let the same file name or URL be taken into a space by one transaction at a time, so that twice at once is once."""
        await serialize(self._session, f"{space_id}/{name}")

    async def find_same(self, space_id: UUID, filename: str, sha256: str) -> Pair | None:
        values = {"space_id": space_id, "filename": filename, "sha256": sha256}
        id_ = (await self._session.execute(_SAME, values)).scalar_one_or_none()
        return await self.get(space_id, id_) if id_ is not None else None

    async def find_moved(self, space_id: UUID, plain: str, filename: str, sha256: str) -> Pair | None:
        """The document of these bytes that was taken in without the folders of its name; it has them from now on."""
        values = {"space_id": space_id, "plain": plain, "filename": filename, "sha256": sha256}
        id_ = (await self._session.execute(_MOVE, values)).scalar_one_or_none()
        return await self.get(space_id, id_) if id_ is not None else None

    async def namesakes(self, space_id: UUID, filename: str, *, limit: int) -> Sequence[UUID]:
        """The documents whose file has the name, the newest first."""
        same = (DocumentRow.space_id == space_id, DocumentRow.filename == filename, DocumentRow.deleted_at.is_(None))
        query = select(DocumentRow.id).where(*same).order_by(DocumentRow.id.desc()).limit(limit)
        return (await self._session.scalars(query)).all()

    async def find_url(self, space_id: UUID, url: str) -> UUID | None:
        """The oldest document whose latest version comes from the URL."""
        query = _pairs(space_id).where(DocumentVersionRow.url == url).order_by(DocumentRow.id).limit(1)
        row = (await self._session.execute(query)).one_or_none()
        return row[0].id if row is not None else None

    async def add(self, document: DocumentRow, version: DocumentVersionRow) -> Pair:
        self._session.add(document)
        await self._session.flush()
        return document, await self.add_version(version)

    async def add_version(self, version: DocumentVersionRow) -> DocumentVersionRow:
        self._session.add(version)
        await self._session.flush()
        return version

    async def get(self, space_id: UUID, id_: UUID, *, lock: bool = False) -> Pair | None:
        """The document with its latest version."""
        if lock:
            # In a statement of its own: one that had to wait sees the row changed, but joins it as things were before.
            await self.lock(id_)
        query = _pairs(space_id).where(DocumentRow.id == id_)
        row = (await self._session.execute(query)).one_or_none()
        return _pair(row) if row is not None else None

    async def lock(self, id_: UUID) -> bool:
        """Keep others from changing the document until the transaction ends; whether there is one, deleted or not."""
        mine = select(DocumentRow.id).where(DocumentRow.id == id_).with_for_update()
        return (await self._session.execute(mine)).scalar_one_or_none() is not None

    async def names(self, space_id: UUID, id_: UUID) -> Sequence[str]:
        """What else might be taken for the same document, deleted or not: its file's name and its URL."""
        query = _all_pairs(space_id).where(DocumentRow.id == id_).with_only_columns(DocumentRow.filename, DocumentVersionRow.url)
        row = (await self._session.execute(query)).one_or_none()
        return sorted({name for name in row if name is not None}) if row is not None else []

    async def any(self, space_id: UUID, id_: UUID) -> Pair | None:
        """The document with its latest version, deleted or not."""
        row = (await self._session.execute(_all_pairs(space_id).where(DocumentRow.id == id_))).one_or_none()
        return _pair(row) if row is not None else None

    async def space_of(self, id_: UUID) -> UUID | None:
        """Whose the document is, unless it is deleted."""
        query = select(DocumentRow.space_id).where(DocumentRow.id == id_, DocumentRow.deleted_at.is_(None))
        return (await self._session.execute(query)).scalar_one_or_none()

    async def deleted(self, space_id: UUID, *, words: str, limit: int) -> Sequence[DocumentRow]:
        """Those that can be restored, the latest first."""
        query = select(DocumentRow).where(DocumentRow.space_id == space_id, _RESTORABLE)
        query = _named(query, words).order_by(DocumentRow.erase_at.desc()).limit(limit)
        return (await self._session.scalars(query)).all()

    async def remove_version(self, id_: UUID, version: int) -> None:
        same = (DocumentVersionRow.document_id == id_, DocumentVersionRow.version == version)
        await self._session.execute(delete(DocumentVersionRow).where(*same))

    async def version(self, id_: UUID, version: int) -> DocumentVersionRow | None:
        return await self._session.get(DocumentVersionRow, (id_, version))

    async def versions(self, id_: UUID) -> Sequence[DocumentVersionRow]:
        """Newest first."""
        query = select(DocumentVersionRow).where(DocumentVersionRow.document_id == id_).order_by(DocumentVersionRow.version.desc())
        return (await self._session.scalars(query)).all()

    async def pending(self, id_: UUID, version: int) -> tuple[UUID, DocumentVersionRow] | None:
        """(space, version) of a version that is still to be made searchable; None where that is done, or the document deleted."""
        query = (
            select(DocumentRow.space_id, DocumentVersionRow)
            .join(DocumentVersionRow, DocumentVersionRow.document_id == DocumentRow.id)
            .where(
                DocumentRow.id == id_,
                DocumentRow.deleted_at.is_(None),
                DocumentVersionRow.version == version,
                DocumentVersionRow.status != "ready",
            )
        )
        row = (await self._session.execute(query)).one_or_none()
        return (row[0], row[1]) if row is not None else None

    async def current_versions(self, space_id: UUID, ids: Iterable[UUID]) -> dict[UUID, int]:
        """Those of the documents that are there, and the versions of them that answer questions."""
        query = select(DocumentRow.id, DocumentRow.current_version).where(
            DocumentRow.space_id == space_id, DocumentRow.id.in_(list(ids)), DocumentRow.deleted_at.is_(None)
        )
        return {row.id: row.current_version for row in await self._session.execute(query)}

    async def page(self, space_id: UUID, *, statuses: Sequence[str], words: str, before: UUID | None, limit: int) -> Sequence[Pair]:
        """Newest first. `statuses`: any where empty. `words`: each stands in the title or in the file's name."""
        query = _pairs(space_id).order_by(DocumentRow.id.desc()).limit(limit)
        query = query.where(DocumentVersionRow.status.in_(statuses)) if statuses else query
        query = _named(query, words)
        query = query.where(DocumentRow.id < before) if before is not None else query
        return [_pair(row) for row in await self._session.execute(query)]

    async def some(self, space_id: UUID, ids: Collection[UUID]) -> Sequence[Pair]:
        query = _pairs(space_id).where(DocumentRow.id.in_(ids)).order_by(DocumentRow.id.desc())
        return [_pair(row) for row in await self._session.execute(query)]

    async def usage(self, space_id: UUID) -> Sequence[tuple[str, int, int]]:
        """(status, documents, bytes of all their versions)."""
        return [(row[0], row[1], row[2]) for row in await self._session.execute(_USAGE, {"space_id": space_id})]

    async def touch(self, document: DocumentRow) -> None:
        await self._session.flush()
        await self._session.execute(update(DocumentRow).where(DocumentRow.id == document.id).values(updated_at=func.now()))
        await self._session.refresh(document)

    async def hide(self, document: DocumentRow, grace: timedelta) -> None:
        """Make a document invisible to every reader."""
        await self.count_terms(document.space_id, document.id, document.current_version, -1)
        hidden = update(DocumentRow).where(DocumentRow.id == document.id)
        await self._session.execute(hidden.values(deleted_at=func.now(), erase_at=func.now() + grace))

    async def unhide(self, document: DocumentRow) -> None:
        """The opposite, for one that is restorable and whole."""
        await self.count_terms(document.space_id, document.id, document.current_version, 1)
        await self._session.execute(update(DocumentRow).where(DocumentRow.id == document.id).values(deleted_at=None, erase_at=None))

    async def is_restorable(self, id_: UUID) -> bool:
        """Whether it is deleted and its time has not come, by the clock as it is now; who acts on that has locked the document."""
        query = select(DocumentRow.id).where(DocumentRow.id == id_, _RESTORABLE)
        return (await self._session.execute(query)).scalar_one_or_none() is not None

    async def is_taken_again(self, pair: Pair) -> bool:
        """Whether the file or the URL of a deleted document has become another document since."""
        document, latest = pair
        values = {"space_id": document.space_id, "filename": document.filename, "sha256": latest.sha256, "url": latest.url}
        return bool((await self._session.execute(_TAKEN_AGAIN, {**values, "since": document.deleted_at})).scalar_one())

    async def is_whole(self, id_: UUID) -> bool:
        return bool((await self._session.execute(_IS_WHOLE, {"document_id": id_})).scalar_one())

    async def deletion(self, id_: UUID) -> Row[Any] | None:
        """(space_id, deleted, left): whether it is, and how long that can still be taken back. Waits for whoever does so now."""
        return (await self._session.execute(_DELETION, {"id": id_})).one_or_none()

    async def hide_some(self, space_id: UUID) -> Sequence[UUID]:
        """Delete up to 100 documents of a space, with nothing to take back; which."""
        return (await self._session.execute(_HIDE_SOME, {"space_id": space_id})).scalars().all()

    async def keys(self, id_: UUID) -> Sequence[str]:
        """Of all its objects."""
        return (await self._session.execute(_KEYS, {"id": id_})).scalars().all()

    async def erase(self, id_: UUID) -> None:
        await self._session.execute(delete(DocumentRow).where(DocumentRow.id == id_))

    async def count_terms(self, space_id: UUID, id_: UUID, version: int, sign: int) -> None:
        """Count the version's terms in (1) or out (-1)."""
        values = {"space_id": space_id, "document_id": id_, "version": version, "sign": sign}
        await self._session.execute(_COUNT_TERMS, values)

    async def set_status(self, id_: UUID, version: int, *, status: str, error: str | None, fetched: bool | None = None) -> bool:
        """Follow a state change of the version's job; a version that is ready stays so. Whether it followed.

        `fetched`: only where it has its bytes, or has not.
        """
        statement = (
            update(DocumentVersionRow)
            .where(
                DocumentVersionRow.document_id == id_,
                DocumentVersionRow.version == version,
                DocumentVersionRow.status != "ready",
            )
            .values(status=status, error=error, stage=None)
            .returning(DocumentVersionRow.version)
        )
        if fetched is not None:
            statement = statement.where(DocumentVersionRow.object_key.is_not(None) == fetched)
        return (await self._session.execute(statement)).scalar_one_or_none() is not None

    async def overdue(self, by: timedelta, *, limit: int) -> Sequence[tuple[UUID, UUID]]:
        """(space, document) of those that should have been erased so long ago. What an import has staged is not deleted."""
        erase_at = func.coalesce(DocumentRow.erase_at, DocumentRow.deleted_at)
        is_deleted = DocumentRow.deleted_at.is_not(None) & (DocumentRow.latest_version > 0)
        due = select(DocumentRow.space_id, DocumentRow.id).where(is_deleted, erase_at < func.now() - by)
        return [(row[0], row[1]) for row in await self._session.execute(due.order_by(erase_at).limit(limit))]

    async def some_keys(self, limit: int) -> Sequence[str]:
        """Up to `limit` keys of the oldest documents' bytes, and as many of the newest ones'."""
        return list((await self._session.execute(_SOME_KEYS, {"limit": limit})).scalars())

    async def referenced(self, keys: list[str]) -> set[str]:
        """Those of the object keys that a row names."""
        return set((await self._session.execute(_REFERENCED, {"keys": keys})).scalars())


async def begin_stage(database: Database, job: Job, document_id: UUID, version: int, stage: str) -> Any:
    """Show that a stage of the version's job has begun.

    Returns (space_id, object_key, size, sha256, media_type, filename, text_sha256) of the version; None where the job is not ours
    any more, or there is nothing to do: the version is ready, or the document deleted.
    """
    progress = json.dumps({"stage": stage, "done": 0, "total": None})
    async with database.driver() as connection:
        return await connection.fetchrow(_BEGIN_STAGE, job.id, job.fence, progress, document_id, version)


def _pairs(space_id: UUID) -> Select[DocumentRow, DocumentVersionRow]:
    return _all_pairs(space_id).where(DocumentRow.deleted_at.is_(None))


def _all_pairs(space_id: UUID) -> Select[DocumentRow, DocumentVersionRow]:
    """Deleted ones too."""
    return (
        select(DocumentRow, DocumentVersionRow)
        .join(
            DocumentVersionRow,
            (DocumentVersionRow.document_id == DocumentRow.id) & (DocumentVersionRow.version == DocumentRow.latest_version),
        )
        .where(DocumentRow.space_id == space_id)
    )


def _named(query: Any, words: str) -> Any:
    """With each of the words in the title or in the file's name."""
    for word in words.split():
        query = query.where(or_(*(column.icontains(word, autoescape=True) for column in _NAMES)))
    return query


def _pair(row: Row[DocumentRow, DocumentVersionRow]) -> Pair:
    document, version = row
    return document, version
