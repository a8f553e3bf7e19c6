"""Passages as rows of the table `chunks` in COPY's binary format, made where they are cut: the worker hands them on unread.

Formats, big-endian, as in PostgreSQL's documentation of COPY, `array_send` and `jsonb_send`; a sparsevec's as in
`db/vectors`.
"""

import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import Final, Self
from uuid import UUID

from protostar.db.vectors import SparseVector, encode_sparsevec
from protostar.knowledge import breaks, tokens
from protostar.knowledge.chunking import Chunk

COLUMNS: Final = (
    "document_id", "version", "space_id", "ordinal", "char_start", "char_end", "page", "page_breaks", "heading_path",
    "heading_breaks", "text_hash", "text", "terms", "weights",
)  # fmt: skip
HEAD: Final = b"PGCOPY\n\xff\r\n\0" + bytes(8)
TAIL: Final = b"\xff\xff"

_TEXT, _INT4 = 25, 23  # type oids
_JSONB_VERSION: Final = 1  # of its binary format
_NULL: Final = struct.pack(">i", -1)


@dataclass(frozen=True, slots=True)
class Owner:
    """Whose passages they are."""

    space_id: UUID
    document_id: UUID
    version: int

    def as_json(self) -> dict[str, object]:
        return {"space_id": self.space_id.hex, "document_id": self.document_id.hex, "version": self.version}

    @classmethod
    def of_json(cls, value: Mapping[str, object]) -> Self:
        return cls(UUID(str(value["space_id"])), UUID(str(value["document_id"])), int(str(value["version"])))


class Rows:
    """Makes the rows of one version, in their order."""

    def __init__(self, owner: Owner) -> None:
        self._space_id = owner.space_id
        self._head = struct.pack(
            ">hi16siii16s", len(COLUMNS), 16, owner.document_id.bytes, 4, owner.version, 16, owner.space_id.bytes
        )
        self._ordinal = 0

    def row(self, chunk: Chunk, text: str, hash_: bytes, weights: Mapping[int, float]) -> bytes:
        """`hash_`: of the text that is embedded; `weights`: of its terms."""
        terms = sorted(weights)
        encoded = text.encode()
        head = struct.pack(">iiiiii", 4, self._ordinal, 4, chunk.start, 4, chunk.end)
        page, others = breaks.stored_pages(chunk.page_breaks)
        self._ordinal += 1
        return b"".join(
            (
                self._head,
                head,
                struct.pack(">ii", 4, page) if page is not None else _NULL,
                _integers(others) if others is not None else _NULL,
                _texts(chunk.heading_path),
                _jsonb(breaks.stored_headings(chunk.heading_breaks)),
                struct.pack(">i16si", 16, hash_, len(encoded)),
                encoded,
                _integers(tokens.space_terms(self._space_id, terms)),
                _sparse(SparseVector(terms, [weights[term] for term in terms])),
            )
        )


def text_hash(embedded: str) -> bytes:
    """blake2b-128 of the text that is sent to the model."""
    return blake2b(embedded.encode(), digest_size=16).digest()


def _texts(values: Sequence[str]) -> bytes:
    elements = b"".join([struct.pack(">i", len(encoded)) + encoded for encoded in (value.encode() for value in values)])
    return _array(_TEXT, len(values), elements)


def _jsonb(value: str | None) -> bytes:
    if value is None:
        return _NULL
    encoded = value.encode()
    return struct.pack(">ib", 1 + len(encoded), _JSONB_VERSION) + encoded


def _integers(values: Sequence[int]) -> bytes:
    elements = [4] * (2 * len(values))
    elements[1::2] = values
    return _array(_INT4, len(values), struct.pack(f">{len(elements)}i", *elements))


def _array(oid: int, count: int, elements: bytes) -> bytes:
    if not count:
        return struct.pack(">iiii", 12, 0, 0, oid)
    return struct.pack(">iiiiii", 20 + len(elements), 1, 0, oid, count, 1) + elements


def _sparse(vector: SparseVector) -> bytes:
    encoded = encode_sparsevec(vector)
    return struct.pack(">i", len(encoded)) + encoded
