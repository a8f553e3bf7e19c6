"""What visitors thought of their answers.

Revision: 0003
"""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("set local lock_timeout = '5s'")
    op.add_column("answers", sa.Column("rating", sa.Text(), nullable=True))
    op.add_column("answers", sa.Column("rating_reason", sa.Text(), nullable=True))
    op.create_check_constraint(op.f("ck_answers_rating"), "answers", "rating in ('up', 'down')")


def downgrade() -> None:
    raise NotImplementedError("restore a back-up: a schema that went forward is not taken back under running processes")
