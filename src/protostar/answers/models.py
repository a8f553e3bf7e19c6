"""Tables of conversations."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, Integer
from sqlalchemy import text as sql
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from protostar.db.base import Base
from protostar.ids import new_id

NOW = sql("now()")


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
    """One turn: the question and its answer, which is empty while it is being written."""

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
    degraded: Mapped[list[str]] = mapped_column(server_default=sql("'{}'"))
    cached: Mapped[bool] = mapped_column(server_default=sql("false"))
    usage: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    model: Mapped[str | None]
    error: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    first_token_ms: Mapped[int | None] = mapped_column(Integer)
    rating: Mapped[str | None]
    rating_reason: Mapped[str | None]
    created_at: Mapped[datetime] = mapped_column(server_default=NOW)
    finished_at: Mapped[datetime | None]

    __table_args__ = (
        CheckConstraint("state in ('running', 'done', 'failed')", name="state"),
        CheckConstraint("rating in ('up', 'down')", name="rating"),
        Index("ix_answers_conversation_id", "conversation_id", "id"),
        Index("ix_answers_space_id", "space_id", "id"),
    )
