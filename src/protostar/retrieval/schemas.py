"""What the API says about a search."""

from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints, ValidationInfo, field_validator

from protostar.retrieval.model import Mode


class SearchRequest(BaseModel):
    model_config = ConfigDict(extra="forbid")

    query: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=4000)]
    top_k: Annotated[int, Field(ge=1, le=50)] = 10
    mode: Mode = "hybrid"


class Location(BaseModel):
    """`[start:end]` of the stored text of that version of the document, in Unicode code points."""

    document_id: UUID
    document_title: str
    version: int
    heading_path: Annotated[list[str], Field(description="headings above most of it; without the first where that is the title")]
    page: int | None
    start: int
    end: int

    @field_validator("heading_path")
    @classmethod
    def _below_title(cls, path: list[str], info: ValidationInfo) -> list[str]:
        return path[1:] if path[:1] == [info.data["document_title"]] else path


class Hit(Location):
    """`text` is what stands there."""

    score: float
    keyword: Annotated[float, Field(description="raw score of the keyword leg (BM25); 0: it did not find this")]
    vector: Annotated[float | None, Field(description="raw score of the vector leg (cosine); null: it was not asked, or has none")]
    chunk_id: Annotated[str, BeforeValidator(str)]
    text: str


class SearchResponse(BaseModel):
    hits: list[Hit]
    degraded: list[str]
