"""What the API says about answers and conversations."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

Question = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=4000)]


class Ask(BaseModel):
    model_config = ConfigDict(extra="forbid")

    question: Question
    conversation_id: UUID | None = None
    stream: Annotated[bool, Field(description="server-sent events instead of one JSON document")] = False


class Citation(BaseModel):
    """`quote` is `[start:end]` of the text of that version of the document, in Unicode code points."""

    marker: Annotated[int, Field(description="the n of `[n]` in the answer's text")]
    document_id: UUID
    document_title: str
    version: int
    heading_path: list[str]
    page: int | None
    start: int
    end: int
    quote: str


class Usage(BaseModel):
    prompt_tokens: int
    completion_tokens: int


class Feedback(BaseModel):
    """What the visitor thought of an answer. `rating` null: nothing any more."""

    model_config = ConfigDict(extra="forbid")

    rating: Literal["up", "down"] | None
    reason: Annotated[str, StringConstraints(strip_whitespace=True, max_length=1000)] | None = None


class Answer(BaseModel):
    """`found`: false where the documents do not say it. `degraded`: what the answer had to do without."""

    id: UUID
    conversation_id: UUID
    question: str
    text: str
    found: bool | None
    citations: list[Citation]
    degraded: list[str]
    cached: bool
    usage: Usage | None
    feedback: Feedback | None
    model: Annotated[str | None, Field(description="who wrote it; null: no chat model did")]
    state: str
    error: dict[str, Any] | None
    created_at: datetime


class Conversation(BaseModel):
    """Oldest question first."""

    id: UUID
    created_at: datetime
    answers: list[Answer]
