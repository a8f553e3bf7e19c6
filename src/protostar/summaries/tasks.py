"""`document.summarize`: what a document is about; `message.summarize`: what a long turn of a conversation said.

The chat model writes both; without one they are made of the text's own central sentences.
"""

from collections import Counter
from collections.abc import Sequence
from contextlib import aclosing
from typing import Final
from uuid import UUID

import structlog

from protostar.db.session import Database
from protostar.errors import ModelKeyRejected, ModelRejected, ModelUnavailable
from protostar.jobs.context import JobContext
from protostar.jobs.registry import Task
from protostar.knowledge.kinds import SUMMARIZE, SUMMARIZE_TURN
from protostar.llm import prompts
from protostar.llm.base import ChatModel, Message
from protostar.llm.prompts import language_of
from protostar.retrieval.extracts import sentences, summarize
from protostar.summaries.repository import SummaryRepository

log = structlog.get_logger()

_TOKENS: Final = 400
_TIMEOUT: Final = 120.0
_CHARS: Final = 12_000
_REPEATED: Final = 2
_UNTIL_RENEWED: Final = 60.0  # seconds after which a key that was refused is tried again


async def complete(chat: ChatModel, messages: Sequence[Message]) -> tuple[str, str]:
    """The answer, as far as its sentences are whole, and the model that wrote it.

    Raises ModelUnavailable, and ModelRejected, also where the model repeats its instructions or itself.
    """
    text, model, finish = "", chat.name, None
    async with aclosing(chat.stream(messages, max_tokens=_TOKENS, timeout=_TIMEOUT)) as deltas:
        async for delta in deltas:
            text = delta.text if delta.anew else text + delta.text
            model, finish = delta.model or model, delta.finish_reason or finish
    said = " ".join(text.split())
    if any(" ".join(line.split()) in said for line in prompts.instructions(messages)):
        raise ModelRejected("The chat model repeated its instructions instead of summarising.")
    return (_whole(text) if finish == "length" else text).strip(), model


def _whole(text: str) -> str:
    """A text that was cut off, without its last sentence. Raises ModelRejected where it goes round in circles."""
    said = [text[start:end] for start, end in sentences(text)]
    if max(Counter(said).values(), default=0) > _REPEATED:
        raise ModelRejected("The chat model repeated itself without end.")
    return text[: text.rindex(said[-1])] if len(said) > 1 else text


def tasks(database: Database, chat: ChatModel | None, *, room: int) -> list[Task]:
    """`room`: characters of a prompt that the chat model takes."""
    room = min(room, _CHARS)

    async def summarize_document(context: JobContext) -> None:
        document_id, version = UUID(context.job.args["document_id"]), int(context.job.args["version"])
        model = chat.name if chat is not None else None
        async with database.autocommit() as session:
            row = await SummaryRepository(session).version(document_id, version, model)
        if row is None or row.summary is not None or row.text_sha256 is None:
            return
        summary = row.known
        if summary is None:
            text = "\n\n".join(row.sample)[:room]
            summary, model = await written(chat, prompts.summarize_document(row.title, text, language_of(text)), row.sample)
        async with context.finishing() as session:
            await SummaryRepository(session).set(document_id, version, summary, model)

    async def summarize_turn(context: JobContext) -> None:
        answer_id = UUID(context.job.args["answer_id"])
        async with database.transaction() as session:
            row = await SummaryRepository(session).turn(answer_id)
        if row is None or row.summary is not None:
            return
        messages = prompts.summarize_turn(row.question, row.text[:room], language_of(row.question))
        summary, _model = await written(chat, messages, [row.text])
        async with context.finishing() as session:
            await SummaryRepository(session).set_turn(answer_id, summary)

    # Slow models must not take every slot of a worker from the documents that are waiting.
    return [
        Task(SUMMARIZE, summarize_document, limit=2),
        Task(SUMMARIZE_TURN, summarize_turn, limit=2),
    ]


async def written(chat: ChatModel | None, messages: Sequence[Message], texts: Sequence[str]) -> tuple[str, str | None]:
    """The summary, and the model that wrote it; None for an extract of `texts`. Raises ModelUnavailable."""
    if chat is not None:
        try:
            text, model = await complete(chat, messages)
            if text:
                return text, model
        except ModelKeyRejected as error:  # a key gets renewed, and a summary is written once
            raise ModelUnavailable(str(error), retry_after=_UNTIL_RENEWED) from error
        except ModelRejected as error:  # it will refuse again; the text's own sentences do not
            log.warning("summary_refused", error=str(error))
    return summarize(texts), None
