"""What the API says about answers and conversations."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from protostar.answers.listing import Flag
from protostar.retrieval.schemas import Location

Question = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=4000)]


class Ask(BaseModel):
    model_config = ConfigDict(extra="forbid")

    question: Question
    conversation_id: UUID | None = None
    stream: Annotated[bool, Field(description="server-sent events instead of one JSON document")] = False


class Citation(Location):
    """`quote` is what stands there."""

    marker: Annotated[int, Field(description="the n of `[n]` in the answer's text")]
    quote: str


class Retrieved(Location):
    """A passage that was found for the question. The scores are those of a search; see `Hit`."""

    keyword: Annotated[float, Field(description="raw score of the keyword leg (BM25); 0: it did not find this")]
    vector: Annotated[float | None, Field(description="raw score of the vector leg (cosine); null: it was not asked, or has none")]
    score: Annotated[float, Field(description="of both together; compares passages of one answer only")]


class Retrieval(BaseModel):
    """Best first. Null: nothing was looked for, as with a correction; or the answer was imported, or is of an older release."""

    model_config = ConfigDict(from_attributes=True)

    retrieved: list[Retrieved] | None


class Usage(BaseModel):
    prompt_tokens: int
    completion_tokens: int


class Feedback(BaseModel):
    """What the visitor thought of an answer. `rating` null: nothing any more."""

    model_config = ConfigDict(extra="forbid")

    rating: Literal["up", "down"] | None
    reason: Annotated[str, StringConstraints(strip_whitespace=True, max_length=1000)] | None = None


class CorrectionPut(BaseModel):
    model_config = ConfigDict(extra="forbid")

    text: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=20_000)]
    documents: Annotated[
        list[UUID] | None, Field(max_length=50, description="what it relies on; unset: the documents that the answer cites")
    ] = None


class CorrectionDocument(BaseModel):
    """A document as the correction relies on it. `title`: null where it is deleted. `changed`: whether it has changed since."""

    model_config = ConfigDict(from_attributes=True)

    document_id: UUID
    title: str | None
    version: int
    changed: bool


class Correction(BaseModel):
    """The owner's view of a correction. `stale`: a document has changed, so new questions do not get it until it is put again."""

    original_text: str
    original_citations: list[Citation]
    documents: list[CorrectionDocument]
    stale: bool
    updated_at: datetime


class Answer(BaseModel):
    """`found`: false where the documents do not say it. `degraded`: what the answer had to do without. `corrected`: the text is
    its owner's. `correction`: for the owner alone.
    """

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
    corrected: bool
    correction: Correction | None = None
    state: str
    error: dict[str, Any] | None
    created_at: datetime


class Conversation(BaseModel):
    """Oldest question first. `visitor_id`: whose it is, for the owner alone; null where it is older than visitors."""

    id: UUID
    visitor_id: UUID | None
    created_at: datetime
    answers: list[Answer]


class ConversationInfo(BaseModel):
    """A conversation in the owner's list. `flags`: what is true of one of its answers. `last_at`: when it last went on."""

    model_config = ConfigDict(from_attributes=True)

    id: UUID
    visitor_id: Annotated[UUID | None, Field(description="whose it is; null where it is older than visitors")]
    question: Annotated[str, Field(description="the first one")]
    turns: int
    flags: list[Flag]
    created_at: datetime
    last_at: datetime


class Erased(BaseModel):
    conversations: Annotated[int, Field(description="how many there were")]
