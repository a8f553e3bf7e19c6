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
    op.execute("set local lock_timeout = '5s'")
    op.create_index("ix_jobs_unsuccessful", "jobs", ["state", "id"], postgresql_where=text("state in ('dead', 'failed')"))
    op.create_index("ix_document_versions_text_key", "document_versions", ["text_key"])


def downgrade() -> None:
    raise NotImplementedError("restore a back-up: a schema that went forward is not taken back under running processes")
