"""What the API says to visitors."""

from datetime import datetime
from typing import Annotated, Self
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, model_validator

from protostar.spaces.schemas import Language, Theme


class VisitorCreate(BaseModel):
    model_config = ConfigDict(extra="forbid")

    identity: Annotated[
        str | None,
        Field(max_length=4096, description="who it is: a JWT (HS256) of the owner's backend, under the space's identity secret"),
    ] = None


class VisitorCreated(BaseModel):
    visitor_token: Annotated[str, Field(description="goes into the header `Protostar-Visitor`")]
    expires_at: datetime
    signed_in: bool


class VisitorNamed(BaseModel):
    """A visitor, as their owner knows them: by one of these."""

    model_config = ConfigDict(extra="forbid")

    visitor_id: Annotated[UUID | None, Field(description="as conversations have it")] = None
    subject: Annotated[
        str | None, Field(min_length=1, max_length=255, description="of a visitor who signed in: the `sub` of the identity")
    ] = None
    visitor_token: Annotated[str | None, Field(max_length=1000, description="it may have expired")] = None

    @model_validator(mode="after")
    def _one(self) -> Self:
        if sum(name is not None for name in (self.visitor_id, self.subject, self.visitor_token)) != 1:
            raise ValueError("Name the visitor by one of «visitor_id», «subject» and «visitor_token»")
        return self


class VisitorFound(BaseModel):
    visitor_id: Annotated[UUID, Field(description="lists their conversations: `GET /v1/conversations?visitor=…`")]


class Widget(BaseModel):
    """What the widget shows before the first question."""

    title: str
    greeting: str
    starter_questions: list[str]
    languages: list[Language]
    theme: Theme
    can_sign_in: bool
