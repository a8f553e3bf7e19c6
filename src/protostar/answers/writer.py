"""Writes one answer: correction, or cache → retrieve → decide → prompt → stream → cite → save."""

import asyncio
import hashlib
import json
import re
import time
from collections.abc import Sequence
from contextlib import aclosing, suppress
from dataclasses import dataclass
from typing import Any, Final, Literal
from uuid import UUID

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from protostar.access.limits import Limits
from protostar.answers.corrections import Given, given, normalised
from protostar.answers.draft import Draft, citation_of, from_cache, retrieved, show, to_cache, to_row
from protostar.answers.events import Feed
from protostar.answers.extractive import MOST_QUOTES, quote_answer
from protostar.answers.finding import Finder, Findings
from protostar.answers.history import history, length
from protostar.answers.models import AnswerRow, ConversationRow
from protostar.answers.precedence import Precedence
from protostar.answers.reply import Reply, safe_text
from protostar.answers.repository import AnswerRepository, answer_terms
from protostar.cache import Cache
from protostar.config import Settings
from protostar.db.patience import patiently
from protostar.db.session import Database
from protostar.errors import DatabaseUnavailable, LeaseLost, ModelRejected, ModelUnavailable
from protostar.jobs.model import Job
from protostar.jobs.repository import Enqueue, JobRepository
from protostar.jobs.service import Jobs
from protostar.knowledge.kinds import SUMMARIZE_TURN
from protostar.knowledge.tokens import terms
from protostar.llm import prompts
from protostar.llm.base import ChatModel, Message, Usage
from protostar.llm.prompts import Language, SmallTalk, Source, Turn, language_of
from protostar.memory import Mark, Memory
from protostar.retrieval.model import Found, Passage
from protostar.retrieval.reading.small_talk import small_talk
from protostar.retrieval.service import Retriever
from protostar.spaces.schemas import SpaceSettings
from protostar.telemetry import Metrics
from protostar.webhooks.events import emit

log = structlog.get_logger()

_CHARACTERS_OF_A_TOKEN: Final = 2  # in Korean; in English about four
# Quotes: of what comes near, of each question of several, and of all of them together.
_MOST_NEAR: Final = 2
_MOST_OF_A_PART: Final = 2
_MOST_OF_ALL: Final = 1
_MARKER: Final = re.compile(r"\[\d+\]")

Outcome = Literal["written", "declined", "failed"]
"""What a model made of a question. `declined`: it did not say that the passages answer it."""


@dataclass(frozen=True, slots=True)
class Setting:
    """What an answer is written in: its space as of now, the conversation so far and as much of it as the prompt carries, and what
    the owner has said to its question.
    """

    knowledge_version: int
    space: SpaceSettings
    turns: Sequence[AnswerRow]
    earlier: Sequence[Turn]
    given: Given | None

    @property
    def is_first(self) -> bool:
        return not self.turns


@dataclass(frozen=True, slots=True)
class Ahead:
    """What a first question will need, looked for while it is being committed: its cached answer, else what it finds. `key`: what
    an answer to it is cached by, as far as was known of the space then.
    """

    key: str
    looking: asyncio.Task[tuple[Any | None, Found | None]]


@dataclass(frozen=True, slots=True)
class SpaceRead:
    """What was read of a space, and the mark taken before; and what was looked for meanwhile."""

    knowledge_version: int
    settings: dict[str, Any]
    mark: Mark
    has_corrections: bool = True
    ahead: Ahead | None = None


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
        self._limits = limits
        self._jobs = jobs
        self._settings = settings
        self._metrics = metrics
        self._spaces = Memory[UUID, tuple[int, SpaceSettings]]()  # knowledge version and settings
        self._looking: set[asyncio.Task[tuple[Any | None, Found | None]]] = set()
        self.precedence = Precedence()

    async def write(self, job: Job, row: AnswerRow, feed: Feed, first: SpaceRead | None = None) -> None:
        """Write and save the answer, telling `feed` of every step; the last one is `done`, once it is committed.

        `first`: what was read of its space, of an answer that begins a conversation.

        Raises LeaseLost where another process holds the job by then, and what the dependencies raise.
        """
        started = time.monotonic()
        draft = Draft()
        with self.precedence.beginning():
            setting = await (self._setting(row) if first is None else self._first_setting(row, first))
            key = self._cache_key(row.space_id, row.question, setting.knowledge_version, setting.space)
            cached = found = None
            if setting.given is None and first is not None and first.ahead is not None and first.ahead.key == key:
                cached, found = await first.ahead.looking
            elif setting.is_first and setting.given is None:
                cached = await self._cache.get(key)
        if not self._cache.available:
            draft.degraded.append("no_redis")
        if setting.given is not None:
            draft.corrected_by = setting.given.answer_id
            draft.citations = [citation_of(value) for value in setting.given.citations]
            self._say(feed, draft, setting.given.text, started)
        elif cached is not None:
            self._metrics.cache.labels("hit").inc()
            draft = from_cache(cached)
            self._say(feed, draft, cached["text"], started)
        else:
            self._metrics.cache.labels("miss").inc()
            passages = await self._compose(row, setting, found, draft, feed, started)
            draft.retrieved = [retrieved(passage) for passage in passages] if passages is not None else None
        async with self.precedence.ending():
            # What was shown is not taken back because PostgreSQL is away for a moment, and the model is not paid again.
            await patiently(lambda: self._save(job, row, setting, draft))
        self._count(draft)
        if setting.is_first and setting.given is None and not draft.degraded and not draft.cached:
            await self._cache.put(row.space_id, key, to_cache(draft), self._settings.answer.cache_ttl)
        feed.publish("done", {"answer": show(row, draft).model_dump(mode="json")})

    def look_ahead(self, space_id: UUID, question: str) -> Ahead | None:
        """Begin to look for what a first question needs, which takes about as long as to commit it; None where nothing is known of
        its space, or nothing is asked. It counts where nothing of the space has changed by the time when the question is committed.
        """
        known = self._spaces.known(space_id)
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

    def mark(self) -> Mark:
        """To be taken before anything of a space is read, and given back with it."""
        return self._spaces.mark()

    async def _setting(self, row: AnswerRow) -> Setting:
        mark = self.mark()
        async with self._database.autocommit() as session:
            repository = AnswerRepository(session)
            version, settings = await repository.space(row.space_id)
            turns = [turn for turn in await repository.turns(row.conversation_id, before=row.id, limit=20) if turn.state == "done"]
            correction = await given(session, row.space_id, row.question) if not turns else None
        return self._known(row, SpaceRead(version, settings, mark), turns, correction)

    async def _first_setting(self, row: AnswerRow, read: SpaceRead) -> Setting:
        correction = None
        if read.has_corrections:
            async with self._database.autocommit() as session:
                correction = await given(session, row.space_id, row.question)
        return self._known(row, read, (), correction)

    def _known(self, row: AnswerRow, read: SpaceRead, turns: Sequence[AnswerRow], correction: Given | None) -> Setting:
        space = SpaceSettings.stored(read.settings)
        known = self._spaces.known(row.space_id)
        if known is not None and known[1] == space:
            space = known[1]  # one for all answers that are under way
        self._spaces.keep(row.space_id, (read.knowledge_version, space), read.mark)
        earlier = history(turns, self._settings.chat.context_chars // 2)
        return Setting(read.knowledge_version, space, turns, earlier, correction)

    async def recall(self, space_id: UUID, question: str) -> Draft | None:
        """The cached answer to a first question, by what this process knows of the space: for while PostgreSQL is away."""
        known = self._spaces.known(space_id)
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
        self._spaces.forget(space_id)

    # -- composing

    async def _compose(
        self, row: AnswerRow, setting: Setting, found: Found | None, draft: Draft, feed: Feed, started: float
    ) -> Sequence[Passage] | None:
        """The answer in `draft`; returns what was found for it, None where nothing is asked. `found`: by the question itself, where
        that was looked for.
        """
        talk = small_talk(row.question)
        if talk is not None:
            self._say(feed, draft, _reply(talk, row.question, setting), started)
            return None
        with self.precedence.beginning():
            findings = await self._finder.find(row.space_id, row.question, [turn.question for turn in setting.turns], found)
        draft.degraded += findings.degraded
        relevance, passages = findings.relevance, findings.passages
        if relevance.near:
            outcome = (
                "failed" if self._chat is None else await self._stream(self._chat, row, setting, findings, draft, feed, started)
            )
            if outcome == "written":
                return passages
            if outcome == "failed":
                draft.degraded.append("no_chat_model")
            draft.model = None
        language = _language(findings)
        safe = safe_text(passages, language)
        for piece in _quoted(findings, language, draft):
            self._say(feed, draft, safe.feed(piece), started)
        self._say(feed, draft, safe.flush(), started)
        return passages

    async def _stream(
        self,
        chat: ChatModel,
        row: AnswerRow,
        setting: Setting,
        findings: Findings,
        draft: Draft,
        feed: Feed,
        started: float,
    ) -> Outcome:
        """Let the model write the answer. One that breaks off is taken back: the reader is told to begin anew.

        Where it is not sure that the passages answer, the model is believed that they do if it says so first, and cites them.
        """
        sure = findings.relevance.answerable
        passages = findings.passages[: self._settings.answer.top_k]
        passages = _within(passages, self._settings.chat.context_chars - length(*setting.earlier))
        sources = [Source(n, p.document_title, p.heading_path, p.page, p.text) for n, p in enumerate(passages, 1)]
        language = _language(findings)
        messages = prompts.answer(
            findings.question,
            sources,
            setting.earlier,
            persona=setting.space.persona,
            language=language,
            sure=sure,
        )
        reply, finish = Reply(passages, messages, language, sure=sure), None
        timeout = self._settings.answer.deadline.total_seconds() - (time.monotonic() - started)
        try:
            stream = chat.stream(messages, max_tokens=self._settings.chat.max_answer_tokens, timeout=timeout)
            async with aclosing(stream) as deltas:
                async for delta in deltas:
                    if self._say(feed, draft, reply.feed(delta.text, thought=delta.thought), started):
                        await asyncio.sleep(0)  # it goes out before the rest is read, which may be there already
                    draft.usage = delta.usage or draft.usage
                    finish = delta.finish_reason or finish
                    draft.model = delta.model or draft.model
                    if reply.declined:
                        break
            self._say(feed, draft, reply.flush(), started)
        except (ModelUnavailable, ModelRejected) as error:
            await self._check_held(row, feed)
            log.warning("chat_model_failed", answer=str(row.id), error=str(error), written=len(draft.text))
            await self._limits.spend_tokens(row.space_id, _tokens(messages, reply, draft.usage))
            self._take_back(feed, draft)
            return "failed"
        await self._limits.spend_tokens(row.space_id, _tokens(messages, reply, draft.usage))
        draft.model = draft.model or chat.name
        draft.citations = reply.citations()
        self._metrics.citations_dropped.inc(reply.dropped)
        if not sure and not _answers(draft):
            # What was cut off, or says nothing at all, is no verdict: it may be one when it is asked again.
            outcome: Outcome = "declined" if reply.declined or (draft.text.strip() and finish != "length") else "failed"
            self._take_back(feed, draft)
            return outcome
        if not draft.text.strip():
            return "failed"
        draft.found = bool(draft.citations) or not prompts.is_not_found(draft.text)
        if draft.found and not draft.citations:
            draft.degraded.append("no_citations")
        if finish == "length":
            draft.degraded.append("incomplete")
        return "written"

    @staticmethod
    def _take_back(feed: Feed, draft: Draft) -> None:
        feed.reset()
        draft.text = ""

    async def _check_held(self, row: AnswerRow, feed: Feed) -> None:
        """Raises LeaseLost where the answer is another's by now: a process that was frozen finds its streams broken first."""
        with suppress(DatabaseUnavailable):
            async with self._database.transaction() as session:
                if row.job_id is not None and not await AnswerRepository(session).is_written_under(row.job_id, feed.fence):
                    raise LeaseLost

    def _say(self, feed: Feed, draft: Draft, text: str, started: float) -> bool:
        """Whether this is the first that is said."""
        if not text:
            return False
        is_first = draft.first_token_ms is None
        if is_first:
            seconds = time.monotonic() - started
            draft.first_token_ms = round(seconds * 1000)
            self._metrics.first_token_seconds.observe(seconds)
        draft.text += text
        feed.publish("delta", {"text": text})
        return is_first

    # -- saving

    async def _save(self, job: Job, row: AnswerRow, setting: Setting, draft: Draft) -> None:
        """The answer and its job's end, in one transaction under the job's fence."""
        values = {**to_row(draft), "terms": answer_terms(row.space_id, row.question, draft.text)}
        asked = [turn for turn in setting.turns if small_talk(turn.question) is None]
        summarized = [turn for turn in asked if turn.summary is None and len(turn.shown_text) > 300]
        if not summarized:
            async with self._database.autocommit() as session:
                if await AnswerRepository(session).save(row, job, values):
                    return
        async with self._database.transaction() as session:
            await AnswerRepository(session).finish(row.id, values)
            for turn in summarized:
                args = {"answer_id": str(turn.id)}
                summarize = Enqueue(SUMMARIZE_TURN, row.space_id, args, dedupe_key=f"{SUMMARIZE_TURN}:{turn.id}", priority=-1)
                await self._jobs.enqueue(session, summarize)
            await self._tell(session, row, found=draft.found)
            if not await JobRepository(session).finish(job):
                raise LeaseLost

    async def keep(self, session: AsyncSession, row: AnswerRow, conversation: ConversationRow) -> None:
        """Save an answer that was given while PostgreSQL was away."""
        await AnswerRepository(session).add(row, conversation)
        await self._tell(session, row, found=row.found)

    async def _tell(self, session: AsyncSession, row: AnswerRow, *, found: bool | None) -> None:
        told = {"answer_id": str(row.id), "conversation_id": str(row.conversation_id), "found": found}
        await emit(session, self._jobs, row.space_id, "answer.completed", told)

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
            self._chat.name if self._chat is not None else None,
            self._vectors_of,
            normalised(question),
        ]
        return "answer:" + hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def _language(findings: Findings) -> Language:
    return language_of(findings.question, findings.passages[0].text if findings.passages else "")


def _reply(talk: SmallTalk, said: str, setting: Setting) -> str:
    """The owner's own greeting where it is in the same language; who asks what to ask gets the owner's starter questions.

    What has no words, as 👍, is replied to in the language of the question before.
    """
    greeting = setting.space.greeting
    language = language_of(said, setting.turns[-1].question if setting.turns else greeting)
    if talk == "greeting" and greeting and language_of(greeting) == language:
        return greeting
    starters = [f"- {question}" for question in setting.space.starter_questions] if talk == "about" else []
    return "\n".join([prompts.small_talk(talk, language), *([""] if starters else []), *starters])


def _quoted(findings: Findings, language: Language, draft: Draft) -> list[str]:
    """Pieces of the answer in the documents' own words, its citations in `draft`; or what comes near one, said to be no more."""
    answering, relevance = findings.answering, findings.relevance
    if answering[1:]:
        most = [_MOST_OF_ALL if each is findings.whole else _MOST_OF_A_PART for each in answering]
    else:
        most = [MOST_QUOTES if relevance.answerable else _MOST_NEAR if relevance.near else 0]
    asked = ((each.query, each.passages, quotes) for each, quotes in zip(answering, most, strict=True))
    pieces, draft.citations = quote_answer(asked)
    draft.found = relevance.answerable and bool(pieces)
    if pieces and not draft.found:
        pieces.insert(0, f"{prompts.nothing_sure(language)}\n\n")
    return pieces or [prompts.not_found(language)]


def _answers(draft: Draft) -> bool:
    """Whether a text cites, and says more than that there is nothing."""
    return bool(draft.citations) and bool(terms(_MARKER.sub(" ", draft.text))) and not prompts.is_not_found(draft.text)


def _within(passages: Sequence[Passage], characters: int) -> list[Passage]:
    """As many of the best passages as the prompt has room for, and at least one."""
    kept: list[Passage] = []
    for passage in passages:
        characters -= len(passage.text)
        if kept and characters < 0:
            break
        kept.append(passage)
    return kept


def _tokens(messages: Sequence[Message], reply: Reply, usage: Usage | None) -> int:
    """What a call has cost; rather too much than too little where the server does not tell, nothing where it wrote nothing."""
    if usage is not None:
        return usage.prompt_tokens + usage.completion_tokens
    characters = sum(len(message.content) for message in messages) + reply.received
    return characters // _CHARACTERS_OF_A_TOKEN if reply.received else 0
