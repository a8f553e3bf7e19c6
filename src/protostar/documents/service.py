"""Documents: taking them in, versions, deletion; to look at them there are the holdings."""

import hashlib
import json
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import PurePosixPath
from typing import Any, Final
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from protostar.access.repository import AccessRepository
from protostar.concurrency import ConcurrencyLimit
from protostar.db.patience import again, patiently
from protostar.db.session import Database
from protostar.documents import deletion, kinds
from protostar.documents.holdings import Holdings, existing
from protostar.documents.models import DocumentRow, DocumentVersionRow, Original
from protostar.documents.repository import DocumentRepository, Pair
from protostar.documents.schemas import (
    NAME_CHARS,
    URL_CHARS,
    Document,
    DocumentUpdate,
    UrlUpload,
)
from protostar.documents.upload import Receiver, Upload, checked_name, name_of
from protostar.errors import Conflict, InvalidInput, KeyReused, NameTaken, NotFound
from protostar.ids import new_id
from protostar.jobs.progress import LiveProgress
from protostar.jobs.repository import Enqueue
from protostar.jobs.service import Jobs
from protostar.outbound.client import GuardedClient
from protostar.redis.announcements import Announcements
from protostar.spaces.knowledge import renew_knowledge

_BYTES_IN_HAND: Final = 30.0  # seconds that an upload waits for PostgreSQL rather than to be sent once more
_NAMESAKES: Final = 100  # documents of one name that an answer lists


@dataclass(frozen=True, slots=True)
class Source:
    """A file that lies behind a URL and is to be fetched."""

    url: str
    filename: str
    title: str | None
    metadata: dict[str, Any] | None


class Documents:
    def __init__(
        self,
        database: Database,
        jobs: Jobs,
        receiver: Receiver,
        client: GuardedClient,
        live: LiveProgress,
        announcements: Announcements,
        *,
        uploads: int,
        grace: timedelta,
    ) -> None:
        """`uploads`: how many this process takes in at once. `grace`: how long a deletion can be taken back."""
        self._grace = grace
        self.receiver = receiver
        self._client = client
        self._limit = ConcurrencyLimit(uploads, "As many uploads as this server takes at once are under way.")
        self._database = database
        self._jobs = jobs
        self.holdings = Holdings(database, live, room=jobs.queue_limit)
        self._announcements = announcements

    @asynccontextmanager
    async def admitted(self, space_id: UUID) -> AsyncGenerator[None]:
        """A place for one upload, found before a byte of it is read. Raises Unavailable and RateLimited."""
        with self._limit.taken(space_id):
            await again(lambda: self._check_room(space_id))
            yield

    async def _check_room(self, space_id: UUID) -> None:
        async with self._database.autocommit() as session:
            await self._jobs.check_room(session, space_id, kinds.INDEX)

    async def create(
        self, space_id: UUID, upload: Upload, idempotency_key: str | None, *, new_name: bool = False
    ) -> tuple[Document, bool]:
        """The document of an upload, and whether it is new: the same name with the same bytes is the same document.

        `new_name`: raises NameTaken where a document has the name with other bytes.
        """

        made = False

        async def write() -> Pair:
            nonlocal made
            async with self._database.transaction() as session:
                pair, new = await self._create(session, space_id, upload, idempotency_key, new_name=new_name)
                made |= new  # what a commit made whose reply was lost is found there
                if pair[1].object_key == upload.stored.key:
                    stack.pop_all()
            return pair

        async with self._discarding(upload) as stack:
            pair = await patiently(write, at_most=_BYTES_IN_HAND)
        return await self.holdings.show(pair), made and pair[1].object_key == upload.stored.key

    async def _create(
        self, session: AsyncSession, space_id: UUID, upload: Upload, key: str | None, *, new_name: bool
    ) -> tuple[Pair, bool]:
        repository = DocumentRepository(session)
        id_ = new_id()
        request = [upload.filename, upload.stored.sha256, upload.title, upload.metadata]
        if (earlier := await self._begin(session, space_id, upload.filename, key, request, id_)) is not None:
            return earlier, False
        same = await repository.find_same(space_id, upload.filename, upload.stored.sha256)
        # Before one is moved that has the bytes: it would be the second of its name.
        if same is None and new_name and (others := await repository.namesakes(space_id, upload.filename, limit=_NAMESAKES)):
            raise NameTaken(others)
        if same is None and (plain := PurePosixPath(upload.filename).name) != upload.filename:
            same = await repository.find_moved(space_id, plain, upload.filename, upload.stored.sha256)
        if same is not None:
            if key is not None:
                await AccessRepository(session).redirect(space_id, f"documents:{key}", same[0].id)
            return await self._queue_again(session, same, upload), False
        document = _document(id_, space_id, upload)
        return await repository.add(
            document, await self._version(session, document, upload.filename, Original(upload.stored, upload.media_type))
        ), True

    async def create_from_url(self, space_id: UUID, body: UrlUpload, idempotency_key: str | None) -> tuple[Document, bool]:
        """The document of a URL, and whether a job is fetching it because of this request.

        Raises AddressRefused for a URL that could never be asked; what its name leads to is checked when it is fetched.
        """
        source = self._source(body)
        async with self._database.transaction() as session:
            pair, new = await self._create_from_url(session, space_id, source, idempotency_key)
        return await self.holdings.show(pair), new

    async def _create_from_url(self, session: AsyncSession, space_id: UUID, source: Source, key: str | None) -> tuple[Pair, bool]:
        repository = DocumentRepository(session)
        id_ = new_id()
        request = [source.url, source.filename, source.title, source.metadata]
        if (earlier := await self._begin(session, space_id, source.url, key, request, id_)) is not None:
            return earlier, False
        if (known := await repository.find_url(space_id, source.url)) is not None:
            if key is not None:
                await AccessRepository(session).redirect(space_id, f"documents:{key}", known)
            return await self._fetch_again(session, await existing(session, space_id, known, lock=True), source)
        await self._jobs.check_room(session, space_id, kinds.FETCH)
        document = _document(id_, space_id, source)
        return await repository.add(document, await self._unfetched(session, document, source)), True

    async def _begin(
        self, session: AsyncSession, space_id: UUID, name: str, key: str | None, request: list[Any], id_: UUID
    ) -> Pair | None:
        """The document that an earlier request with this Idempotency-Key made; else the key is `id_`'s from now on."""
        repository = DocumentRepository(session)
        if await AccessRepository(session).space(space_id) is None:
            raise NotFound("The space was deleted during the upload.")
        await repository.serialize_uploads(space_id, name)
        made = await _made_before(session, space_id, key, request, id_)
        return await repository.get(space_id, made) if made is not None else None

    async def replace(self, space_id: UUID, id_: UUID, upload: Upload, idempotency_key: str | None) -> Document:
        """Take in the document's next version; the one before answers until it is ready."""
        request = [str(id_), upload.filename, upload.stored.sha256, upload.title, upload.metadata]

        async def write() -> Pair:
            async with self._database.transaction() as session:
                pair = await existing(session, space_id, id_, lock=True)
                taken = pair[1].object_key == upload.stored.key  # a commit came through whose connection broke
                if not taken and await _made_before(session, space_id, idempotency_key, request, new_id()) is None:
                    pair = await self._replace(session, pair[0], upload)
                    stack.pop_all()
            return pair

        async with self._discarding(upload) as stack:
            pair = await patiently(write, at_most=_BYTES_IN_HAND)
        return await self.holdings.show(pair)

    async def _replace(self, session: AsyncSession, document: DocumentRow, upload: Upload) -> Pair:
        repository = DocumentRepository(session)
        _next_version(document, upload, _in_its_folder(document.filename, upload.filename))
        original = Original(upload.stored, upload.media_type)
        version = await repository.add_version(await self._version(session, document, document.filename, original))
        await repository.touch(document)
        return document, version

    async def reread(self, space_id: UUID, id_: UUID, idempotency_key: str | None) -> Document:
        """Read the bytes of the latest version again, as the next one. Raises Conflict while that is not read, or has none yet."""
        async with self._database.transaction() as session:
            pair = await existing(session, space_id, id_, lock=True)
            if await _made_before(session, space_id, idempotency_key, [str(id_), "reread"], new_id()) is None:
                pair = await self._reread(session, pair)
        return await self.holdings.show(pair)

    async def _reread(self, session: AsyncSession, pair: Pair) -> Pair:
        repository = DocumentRepository(session)
        document, latest = pair
        if latest.original is None or latest.status in {"queued", "processing"}:
            raise Conflict("The latest version of this document has not been read yet.")
        await self._jobs.check_room(session, document.space_id, kinds.INDEX)
        document.latest_version += 1
        again = await self._version(session, document, latest.filename, latest.original, url=latest.url)
        version = await repository.add_version(again)
        await repository.touch(document)
        return document, version

    async def replace_from_url(self, space_id: UUID, id_: UUID, body: UrlUpload, idempotency_key: str | None) -> Document:
        source = self._source(body)
        request = [str(id_), source.url, source.filename, source.title, source.metadata]
        async with self._database.transaction() as session:
            pair = await existing(session, space_id, id_, lock=True)
            if await _made_before(session, space_id, idempotency_key, request, new_id()) is None:
                pair, _new = await self._fetch_again(session, pair, source)
        return await self.holdings.show(pair)

    async def _fetch_again(self, session: AsyncSession, pair: Pair, source: Source) -> tuple[Pair, bool]:
        """A next version of a locked document, to be fetched; it vanishes again where its bytes are those of the one before.

        A version of the same URL that is still without bytes is that next one: it is under way, or is given another chance.
        """
        repository = DocumentRepository(session)
        document, version = pair
        waiting = version.url == source.url and version.original is None
        if waiting and version.status != "failed":
            _describe(document, source.title, source.metadata)
            await repository.touch(document)
            return pair, False
        await self._jobs.check_room(session, document.space_id, kinds.FETCH)
        if waiting:
            _describe(document, source.title, source.metadata)
            version.job_id = await self._enqueue(session, kinds.fetch(document.space_id, document.id, version.version))
            version.status, version.error = "queued", None
        else:
            _next_version(document, source, source.filename)
            version = await repository.add_version(await self._unfetched(session, document, source))
        await repository.touch(document)
        return (document, version), True

    def _source(self, body: UrlUpload) -> Source:
        url = self._client.check(body.url).with_fragment(None)
        if len(str(url)) > URL_CHARS:
            raise InvalidInput(f"The URL may have {URL_CHARS} characters at most, with all its escapes.")
        filename = checked_name(body.filename) if body.filename is not None else name_of(url)
        return Source(str(url), filename, body.title, body.metadata)

    async def update(self, space_id: UUID, id_: UUID, body: DocumentUpdate) -> Document:
        async with self._database.transaction() as session:
            repository = DocumentRepository(session)
            document, version = await existing(session, space_id, id_, lock=True)
            renamed = body.title not in (None, document.title)
            _describe(document, body.title, body.metadata)
            await repository.touch(document)
            if renamed:  # answers name it
                await renew_knowledge(session, self._announcements, space_id)
        return await self.holdings.show((document, version))

    async def delete(self, space_id: UUID, id_: UUID) -> None:
        """Hide the document at once; a job erases it when it can no longer be restored."""
        async with self._database.transaction() as session:
            document, _version = await existing(session, space_id, id_, lock=True)
            await deletion.hide(session, self._jobs, self._announcements, document, self._grace)

    async def restore(self, space_id: UUID, id_: UUID) -> Document:
        """Take a deletion back. Raises NotFound and Conflict; see deletion."""
        async with self._database.transaction() as session:
            pair = await deletion.restore(session, self._jobs, self._announcements, space_id, id_)
        return await self.holdings.show(pair)

    @asynccontextmanager
    async def _discarding(self, upload: Upload) -> AsyncGenerator[AsyncExitStack]:
        """Discard the upload at the end of the block, unless `pop_all` says, last in its transaction, that a row names it.

        From there on the commit decides, whose answer may be lost: an object without its row is swept, a row without its object
        would be a document lost.
        """
        async with AsyncExitStack() as stack:
            stack.push_async_callback(self.receiver.discard, upload)
            yield stack

    async def _version(
        self, session: AsyncSession, document: DocumentRow, filename: str, original: Original, *, url: str | None = None
    ) -> DocumentVersionRow:
        return DocumentVersionRow(
            document_id=document.id,
            version=document.latest_version,
            filename=filename,
            url=url,
            media_type=original.media_type,
            object_key=original.stored.key,
            size=original.stored.size,
            sha256=original.stored.sha256,
            job_id=await self._enqueue(session, kinds.index(document.space_id, document.id, document.latest_version)),
        )

    async def _unfetched(self, session: AsyncSession, document: DocumentRow, source: Source) -> DocumentVersionRow:
        return DocumentVersionRow(
            document_id=document.id,
            version=document.latest_version,
            filename=source.filename,
            url=source.url,
            job_id=await self._enqueue(session, kinds.fetch(document.space_id, document.id, document.latest_version)),
        )

    async def _enqueue(self, session: AsyncSession, job: Enqueue) -> UUID:
        job_id = await self._jobs.enqueue(session, job)
        if job_id is None:
            raise InvalidInput("This version is being read already.")
        return job_id

    async def _queue_again(self, session: AsyncSession, pair: Pair, upload: Upload) -> Pair:
        """A failed document that is uploaded again is given another chance, with the new bytes: the stored ones may be broken."""
        document, version = pair
        if version.status == "failed":
            version.object_key = upload.stored.key  # the object of before is swept
            version.job_id = await self._enqueue(session, kinds.index(document.space_id, document.id, version.version))
            version.status, version.error = "queued", None
            await DocumentRepository(session).touch(document)
        return pair


async def _made_before(session: AsyncSession, space_id: UUID, key: str | None, request: list[Any], id_: UUID) -> UUID | None:
    """The id of an earlier request with this Idempotency-Key; else the key, where there is one, is `id_`'s from now on."""
    if key is None:
        return None
    hash_ = hashlib.sha256(json.dumps(request, sort_keys=True).encode()).digest()
    taken = await AccessRepository(session).remember(space_id, f"documents:{key}", hash_, id_)
    if taken.request_hash != hash_:
        raise KeyReused("This Idempotency-Key was used for another request; choose a new one for a new request.")
    return taken.resource_id if taken.resource_id != id_ else None


def _document(id_: UUID, space_id: UUID, file: Upload | Source) -> DocumentRow:
    return DocumentRow(
        id=id_,
        space_id=space_id,
        title=file.title or PurePosixPath(file.filename).stem,
        title_given=file.title is not None,
        filename=file.filename,
        meta=file.metadata or {},
        latest_version=1,
    )


def _next_version(document: DocumentRow, file: Upload | Source, filename: str) -> None:
    document.latest_version += 1
    document.filename = filename
    _describe(document, file.title, file.metadata)


def _in_its_folder(before: str, filename: str) -> str:
    """A file without folders in its name takes the place of the one before."""
    placed = PurePosixPath(before).with_name(filename) if "/" not in filename else filename
    return str(placed) if len(str(placed)) <= NAME_CHARS else filename


def _describe(document: DocumentRow, title: str | None, metadata: dict[str, Any] | None) -> None:
    """Set what is given."""
    if title is not None:
        document.title, document.title_given = title, True
    if metadata is not None:
        document.meta = metadata
