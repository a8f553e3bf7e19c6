"""What the API says about documents."""

import json
from datetime import datetime
from typing import Annotated, Any, Literal, cast
from uuid import UUID

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints

Status = Literal["queued", "processing", "ready", "failed"]
Title = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=500)]

NAME_CHARS = 500  # of a file, with its folders; an index row holds it
Filename = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=NAME_CHARS)]

METADATA_BYTES = 16 * 1024
METADATA_LEVELS = 20  # Pydantic writes no more than some 250, of everything around them
URL_CHARS = 2000  # an index row holds it


def checked_metadata(value: dict[str, Any] | None) -> dict[str, Any] | None:
    """Raises ValueError for metadata that is too large or too deep to be carried by every listing, or that JSON cannot say."""
    if not _nests_within(value, METADATA_LEVELS):
        raise ValueError(f"may be JSON of {METADATA_LEVELS} levels at most")
    try:
        size = len(json.dumps(value, ensure_ascii=False, allow_nan=False).encode())
    except ValueError:
        raise ValueError("holds what JSON has no words for: NaN, Infinity or half a surrogate pair") from None
    if size > METADATA_BYTES:
        raise ValueError(f"may be {METADATA_BYTES} bytes of JSON at most")
    return value


def _nests_within(value: object, levels: int) -> bool:
    if not isinstance(value, dict | list):
        return True
    inner = cast("dict[str, object] | list[object]", value)
    return levels > 0 and all(_nests_within(each, levels - 1) for each in (inner.values() if isinstance(inner, dict) else inner))


class Progress(BaseModel):
    """`total`: null while it is not known."""

    stage: str
    done: int = 0
    total: int | None = None


class Document(BaseModel):
    """A document as its latest version stands. While that one is queued, processing or failed, the one before goes on answering."""

    id: UUID
    title: str
    filename: str
    url: Annotated[str | None, Field(description="where this version was fetched from; null: it was uploaded")]
    media_type: Annotated[str | None, Field(description="this, size and sha256: null until a document by URL is fetched")]
    size: Annotated[int | None, Field(description="bytes")]
    sha256: str | None
    version: int
    current_version: Annotated[int, Field(description="the one that answers questions; 0: none yet")]
    status: Status
    progress: Progress | None
    error: Annotated[str | None, Field(description="one sentence: why it failed, or what it waits for")]
    summary: str | None
    summary_model: Annotated[str | None, Field(description="null: the summary is an extract of the document's own sentences")]
    chunk_count: int
    unread_pages: Annotated[int, Field(description="pages of a PDF that are pictures: what is written on them is not found")]
    metadata: dict[str, Any]
    job_id: UUID
    created_at: datetime
    updated_at: datetime


class DocumentVersion(BaseModel):
    """One upload of a document. `page_count`: of kinds that have pages."""

    model_config = ConfigDict(from_attributes=True)

    version: int
    status: Status
    filename: str
    url: str | None
    media_type: str | None
    size: int | None
    sha256: str | None
    error: str | None
    page_count: int | None
    unread_pages: int
    text_chars: Annotated[int | None, Field(description="length of its text, in code points")]
    chunk_count: int
    created_at: datetime
    ready_at: datetime | None


class Versions(BaseModel):
    current_version: Annotated[int, Field(description="the one that answers questions; 0: none yet")]
    items: list[DocumentVersion]


class Described(BaseModel):
    """What the owner says of a document."""

    model_config = ConfigDict(extra="forbid")

    title: Title | None = None
    metadata: Annotated[dict[str, Any] | None, AfterValidator(checked_metadata)] = None


class DocumentUpdate(Described):
    """What is unset stays as it is."""


class ObjectUpload(Described):
    """A document whose bytes a business backend has put into the store below `incoming/{space_id}/`."""

    object_key: Annotated[str, Field(min_length=1, max_length=1024)]
    filename: Filename


class UrlUpload(Described):
    """A document whose bytes a job fetches. `filename`: unset, what the server or the URL calls it."""

    url: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=URL_CHARS)]
    filename: Filename | None = None
