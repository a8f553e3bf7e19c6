"""The kinds of jobs that others enqueue, and how."""

from datetime import timedelta
from typing import Final
from uuid import UUID

from protostar.jobs.repository import Enqueue

SUMMARIZE: Final = "document.summarize"
SUMMARIZE_TURN: Final = "message.summarize"
REINDEX: Final = "space.reindex"
RENEW_TERMS: Final = "terms.renew"
CHECK_TERMS: Final = "terms.check"
PURGE_VECTORS: Final = "vectors.purge"
INDEX_VECTORS: Final = "vectors.index"


def summarize(space_id: UUID, document_id: UUID, version: int) -> Enqueue:
    """After everything that somebody waits for; a chat model may be away for a week."""
    args = {"document_id": str(document_id), "version": version}
    dedupe_key = f"{SUMMARIZE}:{document_id}:{version}"
    return Enqueue(SUMMARIZE, space_id, args, dedupe_key=dedupe_key, priority=-1, give_up_after=timedelta(days=7))


def reindex(space_id: UUID) -> Enqueue:
    """As with `document.embed`, for a month; the vectors that there are answer in the meantime, or keywords do."""
    return Enqueue(REINDEX, space_id, {}, dedupe_key=f"{REINDEX}:{space_id}", give_up_after=timedelta(days=30))


def renew_terms(space_id: UUID, scheme: int) -> Enqueue:
    """After what somebody waits for. `scheme`: the rule for terms, for while releases of several rules run beside one another."""
    return Enqueue(RENEW_TERMS, space_id, {"scheme": scheme}, dedupe_key=f"{RENEW_TERMS}:{space_id}:{scheme}", priority=-1)


def purge_vectors(space_id: UUID, model_id: int) -> Enqueue:
    return Enqueue(
        PURGE_VECTORS, space_id, {"model_id": model_id}, dedupe_key=f"{PURGE_VECTORS}:{space_id}:{model_id}", priority=-1
    )


def index_vectors(space_id: UUID) -> Enqueue:
    return Enqueue(INDEX_VECTORS, space_id, {}, dedupe_key=f"{INDEX_VECTORS}:{space_id}", priority=-1)
