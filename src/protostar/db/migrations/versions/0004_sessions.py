"""Browser sessions.

Revision: 0004
"""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("set local lock_timeout = '5s'")
    op.create_table(
        "sessions",
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.Column("key_id", sa.Uuid(), nullable=True),
        sa.Column("admin", sa.LargeBinary(), nullable=True),
        sa.Column("ticket", sa.Uuid(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("(key_id is null) = (admin is not null)", name=op.f("ck_sessions_one_key")),
        sa.ForeignKeyConstraint(["key_id"], ["space_keys.id"], name=op.f("fk_sessions_key_id_space_keys"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("hash", name=op.f("pk_sessions")),
        sa.UniqueConstraint("ticket", name=op.f("uq_sessions_ticket")),
    )
    op.create_index("ix_sessions_key_id", "sessions", ["key_id"], unique=False)


def downgrade() -> None:
    raise NotImplementedError("restore a back-up: a schema that went forward is not taken back under running processes")
