"""The pages of conversations: the list, and one conversation, where answers are corrected."""

from collections.abc import Sequence
from datetime import date
from typing import Annotated, Any, Final, Literal, get_args
from uuid import UUID

from fastapi import Form, Query, Request
from fastapi.responses import HTMLResponse
from pydantic import BeforeValidator

from protostar.answers.corrections import Corrections
from protostar.answers.draft import show as answer_of
from protostar.answers.listing import Filters, Flag
from protostar.answers.schemas import Answer, Citation, CorrectionDocument, CorrectionPut, Retrieval
from protostar.answers.service import Answers
from protostar.dependencies import Cursor, Manager, opened
from protostar.documents.service import Documents
from protostar.errors import NotFound
from protostar.paging import before, page_of
from protostar.routing import Router
from protostar.web.frame import PageFrame, Templates, elsewhere
from protostar.web.pages import PageRoute, Pages, is_fragment
from protostar.web.zones import beginning, zone_of

router = Router(route_class=PageRoute)

Show = Literal["all", "unanswered", "disliked", "degraded", "corrected", "stale"]
_FLAGS: Final[tuple[Flag, ...]] = get_args(Flag)
_PAGE: Final = 50

Service = Annotated[Answers, opened("answers")]
Corrected = Annotated[Corrections, opened("corrections")]
# An empty field of a form is no day, and nobody.
Day = Annotated[date | None, BeforeValidator(lambda value: value or None)]
Whose = Annotated[UUID | None, BeforeValidator(lambda value: value or None)]


@router.get("/conversations")
async def conversations_page(
    request: Request,
    frame: PageFrame,
    pages: Templates,
    answers: Service,
    q: Annotated[str, Query(max_length=200)] = "",
    show: Show = "all",
    since: Annotated[Day, Query(alias="from")] = None,
    until: Annotated[Day, Query(alias="to")] = None,
    visitor: Whose = None,
    cursor: Cursor = None,
) -> HTMLResponse:
    """The whole page, or for htmx the list alone."""
    space_id, zone = frame.space.id, zone_of(request)
    flags: list[Flag] = [flag for flag in _FLAGS if flag == show]
    filters = Filters(beginning(since, zone), beginning(until, zone, after=1), q.strip(), flags, visitor)
    rows = await answers.records.conversations(space_id, filters, before=before(cursor, space_id), limit=_PAGE + 1)
    chosen = {"q": q, "show": show, "from": since.isoformat() if since else "", "to": until.isoformat() if until else ""}
    chosen["visitor"] = str(visitor or "")
    listed: dict[str, Any] = {
        "conversations": page_of(rows, _PAGE, space_id),
        "chosen": chosen,
        "filtered": any(value not in ("", "all") for value in chosen.values()),
        "first": cursor is None,
    }
    if is_fragment(request):
        return pages.render(request, "conversations/list.html", **listed)
    return pages.render(request, "conversations/index.html", frame=frame, **listed)


@router.get("/conversations/{conversation_id}")
async def conversation_page(
    request: Request, conversation_id: UUID, frame: PageFrame, pages: Templates, answers: Service
) -> HTMLResponse:
    try:
        conversation = await answers.records.conversation(frame.space.id, conversation_id, to_owner=True)
    except NotFound:
        other = await elsewhere(request, frame, pages, await answers.records.space_of(conversation_id))
        if other is None:
            raise
        return other
    relied = await _relied(request, frame.space.id, conversation.answers)
    return pages.render(request, "conversations/conversation.html", frame=frame, conversation=conversation, relied=relied)


@router.get("/conversations/answers/{answer_id}/retrieved")
async def retrieved(request: Request, answer_id: UUID, principal: Manager, pages: Templates, answers: Service) -> HTMLResponse:
    """What was found for the question, and how."""
    row = await answers.records.get(principal.space_id, answer_id)
    found = Retrieval.model_validate(row).retrieved
    return pages.render(request, "conversations/retrieved.html", retrieved=found, answer=answer_of(row))


@router.get("/conversations/answers/{answer_id}")
async def turn(request: Request, answer_id: UUID, principal: Manager, pages: Templates, answers: Service) -> HTMLResponse:
    """An answer that was being written, as it is now; asked again by itself until that has ended."""
    row = await answers.records.get(principal.space_id, answer_id)
    return await _turn(request, pages, principal.space_id, answer_of(row))


@router.post("/conversations/answers/{answer_id}")
async def correct(
    request: Request,
    answer_id: UUID,
    principal: Manager,
    pages: Templates,
    corrections: Corrected,
    text: Annotated[str, Form(min_length=1, max_length=20_000, pattern=r"\S")],
    documents: Annotated[list[UUID], Form(max_length=50)] = [],  # noqa: B006 - FastAPI copies it
) -> HTMLResponse:
    """Corrects an answer, or confirms a correction that is stale; the turn as it is now."""
    body = CorrectionPut(text=text.replace("\r\n", "\n"), documents=documents)
    row, correction = await corrections.put(principal.space_id, answer_id, body)
    return await _turn(request, pages, principal.space_id, answer_of(row, correction=correction))


@router.delete("/conversations/answers/{answer_id}")
async def withdraw(
    request: Request, answer_id: UUID, principal: Manager, pages: Templates, answers: Service, corrections: Corrected
) -> HTMLResponse:
    await corrections.delete(principal.space_id, answer_id)
    row = await answers.records.get(principal.space_id, answer_id)
    return await _turn(request, pages, principal.space_id, answer_of(row))


async def _turn(request: Request, pages: Pages, space_id: UUID, answer: Answer) -> HTMLResponse:
    choices = (await _relied(request, space_id, [answer]))[answer.id]
    return pages.render(request, "conversations/turn.html", answer=answer, choices=choices)


async def _relied(request: Request, space_id: UUID, answers: Sequence[Answer]) -> dict[UUID, list[tuple[UUID, str]]]:
    """Of each answer the documents, by id and title, that its correction relies on, or would: those that it cites."""
    named = {answer.id: {each.document_id for each in _sources(answer)} for answer in answers}
    documents: Documents = request.state.documents
    there = {
        each.id: each.title for each in await documents.holdings.some(space_id, {id_ for ids in named.values() for id_ in ids})
    }
    return {id_: [(each, title) for each, title in there.items() if each in ids] for id_, ids in named.items()}


def _sources(answer: Answer) -> Sequence[Citation | CorrectionDocument]:
    return answer.correction.documents if answer.correction is not None else answer.citations if answer.found else ()
