"""Which model's vectors a space is searched by, and the rule that stored terms follow.

Revision: 0007
"""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("set local lock_timeout = '5s'")
    for column in ("embedding_model_id", "vector_index_model_id"):
        op.add_column("spaces", sa.Column(column, sa.SmallInteger(), nullable=True))
    op.add_column("version_terms", sa.Column("scheme", sa.SmallInteger(), server_default="1", nullable=False))
    op.create_index("ix_version_terms_scheme", "version_terms", ["scheme"], unique=False)
    # Until now every model's vectors were searched; from now on those of the one that a space has the most of.
    op.execute("""
        update spaces s set embedding_model_id = (
            select model_id from embeddings e where e.space_id = s.id
            group by model_id order by count(*) desc, model_id desc limit 1)""")


def downgrade() -> None:
    raise NotImplementedError("restore a back-up: a schema that went forward is not taken back under running processes")
