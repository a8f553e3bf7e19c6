"""What a search finds."""

from dataclasses import dataclass, field
from typing import Final, Literal, NamedTuple
from uuid import UUID

from protostar.knowledge.breaks import HeadingBreak, PageBreak, value_of

Mode = Literal["hybrid", "keyword", "vector"]

# Of the questions to twelve small organisations that were refused wrongly, two of three lie above; of strangers', one of three.
NEAR: Final = -3.4


class ChunkId(NamedTuple):
    """Where a chunk stands; as text `document.version.ordinal`. A tuple, as a search makes some two hundred."""

    document_id: UUID
    version: int
    ordinal: int

    def __str__(self) -> str:
        return f"{self.document_id}.{self.version}.{self.ordinal}"


@dataclass(frozen=True, slots=True)
class SpaceVectors:
    """Whose vectors a space is searched by, None where it has none yet; and whether they have an index of their own."""

    model_id: int | None
    indexed: bool


class Candidate(NamedTuple):
    """A chunk that one of the legs put forward. Raw scores: BM25, and the cosine where the text has a vector."""

    id: ChunkId
    keyword: float
    vector: float | None


@dataclass(frozen=True, slots=True)
class Passage:
    """A retrieved chunk: `text` is the stored text's `[start:end]`, in code points. `score` orders one search and no other.

    `heading_breaks`: where parts of it stand under more headings than `heading_path`; none where that holds for all of it.
    """

    chunk_id: ChunkId
    document_title: str
    heading_path: tuple[str, ...]
    heading_breaks: tuple[HeadingBreak, ...]
    page_breaks: tuple[PageBreak, ...]
    start: int
    end: int
    text: str
    score: float = 0.0
    keyword: float = 0.0
    vector: float | None = None

    @property
    def document_id(self) -> UUID:
        return self.chunk_id.document_id

    @property
    def version(self) -> int:
        return self.chunk_id.version

    @property
    def page(self) -> int | None:
        """That which holds most of it."""
        return value_of(self.page_breaks, self.start, self.end)

    def headings_of(self, start: int, end: int) -> tuple[str, ...]:
        """Those above most of `text[start:end]`, outermost first."""
        return value_of(self.heading_breaks, self.start + start, self.start + end) or self.heading_path


@dataclass(frozen=True, slots=True)
class Query:
    """A question in terms of one space. `text`: as it was meant to be typed; `idf`: term id → inverse document frequency;
    `chunks`: how many the space has; `population`: how many of them are written in the script of most of its terms; `size`: how
    many terms it has, those that say little as halves; `guessed`, `synonyms`: the terms that stand for misspelt ones,
    and for others that say the same.
    """

    text: str
    terms: tuple[str, ...]
    idf: dict[int, float]
    frequencies: dict[int, int]
    chunks: int
    population: int
    size: float
    guessed: frozenset[int] = frozenset()
    synonyms: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class Relevance:
    """Whether the passages can hold an answer at all, as log odds. `coverage`: 0 to 1; `least`: what it takes to be sure."""

    evidence: float
    coverage: float
    least: float = 0.0

    @property
    def answerable(self) -> bool:
        return self.evidence > self.least

    @property
    def near(self) -> bool:
        """Whether they are worth a look where they are not sure to answer."""
        return self.evidence > NEAR


@dataclass(frozen=True, slots=True)
class Found:
    """The best passages first. `degraded`: what the search had to do without."""

    query: Query
    passages: list[Passage]
    relevance: Relevance
    degraded: list[str] = field(default_factory=list[str])
