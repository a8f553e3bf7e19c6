"""Statements about how a space is asked. Ids rise with time, so they bound a range by the index of the space's answers."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncSession

from protostar.ids import first_id

MOST: Final = 5_000  # questions of one report

_FIGURES = text("""
    select number, count(*) as questions,
        count(*) filter (where state = 'done' and found and degraded = '{}') as answered,
        count(*) filter (where state = 'done' and found and degraded <> '{}') as degraded,
        count(*) filter (where state = 'done' and not found) as not_found,
        count(*) filter (where state <> 'done') as failed,
        count(*) filter (where corrected_by is not null or is_corrected) as corrected,
        count(*) filter (where rating = 'down') as disliked,
        count(*) filter (where cached) as cached,
        round(percentile_cont(0.5) within group (order by first_token_ms))::int as first_token_p50,
        round(percentile_cont(0.95) within group (order by first_token_ms))::int as first_token_p95
    from (
        select width_bucket(a.created_at, cast(:beginnings as timestamptz[])) as number, a.state, a.found, a.degraded,
            a.corrected_by, a.rating, a.cached, a.first_token_ms, k.answer_id is not null as is_corrected
        from answers a left join corrections k on k.answer_id = a.id
        where a.space_id = :space_id and a.id >= :since and a.id < :until) asked
    group by grouping sets ((number), ()) order by number""")

_UNANSWERED = text(f"""
    select a.question, a.conversation_id, a.created_at, coalesce(a.rating = 'down', false) as disliked
    from answers a left join corrections k on k.answer_id = a.id
    where a.space_id = :space_id and a.id >= :since and a.id < :until
        and (a.found = false or a.rating = 'down') and k.answer_id is null
    order by a.id desc limit {MOST}""")


class InsightRepository:
    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def figures(self, space_id: UUID, beginnings: Sequence[datetime], until: datetime) -> Sequence[Row[Any]]:
        """One row a day that had questions, and last one of all days, whose `number` is null; the first day's is 1.

        `beginnings`: of the days. PostgreSQL is told no time zone, for it may know others than Python does.
        """
        values = {"space_id": space_id, "beginnings": list(beginnings), "since": first_id(beginnings[0]), "until": first_id(until)}
        return (await self._session.execute(_FIGURES, values)).all()

    async def unanswered(self, space_id: UUID, since: datetime, until: datetime) -> Sequence[Row[Any]]:
        """(question, conversation_id, created_at, disliked), newest first, MOST at most."""
        values = {"space_id": space_id, "since": first_id(since), "until": first_id(until)}
        return (await self._session.execute(_UNANSWERED, values)).all()
