"""What the API says about passages and pages."""

from uuid import UUID

from pydantic import BaseModel


class Chunk(BaseModel):
    """`text` is the stored text's `[start:end]`, in code points."""

    ordinal: int
    start: int
    end: int
    page: int | None
    heading_path: list[str]
    text: str


class ChunkPage(BaseModel):
    version: int
    items: list[Chunk]
    next_cursor: str | None


class PageSize(BaseModel):
    """Of a page as it is shown, in points."""

    width: float
    height: float


class Box(BaseModel):
    """Shares of the page's width and height, from its upper left corner."""

    left: float
    top: float
    right: float
    bottom: float


class Highlight(BaseModel):
    """Where a passage stands on a page, line by line."""

    page: int
    boxes: list[Box]


class PdfPages(BaseModel):
    """`pages`: of the first 10,000, in order. `highlights`: none where no passage is asked for, or its words are not found."""

    version: int
    page_count: int
    pages: list[PageSize]
    highlights: list[Highlight]


class Reindexing(BaseModel):
    """`job_id`: null where the space is being reindexed already."""

    job_id: UUID | None
