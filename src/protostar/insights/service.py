"""How a space is asked: figures by day, and what its documents do not answer."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Final
from uuid import UUID
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from protostar.db.session import Database
from protostar.errors import InvalidInput
from protostar.insights.clusters import Asked, Group, cluster
from protostar.insights.repository import InsightRepository
from protostar.insights.schemas import Cluster, Day, Figures, Insights, NearestDocument, Unanswered
from protostar.retrieval.service import Retriever

_MOST_DAYS: Final = 366
_USUAL_DAYS: Final = 30
_EXAMPLES: Final = 5
_NEAREST: Final = 3
_YEARS: Final = range(1970, 9000)  # far enough from the first and the last day that Python knows
_SEARCHES: Final = 2  # at once, so that a report leaves the database to those who ask


class InsightService:
    def __init__(self, database: Database, retriever: Retriever) -> None:
        self._database = database
        self._retriever = retriever

    async def figures(self, space_id: UUID, first: date | None, last: date | None, zone: str) -> Insights:
        """Of the days from `first` to `last`; of the last thirty where none are named. Raises InvalidInput."""
        days, beginnings = _range(first, last, zone)
        async with self._database.transaction() as session:
            rows = await InsightRepository(session).figures(space_id, beginnings[:-1], beginnings[-1])
        figures = {row.number: Figures.model_validate(row) for row in rows}
        shown = [Day(day=day, **figures.get(number, Figures()).model_dump()) for number, day in enumerate(days, start=1)]
        return Insights(timezone=zone, total=figures.get(None, Figures()), days=shown)

    async def unanswered(self, space_id: UUID, first: date | None, last: date | None, zone: str, limit: int) -> Unanswered:
        """What was asked about most without an answer that helped, with the documents nearest to it. Raises InvalidInput."""
        _days, beginnings = _range(first, last, zone)
        async with self._database.transaction() as session:
            rows = await InsightRepository(session).unanswered(space_id, beginnings[0], beginnings[-1])
        asked = [Asked(row.question, row.conversation_id, row.created_at, row.disliked) for row in rows]
        groups = await asyncio.to_thread(cluster, asked)
        places = asyncio.Semaphore(_SEARCHES)

        async def shown(group: Group) -> Cluster:
            async with places:
                return _shown(group, await self._nearest(space_id, group.question))

        items = await asyncio.gather(*map(shown, groups[:limit]))
        return Unanswered(items=items, looked_at=len(asked), more=len(groups) > limit)

    async def _nearest(self, space_id: UUID, question: str) -> list[NearestDocument]:
        found = await self._retriever.search(space_id, question, top_k=10, mode="keyword")
        titles = {passage.document_id: passage.document_title for passage in found.passages}
        return [NearestDocument(id=id_, title=title) for id_, title in titles.items()][:_NEAREST]


def _shown(group: Group, documents: Sequence[NearestDocument]) -> Cluster:
    disliked = sum(each.disliked for each in group.asked)
    wordings = dict.fromkeys(each.question for each in group.asked)
    newest = sorted(group.asked, key=lambda each: each.at, reverse=True)
    return Cluster(
        question=group.question,
        size=len(group.asked),
        not_found=len(group.asked) - disliked,
        disliked=disliked,
        examples=[wording for wording in wordings if wording != group.question][:_EXAMPLES],
        conversations=list(dict.fromkeys(each.conversation_id for each in newest))[:_EXAMPLES],
        documents=documents,
        last_asked=group.last_at,
    )


def _range(first: date | None, last: date | None, zone: str) -> tuple[Sequence[date], Sequence[datetime]]:
    """The days, and the moments at which each of them and the one after them begin in the time zone."""
    try:
        info = ZoneInfo(zone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise InvalidInput(f"There is no time zone «{zone}»; use a name such as Asia/Seoul.") from None
    if any(day is not None and day.year not in _YEARS for day in (first, last)):
        raise InvalidInput(f"«from» and «to» are days of the years {_YEARS.start} to {_YEARS.stop - 1}.")
    last = last or (datetime.now(UTC).astimezone(info).date() if first is None else first + timedelta(days=_USUAL_DAYS - 1))
    first = first or last - timedelta(days=_USUAL_DAYS - 1)
    if not 0 <= (last - first).days < _MOST_DAYS:
        raise InvalidInput(f"«to» is not before «from», and at most {_MOST_DAYS} days are looked at.")
    days = [first + timedelta(days=number) for number in range((last - first).days + 2)]
    return days[:-1], [datetime.combine(day, time.min, info) for day in days]
