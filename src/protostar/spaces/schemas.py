"""What the API says about spaces and keys."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

Name = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]
# Browsers send it in lower case.
Origin = Annotated[str, StringConstraints(pattern=r"^https?://[A-Za-z0-9.\-\[\]:]+$", max_length=300, to_lower=True)]


class SpaceSettings(BaseModel):
    """How a space answers. Everything is optional."""

    model_config = ConfigDict(extra="forbid")

    persona: Annotated[str, Field(max_length=2000, description="who answers, in the owner's words; part of the prompt")] = ""
    greeting: Annotated[str, Field(max_length=500)] = ""
    starter_questions: Annotated[list[Annotated[str, Field(max_length=300)]], Field(max_length=10)] = []


class SpaceCreate(BaseModel):
    model_config = ConfigDict(extra="forbid")

    name: Name
    settings: SpaceSettings = SpaceSettings()


class SpaceUpdate(BaseModel):
    model_config = ConfigDict(extra="forbid")

    name: Name | None = None
    settings: SpaceSettings | None = None


class Space(BaseModel):
    model_config = ConfigDict(from_attributes=True)

    id: UUID
    name: str
    settings: SpaceSettings
    knowledge_version: int
    created_at: datetime
    updated_at: datetime


class KeyCreate(BaseModel):
    model_config = ConfigDict(extra="forbid")

    role: Literal["manage", "ask"]
    name: Name
    origins: Annotated[
        list[Origin], Field(max_length=50, description="pages that may use an `ask` key, as `https://example.com`")
    ] = []


class KeyInfo(BaseModel):
    model_config = ConfigDict(from_attributes=True)

    id: UUID
    role: str
    name: str
    hint: str
    origins: list[str]
    created_at: datetime
    last_used_at: datetime | None


class KeyCreated(KeyInfo):
    key: Annotated[str, Field(description="the key itself; it is shown this once")]
