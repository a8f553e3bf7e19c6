"""Everything that a process opens, on one stack, closed in reverse: shared by API, worker, tests and benchmarks."""

from collections import defaultdict
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from uuid import UUID

import structlog

from protostar import __version__
from protostar.access.limits import Limits
from protostar.access.service import Access
from protostar.access.visitor import VisitorTokens
from protostar.answers.corrections import Corrections
from protostar.answers.erasure import Erasure
from protostar.answers.events import Recorder
from protostar.answers.service import Answers
from protostar.answers.writer import Writer
from protostar.archive.exports import Exports
from protostar.archive.imports import Imports
from protostar.archive.receiving import Receiving
from protostar.cache import Cache
from protostar.config import Settings
from protostar.db.session import Database
from protostar.documents.fetch import Fetcher
from protostar.documents.ownership import Ownership
from protostar.documents.service import Documents
from protostar.documents.upload import Receiver
from protostar.errors import ConfigurationError, Unavailable
from protostar.insights.service import InsightService
from protostar.jobs.bell import Bell
from protostar.jobs.progress import LiveProgress
from protostar.jobs.service import Jobs
from protostar.knowledge.embeddings import Embedder
from protostar.knowledge.pages import PageImages
from protostar.knowledge.parse.process.client import ParseServer
from protostar.knowledge.pipeline import Pipeline
from protostar.knowledge.purge import Purge
from protostar.knowledge.reindex import Reindex
from protostar.knowledge.vector_index import VectorIndex
from protostar.llm.base import ChatModel, EmbeddingModel
from protostar.llm.factory import open_chat_model, open_embedding_model, open_session
from protostar.llm.wrappers import ModelCall, Observer
from protostar.objects.copies import Copies
from protostar.objects.store import ObjectStore, open_object_store
from protostar.outbound.addresses import refusal
from protostar.outbound.client import GuardedClient, open_client
from protostar.redis.announcements import Announcements, Kind
from protostar.redis.client import RedisClient
from protostar.retrieval.service import Retriever
from protostar.spaces.service import Spaces
from protostar.telemetry import Metrics, Trouble
from protostar.visitors.service import Visitors
from protostar.webhooks.service import Webhooks

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Resources:
    """The open parts. `redis`, `chat`, `embedding`: None where none is configured."""

    settings: Settings
    metrics: Metrics
    database: Database
    redis: RedisClient | None
    objects: ObjectStore
    ownership: Ownership
    chat: ChatModel | None
    embedding: EmbeddingModel | None
    embedder: Embedder | None
    outbound: GuardedClient
    limits: Limits
    jobs: Jobs
    announcements: Announcements
    retriever: Retriever
    writer: Writer
    recorder: Recorder
    unready: defaultdict[str, Trouble] = field(default_factory=lambda: defaultdict(lambda: Trouble("dependency_down")))
    """By the dependency, what the log is told of it."""

    # -- the features' services, made of the parts above

    def access(self) -> Access:
        key = self.settings.admin_key
        return Access(self.database, key.get_secret_value() if key is not None else None)

    def documents(self) -> Documents:
        receiver = Receiver(self.objects, self.settings.max_upload_bytes)
        live, uploads, grace = LiveProgress(self.redis), self.settings.limit.uploads, self.settings.delete_grace
        return Documents(self.database, self.jobs, receiver, self.outbound, live, self.announcements, uploads=uploads, grace=grace)

    def fetcher(self) -> Fetcher:
        return Fetcher(self.database, self.outbound, Receiver(self.objects, self.settings.max_upload_bytes), self.jobs)

    def spaces(self, access: Access) -> Spaces:
        return Spaces(self.database, access, self.jobs, self.announcements, grace=self.settings.delete_grace)

    def webhooks(self) -> Webhooks:
        return Webhooks(self.database, self.outbound, self.jobs)

    def exports(self, access: Access) -> Exports:
        return Exports(self.database, self.spaces(access))

    def imports(self) -> Imports:
        return Imports(self.database, Receiving(self.objects, self.settings.max_upload_bytes), self.jobs)

    def pipeline(self, parser: ParseServer) -> Pipeline:
        return Pipeline(
            self.database, self.objects, parser, self.embedder, self.jobs, self.announcements, self.settings, self.metrics
        )

    def page_images(self, copies: Copies, parser: ParseServer) -> PageImages:
        return PageImages(self.objects, copies, parser)

    def purge(self) -> Purge:
        return Purge(self.database, self.objects, self.jobs, Cache(self.redis), self.settings.answer)

    def reindex(self) -> Reindex:
        return Reindex(self.database, self.embedder, self.vector_index(), self.jobs)

    def vector_index(self) -> VectorIndex:
        return VectorIndex(self.database)

    def visitors(self, access: Access) -> Visitors:
        return Visitors(self.database, self._visitor_tokens(access), self.limits, self.settings.limit)

    def insights(self) -> InsightService:
        return InsightService(self.database, self.retriever)

    def corrections(self) -> Corrections:
        return Corrections(self.database, self.announcements)

    def erasure(self) -> Erasure:
        cache_ttl = self.settings.answer.cache_ttl
        return Erasure(self.database, Cache(self.redis), self.announcements, self.jobs, cache_ttl=cache_ttl)

    def answers(self, access: Access) -> Answers:
        tokens, limit = self._visitor_tokens(access), self.settings.limit.answers
        return Answers(self.database, self.redis, self.writer, tokens, self.recorder, self.settings.answer, limit=limit)

    def _visitor_tokens(self, access: Access) -> VisitorTokens:
        return VisitorTokens(access.secret, self.settings.answer.visitor_ttl)

    async def look_at_store(self) -> None:
        """Say in the log, as soon as it can be told, that the object store is another database's; what needs it waits."""
        with suppress(Unavailable):
            await self.ownership.check()

    async def follow_changes(self, access: Access) -> None:
        """Forget what other processes change, as soon as they tell; until cancelled."""

        def changed(kind: Kind, id_: str) -> None:
            match kind:
                case "key":
                    access.forget(bytes.fromhex(id_))
                case "space":
                    access.forget_space(UUID(id_))
                    self.writer.forget_space(UUID(id_))
                case "knowledge":
                    self.writer.forget_space(UUID(id_))

        await self.announcements.listen(changed, missed=access.doubt)


@asynccontextmanager
async def open_resources(settings: Settings, metrics: Metrics | None = None) -> AsyncGenerator[Resources]:
    """Open everything that the settings name. Nothing has to answer yet: each part waits for its server by itself."""
    if settings.database_url is None:
        raise ConfigurationError("PROTOSTAR_DATABASE_URL is not set. «protostar serve» starts PostgreSQL itself and sets it.")
    async with AsyncExitStack() as stack:
        metrics = metrics or Metrics()
        database = Database(settings.database_url.get_secret_value(), pool_size=settings.database_pool)
        stack.push_async_callback(database.close)
        redis = None
        if settings.redis_url is not None:
            redis = RedisClient(settings.redis_url.get_secret_value(), metrics)
            stack.push_async_callback(redis.close)
        place = open_object_store(settings.objects_url or default_objects_url(settings.data_dir), settings.s3)
        ownership = Ownership(database, place)
        session = await stack.enter_async_context(open_session())
        policy = partial(refusal, allow_private=settings.allow_private_networks)
        outbound = await stack.enter_async_context(open_client(policy))
        observe = _observer(metrics)
        chat = open_chat_model(session, settings.chat, observe)
        embedding = open_embedding_model(session, settings.embedding, observe)
        embedder = Embedder(database, embedding, settings.embedding, metrics) if embedding is not None else None
        bell = Bell(redis)
        stack.push_async_callback(bell.close)
        jobs = Jobs(bell, max_attempts=settings.worker.max_attempts, queue_limit=settings.limit.queued_jobs_per_space)
        retriever = Retriever(database, embedder, settings.embedding, metrics)
        limits = Limits(redis, settings.limit)
        writer = Writer(database, retriever, chat, Cache(redis), limits, jobs, settings, metrics)
        recorder = Recorder(redis, settings.answer.stream_ttl)
        log.debug("resources_opened", version=__version__)
        yield Resources(
            settings,
            metrics,
            database,
            redis,
            place.guarded(ownership),
            ownership,
            chat,
            embedding,
            embedder,
            outbound,
            limits,
            jobs,
            Announcements(redis),
            retriever,
            writer,
            recorder,
        )


def default_objects_url(data_dir: Path) -> str:
    return (data_dir.resolve() / "objects").as_uri()


def _observer(metrics: Metrics) -> Observer:
    def observe(call: ModelCall) -> None:
        metrics.model_calls.labels(call.kind, call.model, call.outcome).inc()
        metrics.model_seconds.labels(call.kind).observe(call.seconds)
        if call.usage is not None:
            metrics.model_tokens.labels(call.kind, call.model).inc(call.usage.prompt_tokens + call.usage.completion_tokens)

    return observe
