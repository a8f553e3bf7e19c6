"""Where in a passage further pages begin.

Revision: 0017
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("set local lock_timeout = '5s'")
    op.add_column("chunks", sa.Column("page_breaks", postgresql.ARRAY(sa.Integer()), nullable=True))


def downgrade() -> None:
    raise NotImplementedError("restore a back-up: a schema that went forward is not taken back under running processes")
