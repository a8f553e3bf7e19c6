"""`/v1/insights`: how a space is asked, and what its documents do not answer."""

from datetime import date
from typing import Annotated, Literal

from fastapi import Header, Query, Response

from protostar.dependencies import Manager, opened
from protostar.insights.report import as_csv
from protostar.insights.schemas import Insights, Unanswered
from protostar.insights.service import InsightService
from protostar.openapi import TEXT
from protostar.routing import Router

router = Router(prefix="/v1/insights", tags=["insights"])

Service = Annotated[InsightService, opened("insights")]
First = Annotated[date | None, Query(alias="from", description="the first day; unset: the last is the thirtieth")]
Last = Annotated[date | None, Query(alias="to", description="the last day; unset: the thirtieth from the first, or today")]
Zone = Annotated[str, Query(alias="timezone", max_length=64, description="whose days, as `Asia/Seoul`")]


@router.get("")
async def get_insights(
    principal: Manager, insights: Service, first: First = None, last: Last = None, zone: Zone = "UTC"
) -> Insights:
    """Questions and what became of them, by day, with the time to the first token."""
    return await insights.figures(principal.space_id, first, last, zone)


@router.get("/unanswered", response_model=Unanswered, responses={200: {"content": {"text/csv": {"schema": TEXT}}}})
async def get_unanswered(
    principal: Manager,
    insights: Service,
    first: First = None,
    last: Last = None,
    zone: Zone = "UTC",
    limit: Annotated[int, Query(ge=1, le=200, description="clusters")] = 50,
    format_: Annotated[Literal["json", "csv"] | None, Query(alias="format", description="goes before `Accept`")] = None,
    accept: Annotated[str, Header()] = "",
) -> Unanswered | Response:
    """Questions that found nothing or were disliked, those about the same together, with the documents nearest to them."""
    report = await insights.unanswered(principal.space_id, first, last, zone, limit)
    if (format_ or ("csv" if accept.startswith("text/csv") else "json")) == "json":
        return report
    headers = {"Content-Disposition": 'attachment; filename="unanswered.csv"'}
    return Response(as_csv(report), media_type="text/csv; charset=utf-8", headers=headers)
