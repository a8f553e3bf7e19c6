"""Tables of what can be found: chunks, their vectors, and how many chunks hold a term."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import REAL, ForeignKey, ForeignKeyConstraint, Index, Integer, SmallInteger, UniqueConstraint
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Mapped, mapped_column

from protostar.db.base import Base, HalfVec, SparseVec
from protostar.db.vectors import SparseVector

# Rows stay whole up to a page: beyond 2 kB the vectors would move to TOAST, and every scan would fetch them from there.
_IN_ROW = {"postgresql_with": {"toast_tuple_target": 8160}}


class ChunkRow(Base):
    """A passage: exactly `text[char_start:char_end]` of its version's stored text, in code points.

    Rows are staged while a version is indexed; searches join on the document's current version. `page`, `page_breaks`,
    `heading_breaks`: see `breaks`.
    """

    __tablename__ = "chunks"

    document_id: Mapped[UUID] = mapped_column(primary_key=True)
    version: Mapped[int] = mapped_column(Integer, primary_key=True)
    ordinal: Mapped[int] = mapped_column(Integer, primary_key=True)
    space_id: Mapped[UUID]
    char_start: Mapped[int] = mapped_column(Integer)
    char_end: Mapped[int] = mapped_column(Integer)
    page: Mapped[int | None] = mapped_column(Integer)
    page_breaks: Mapped[Sequence[int] | None] = mapped_column(ARRAY(Integer))
    heading_path: Mapped[list[str]]
    heading_breaks: Mapped[list[Any] | None] = mapped_column(JSONB(none_as_null=True))
    text: Mapped[str]
    # blake2b-128 of the text that is embedded: vectors are found by it, whichever document they were paid for.
    text_hash: Mapped[UUID]
    # term id → tf·(k1+1) / (tf + k1·(1 − b + b·length/pivot)), frozen at ingest (evidence: a fixed pivot costs nothing)
    weights: Mapped[SparseVector] = mapped_column(SparseVec())
    # hash32(space, term id): one GIN index serves every space
    terms: Mapped[Sequence[int]] = mapped_column(ARRAY(Integer))

    __table_args__ = (
        ForeignKeyConstraint(
            ["document_id", "version"], ["document_versions.document_id", "document_versions.version"], ondelete="CASCADE"
        ),
        Index("ix_chunks_space_id", "space_id", "text_hash"),
        Index("ix_chunks_terms", "terms", postgresql_using="gin"),
        _IN_ROW,
    )


class EmbeddingModelRow(Base):
    """A model whose vectors are stored; vectors of different models never meet.

    `korean`, `english`: how well it understands them (`llm.fluency`), 0 to 1; null until it was examined.
    """

    __tablename__ = "embedding_models"

    id: Mapped[int] = mapped_column(SmallInteger, primary_key=True)
    name: Mapped[str]
    dimensions: Mapped[int] = mapped_column(Integer)
    korean: Mapped[float | None] = mapped_column(REAL)
    english: Mapped[float | None] = mapped_column(REAL)

    __table_args__ = (UniqueConstraint("name", "dimensions"),)


class EmbeddingRow(Base):
    """The vector of a text under a model: the cache that pays each text once, and the vector leg's index at the same time."""

    __tablename__ = "embeddings"

    space_id: Mapped[UUID] = mapped_column(primary_key=True)
    model_id: Mapped[int] = mapped_column(SmallInteger, ForeignKey("embedding_models.id"), primary_key=True)
    text_hash: Mapped[UUID] = mapped_column(primary_key=True)
    vector: Mapped[Sequence[float]] = mapped_column(HalfVec())

    __table_args__ = (_IN_ROW,)


class VersionTermsRow(Base):
    """In how many chunks of a version each term stands; arrays of one length, term ids rising. `scheme`: `tokens.VERSION` then."""

    __tablename__ = "version_terms"

    document_id: Mapped[UUID] = mapped_column(primary_key=True)
    version: Mapped[int] = mapped_column(Integer, primary_key=True)
    terms: Mapped[Sequence[int]] = mapped_column(ARRAY(Integer))
    counts: Mapped[Sequence[int]] = mapped_column(ARRAY(Integer))
    scheme: Mapped[int] = mapped_column(SmallInteger, server_default="1")

    __table_args__ = (
        ForeignKeyConstraint(
            ["document_id", "version"], ["document_versions.document_id", "document_versions.version"], ondelete="CASCADE"
        ),
        Index("ix_version_terms_scheme", "scheme"),
    )


class TermFrequencyRow(Base):
    """In how many searchable chunks of a space a term stands. Term 0 counts the chunks themselves."""

    __tablename__ = "term_frequencies"

    space_id: Mapped[UUID] = mapped_column(primary_key=True)
    term: Mapped[int] = mapped_column(Integer, primary_key=True)
    count: Mapped[int] = mapped_column(Integer)

    __table_args__ = ({"postgresql_with": {"fillfactor": 80}},)


class TermDeltaRow(Base):
    """A change of frequencies that is not folded in yet. Insert only: a frequent term's row would be hot."""

    __tablename__ = "term_deltas"

    id: Mapped[int] = mapped_column(primary_key=True)
    space_id: Mapped[UUID]
    sign: Mapped[int] = mapped_column(SmallInteger)
    terms: Mapped[Sequence[int]] = mapped_column(ARRAY(Integer))
    counts: Mapped[Sequence[int]] = mapped_column(ARRAY(Integer))

    __table_args__ = (Index("ix_term_deltas_space_id", "space_id", "id"),)
