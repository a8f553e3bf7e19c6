"""Visitors own conversations, and may sign in.

Revision: 0005
"""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("set local lock_timeout = '5s'")
    # The release before leaves it null: such a conversation is read by its owner alone.
    op.add_column("conversations", sa.Column("visitor_id", sa.Uuid(), nullable=True))
    op.create_index("ix_conversations_visitor_id", "conversations", ["visitor_id"], unique=False)
    op.add_column("spaces", sa.Column("identity_secret", sa.Text(), nullable=True))


def downgrade() -> None:
    raise NotImplementedError("restore a back-up: a schema that went forward is not taken back under running processes")
