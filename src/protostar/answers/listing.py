"""The owner's list of conversations: its statement, put together from the filters that are asked for."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, Literal
from uuid import UUID

from sqlalchemy import Row, bindparam, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.types import Integer

from protostar.answers.repository import CHANGED, RELIED_ON, answer_terms
from protostar.ids import first_id

Flag = Literal["unanswered", "degraded", "disliked", "corrected", "stale"]

# What makes an answer `a`, with its correction `k`, one of a kind.
_UNANSWERED: Final = "a.found = false and k.answer_id is null"
_STALE: Final = f"exists (select from {RELIED_ON} where r.answer_id = a.id and {CHANGED})"

# The conversations of the space that have one: by the indexes of those answers, not by a walk over all.
_WITH_FLAG: Final[dict[Flag, str]] = {
    "unanswered": f"select a.conversation_id from answers a left join corrections k on k.answer_id = a.id"
    f" where a.space_id = :space_id and {_UNANSWERED}",
    "degraded": "select conversation_id from answers where space_id = :space_id and degraded <> '{}'",
    "disliked": "select conversation_id from answers where space_id = :space_id and rating = 'down'",
    "corrected": "select conversation_id from answers where space_id = :space_id and corrected_by is not null union all"
    " select a.conversation_id from corrections k join answers a on a.id = k.answer_id where k.space_id = :space_id",
    "stale": "select a.conversation_id from corrections k join answers a on a.id = k.answer_id"
    f" where k.space_id = :space_id and {_STALE}",
}

# Answers that are being written, have failed, or are older than the column have no terms.
_WITH_TERMS: Final = """
    select conversation_id from answers where terms @> :terms
    union all
    select conversation_id from answers
    where space_id = :space_id and terms is null and (question {like} :pattern or text {like} :pattern)"""
_WITH_TEXT: Final = """
    select a.conversation_id from answers a left join corrections k on k.answer_id = a.id
    where a.space_id = :space_id and (a.question {like} :pattern or a.text {like} :pattern or k.text {like} :pattern)"""

_PAGE: Final = """
    with page as (
        select id, visitor_id, created_at from conversations c where space_id = :space_id {conditions}
        order by id desc limit :limit)
    select page.id, page.visitor_id, page.created_at, turns.* from page cross join lateral (
        select (array_agg(a.question order by a.created_at, a.id))[1] as question, count(*) as turns,
            max(coalesce(a.finished_at, a.created_at)) as last_at,
            array_remove(array[
                case when bool_or({unanswered}) then 'unanswered' end,
                case when bool_or(a.degraded <> '{{}}') then 'degraded' end,
                case when bool_or(a.rating = 'down') then 'disliked' end,
                case when bool_or(a.corrected_by is not null or k.answer_id is not null) then 'corrected' end,
                case when bool_or({stale}) then 'stale' end], null) as flags
        from answers a left join corrections k on k.answer_id = a.id where a.conversation_id = page.id) turns
    order by page.id desc"""


@dataclass(frozen=True, slots=True)
class Filters:
    """`since` and `until`: when the conversation began. `flags`: each of them is true of one of its answers. `visitor`: whose."""

    since: datetime | None = None
    until: datetime | None = None
    text: str = ""
    flags: Sequence[Flag] = field(default_factory=tuple[Flag, ...])
    visitor: UUID | None = None


async def conversations(
    session: AsyncSession, space_id: UUID, filters: Filters, *, before: UUID | None, limit: int
) -> Sequence[Row[Any]]:
    """(id, visitor_id, created_at, question, turns, last_at, flags), newest first."""
    values: dict[str, Any] = {"space_id": space_id, "limit": limit}
    conditions: list[str] = []
    for name, sign, bound in (("before", "<", before), ("since", ">=", filters.since), ("until", "<", filters.until)):
        if bound is not None:
            conditions.append(f"and c.id {sign} :{name}")
            values[name] = bound if isinstance(bound, UUID) else first_id(bound)
    if filters.visitor is not None:
        conditions.append("and c.visitor_id = :visitor")
        values["visitor"] = filters.visitor
    conditions += [f"and c.id in ({_WITH_FLAG[flag]})" for flag in dict.fromkeys(filters.flags)]
    if filters.text:
        terms = answer_terms(space_id, filters.text)
        # ILIKE folds every text first; ten times as slow, for nothing where there is no case.
        like = "like" if filters.text.lower() == filters.text.upper() else "ilike"
        conditions.append(f"and c.id in ({(_WITH_TERMS if terms else _WITH_TEXT).format(like=like)})")
        values |= {"pattern": f"%{_escaped(filters.text)}%", **({"terms": terms} if terms else {})}
    query = text(_PAGE.format(conditions=" ".join(conditions), unanswered=_UNANSWERED, stale=_STALE))
    query = query.bindparams(bindparam("terms", type_=ARRAY(Integer))) if "terms" in values else query
    return (await session.execute(query, values)).all()


def _escaped(pattern: str) -> str:
    """For ILIKE."""
    return pattern.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
