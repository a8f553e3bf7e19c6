"""What an archive says of a space. The same shapes go out and come in, and a field that is not known is refused: nothing is lost
on the way.

A column of these tables that is not carried stands in `LEFT_BEHIND`; a test asks for it.
"""

from datetime import datetime
from typing import Annotated, Any, Final, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from protostar.answers.schemas import Citation
from protostar.documents.schemas import URL_CHARS, Filename, Status
from protostar.spaces.schemas import Name, SpaceSettings

LEFT_BEHIND: Final = {
    "spaces": {
        *("knowledge_version", "identity_secret", "embedding_model_id", "vector_index_model_id"),
        *("created_at", "updated_at", "deleted_at"),
    },
    "documents": {"space_id", "deleted_at", "erase_at"},
    "document_versions": {"document_id", "job_id", "stage", "object_key", "text_key"},
    "answers": {"space_id", "job_id", "terms", "retrieved"},
    "corrections": {"answer_id", "space_id", "sense"},
    "correction_documents": {"answer_id"},
}

Number = Annotated[int, Field(ge=1, le=2**31 - 1)]
Size = Annotated[int, Field(ge=0)]
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
    filename: Filename
    url: Annotated[str | None, Field(max_length=URL_CHARS)] = None
    media_type: MediaType
    size: Size
    sha256: Sha256
    error: str | None
    text_size: Size | None
    text_sha256: Sha256 | None
    text_chars: Size | None
    encoding: str | None
    page_count: int | None
    chunk_count: int
    summary: str | None
    summary_model: str | None
    created_at: datetime
    ready_at: datetime | None


class ArchivedDocument(_Archived):
    """`current_version`: the one that answers questions, 0 for none. `versions`: oldest first."""

    id: UUID
    title: str
    title_given: bool
    filename: Filename
    metadata: dict[str, Any]
    current_version: Annotated[int, Field(ge=0, le=2**31 - 1)]
    latest_version: Number
    created_at: datetime
    updated_at: datetime
    versions: list[ArchivedVersion]


class ReliedOn(_Archived):
    document_id: UUID
    version: Annotated[int, Field(ge=0, le=2**31 - 1)]


class ArchivedCorrection(_Archived):
    """What the owner says instead of an answer, and the documents that this relies on, as they were then."""

    text: str
    created_at: datetime
    updated_at: datetime
    documents: list[ReliedOn]


class ArchivedAnswer(_Archived):
    """A turn of a conversation; answers that are still being written are left out."""

    id: UUID
    conversation_id: UUID
    conversation_created_at: datetime
    visitor_id: Annotated[UUID | None, Field(description="whose conversation it is")]
    state: Literal["done", "failed"]
    question: str
    text: str
    summary: str | None
    found: bool | None
    citations: list[Citation]
    degraded: list[str]
    cached: bool
    usage: dict[str, Any] | None
    model: str | None
    error: dict[str, Any] | None
    first_token_ms: int | None
    rating: Literal["up", "down"] | None
    rating_reason: str | None
    corrected_by: UUID | None
    correction: ArchivedCorrection | None
    created_at: datetime
    finished_at: datetime | None


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
