"""Tables of documents and their versions."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, Integer, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from protostar.db.base import Base
from protostar.ids import new_id
from protostar.objects.store import StoredObject

NOW = text("now()")


class DocumentRow(Base):
    """A document. `current_version` answers questions (0: none yet); `latest_version` is the last one uploaded.

    `deleted_at`: since then nobody sees it. `erase_at`: until then the deletion can be taken back; null: it cannot.
    """

    __tablename__ = "documents"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    space_id: Mapped[UUID] = mapped_column(ForeignKey("spaces.id"))
    title: Mapped[str]
    title_given: Mapped[bool] = mapped_column(server_default=text("false"))
    filename: Mapped[str]
    meta: Mapped[dict[str, Any]] = mapped_column("metadata", server_default=text("'{}'"))
    current_version: Mapped[int] = mapped_column(Integer, server_default=text("0"))
    latest_version: Mapped[int] = mapped_column(Integer, server_default=text("1"))
    created_at: Mapped[datetime] = mapped_column(server_default=NOW)
    updated_at: Mapped[datetime] = mapped_column(server_default=NOW)
    deleted_at: Mapped[datetime | None]
    erase_at: Mapped[datetime | None]

    __table_args__ = (
        Index("ix_documents_space_id", "space_id", "id", postgresql_where=text("deleted_at is null")),
        Index("ix_documents_filename", "space_id", "filename", postgresql_where=text("deleted_at is null")),
        Index("ix_documents_erase_at", "space_id", "erase_at", postgresql_where=text("erase_at is not null")),
    )


@dataclass(frozen=True, slots=True)
class Original:
    """The bytes of a version, and how they are read."""

    stored: StoredObject
    media_type: str


class DocumentVersionRow(Base):
    """One upload of a document. Its text outlives its chunks, so that old citations stay true until the purge.

    `url`: where its bytes are fetched from; until that is done it has none.
    """

    __tablename__ = "document_versions"

    document_id: Mapped[UUID] = mapped_column(ForeignKey("documents.id", ondelete="CASCADE"), primary_key=True)
    version: Mapped[int] = mapped_column(Integer, primary_key=True)
    status: Mapped[str] = mapped_column(server_default=text("'queued'"))
    filename: Mapped[str]
    url: Mapped[str | None]
    media_type: Mapped[str | None]
    object_key: Mapped[str | None]
    size: Mapped[int | None]
    sha256: Mapped[str | None]
    job_id: Mapped[UUID]
    stage: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    error: Mapped[str | None]
    text_key: Mapped[str | None]
    text_size: Mapped[int | None]
    text_sha256: Mapped[str | None]
    text_chars: Mapped[int | None]
    encoding: Mapped[str | None]
    page_count: Mapped[int | None] = mapped_column(Integer)
    unread_pages: Mapped[int] = mapped_column(Integer, server_default=text("0"))
    chunk_count: Mapped[int] = mapped_column(Integer, server_default=text("0"))
    summary: Mapped[str | None]
    summary_model: Mapped[str | None]
    created_at: Mapped[datetime] = mapped_column(server_default=NOW)
    ready_at: Mapped[datetime | None]

    __table_args__ = (
        CheckConstraint("status in ('queued', 'processing', 'ready', 'failed')", name="status"),
        CheckConstraint(
            "num_nulls(media_type, object_key, size, sha256) = 0"
            " or (url is not null and num_nulls(media_type, object_key, size, sha256) = 4)",
            name="bytes",
        ),
        Index("ix_document_versions_text_sha256", "text_sha256", postgresql_where=text("summary is not null")),
        Index("ix_document_versions_object_key", "object_key"),
        Index("ix_document_versions_text_key", "text_key"),
        Index("ix_document_versions_url", "url", postgresql_where=text("url is not null")),
    )

    @property
    def original(self) -> Original | None:
        """None while the bytes are still to be fetched."""
        if self.media_type is None or self.object_key is None or self.size is None or self.sha256 is None:
            return None
        return Original(StoredObject(self.object_key, self.size, self.sha256), self.media_type)
