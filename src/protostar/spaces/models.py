"""The table of tenants."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import SmallInteger, text
from sqlalchemy.orm import Mapped, mapped_column

from protostar.db.base import Base
from protostar.ids import new_id

NOW = text("now()")


class SpaceRow(Base):
    """A tenant. `knowledge_version` rises whenever its searchable chunks change; it is part of every answer's cache key.

    `identity_secret` verifies signatures, so it cannot be kept as a hash.
    `embedding_model_id`: whose vectors are searched; null until there are any. `vector_index_model_id`: whose vectors have an HNSW
    index of this space's own.
    `erase_at`: until when a deletion can be taken back; null once erasing has begun.
    """

    __tablename__ = "spaces"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    name: Mapped[str]
    settings: Mapped[dict[str, Any]] = mapped_column(server_default=text("'{}'"))
    knowledge_version: Mapped[int] = mapped_column(server_default=text("0"))
    identity_secret: Mapped[str | None]
    embedding_model_id: Mapped[int | None] = mapped_column(SmallInteger)
    vector_index_model_id: Mapped[int | None] = mapped_column(SmallInteger)
    created_at: Mapped[datetime] = mapped_column(server_default=NOW)
    updated_at: Mapped[datetime] = mapped_column(server_default=NOW)
    deleted_at: Mapped[datetime | None]
    erase_at: Mapped[datetime | None]

    @property
    def identity_enabled(self) -> bool:
        return self.identity_secret is not None
