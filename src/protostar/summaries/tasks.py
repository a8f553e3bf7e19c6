"""`document.summarize`: what a document is about; `message.summarize`: what a long turn of a conversation said.

The chat model writes both; without one they are made of the text's own central sentences.
"""

from collections.abc import Sequence
from contextlib import aclosing, suppress
from typing import Final
from uuid import UUID

from protostar.db.session import Database
from protostar.errors import ModelRejected
from protostar.jobs.context import JobContext
from protostar.jobs.registry import Task
from protostar.knowledge.kinds import SUMMARIZE, SUMMARIZE_TURN
from protostar.llm import prompts
from protostar.llm.base import ChatModel, Message
from protostar.llm.prompts import language_of
from protostar.retrieval.extracts import summarize
from protostar.summaries.repository import SummaryRepository

_TOKENS: Final = 400
_TIMEOUT: Final = 120.0
_CHARS: Final = 12_000


async def complete(chat: ChatModel, messages: Sequence[Message]) -> tuple[str, str]:
    """The whole answer, and the model that wrote it. Raises ModelUnavailable and ModelRejected."""
    text, model = "", chat.name
    async with aclosing(chat.stream(messages, max_tokens=_TOKENS, timeout=_TIMEOUT)) as deltas:
        async for delta in deltas:
            text, model = text + delta.text, delta.model or model
    return text.strip(), model


def tasks(database: Database, chat: ChatModel | None) -> list[Task]:
    async def summarize_document(context: JobContext) -> None:
        document_id, version = UUID(context.job.args["document_id"]), int(context.job.args["version"])
        model = chat.name if chat is not None else None
        async with database.autocommit() as session:
            row = await SummaryRepository(session).version(document_id, version, model)
        if row is None or row.summary is not None or row.text_sha256 is None:
            return
        summary = row.known
        if summary is None:
            text = "\n\n".join(row.sample)[:_CHARS]
            summary, model = await _written(chat, prompts.summarize_document(row.title, text, language_of(text)), row.sample)
        async with context.finishing() as session:
            await SummaryRepository(session).set(document_id, version, summary, model)

    async def summarize_turn(context: JobContext) -> None:
        answer_id = UUID(context.job.args["answer_id"])
        async with database.transaction() as session:
            row = await SummaryRepository(session).turn(answer_id)
        if row is None or row.summary is not None:
            return
        messages = prompts.summarize_turn(row.question, row.text, language_of(row.question))
        summary, _model = await _written(chat, messages, [row.text])
        async with context.finishing() as session:
            await SummaryRepository(session).set_turn(answer_id, summary)

    # Slow models must not take every slot of a worker from the documents that are waiting.
    return [
        Task(SUMMARIZE, summarize_document, limit=2),
        Task(SUMMARIZE_TURN, summarize_turn, limit=2),
    ]


async def _written(chat: ChatModel | None, messages: Sequence[Message], texts: Sequence[str]) -> tuple[str, str | None]:
    """The summary, and the model that wrote it; None for an extract of `texts`."""
    if chat is not None:
        # What a model refuses it will refuse again; the text's own sentences do not.
        with suppress(ModelRejected):
            text, model = await complete(chat, messages)
            if text:
                return text, model
    return summarize(texts), None
