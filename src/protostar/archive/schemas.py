"""What an archive says of a space. The same shapes go out and come in, and a field that is not known is refused: nothing is lost
on the way.

A column of these tables that is not carried stands in `LEFT_BEHIND`; a test asks for it.
"""

import json
from datetime import datetime
from typing import Annotated, Any, Final, Literal
from uuid import UUID

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints

from protostar.answers.schemas import Citation
from protostar.characters import is_control
from protostar.documents.schemas import URL_CHARS, Filename, Status
from protostar.documents.upload import checked_name
from protostar.spaces.schemas import Name, SpaceSettings

LEFT_BEHIND: Final = {
    "spaces": {
        *("knowledge_version", "identity_secret", "embedding_model_id", "vector_index_model_id"),
        *("created_at", "updated_at", "deleted_at", "erase_at"),
    },
    "documents": {"space_id", "deleted_at", "erase_at"},
    # What is imported is read again, which counts its pages.
    "document_versions": {"document_id", "job_id", "stage", "object_key", "text_key", "unread_pages"},
    "answers": {"space_id", "job_id", "terms", "retrieved"},
    "corrections": {"answer_id", "space_id", "sense"},
    "correction_documents": {"answer_id"},
}

_YEARS: Final = range(1970, 9000)  # beyond them some time zone has no words for the moment


def _moment(value: datetime) -> datetime:
    if value.year not in _YEARS:
        raise ValueError(f"must lie in the years {_YEARS.start} to {_YEARS.stop - 1}")
    return value


def _json(value: dict[str, Any]) -> dict[str, Any]:
    try:
        json.dumps(value, allow_nan=False)
    except ValueError:
        raise ValueError("holds what JSON has no words for: NaN or Infinity") from None
    return value


def _name(value: str) -> str:
    """As an upload cleans it; an earlier release may have let a control character through."""
    return checked_name("".join(character for character in value if not is_control(character)))


Number = Annotated[int, Field(ge=1, le=2**31 - 1)]
Count = Annotated[int, Field(ge=0, le=2**31 - 1)]
Size = Annotated[int, Field(ge=0, le=2**63 - 1)]
Moment = Annotated[AwareDatetime, AfterValidator(_moment)]
JsonObject = Annotated[dict[str, Any], AfterValidator(_json)]
Usage = Annotated[dict[Literal["prompt_tokens", "completion_tokens"], int], Field(min_length=2)]
ArchivedName = Annotated[Filename, AfterValidator(_name)]
Sha256 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
MediaType = Annotated[str, StringConstraints(pattern=r"^[\w.+-]+/[\w.+-]+$", max_length=200)]


class _Archived(BaseModel):
    model_config = ConfigDict(extra="forbid", from_attributes=True)


class ArchivedSpace(_Archived):
    id: UUID
    name: Name
    settings: SpaceSettings


class Overview(BaseModel):
    """What an archive of the space would hold now. `bytes`: of originals, texts and vectors."""

    space: ArchivedSpace
    documents: int
    answers: int
    vectors: int
    bytes: int


class ArchivedVersion(_Archived):
    """One that is still to be fetched from its URL is left out.

    `text_…` are null where it has no text: it was not read yet, or could not be.
    """

    version: Number
    status: Status
    filename: ArchivedName
    url: Annotated[str | None, Field(max_length=URL_CHARS, pattern="^[Hh][Tt][Tt][Pp][Ss]?://")] = None
    media_type: MediaType
    size: Size
    sha256: Sha256
    error: str | None
    text_size: Size | None
    text_sha256: Sha256 | None
    text_chars: Size | None
    encoding: str | None
    page_count: Count | None
    chunk_count: Count
    summary: str | None
    summary_model: str | None
    created_at: Moment
    ready_at: Moment | None


class ArchivedDocument(_Archived):
    """`current_version`: the one that answers questions, 0 for none. `versions`: oldest first."""

    id: UUID
    title: str
    title_given: bool
    filename: ArchivedName
    metadata: JsonObject
    current_version: Count
    latest_version: Number
    created_at: Moment
    updated_at: Moment
    versions: list[ArchivedVersion]


class ReliedOn(_Archived):
    document_id: UUID
    version: Count


class ArchivedCorrection(_Archived):
    """What the owner says instead of an answer, and the documents that this relies on, as they were then."""

    text: str
    created_at: Moment
    updated_at: Moment
    documents: list[ReliedOn]


class ArchivedAnswer(_Archived):
    """A turn of a conversation; answers that are still being written are left out."""

    id: UUID
    conversation_id: UUID
    conversation_created_at: Moment
    visitor_id: Annotated[UUID | None, Field(description="whose conversation it is")]
    state: Literal["done", "failed"]
    question: str
    text: str
    summary: str | None
    found: bool | None
    citations: list[Citation]
    degraded: list[str]
    cached: bool
    usage: Usage | None
    model: str | None
    error: JsonObject | None
    first_token_ms: Count | None
    rating: Literal["up", "down"] | None
    rating_reason: str | None
    corrected_by: UUID | None
    correction: ArchivedCorrection | None
    created_at: Moment
    finished_at: Moment | None


class Answers(_Archived):
    items: Annotated[list[ArchivedAnswer], Field(max_length=200)]


class ImportCreate(_Archived):
    """`name`: of the new space; unset, as it was called. `largest`: bytes of the largest original."""

    archive_id: UUID
    space: ArchivedSpace
    largest: Size
    name: Name | None = None


class Import(_Archived):
    """`keeps_ids`: whether everything has the ids that it had; else they are made anew, from the old ones."""

    id: UUID
    space_id: UUID
    name: str
    keeps_ids: bool
    created_at: datetime
    finished_at: datetime | None


class ImportedDocument(BaseModel):
    """How far a document has come: `complete`, or which of its versions are there; nobody sees it until it is complete."""

    complete: bool
    versions: list[int]
