"""What the API says about a search."""

from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from protostar.retrieval.model import Mode


class SearchRequest(BaseModel):
    model_config = ConfigDict(extra="forbid")

    query: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=4000)]
    top_k: Annotated[int, Field(ge=1, le=50)] = 10
    mode: Mode = "hybrid"


class Hit(BaseModel):
    """`text` is `[start:end]` of the stored text of that version, in Unicode code points."""

    score: float
    keyword: Annotated[float, Field(description="raw score of the keyword leg (BM25); 0: it did not find this")]
    vector: Annotated[float | None, Field(description="raw score of the vector leg (cosine); null: it was not asked, or has none")]
    document_id: UUID
    document_title: str
    version: int
    chunk_id: str
    text: str
    heading_path: list[str]
    page: int | None
    start: int
    end: int


class SearchResponse(BaseModel):
    hits: list[Hit]
    degraded: list[str]
