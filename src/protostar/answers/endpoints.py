"""`/v1/answers` and `/v1/conversations`: asking, resuming, reading back, rating; the owner's list and corrections."""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from functools import partial
from typing import Annotated, Final
from uuid import UUID

from fastapi import Header, Query, Response, status
from fastapi.responses import StreamingResponse
from pydantic import AwareDatetime

from protostar import sse
from protostar.access.model import Principal
from protostar.access.visitor import Visitor
from protostar.answers.corrections import Corrections
from protostar.answers.draft import show
from protostar.answers.erasure import Erasure
from protostar.answers.events import Event
from protostar.answers.listing import Filters, Flag
from protostar.answers.schemas import Answer, Ask, Conversation, ConversationInfo, CorrectionPut, Erased, Feedback, Retrieval
from protostar.answers.service import Answers, Taken
from protostar.dependencies import Address, Asker, Cursor, IdempotencyKey, Limit, Manager, VisitorToken, opened
from protostar.errors import InvalidInput
from protostar.openapi import TEXT
from protostar.paging import Page, before, page_of
from protostar.retrieval.reading.small_talk import small_talk
from protostar.routing import Router
from protostar.visitors.schemas import VisitorNamed
from protostar.visitors.service import Visitors

router = Router(prefix="/v1", tags=["answers"])

_HARD_TO_GUESS: Final = 16  # characters

Service = Annotated[Answers, opened("answers")]
Corrected = Annotated[Corrections, opened("corrections")]
Erasing = Annotated[Erasure, opened("erasure")]
AllVisitors = Annotated[Visitors, opened("visitors")]
LastEventId = Annotated[str | None, Header(alias="Last-Event-ID", description="the last event that arrived; the rest follows")]


@router.post("/answers", response_model=Answer, responses={200: {"content": {"text/event-stream": {"schema": TEXT}}}})
async def ask(
    body: Ask,
    response: Response,
    principal: Asker,
    answers: Service,
    visitors: AllVisitors,
    address: Address,
    idempotency_key: IdempotencyKey = None,
    token: VisitorToken = None,
) -> Answer | StreamingResponse:
    """Answers a question from the space's documents; every claim carries the number of its citation.

    With `stream`: `start`, then `delta`…, then exactly one of `done` and `error`; `reset` in between says that the text begins
    anew. Each event has an id: `GET /v1/answers/{id}/events` with `Last-Event-ID` goes on from it. Without `stream` the visitor's
    token is in the header `Protostar-Visitor`.
    """
    visitor = await visitors.known(principal.space_id, token)
    if principal.is_visitor:
        await visitors.knock(principal.space_id, address)
        if idempotency_key is not None:
            # All visitors share one key: another one's request must not be joined by guessing its name.
            if token is None and len(idempotency_key) < _HARD_TO_GUESS:
                raise InvalidInput(
                    "A visitor without a token is told from others by the Idempotency-Key alone: it needs 16 characters or more, as"
                    " a UUID has them."
                )
            idempotency_key = f"{visitor.id if token is not None else address}:{idempotency_key}"
    if body.conversation_id is not None:
        await _check_visitor(principal, answers, token, body.conversation_id)
    is_question = small_talk(body.question) is None
    admit = partial(visitors.admit, visitor=visitor, address=address, is_question=is_question) if principal.is_visitor else None
    taken = await answers.ask(principal.space_id, body, idempotency_key, visitor, admit)
    if body.stream:
        return sse.EventStream(_events(await answers.events(taken)))
    response.headers["Protostar-Visitor"] = await answers.visitor_token(taken)
    return await answers.finished(taken)


@router.get("/answers/{answer_id}")
async def get_answer(answer_id: UUID, principal: Asker, answers: Service, visitor: VisitorToken = None) -> Answer:
    row = await answers.records.get(principal.space_id, answer_id)
    await _check_visitor(principal, answers, visitor, row.conversation_id)
    return await answers.records.show(row, to_owner=not principal.is_visitor)


@router.get("/answers/{answer_id}/events", response_class=sse.EventStream)
async def resume_answer(
    answer_id: UUID, principal: Asker, answers: Service, visitor: VisitorToken = None, last_event_id: LastEventId = None
) -> StreamingResponse:
    """The events after `Last-Event-ID`, on any replica; `reset` first where the text has to begin anew."""
    row = await answers.records.get(principal.space_id, answer_id)
    known = await _check_visitor(principal, answers, visitor, row.conversation_id)
    return sse.EventStream(_events(await answers.events(Taken(row, known), last_event_id)))


@router.get("/answers/{answer_id}/retrieved")
async def get_retrieved(answer_id: UUID, principal: Manager, answers: Service) -> Retrieval:
    """The passages that were found for the question then, and what each leg of the search made of them."""
    return Retrieval.model_validate(await answers.records.get(principal.space_id, answer_id))


@router.post("/answers/{answer_id}/feedback", status_code=status.HTTP_204_NO_CONTENT)
async def rate_answer(answer_id: UUID, body: Feedback, principal: Asker, answers: Service, visitor: VisitorToken = None) -> None:
    """Whether the answer helped, and why; the last one counts. `rating` null takes it back."""
    row = await answers.records.get(principal.space_id, answer_id)
    await _check_visitor(principal, answers, visitor, row.conversation_id)
    await answers.records.rate(row, body)


@router.put("/answers/{answer_id}/correction")
async def correct_answer(answer_id: UUID, body: CorrectionPut, principal: Manager, corrections: Corrected) -> Answer:
    """The owner's words in place of the answer, in its conversation and for first questions that ask the same.

    Of the citations those stay whose `[n]` stands in the text. When a document that it relies on changes, the correction is stale:
    new questions do not get it until it is put again.
    """
    row, correction = await corrections.put(principal.space_id, answer_id, body)
    return show(row, correction=correction)


@router.delete("/answers/{answer_id}/correction", status_code=status.HTTP_204_NO_CONTENT)
async def withdraw_correction(answer_id: UUID, principal: Manager, corrections: Corrected) -> None:
    """Lets the answer stand as it was written. What was given to other questions meanwhile stays."""
    await corrections.delete(principal.space_id, answer_id)


@router.get("/conversations")
async def list_conversations(
    principal: Manager,
    answers: Service,
    since: Annotated[AwareDatetime | None, Query(alias="from", description="when the conversation began, at the earliest")] = None,
    until: Annotated[AwareDatetime | None, Query(alias="to", description="… and before this")] = None,
    text: Annotated[str, Query(max_length=200, description="words of its questions and answers")] = "",
    flag: Annotated[list[Flag] | None, Query(max_length=5, description="each is true of one of its answers")] = None,
    visitor: Annotated[UUID | None, Query(description="whose they are, by `visitor_id`")] = None,
    cursor: Cursor = None,
    limit: Limit = 50,
) -> Page[ConversationInfo]:
    space_id = principal.space_id
    filters = Filters(since, until, text.strip(), flag or (), visitor)
    rows = await answers.records.conversations(space_id, filters, before=before(cursor, space_id), limit=limit + 1)
    return page_of(rows, limit, space_id)


@router.get("/conversations/{conversation_id}")
async def get_conversation(conversation_id: UUID, principal: Asker, answers: Service, visitor: VisitorToken = None) -> Conversation:
    conversation = await answers.records.conversation(principal.space_id, conversation_id, to_owner=not principal.is_visitor)
    await _check_visitor(principal, answers, visitor, conversation_id)
    return conversation


@router.delete("/conversations/{conversation_id}", status_code=status.HTTP_204_NO_CONTENT)
async def delete_conversation(conversation_id: UUID, principal: Manager, erasure: Erasing) -> None:
    """Erases it at once, with its answers, also one that is being written, their ratings and their corrections."""
    await erasure.conversation(principal.space_id, conversation_id)


@router.post("/visitors/erase")
async def erase_visitor(body: VisitorNamed, principal: Manager, visitors: AllVisitors, erasure: Erasing) -> Erased:
    """Erases all conversations of one visitor, as if each were deleted. Sent again, it finds none.

    A job erases within some minutes what was being taken in at that moment. The visitor's token stays valid: what is asked with it
    afterwards is new.
    """
    visitor_id = await visitors.named(principal.space_id, body)
    return Erased(conversations=await erasure.visitor(principal.space_id, visitor_id))


async def _check_visitor(principal: Principal, answers: Answers, token: str | None, conversation_id: UUID) -> Visitor | None:
    return await answers.records.check_visitor(token, principal.space_id, conversation_id) if principal.is_visitor else None


async def _events(batches: AsyncGenerator[list[Event]]) -> AsyncGenerator[bytes]:
    async with aclosing(batches):
        async for events in batches:
            yield b"".join([sse.encoded(event.name, event.json, event.id) for event in events]) or sse.COMMENT
