"""Corrections of answers, and finding conversations by their words and by what became of them.

Revision: 0006
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("set local lock_timeout = '5s'")
    op.create_table(
        "corrections",
        sa.Column("answer_id", sa.Uuid(), nullable=False),
        sa.Column("space_id", sa.Uuid(), nullable=False),
        sa.Column("sense", sa.Uuid(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(["answer_id"], ["answers.id"], name=op.f("fk_corrections_answer_id_answers"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("answer_id", name=op.f("pk_corrections")),
    )
    op.create_index("ix_corrections_sense", "corrections", ["space_id", "sense"], unique=False)
    op.create_table(
        "correction_documents",
        sa.Column("answer_id", sa.Uuid(), nullable=False),
        sa.Column("document_id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["answer_id"], ["corrections.answer_id"], name=op.f("fk_correction_documents_answer_id_corrections"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("answer_id", "document_id", name=op.f("pk_correction_documents")),
    )
    op.add_column("answers", sa.Column("corrected_by", sa.Uuid(), nullable=True))
    op.add_column("answers", sa.Column("terms", postgresql.ARRAY(sa.Integer()), nullable=True))
    op.create_index("ix_answers_terms", "answers", ["terms"], unique=False, postgresql_using="gin")
    for name, where in (
        ("without_terms", "terms is null"),
        ("not_found", "found = false"),
        ("degraded", "degraded <> '{}'"),
        ("disliked", "rating = 'down'"),
        ("corrected_by", "corrected_by is not null"),
    ):
        op.create_index(
            f"ix_answers_{name}", "answers", ["space_id", "conversation_id"], unique=False, postgresql_where=sa.text(where)
        )


def downgrade() -> None:
    raise NotImplementedError("restore a back-up: a schema that went forward is not taken back under running processes")
