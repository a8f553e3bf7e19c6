"""The kinds of jobs that others enqueue, and how."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Final
from uuid import UUID

from protostar.jobs.repository import Enqueue

SUMMARIZE: Final = "document.summarize"
SUMMARIZE_TURN: Final = "message.summarize"
PURGE: Final = "document.purge"
EMBED: Final = "document.embed"


@dataclass(frozen=True, slots=True)
class _Fold:
    """Term frequencies are folded a moment later, together for all documents that became ready in between."""

    kind: str = "terms.fold"
    delay: timedelta = timedelta(seconds=2)

    def job(self, space_id: UUID) -> Enqueue:
        return Enqueue(self.kind, space_id, {}, dedupe_key=f"{self.kind}:{space_id}", delay=self.delay, priority=1)


FOLD: Final = _Fold()
