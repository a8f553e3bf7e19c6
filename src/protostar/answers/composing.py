"""The answer to what was asked: search → decide → prompt → stream → cite, or quote."""

import asyncio
import re
from collections.abc import Sequence
from contextlib import aclosing, suppress
from typing import Final, Literal

import structlog

from protostar.access.limits import Limits
from protostar.answers.context import AnswerContext
from protostar.answers.draft import Draft
from protostar.answers.events import Feed
from protostar.answers.finding import Finder, Findings
from protostar.answers.history import length
from protostar.answers.models import AnswerRow
from protostar.answers.output import Output
from protostar.answers.precedence import Precedence
from protostar.answers.reply import Reply, safe_text
from protostar.answers.repository import AnswerRepository
from protostar.answers.wording import quoted, reply_to
from protostar.config import Settings
from protostar.db.session import Database
from protostar.errors import DatabaseUnavailable, LeaseLost, ModelRejected, ModelUnavailable
from protostar.knowledge.tokens import terms
from protostar.llm import prompts
from protostar.llm.base import ChatModel, Message, Usage
from protostar.llm.prompts import Language, Source, language_of
from protostar.retrieval.model import Found, Passage
from protostar.retrieval.reading.small_talk import small_talk

log = structlog.get_logger()

_CHARACTERS_OF_A_TOKEN: Final = 2  # in Korean; in English about four
_MARKER: Final = re.compile(r"\[\d+\]")

Outcome = Literal["written", "declined", "failed"]
"""What a model made of a question. `declined`: it did not say that the passages answer it."""


class Composer:
    def __init__(
        self,
        database: Database,
        finder: Finder,
        chat: ChatModel | None,
        limits: Limits,
        settings: Settings,
        precedence: Precedence,
    ) -> None:
        self._database = database
        self._finder = finder
        self._chat = chat
        self._limits = limits
        self._settings = settings
        self._precedence = precedence

    async def compose(
        self, row: AnswerRow, context: AnswerContext, found: Found | None, output: Output, *, by_visitor: bool
    ) -> Sequence[Passage] | None:
        """Tell the answer; returns what was found for it, None where nothing is asked.

        `found`: by the question itself, where that was looked for. `by_visitor`: its tokens count as visitors'.
        """
        draft = output.draft
        talk = small_talk(row.question)
        if talk is not None:
            output.say(reply_to(talk, row.question, context))
            return None
        with self._precedence.beginning():
            findings = await self._finder.find(row.space_id, row.question, [turn.question for turn in context.turns], found)
        draft.degraded += findings.degraded
        relevance, passages = findings.relevance, findings.passages
        if relevance.near:
            outcome = "failed"
            if self._chat is not None:
                outcome = await self._stream(self._chat, row, context, findings, output, by_visitor)
            if outcome == "written":
                return passages
            if outcome == "failed":
                draft.degraded.append("no_chat_model")
            draft.model = None
        language = _language(findings)
        safe = safe_text(passages, language)
        for piece in quoted(findings, language, draft):
            output.say(safe.feed(piece))
        output.say(safe.flush())
        return passages

    async def _stream(
        self, chat: ChatModel, row: AnswerRow, context: AnswerContext, findings: Findings, output: Output, by_visitor: bool
    ) -> Outcome:
        """Let the model write the answer. One that breaks off is taken back: the reader is told to begin anew.

        Where it is not sure that the passages answer, the model is believed that they do if it says so first, and cites them.
        """
        draft, sure = output.draft, findings.relevance.answerable
        messages, reply = self._prompted(context, findings)
        try:
            finish = await self._receive(chat, messages, reply, output)
        except (ModelUnavailable, ModelRejected) as error:
            await self._check_held(row, output.feed)
            log.warning("chat_model_failed", answer=str(row.id), error=str(error), written=len(draft.text))
            await self._spend(row, _tokens(messages, reply, draft.usage), by_visitor)
            output.take_back()
            return "failed"
        await self._spend(row, _tokens(messages, reply, draft.usage), by_visitor)
        draft.model = draft.model or chat.name
        draft.citations = reply.citations()
        output.metrics.citations_dropped.inc(reply.dropped)
        outcome = _judged(draft, finish, sure=sure, declined=reply.declined)
        if not sure and outcome != "written":
            output.take_back()
        return outcome

    def _prompted(self, context: AnswerContext, findings: Findings) -> tuple[Sequence[Message], Reply]:
        """The prompt, with as many passages as it has room for, and what its reply is read with."""
        language, sure = _language(findings), findings.relevance.answerable
        passages = findings.passages[: self._settings.answer.top_k]
        passages = _within(passages, self._settings.chat.context_chars - length(*context.earlier))
        sources = [Source(n, p.document_title, p.heading_path, p.page, p.text) for n, p in enumerate(passages, 1)]
        messages = prompts.answer(
            findings.question,
            sources,
            context.earlier,
            persona=context.space.persona,
            language=language,
            asked_on=prompts.today(),
            sure=sure,
        )
        return messages, Reply(passages, messages, language, sure=sure)

    async def _receive(self, chat: ChatModel, messages: Sequence[Message], reply: Reply, output: Output) -> str | None:
        """Tell what the model writes, as it comes; returns why it ended, where the model says so."""
        draft, finish = output.draft, None
        timeout = self._settings.answer.deadline.total_seconds() - output.seconds
        stream = chat.stream(messages, max_tokens=self._settings.chat.max_answer_tokens, timeout=timeout)
        async with aclosing(stream) as deltas:
            async for delta in deltas:
                if delta.anew:
                    output.take_back()
                    reply.restart()
                if output.say(reply.feed(delta.text, thought=delta.thought)):
                    await asyncio.sleep(0)  # it goes out before the rest is read, which may be there already
                draft.usage = delta.usage or draft.usage
                finish = delta.finish_reason or finish
                draft.model = delta.model or draft.model
                if reply.declined:
                    break
        output.say(reply.flush())
        return finish

    async def _spend(self, row: AnswerRow, tokens: int, by_visitor: bool) -> None:
        """What an owner asks uses up nothing of what the visitors may."""
        if by_visitor:
            await self._limits.spend_tokens(row.space_id, tokens)

    async def _check_held(self, row: AnswerRow, feed: Feed) -> None:
        """Raises LeaseLost where the answer is another's by now: a process that was frozen finds its streams broken first."""
        with suppress(DatabaseUnavailable):
            async with self._database.transaction() as session:
                if row.job_id is not None and not await AnswerRepository(session).is_written_under(row.job_id, feed.fence):
                    raise LeaseLost


def _language(findings: Findings) -> Language:
    return language_of(findings.question, findings.passages[0].text if findings.passages else "")


def _judged(draft: Draft, finish: str | None, *, sure: bool, declined: bool) -> Outcome:
    """What the whole text of a model is. The draft of one that was written says whether it answers, and what it lacks."""
    text = draft.text.strip()
    if not sure and not _answers(draft):
        # What was cut off, or says nothing at all, is no verdict: it may be one when it is asked again.
        return "declined" if declined or (text and finish != "length") else "failed"
    if not text:
        return "failed"
    draft.found = bool(draft.citations) or not prompts.is_not_found(draft.text)
    if draft.found and not draft.citations:
        draft.degraded.append("no_citations")
    if finish == "length":
        draft.degraded.append("incomplete")
    return "written"


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
