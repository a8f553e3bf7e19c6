"""Documents by URL: a version without its bytes, until they are fetched.

Revision: 0009
"""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("set local lock_timeout = '5s'")
    op.add_column("document_versions", sa.Column("url", sa.Text(), nullable=True))
    for column in ("media_type", "object_key", "size", "sha256"):
        op.alter_column("document_versions", column, nullable=True)
    op.create_check_constraint(
        op.f("ck_document_versions_bytes"),
        "document_versions",
        "num_nulls(media_type, object_key, size, sha256) = 0"
        " or (url is not null and num_nulls(media_type, object_key, size, sha256) = 4)",
    )
    op.create_index(
        "ix_document_versions_url", "document_versions", ["url"], unique=False, postgresql_where=sa.text("url is not null")
    )


def downgrade() -> None:
    raise NotImplementedError("restore a back-up: a schema that went forward is not taken back under running processes")
