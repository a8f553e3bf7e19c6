"""`document.fetch`: from a URL to the bytes of a version, which `document.index` then reads.

Nothing of a fetch that fails half way stays; a version gets its bytes once, in one transaction with the job that reads them.
"""

from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, suppress
from pathlib import PurePath
from typing import Final
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession
from yarl import URL

from protostar.db.session import Database
from protostar.documents import kinds
from protostar.documents.deletion import end_unless_pending
from protostar.documents.models import DocumentRow, DocumentVersionRow
from protostar.documents.repository import DocumentRepository, begin_stage
from protostar.documents.upload import Receiver, Upload, checked_name, name_of
from protostar.errors import InvalidInput, SourceRejected, SourceUnavailable, TooLarge
from protostar.jobs.context import JobContext
from protostar.jobs.model import Change
from protostar.jobs.service import Jobs
from protostar.outbound.client import Download, GuardedClient
from protostar.webhooks.events import emit

_PASSING: Final = frozenset({408, 425, 429})
_WHY: Final = {
    401: "it wants somebody to sign in",
    403: "it gives this to nobody, or not to us",
    404: "there is nothing at this URL",
    410: "there is nothing at this URL any more",
}


class Fetcher:
    def __init__(self, database: Database, client: GuardedClient, receiver: Receiver, jobs: Jobs) -> None:
        self._database = database
        self._client = client
        self._receiver = receiver
        self._jobs = jobs

    async def fetch(self, context: JobContext) -> None:
        """Does nothing where the version has its bytes, or is no longer wanted.

        Raises SourceUnavailable for what may be otherwise later; SourceRejected, AddressRefused, TooLarge and UnsupportedMediaType.
        """
        document_id, number = _version(context)
        async with self._database.transaction() as session:
            found = await DocumentRepository(session).pending(document_id, number)
        if found is None:
            await end_unless_pending(context, document_id, number)
            return
        space_id, version = found
        if version.url is None or version.original is not None:
            return
        if await begin_stage(self._database, context.job, document_id, number, "fetch") is None:
            await end_unless_pending(context, document_id, number)
            return
        upload = await self._receive(context, version.url, version.filename)
        async with AsyncExitStack() as stack:
            stack.push_async_callback(self._receiver.discard, upload)
            async with context.finishing() as session:
                if await self._take(session, space_id, document_id, number, upload):
                    stack.pop_all()

    async def _receive(self, context: JobContext, url: str, filename: str) -> Upload:
        async with self._client.download(url, SourceUnavailable) as download:
            _check(download)
            if filename == name_of(URL(url)) and download.filename is not None:
                with suppress(InvalidInput):
                    filename = PurePath(checked_name(download.filename)).name  # RFC 6266, section 4.3
            return await self._receiver.served(filename, download.media_type, self._counted(context, download))

    async def _counted(self, context: JobContext, download: Download) -> AsyncGenerator[bytes]:
        """The body, as far as the limit lets it; its progress shown."""
        limit = self._receiver.limit
        done = 0
        async for chunk in download.body:
            done += len(chunk)
            if max(done, download.size or 0) > limit:
                raise TooLarge(f"The file is larger than {limit:,} bytes, the most that is taken in (PROTOSTAR_MAX_UPLOAD_BYTES).")
            yield chunk
            await context.show("fetch", done, download.size)

    async def _take(self, session: AsyncSession, space_id: UUID, document_id: UUID, number: int, upload: Upload) -> bool:
        """Give the version its bytes; False where it takes none: if they are the former version's, that is the latest again."""
        repository = DocumentRepository(session)
        pair = await repository.get(space_id, document_id, lock=True)
        version = await repository.version(document_id, number)
        if pair is None or version is None or version.original is not None:
            return False
        document, latest = pair
        before = await repository.version(document_id, number - 1)
        if before is not None and latest is version and before.status != "failed" and before.sha256 == upload.stored.sha256:
            await self._stay(session, document, before)
            return False
        _name(document, version, upload.filename, is_latest=latest is version)
        version.media_type = upload.media_type
        version.object_key, version.size, version.sha256 = upload.stored.key, upload.stored.size, upload.stored.sha256
        version.status, version.stage, version.error = "queued", None, None
        job_id = await self._jobs.enqueue(session, kinds.index(space_id, document_id, number))
        version.job_id = job_id or version.job_id
        await session.flush()
        return True

    async def _stay(self, session: AsyncSession, document: DocumentRow, before: DocumentVersionRow) -> None:
        """Nothing has changed behind the URL: whoever waits for the document hears that it is as ready as before."""
        await DocumentRepository(session).remove_version(document.id, document.latest_version)
        document.latest_version = before.version
        document.filename = before.filename
        await session.flush()
        if before.status == "ready":
            data = {"document_id": str(document.id), "version": before.version}
            await emit(session, self._jobs, document.space_id, "document.ready", data)

    async def follow(self, session: AsyncSession, change: Change) -> None:
        """A version's status says what the state of the job that fetches it means for its owner."""
        document_id, number = UUID(change.job.args["document_id"]), int(change.job.args["version"])
        status = "queued" if change.state == "queued" else "failed"
        repository = DocumentRepository(session)
        followed = await repository.set_status(document_id, number, status=status, error=change.error, fetched=False)
        if followed and status == "failed" and change.job.space_id is not None:
            data = {"document_id": str(document_id), "version": number, "error": change.error}
            await emit(session, self._jobs, change.job.space_id, "document.failed", data)


def _version(context: JobContext) -> tuple[UUID, int]:
    return UUID(context.job.args["document_id"]), int(context.job.args["version"])


def _check(download: Download) -> None:
    """Raises SourceUnavailable and SourceRejected unless the server gives what it was asked for."""
    status = download.status
    if status in _PASSING or status >= 500:
        raise SourceUnavailable(f"The server answered {status}.", retry_after=download.retry_after)
    if status != 200:
        raise SourceRejected(f"The server answered {status}{': ' + _WHY[status] if status in _WHY else ''}.")
    if download.encoding is not None:
        raise SourceRejected("The server sends the file compressed, which it was asked not to do.")


def _name(document: DocumentRow, version: DocumentVersionRow, filename: str, *, is_latest: bool) -> None:
    """Use the name that the server gave; also as the title, where nobody gave another and the old name was it."""
    if is_latest:
        if not document.title_given and document.title == PurePath(version.filename).stem:
            document.title = PurePath(filename).stem
        document.filename = filename
    version.filename = filename
