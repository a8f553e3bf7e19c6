"""Where in a passage further headings begin.

Revision: 0018
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("set local lock_timeout = '5s'")
    op.add_column("chunks", sa.Column("heading_breaks", postgresql.JSONB(), nullable=True))


def downgrade() -> None:
    raise NotImplementedError("restore a back-up: a schema that went forward is not taken back under running processes")
