"""How a version becomes searchable: parse → chunk → embed and stage, batch by batch → switch.

Everything before the switch is idempotent staging that no reader sees; the switch is one transaction under the job's fence. Until
then questions are answered from the version before.
"""

import tempfile
import time
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

import anyio
import structlog

from protostar.config import Settings
from protostar.db.session import Database
from protostar.documents.deletion import end_unless_pending
from protostar.documents.kinds import embed, fold, index, purge_old
from protostar.documents.repository import begin_stage
from protostar.errors import ModelRejected, ModelUnavailable
from protostar.jobs.context import JobContext
from protostar.jobs.repository import Enqueue
from protostar.jobs.service import Jobs
from protostar.knowledge import tokens
from protostar.knowledge.embeddings import Embedder
from protostar.knowledge.kinds import summarize
from protostar.knowledge.parse.process.client import Batch, ParseResult, ParseServer
from protostar.knowledge.repository import KnowledgeRepository, StoredText
from protostar.knowledge.rows import Owner
from protostar.objects.store import ObjectStore, StoredObject
from protostar.redis.announcements import Announcements
from protostar.spaces.knowledge import renew_knowledge
from protostar.telemetry import Metrics
from protostar.webhooks.events import emit

log = structlog.get_logger()

_READ = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Version:
    """What is being indexed."""

    space_id: UUID
    document_id: UUID
    version: int

    @property
    def args(self) -> dict[str, object]:
        return {"document_id": str(self.document_id), "version": self.version}


class Pipeline:
    def __init__(
        self,
        database: Database,
        objects: ObjectStore,
        parser: ParseServer,
        embedder: Embedder | None,
        jobs: Jobs,
        announcements: Announcements,
        settings: Settings,
        metrics: Metrics,
    ) -> None:
        self._database = database
        self._objects = objects
        self._parser = parser
        self._embedder = embedder
        self._jobs = jobs
        self._announcements = announcements
        self._settings = settings
        self._metrics = metrics

    async def index(self, context: JobContext) -> None:
        """`document.index`: make a version searchable. Does nothing where that is done, or no longer wanted."""
        document_id, number = UUID(context.job.args["document_id"]), int(context.job.args["version"])
        row = await begin_stage(self._database, context.job, document_id, number, "parse")
        if row is None:
            await end_unless_pending(context, document_id, number)
            return
        version = Version(row["space_id"], document_id, number)
        with tempfile.TemporaryDirectory(prefix="protostar-") as folder:
            parsed = await self._parse(version, row, Path(folder))
            if row["text_sha256"] not in (None, parsed.text_sha256):
                await self._follow(context, version)
                return
            stored = await self._store_text(context, version, parsed)
            last, model = await self._stage(context, version, parsed)
            await self._switch(context, version, parsed, stored, last, model)

    async def embed_later(self, context: JobContext) -> None:
        """`document.embed`: the vectors of a version that became searchable while the model was away."""
        if self._embedder is None or context.job.space_id is None:
            return
        version = Version(context.job.space_id, UUID(context.job.args["document_id"]), int(context.job.args["version"]))

        async def show(done: int, total: int) -> None:
            await context.show("embed", done, total)

        try:
            await self._embedder.fill(version.space_id, version.document_id, version.version, show)
        except ModelRejected as error:
            # A key gets renewed, a model gets installed: the vectors follow by themselves, however long that takes.
            raise ModelUnavailable(str(error)) from error
        async with context.finishing() as session:
            await renew_knowledge(session, self._announcements, version.space_id)

    # -- the stages

    async def _parse(self, version: Version, row: Mapping[str, Any], folder: Path) -> ParseResult:
        owner = Owner(version.space_id, version.document_id, version.version)
        async with self._objects.local_copy(StoredObject(row["object_key"], row["size"], row["sha256"])) as path:
            parsed = await self._parser.parse(path, owner, media_type=row["media_type"], filename=row["filename"], work_dir=folder)
        for stage, seconds in parsed.seconds.items():
            self._metrics.stage_seconds.labels(stage).inc(seconds)
        return parsed

    async def _store_text(self, context: JobContext, version: Version, parsed: ParseResult) -> StoredText:
        # The fence keeps a worker that lost its lease from writing where its successor does.
        key = f"texts/{version.document_id}.{version.version}.{context.job.fence}"
        stored = await self._objects.put(key, _read(parsed.text_path), limit=parsed.text_path.stat().st_size)
        return StoredText(
            text_key=key,
            text_size=stored.size,
            text_sha256=stored.sha256,
            text_chars=parsed.chars,
            encoding=parsed.encoding,
            page_count=parsed.page_count,
            unread_pages=parsed.unread_pages,
            title=parsed.title,
            chunk_count=parsed.chunk_count,
        )

    async def _stage(self, context: JobContext, version: Version, parsed: ParseResult) -> tuple[Batch | None, int | None]:
        """Embed all passages, and stage all but the last batch, which the switch takes along: most documents have no other.

        Returns that batch, and the model whose vectors all passages have; None where some have none.
        """
        last: Batch | None = None
        model: int | None = None
        done, complete = 0, True
        for batch in parsed.batches():
            if last is not None:
                await self._stage_batch(context, version, last, first=done == len(last))
            if complete:
                model = await self._embed(version, batch)
                complete = model is not None
            last = batch
            done += len(batch)
            await context.show("embed", done, parsed.chunk_count)
        return last, model

    async def _stage_batch(self, context: JobContext, version: Version, batch: Batch, *, first: bool) -> None:
        started = time.monotonic()
        async with context.writing() as session:
            repository = KnowledgeRepository(session)
            if first:
                await repository.drop_staged(version.document_id, version.version)
            await repository.stage(batch.rows)
        self._metrics.stage_seconds.labels("write").inc(time.monotonic() - started)

    async def _embed(self, version: Version, batch: Batch) -> int | None:
        """The model's id. Where the model is away the document is found by keywords until it is back."""
        if self._embedder is None:
            return None
        try:
            return await self._embedder.add(version.space_id, dict(zip(batch.hashes, batch.texts, strict=True)))
        except (ModelUnavailable, ModelRejected) as error:
            log.warning("embeddings_postponed", document=str(version.document_id), error=str(error))
            self._metrics.degraded.labels("no_embeddings").inc()
            return None

    async def _follow(self, context: JobContext, version: Version) -> None:
        """An imported version that is read differently here than where its text comes from: citations count in that text.

        So it stays as it is, for them, and the same bytes become the next version, which answers questions.
        """
        async with context.finishing() as session:
            following = await KnowledgeRepository(session).keep_text(version.document_id, version.version)
            if following is not None:
                job_id = await self._jobs.enqueue(session, index(version.space_id, version.document_id, following))
                await KnowledgeRepository(session).add_following(version.document_id, following, job_id)

    async def _switch(
        self,
        context: JobContext,
        version: Version,
        parsed: ParseResult,
        stored: StoredText,
        last: Batch | None,
        model: int | None,
    ) -> None:
        started = time.monotonic()
        async with context.finishing() as session:
            repository = KnowledgeRepository(session)
            before = await repository.lock(version.document_id, version.version)
            if before is None:
                return
            if last is None or len(last) == parsed.chunk_count:
                await repository.drop_staged(version.document_id, version.version)
            if last is not None:
                await repository.stage(last.rows)
            frequencies = [tokens.CHUNKS, *parsed.terms], [parsed.chunk_count, *parsed.counts]
            await repository.switch(version.space_id, version.document_id, version.version, before, stored, frequencies)
            lacking = self._embedder is not None and (
                model is None or await repository.lacks_vectors(version.document_id, version.version, model)
            )
            await self._jobs.enqueue_all(session, self._followers(version, before, lacking=lacking))
            await emit(session, self._jobs, version.space_id, "document.ready", version.args)
            await renew_knowledge(session, self._announcements, version.space_id)
        self._metrics.stage_seconds.labels("write").inc(time.monotonic() - started)

    def _followers(self, version: Version, before: int, *, lacking: bool) -> list[Enqueue]:
        """What is to be done once the version answers."""
        followers = [summarize(version.space_id, version.document_id, version.version)]
        if before > 0:
            followers.append(purge_old(version.space_id, version.document_id, version.version))
        if lacking:
            followers.append(embed(version.space_id, version.document_id, version.version))
        return [*followers, fold(version.space_id)]


async def _read(path: Path) -> AsyncIterator[bytes]:
    async with await anyio.open_file(path, "rb") as file:
        while chunk := await file.read(_READ):
            yield chunk
