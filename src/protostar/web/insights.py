"""The pages of insights: figures by day, drawn and as a table, and the report of unanswered questions."""

from datetime import UTC, datetime, timedelta
from typing import Annotated, Final, Literal
from zoneinfo import ZoneInfo

from fastapi import Request
from fastapi.responses import HTMLResponse

from protostar.dependencies import Manager, opened
from protostar.insights.service import InsightService
from protostar.routing import Router
from protostar.web.charts import outcomes, waits
from protostar.web.frame import PageFrame, Templates
from protostar.web.pages import PageRoute
from protostar.web.zones import zone_of

router = Router(route_class=PageRoute)

Days = Literal["7", "30", "90"]
_CLUSTERS: Final = 20

Service = Annotated[InsightService, opened("insights")]


@router.get("/insights")
async def insights_page(request: Request, frame: PageFrame, pages: Templates, insights: Service, days: Days = "30") -> HTMLResponse:
    zone = zone_of(request)
    last = datetime.now(UTC).astimezone(ZoneInfo(zone)).date()
    first = last - timedelta(days=int(days) - 1)
    shown = await insights.figures(frame.space.id, first, last, zone)
    report = {"from": first.isoformat(), "to": last.isoformat(), "timezone": zone}
    return pages.render(
        request,
        "insights/index.html",
        frame=frame,
        days=days,
        insights=shown,
        outcomes=outcomes(shown.days),
        waits=waits(shown.days),
        report=report,
    )


@router.get("/insights/unanswered")
async def unanswered(request: Request, principal: Manager, pages: Templates, insights: Service, days: Days = "30") -> HTMLResponse:
    """The report, for the page to put in: it takes longer than the figures."""
    zone = zone_of(request)
    last = datetime.now(UTC).astimezone(ZoneInfo(zone)).date()
    report = await insights.unanswered(principal.space_id, last - timedelta(days=int(days) - 1), last, zone, _CLUSTERS)
    return pages.render(request, "insights/unanswered.html", report=report)
