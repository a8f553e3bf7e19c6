"""Tables of conversations and of corrected answers."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, Integer
from sqlalchemy import text as sql
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Mapped, mapped_column, relationship

from protostar.db.base import Base
from protostar.ids import new_id

NOW = sql("now()")


def _of_conversations(**conditions: str) -> list[Index]:
    """Indexes of the conversations that have an answer of a kind: the owner looks for them among all."""
    return [
        Index(f"ix_answers_{name}", "space_id", "conversation_id", postgresql_where=sql(condition))
        for name, condition in conditions.items()
    ]


class ConversationRow(Base):
    """`visitor_id`: whose it is; None where it is older than visitors."""

    __tablename__ = "conversations"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    space_id: Mapped[UUID] = mapped_column(ForeignKey("spaces.id"))
    visitor_id: Mapped[UUID | None]
    created_at: Mapped[datetime] = mapped_column(server_default=NOW)

    __table_args__ = (
        Index("ix_conversations_space_id", "space_id", "id"),
        Index("ix_conversations_visitor_id", "visitor_id"),
    )


class AnswerRow(Base):
    """One turn: the question and its answer, which is empty while it is being written.

    `retrieved`: the passages that were found for it, best first, as `schemas.Retrieved`; null where none were looked for.
    `terms`: of question and answer, as `knowledge.tokens.space_terms`; null until it is finished. `corrected_by`: the answer whose
    correction was given instead of an own one.
    """

    __tablename__ = "answers"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    space_id: Mapped[UUID]
    conversation_id: Mapped[UUID] = mapped_column(ForeignKey("conversations.id", ondelete="CASCADE"))
    job_id: Mapped[UUID | None]
    state: Mapped[str] = mapped_column(server_default=sql("'running'"))
    question: Mapped[str]
    text: Mapped[str] = mapped_column(server_default=sql("''"))
    summary: Mapped[str | None]
    found: Mapped[bool | None]
    citations: Mapped[list[Any]] = mapped_column(server_default=sql("'[]'"))
    retrieved: Mapped[list[Any] | None] = mapped_column(JSONB(none_as_null=True))
    degraded: Mapped[list[str]] = mapped_column(server_default=sql("'{}'"))
    cached: Mapped[bool] = mapped_column(server_default=sql("false"))
    usage: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    model: Mapped[str | None]
    error: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    first_token_ms: Mapped[int | None] = mapped_column(Integer)
    rating: Mapped[str | None]
    rating_reason: Mapped[str | None]
    corrected_by: Mapped[UUID | None]
    terms: Mapped[Sequence[int] | None] = mapped_column(ARRAY(Integer))
    created_at: Mapped[datetime] = mapped_column(server_default=NOW)
    finished_at: Mapped[datetime | None]

    correction: Mapped["CorrectionRow | None"] = relationship(lazy="joined", viewonly=True)

    @property
    def shown_text(self) -> str:
        """What a visitor reads."""
        return self.correction.text if self.correction is not None else self.text

    __table_args__ = (
        CheckConstraint("state in ('running', 'done', 'failed')", name="state"),
        CheckConstraint("rating in ('up', 'down')", name="rating"),
        Index("ix_answers_conversation_id", "conversation_id", "id"),
        Index("ix_answers_space_id", "space_id", "id"),
        Index("ix_answers_terms", "terms", postgresql_using="gin"),
        *_of_conversations(
            without_terms="terms is null",
            not_found="found = false",
            degraded="degraded <> '{}'",
            disliked="rating = 'down'",
            corrected_by="corrected_by is not null",
        ),
    )


class CorrectionRow(Base):
    """What the owner says instead of an answer. `sense`: of its question, see `likeness`."""

    __tablename__ = "corrections"

    answer_id: Mapped[UUID] = mapped_column(ForeignKey("answers.id", ondelete="CASCADE"), primary_key=True)
    space_id: Mapped[UUID]
    sense: Mapped[UUID]
    text: Mapped[str]
    created_at: Mapped[datetime] = mapped_column(server_default=NOW)
    updated_at: Mapped[datetime] = mapped_column(server_default=NOW)

    __table_args__ = (Index("ix_corrections_sense", "space_id", "sense"),)


class CorrectionDocumentRow(Base):
    """A document that a correction relies on, as it was then. The correction outlives it, to be seen as stale."""

    __tablename__ = "correction_documents"

    answer_id: Mapped[UUID] = mapped_column(ForeignKey("corrections.answer_id", ondelete="CASCADE"), primary_key=True)
    document_id: Mapped[UUID] = mapped_column(primary_key=True)
    version: Mapped[int] = mapped_column(Integer)
