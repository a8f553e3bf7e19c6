"""pgvector's binary wire formats, so that COPY and parameters need neither text nor numpy.

Formats as in pgvector's `halfvec_send` and `sparsevec_send`: big-endian; a halfvec is its length, an unused word and IEEE 754
binary16 values; a sparsevec is its dimensions, the number of entries, an unused word, zero-based indices and binary32 values.
"""

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol

SPARSE_DIMENSIONS: Final = 1_000_000_000  # the most that a sparsevec can have: term ids are hashes


@dataclass(frozen=True, slots=True)
class SparseVector:
    """Entries of a `sparsevec(1000000000)`. `indices`: zero-based, rising. `values`: none of them zero."""

    indices: Sequence[int]
    values: Sequence[float]


def encode_sparsevec(vector: SparseVector) -> bytes:
    count = len(vector.indices)
    return struct.pack(f">iii{count}i{count}f", SPARSE_DIMENSIONS, count, 0, *vector.indices, *vector.values)


def decode_sparsevec(buffer: bytes) -> SparseVector:
    _dimensions, count, _unused = struct.unpack_from(">iii", buffer)
    entries = struct.unpack_from(f">{count}i{count}f", buffer, 12)
    return SparseVector(entries[:count], entries[count:])


def encode_halfvec(values: Sequence[float] | bytes) -> bytes:
    """Bytes are a halfvec encoded already: within an array asyncpg would take numbers for a further dimension."""
    if isinstance(values, bytes):
        return values
    return struct.pack(f">hh{len(values)}e", len(values), 0, *values)


def decode_halfvec(buffer: bytes) -> tuple[float, ...]:
    (count,) = struct.unpack_from(">h", buffer)
    return struct.unpack_from(f">{count}e", buffer, 4)


class _Connection(Protocol):
    async def fetchval(self, query: str, *args: object) -> Any: ...
    async def set_type_codec(self, typename: str, **options: Any) -> None: ...


async def register_codecs(connection: _Connection) -> None:
    """Teach an asyncpg connection both types; does nothing before the first migration has created the extension."""
    schema = await connection.fetchval(
        "select n.nspname from pg_type t join pg_namespace n on n.oid = t.typnamespace where t.typname = 'sparsevec'"
    )
    if schema is None:
        return
    codecs = (("sparsevec", encode_sparsevec, decode_sparsevec), ("halfvec", encode_halfvec, decode_halfvec))
    for name, encoder, decoder in codecs:
        await connection.set_type_codec(name, schema=schema, encoder=encoder, decoder=decoder, format="binary")
