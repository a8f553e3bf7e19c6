"""The table of webhooks."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from protostar.db.base import Base
from protostar.ids import new_id

NOW = text("now()")


class WebhookRow(Base):
    """A URL that hears of a space's events. Its secret signs, so it cannot be kept as a hash."""

    __tablename__ = "webhooks"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    space_id: Mapped[UUID] = mapped_column(ForeignKey("spaces.id", ondelete="CASCADE"))
    url: Mapped[str]
    events: Mapped[list[str]]
    secret: Mapped[str]
    created_at: Mapped[datetime] = mapped_column(server_default=NOW)

    __table_args__ = (Index("ix_webhooks_space_id", "space_id", "id"),)
