"""Tables of who may do what."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, LargeBinary, text
from sqlalchemy.orm import Mapped, mapped_column

from protostar.db.base import Base
from protostar.ids import new_id

NOW = text("now()")


class InstallationRow(Base):
    """The one row that makes all processes one installation."""

    __tablename__ = "installation"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    secret: Mapped[bytes] = mapped_column(LargeBinary)
    created_at: Mapped[datetime] = mapped_column(server_default=NOW)

    __table_args__ = (CheckConstraint("id = 1", name="single"),)


class SpaceKeyRow(Base):
    """A key of a space. Only its hash is kept."""

    __tablename__ = "space_keys"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    space_id: Mapped[UUID] = mapped_column(ForeignKey("spaces.id", ondelete="CASCADE"))
    role: Mapped[str]
    name: Mapped[str]
    hash: Mapped[bytes] = mapped_column(LargeBinary, unique=True)
    hint: Mapped[str]
    origins: Mapped[list[str]] = mapped_column(server_default=text("'{}'"))
    created_at: Mapped[datetime] = mapped_column(server_default=NOW)
    last_used_at: Mapped[datetime | None]

    __table_args__ = (
        CheckConstraint("role in ('manage', 'ask')", name="role"),
        Index("ix_space_keys_space_id", "space_id", "id"),
    )


class SessionRow(Base):
    """A browser that has signed in. Only the hash of its token is kept.

    `key_id` None: with the admin key, whose fingerprint is `admin`. `ticket`: of the one-time link, so that it opens no second one.
    """

    __tablename__ = "sessions"

    hash: Mapped[bytes] = mapped_column(LargeBinary, primary_key=True)
    key_id: Mapped[UUID | None] = mapped_column(ForeignKey("space_keys.id", ondelete="CASCADE"))
    admin: Mapped[bytes | None] = mapped_column(LargeBinary)
    ticket: Mapped[UUID | None] = mapped_column(unique=True)
    created_at: Mapped[datetime] = mapped_column(server_default=NOW)
    expires_at: Mapped[datetime]

    __table_args__ = (
        CheckConstraint("(key_id is null) = (admin is not null)", name="one_key"),
        Index("ix_sessions_key_id", "key_id"),
    )


class IdempotencyRow(Base):
    """A write that was taken, under the key that its client chose; kept for a day."""

    __tablename__ = "idempotency_keys"

    space_id: Mapped[UUID] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(primary_key=True)
    request_hash: Mapped[bytes] = mapped_column(LargeBinary)
    resource_id: Mapped[UUID]
    created_at: Mapped[datetime] = mapped_column(server_default=NOW)
