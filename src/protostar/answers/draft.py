"""An answer as far as it is written, as the cache keeps it, and as the API shows it."""

from dataclasses import asdict, dataclass, field
from typing import Any
from uuid import UUID

from protostar.answers.citations import Citation
from protostar.answers.corrections import cited
from protostar.answers.models import AnswerRow
from protostar.answers.schemas import Answer, Correction
from protostar.llm.base import Usage
from protostar.retrieval.model import Passage


@dataclass(slots=True)
class Draft:
    """`found`: false where the documents do not say it. `degraded`: what was done without. `corrected_by`: the answer whose
    correction this is.
    """

    text: str = ""
    found: bool = True
    citations: list[Citation] = field(default_factory=list[Citation])
    degraded: list[str] = field(default_factory=list[str])
    usage: Usage | None = None
    model: str | None = None
    cached: bool = False
    corrected_by: UUID | None = None
    first_token_ms: int | None = None
    retrieved: list[dict[str, Any]] | None = None


def show(row: AnswerRow, draft: Draft | None = None, correction: Correction | None = None) -> Answer:
    """What the API says about an answer. `draft`: what has just been saved of it. `correction`: where its owner asks."""
    source: Any = draft or row
    citations: list[Any] = [as_json(citation) for citation in draft.citations] if draft is not None else row.citations
    text, found, degraded = source.text, source.found, source.degraded
    if row.correction is not None:
        text, found, degraded = row.correction.text, True, []
        citations = cited(text, citations)
    usage = asdict(draft.usage) if draft is not None and draft.usage is not None else None if draft is not None else row.usage
    return Answer.model_validate(
        {
            "id": row.id,
            "conversation_id": row.conversation_id,
            "question": row.question,
            "text": text,
            "found": found,
            "citations": citations,
            "degraded": degraded,
            "cached": source.cached,
            "usage": usage,
            "feedback": {"rating": row.rating, "reason": row.rating_reason} if row.rating is not None else None,
            "model": source.model,
            "corrected": row.correction is not None or source.corrected_by is not None,
            "correction": correction,
            "state": "done" if draft is not None else row.state,
            "error": row.error,
            "created_at": row.created_at,
        }
    )


def as_json(citation: Citation) -> dict[str, Any]:
    # Not `asdict`, which copies every value deeply: 15 µs instead of 1, several times an answer.
    return {
        "marker": citation.marker,
        "document_id": str(citation.document_id),
        "document_title": citation.document_title,
        "version": citation.version,
        "heading_path": list(citation.heading_path),
        "page": citation.page,
        "start": citation.start,
        "end": citation.end,
        "quote": citation.quote,
    }


def retrieved(passage: Passage) -> dict[str, Any]:
    """A passage as `schemas.Retrieved`: where it stands and its scores; its words are in the document."""
    return {
        "document_id": str(passage.document_id),
        "document_title": passage.document_title,
        "version": passage.version,
        "heading_path": list(passage.heading_path),
        "page": passage.page,
        "start": passage.start,
        "end": passage.end,
        "keyword": round(passage.keyword, 4),
        "vector": round(passage.vector, 4) if passage.vector is not None else None,
        "score": round(passage.score, 4),
    }


def to_row(draft: Draft) -> dict[str, Any]:
    """The columns of a finished answer."""
    return {"state": "done", **to_cache(draft)}


def to_cache(draft: Draft) -> dict[str, Any]:
    return {
        "text": draft.text,
        "found": draft.found,
        "citations": [as_json(citation) for citation in draft.citations],
        "degraded": draft.degraded,
        "cached": draft.cached,
        "usage": asdict(draft.usage) if draft.usage is not None else None,
        "model": draft.model,
        "corrected_by": draft.corrected_by,
        "retrieved": draft.retrieved,
        "first_token_ms": draft.first_token_ms,
    }


def from_cache(value: dict[str, Any]) -> Draft:
    """The cached answer except its text, which is yet to be said."""
    citations = [citation_of(each) for each in value["citations"]]
    usage = Usage(**value["usage"]) if value["usage"] is not None else None
    # A process of an older release may have put it there.
    retrieved = value.get("retrieved")
    return Draft(found=value["found"], citations=citations, usage=usage, model=value["model"], cached=True, retrieved=retrieved)


def citation_of(value: dict[str, Any]) -> Citation:
    fields: dict[str, Any] = {**value, "document_id": UUID(value["document_id"]), "heading_path": tuple(value["heading_path"])}
    return Citation(**fields)
