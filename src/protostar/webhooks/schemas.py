"""What the API says about webhooks."""

from datetime import datetime
from typing import Annotated, Literal, get_args
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

Event = Literal["document.ready", "document.failed", "answer.completed"]
Url = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=2000)]


class WebhookCreate(BaseModel):
    model_config = ConfigDict(extra="forbid")

    url: Annotated[Url, Field(description="http or https; port 80, 443, or 1024 and above")]
    events: Annotated[set[Event], Field(min_length=1, description="what it wants to hear of; all unless given")] = set(
        get_args(Event)
    )


class Webhook(BaseModel):
    model_config = ConfigDict(from_attributes=True)

    id: UUID
    url: str
    events: list[str]
    created_at: datetime


class WebhookCreated(Webhook):
    secret: Annotated[str, Field(description="for verifying signatures; it is shown this once")]


class Test(BaseModel):
    job_id: Annotated[UUID, Field(description="the job that sends it: its state says how that went")]
