"""What the API says about how a space is asked."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field


class Figures(BaseModel):
    """Of the questions of a time. `answered`, `degraded`, `not_found` and `failed` make up all; the rest overlap them.

    `degraded`: answered, but without something. `failed`: never finished, or being written. Times to the first token in
    milliseconds, null where there is no answer.
    """

    model_config = ConfigDict(from_attributes=True)

    questions: int = 0
    answered: int = 0
    degraded: int = 0
    not_found: int = 0
    failed: int = 0
    corrected: int = 0
    disliked: int = 0
    cached: int = 0
    first_token_p50: int | None = None
    first_token_p95: int | None = None


class Day(Figures):
    day: date


class Insights(BaseModel):
    """Every day of the range, oldest first, in the time zone."""

    timezone: str
    total: Figures
    days: Sequence[Day]


class NearestDocument(BaseModel):
    id: UUID
    title: str


class Cluster(BaseModel):
    """Questions about the same. `question`: the one asked most often; `examples`: others of them."""

    question: str
    size: Annotated[int, Field(description="how often they were asked")]
    not_found: int
    disliked: int
    examples: Sequence[str]
    conversations: Annotated[Sequence[UUID], Field(description="the latest that asked")]
    documents: Annotated[Sequence[NearestDocument], Field(description="what a search finds nearest")]
    last_asked: datetime


class Unanswered(BaseModel):
    """`looked_at`: questions that found nothing or were disliked and have not been corrected, the latest 5,000 at most."""

    items: Sequence[Cluster]
    looked_at: int
    more: Annotated[bool, Field(description="whether there are clusters beyond these")]
