"""What operators and sweeps look for, among all else.

Revision: 0016
"""

from alembic import op
from sqlalchemy import text

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # Each in a transaction of its own: one that held the lock on the first table while it waited for the second would be in a
    # deadlock with whoever writes to them in the other order, as every job's end does.
    with op.get_context().autocommit_block():
        op.execute("set lock_timeout = '5s'")
        op.create_index(
            "ix_jobs_unsuccessful",
            "jobs",
            ["state", "id"],
            postgresql_where=text("state in ('dead', 'failed')"),
            if_not_exists=True,
        )
        op.create_index("ix_document_versions_text_key", "document_versions", ["text_key"], if_not_exists=True)
        op.execute("reset lock_timeout")


def downgrade() -> None:
    raise NotImplementedError("restore a back-up: a schema that went forward is not taken back under running processes")
