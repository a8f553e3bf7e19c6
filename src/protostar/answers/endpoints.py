"""`/v1/answers` and `/v1/conversations`: asking, resuming, reading back, rating."""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from functools import partial
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Header, Request, Response, status
from fastapi.responses import StreamingResponse

from protostar import sse
from protostar.access.model import Principal
from protostar.access.visitor import Visitor
from protostar.answers.draft import show
from protostar.answers.events import Event
from protostar.answers.schemas import Answer, Ask, Conversation, Feedback
from protostar.answers.service import Answers, Taken
from protostar.dependencies import Address, Asker, IdempotencyKey, VisitorToken
from protostar.visitors.service import Visitors

router = APIRouter(prefix="/v1", tags=["answers"])


def _answers(request: Request) -> Answers:
    return request.state.answers


def _visitors(request: Request) -> Visitors:
    return request.state.visitors


Service = Annotated[Answers, Depends(_answers)]
AllVisitors = Annotated[Visitors, Depends(_visitors)]
LastEventId = Annotated[str | None, Header(alias="Last-Event-ID", description="the last event that arrived; the rest follows")]


@router.post("/answers", response_model=Answer, responses={200: {"content": {"text/event-stream": {}}}})
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
            idempotency_key = f"{visitor.id if token is not None else address}:{idempotency_key}"
    if body.conversation_id is not None:
        await _check_visitor(principal, answers, token, body.conversation_id)
    admit = partial(visitors.admit, visitor=visitor, address=address) if principal.is_visitor else None
    taken = await answers.ask(principal.space_id, body, idempotency_key, visitor, admit)
    if body.stream:
        return sse.stream(_events(answers.events(taken)))
    response.headers["Protostar-Visitor"] = await answers.visitor_token(taken)
    return await answers.finished(taken)


@router.get("/answers/{answer_id}")
async def get_answer(answer_id: UUID, principal: Asker, answers: Service, visitor: VisitorToken = None) -> Answer:
    row = await answers.get(principal.space_id, answer_id)
    await _check_visitor(principal, answers, visitor, row.conversation_id)
    return show(row)


@router.get("/answers/{answer_id}/events", response_class=StreamingResponse)
async def resume_answer(
    answer_id: UUID, principal: Asker, answers: Service, visitor: VisitorToken = None, last_event_id: LastEventId = None
) -> StreamingResponse:
    """The events after `Last-Event-ID`, on any replica; `reset` first where the text has to begin anew."""
    row = await answers.get(principal.space_id, answer_id)
    known = await _check_visitor(principal, answers, visitor, row.conversation_id)
    return sse.stream(_events(answers.events(Taken(row, known), last_event_id)))


@router.post("/answers/{answer_id}/feedback", status_code=status.HTTP_204_NO_CONTENT)
async def rate_answer(answer_id: UUID, body: Feedback, principal: Asker, answers: Service, visitor: VisitorToken = None) -> None:
    """Whether the answer helped, and why; the last one counts. `rating` null takes it back."""
    row = await answers.get(principal.space_id, answer_id)
    await _check_visitor(principal, answers, visitor, row.conversation_id)
    await answers.rate(row, body)


@router.get("/conversations/{conversation_id}")
async def get_conversation(conversation_id: UUID, principal: Asker, answers: Service, visitor: VisitorToken = None) -> Conversation:
    conversation = await answers.conversation(principal.space_id, conversation_id)
    await _check_visitor(principal, answers, visitor, conversation_id)
    return conversation


async def _check_visitor(principal: Principal, answers: Answers, token: str | None, conversation_id: UUID) -> Visitor | None:
    return await answers.check_visitor(token, principal.space_id, conversation_id) if principal.is_visitor else None


async def _events(events: AsyncGenerator[Event]) -> AsyncGenerator[bytes]:
    async with aclosing(events):
        async for event in events:
            yield sse.event(event.name, event.data, event.id)
