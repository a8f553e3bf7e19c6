"""Tables of the job kernel."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, Integer, Sequence, SmallInteger, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from protostar.db.base import Base
from protostar.ids import new_id

NOW = text("now()")

# The fence comes from a sequence, so that it never goes back, whatever happens to a row.
FENCE = Sequence("job_fence", metadata=Base.metadata)


class JobRow(Base):
    """One unit of work. Only PostgreSQL's `now()` is ever written to or compared with its times."""

    __tablename__ = "jobs"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    space_id: Mapped[UUID | None]
    kind: Mapped[str]
    args: Mapped[dict[str, Any]] = mapped_column(server_default=text("'{}'"))
    dedupe_key: Mapped[str | None]
    priority: Mapped[int] = mapped_column(SmallInteger, server_default=text("0"))
    turn: Mapped[int] = mapped_column(server_default=text("0"))
    state: Mapped[str] = mapped_column(server_default=text("'queued'"))
    run_at: Mapped[datetime] = mapped_column(server_default=NOW)
    parked: Mapped[bool] = mapped_column(server_default=text("false"))
    give_up_at: Mapped[datetime | None]
    attempt: Mapped[int] = mapped_column(Integer, server_default=text("0"))
    max_attempts: Mapped[int] = mapped_column(Integer, server_default=text("5"))
    lost_leases: Mapped[int] = mapped_column(Integer, server_default=text("0"))
    deferrals: Mapped[int] = mapped_column(Integer, server_default=text("0"))
    fence: Mapped[int] = mapped_column(server_default=text("0"))
    lease_owner: Mapped[str | None]
    lease_until: Mapped[datetime | None]
    cancel_requested: Mapped[bool] = mapped_column(server_default=text("false"))
    progress: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    error: Mapped[str | None]
    error_code: Mapped[str | None]
    created_at: Mapped[datetime] = mapped_column(server_default=NOW)
    started_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]

    __table_args__ = (
        CheckConstraint("state in ('queued', 'running', 'succeeded', 'failed', 'dead', 'cancelled')", name="state"),
        CheckConstraint("(state = 'running') = (lease_until is not null)", name="lease"),
        # Claims walk the first index in order. lease_until is in no index, so that a renewal is a HOT update.
        Index("ix_jobs_ready", text("priority desc"), "turn", "id", postgresql_where=text("state = 'queued' and not parked")),
        Index("ix_jobs_parked", "run_at", postgresql_where=text("state = 'queued' and parked")),
        Index("ix_jobs_turn", "space_id", "parked", "priority", "turn", postgresql_where=text("state = 'queued'")),
        Index("ix_jobs_running", "kind", postgresql_where=text("state = 'running'")),
        Index("uq_jobs_dedupe", "dedupe_key", unique=True, postgresql_where=text("state in ('queued', 'running')")),
        Index("ix_jobs_unsuccessful", "state", "id", postgresql_where=text("state in ('dead', 'failed')")),
        Index("ix_jobs_finished", "finished_at", postgresql_where=text("finished_at is not null")),
        Index("ix_jobs_space_id", "space_id", "id"),
        {"postgresql_with": {"fillfactor": 80, "autovacuum_vacuum_scale_factor": 0.02}},
    )


class JobSlotRow(Base):
    """Whoever inserts the row of a slot enqueues that slot's periodic job."""

    __tablename__ = "job_slots"

    name: Mapped[str] = mapped_column(primary_key=True)
    slot: Mapped[datetime] = mapped_column(primary_key=True)


class WorkerRow(Base):
    """A worker process's heartbeat, with its metrics: whoever scrapes an API sees every process."""

    __tablename__ = "workers"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    name: Mapped[str]
    kinds: Mapped[list[str]]
    concurrency: Mapped[int] = mapped_column(Integer)
    running: Mapped[int] = mapped_column(Integer, server_default=text("0"))
    version: Mapped[str]
    samples: Mapped[list[Any]] = mapped_column(server_default=text("'[]'"))
    started_at: Mapped[datetime] = mapped_column(server_default=NOW)
    seen_at: Mapped[datetime] = mapped_column(server_default=NOW)
