"""What the API says to visitors."""

from datetime import datetime
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

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


class Widget(BaseModel):
    """What the widget shows before the first question."""

    title: str
    greeting: str
    starter_questions: list[str]
    languages: list[Language]
    theme: Theme
    can_sign_in: bool
