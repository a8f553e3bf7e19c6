"""The kinds of jobs that documents need, and how they are enqueued."""

from datetime import timedelta
from typing import Final
from uuid import UUID

from protostar.jobs.repository import Enqueue

INDEX: Final = "document.index"
FETCH: Final = "document.fetch"
PURGE: Final = "document.purge"
EMBED: Final = "document.embed"
FOLD: Final = "terms.fold"

_FOLD_AFTER: Final = timedelta(seconds=2)  # together with what else changes meanwhile
_FETCH_FOR: Final = timedelta(hours=1)  # somebody waits for it, and a URL may have been mistyped


def index(space_id: UUID, document_id: UUID, version: int) -> Enqueue:
    return _of_version(INDEX, space_id, document_id, version, timedelta(days=1))


def fetch(space_id: UUID, document_id: UUID, version: int) -> Enqueue:
    return _of_version(FETCH, space_id, document_id, version, _FETCH_FOR)


def embed(space_id: UUID, document_id: UUID, version: int) -> Enqueue:
    """However long the model is away its vectors stay wanted: keywords answer in the meantime."""
    return _of_version(EMBED, space_id, document_id, version, timedelta(days=30))


def purge(space_id: UUID, document_id: UUID, delay: timedelta = timedelta(0)) -> Enqueue:
    """A deleted document's. A key of its own: the purge of an old version may be running, and have seen the document alive."""
    args = {"document_id": str(document_id)}
    return Enqueue(PURGE, space_id, args, dedupe_key=f"{PURGE}:{document_id}:deleted", delay=delay)


def purge_old(space_id: UUID, document_id: UUID, version: int) -> Enqueue:
    """Of a living document, whose version `version` answers now, what the ones before have left."""
    args = {"document_id": str(document_id)}
    return Enqueue(PURGE, space_id, args, dedupe_key=f"{PURGE}:{document_id}:{version}", priority=-1)


def fold(space_id: UUID) -> Enqueue:
    """Term frequencies change: before the documents that still wait, since questions are answered with them."""
    return Enqueue(FOLD, space_id, {}, dedupe_key=f"{FOLD}:{space_id}", delay=_FOLD_AFTER, priority=1)


def _of_version(kind: str, space_id: UUID, document_id: UUID, version: int, give_up_after: timedelta) -> Enqueue:
    args = {"document_id": str(document_id), "version": version}
    return Enqueue(kind, space_id, args, dedupe_key=f"{kind}:{document_id}:{version}", give_up_after=give_up_after)
