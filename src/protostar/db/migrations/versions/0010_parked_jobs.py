"""Jobs that wait for a later time, out of the way of claims.

Revision: 0010
"""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # A process of an older release neither parks nor wakes: what it defers is claimed as before, and what it queues again with the
    # mark on is woken within a second.
    op.execute("set local lock_timeout = '5s'")
    op.add_column("jobs", sa.Column("parked", sa.Boolean(), server_default=sa.text("false"), nullable=False))
    op.create_index("ix_jobs_parked", "jobs", ["run_at"], unique=False, postgresql_where=sa.text("state = 'queued' and parked"))
    op.drop_index("ix_jobs_ready", table_name="jobs")
    op.create_index(
        "ix_jobs_ready",
        "jobs",
        [sa.literal_column("priority desc"), "turn", "id"],
        unique=False,
        postgresql_where=sa.text("state = 'queued' and not parked"),
    )
    op.drop_index("ix_jobs_turn", table_name="jobs")
    op.create_index(
        "ix_jobs_turn",
        "jobs",
        ["space_id", "parked", "priority", "turn"],
        unique=False,
        postgresql_where=sa.text("state = 'queued'"),
    )


def downgrade() -> None:
    raise NotImplementedError("restore a back-up: a schema that went forward is not taken back under running processes")
