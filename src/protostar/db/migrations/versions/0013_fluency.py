"""Which languages an embedding model understands.

Revision: 0013
"""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("set local lock_timeout = '5s'")
    op.add_column("embedding_models", sa.Column("korean", sa.REAL(), nullable=True))
    op.add_column("embedding_models", sa.Column("english", sa.REAL(), nullable=True))


def downgrade() -> None:
    raise NotImplementedError("restore a back-up: a schema that went forward is not taken back under running processes")
