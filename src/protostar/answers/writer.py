"""Writes one answer: correction, or cache → compose → save."""

import asyncio
import hashlib
import json
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from protostar.access.limits import Limits
from protostar.answers.composing import Composer
from protostar.answers.context import AnswerContext, ContextReader, SpaceRead
from protostar.answers.corrections import normalised
from protostar.answers.draft import Draft, citation_of, from_cache, retrieved, show, to_cache, to_row
from protostar.answers.events import Feed
from protostar.answers.finding import Finder
from protostar.answers.models import AnswerRow, ConversationRow
from protostar.answers.output import Output
from protostar.answers.precedence import Precedence
from protostar.answers.repository import AnswerRepository, answer_terms
from protostar.cache import Cache
from protostar.config import Settings
from protostar.db.patience import patiently
from protostar.db.session import Database
from protostar.errors import LeaseLost
from protostar.jobs.model import Job
from protostar.jobs.repository import Enqueue, JobRepository
from protostar.jobs.service import Jobs
from protostar.knowledge.kinds import SUMMARIZE_TURN
from protostar.llm import prompts
from protostar.llm.base import ChatModel
from protostar.local_cache import Mark
from protostar.retrieval.model import Found
from protostar.retrieval.reading.small_talk import small_talk
from protostar.retrieval.service import Retriever
from protostar.spaces.schemas import SpaceSettings
from protostar.telemetry import Metrics
from protostar.webhooks.events import emit


@dataclass(frozen=True, slots=True)
class Ahead:
    """What a first question will need, looked for while it is being committed: its cached answer, else what it finds. `key`: what
    an answer to it is cached by, as far as was known of the space then.
    """

    key: str
    looking: asyncio.Task[tuple[Any | None, Found | None]]


@dataclass(frozen=True, slots=True)
class First:
    """What is known of an answer that begins a conversation: its space, and what was looked for meanwhile."""

    space: SpaceRead
    ahead: Ahead | None


class Writer:
    def __init__(
        self,
        database: Database,
        retriever: Retriever,
        chat: ChatModel | None,
        cache: Cache,
        limits: Limits,
        jobs: Jobs,
        settings: Settings,
        metrics: Metrics,
    ) -> None:
        self._database = database
        self._finder = Finder(retriever, top_k=settings.answer.top_k)
        self._vectors_of = retriever.model_name
        self._chat = chat
        self._cache = cache
        self._jobs = jobs
        self._cache_ttl = settings.answer.cache_ttl
        self._metrics = metrics
        self._contexts = ContextReader(database, earlier_chars=settings.chat.context_chars // 2)
        self._looking: set[asyncio.Task[tuple[Any | None, Found | None]]] = set()
        self.precedence = Precedence()
        self._composer = Composer(database, self._finder, chat, limits, settings, self.precedence)

    async def write(self, job: Job, row: AnswerRow, feed: Feed, first: First | None = None) -> None:
        """Write and save the answer, telling `feed` of every step; the last one is `done`, once it is committed.

        `first`: of an answer that begins a conversation, where this process took the question in.

        Raises LeaseLost where another process holds the job by then, and what the dependencies raise.
        """
        output = Output(feed, self._metrics)
        with self.precedence.beginning():
            context = await (self._contexts.of(row) if first is None else self._contexts.of_first(row, first.space))
            key = self._cache_key(row.space_id, row.question, context.knowledge_version, context.space)
            cached = found = None
            if context.given is None and first is not None and first.ahead is not None and first.ahead.key == key:
                cached, found = await first.ahead.looking
            elif context.is_first and context.given is None:
                cached = await self._cache.get(key)
        draft = output.draft = Draft() if cached is None else from_cache(cached)
        if not self._cache.available:
            draft.degraded.append("no_redis")
        if context.given is not None:
            draft.corrected_by = context.given.answer_id
            draft.citations = [citation_of(value) for value in context.given.citations]
            output.say(context.given.text)
        elif cached is not None:
            self._metrics.cache.labels("hit").inc()
            output.say(cached["text"])
        else:
            self._metrics.cache.labels("miss").inc()
            passages = await self._composer.compose(row, context, found, output, by_visitor=_by_visitor(job))
            draft.retrieved = [retrieved(passage) for passage in passages] if passages is not None else None
        async with self.precedence.ending():
            # What was shown is not taken back because PostgreSQL is away for a moment, and the model is not paid again.
            await patiently(lambda: self._save(job, row, context, draft))
        self._count(draft)
        if context.is_first and context.given is None and not draft.degraded and not draft.cached:
            await self._cache.put(row.space_id, key, to_cache(draft), self._cache_ttl)
        feed.publish("done", {"answer": show(row, draft).model_dump(mode="json")})

    def mark(self) -> Mark:
        """To be taken before anything of a space is read, and given back with it."""
        return self._contexts.mark()

    def look_ahead(self, space_id: UUID, question: str) -> Ahead | None:
        """Begin to look for what a first question needs, which takes about as long as to commit it; None where nothing is known of
        its space, or nothing is asked. It counts where nothing of the space has changed by the time when the question is committed.
        """
        known = self._contexts.known(space_id)
        if known is None or small_talk(question) is not None:
            return None
        key = self._cache_key(space_id, question, *known)
        looking = asyncio.create_task(self._look(space_id, question, key))
        self._looking.add(looking)
        looking.add_done_callback(self._looked)
        return Ahead(key, looking)

    async def _look(self, space_id: UUID, question: str, key: str) -> tuple[Any | None, Found | None]:
        with self.precedence.beginning():
            cached = await self._cache.get(key)
            return cached, await self._finder.search(space_id, question) if cached is None else None

    def _looked(self, looking: asyncio.Task[tuple[Any | None, Found | None]]) -> None:
        self._looking.discard(looking)
        if not looking.cancelled():
            looking.exception()  # nobody waits for it where the question could not be taken in

    async def recall(self, space_id: UUID, question: str) -> Draft | None:
        """The cached answer to a first question, by what this process knows of the space: for while PostgreSQL is away."""
        known = self._contexts.known(space_id)
        cached = await self._cache.get(self._cache_key(space_id, question, *known)) if known is not None else None
        if cached is None:
            return None
        self._metrics.cache.labels("hit").inc()
        draft = from_cache(cached)
        draft.text = cached["text"]
        draft.degraded.append("stale")
        self._count(draft)
        return draft

    def forget_space(self, space_id: UUID) -> None:
        """Its documents or settings have changed: nothing is recalled until PostgreSQL was asked again."""
        self._contexts.forget(space_id)

    # -- saving

    async def _save(self, job: Job, row: AnswerRow, context: AnswerContext, draft: Draft) -> None:
        """The answer and its job's end, in one transaction under the job's fence."""
        values = {**to_row(draft), "terms": answer_terms(row.space_id, row.question, draft.text)}
        asked = [turn for turn in context.turns if small_talk(turn.question) is None]
        summarized = [turn for turn in asked if turn.summary is None and len(turn.shown_text) > 300]
        if not summarized:
            async with self._database.autocommit() as session:
                if await AnswerRepository(session).save(row, job, values):
                    return
        async with self._database.transaction() as session:
            # Its job before the answer, in the order of whoever erases both.
            if not await JobRepository(session).finish(job):
                raise LeaseLost
            await AnswerRepository(session).finish(row.id, values)
            for turn in summarized:
                args = {"answer_id": str(turn.id)}
                summarize = Enqueue(SUMMARIZE_TURN, row.space_id, args, dedupe_key=f"{SUMMARIZE_TURN}:{turn.id}", priority=-1)
                await self._jobs.enqueue(session, summarize)
            await self._tell(session, row, found=draft.found)

    async def keep(self, session: AsyncSession, row: AnswerRow, conversation: ConversationRow) -> None:
        """Save an answer that was given while PostgreSQL was away."""
        await AnswerRepository(session).add(row, conversation)
        await self._tell(session, row, found=row.found)

    async def _tell(self, session: AsyncSession, row: AnswerRow, *, found: bool | None) -> None:
        told = {"answer_id": str(row.id), "conversation_id": str(row.conversation_id), "found": found}
        await emit(session, self._jobs, row.space_id, "answer.completed", told)

    def count_failed(self) -> None:
        self._metrics.answers.labels("failed").inc()

    def _count(self, draft: Draft) -> None:
        outcome = "corrected" if draft.corrected_by else "cached" if draft.cached else "found" if draft.found else "not_found"
        self._metrics.answers.labels(outcome).inc()
        for reason in draft.degraded:
            self._metrics.degraded.labels(reason).inc()

    # -- caching

    def _cache_key(self, space_id: UUID, question: str, knowledge_version: int, settings: SpaceSettings) -> str:
        """Everything that the answer to a first question depends on."""
        parts = [
            str(space_id),
            knowledge_version,
            settings.model_dump(),
            prompts.VERSION,
            [self._chat.name, prompts.today().isoformat()] if self._chat is not None else None,
            self._vectors_of,
            normalised(question),
        ]
        return "answer:" + hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def _by_visitor(job: Job) -> bool:
    """Whether a visitor asked, whose tokens count; a job of the release before does not say."""
    return bool(job.args.get("by_visitor", True))
