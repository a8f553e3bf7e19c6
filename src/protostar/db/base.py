"""The declarative base: naming of constraints, the column types that stand behind Python types, and pgvector's."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, ClassVar
from uuid import UUID

from sqlalchemy import BigInteger, DateTime, MetaData, Text, Uuid
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import DeclarativeBase
from sqlalchemy.types import UserDefinedType

from protostar.db.vectors import SPARSE_DIMENSIONS, SparseVector

NAMING = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}


class Base(DeclarativeBase):
    metadata = MetaData(naming_convention=NAMING)
    type_annotation_map: ClassVar[dict[Any, Any]] = {
        str: Text(),
        int: BigInteger(),
        UUID: Uuid(),
        datetime: DateTime(timezone=True),
        dict[str, Any]: JSONB(),
        list[Any]: JSONB(),
        list[str]: ARRAY(Text()),
    }


class HalfVec(UserDefinedType[Sequence[float]]):
    """`halfvec` without a length: one table serves models of any dimensions."""

    cache_ok = True

    def get_col_spec(self, **_options: Any) -> str:
        return "halfvec"


class SparseVec(UserDefinedType[SparseVector]):
    cache_ok = True

    def get_col_spec(self, **_options: Any) -> str:
        return f"sparsevec({SPARSE_DIMENSIONS})"
