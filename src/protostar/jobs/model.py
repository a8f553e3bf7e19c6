"""What a job is, and how it ends."""

from dataclasses import dataclass
from typing import Any, Final, Literal
from uuid import UUID

State = Literal["queued", "running", "succeeded", "failed", "dead", "cancelled"]

CANCELLED: Final = "Cancelled."
Renewal = Literal["renewed", "cancelled", "locked"]
"""Of a job's lease. `cancelled`: its end was asked for. `locked`: somebody else holds the row, so that it was not renewed."""


@dataclass(frozen=True, slots=True)
class Job:
    """A claimed job. `args` are ids; `fence` proves that its holder still holds it."""

    id: UUID
    space_id: UUID | None
    kind: str
    args: dict[str, Any]
    attempt: int
    fence: int


@dataclass(frozen=True, slots=True)
class Change:
    """A job that left `running` without succeeding, or was queued again. `error`: a sentence for people."""

    job: Job
    state: State
    error: str | None
