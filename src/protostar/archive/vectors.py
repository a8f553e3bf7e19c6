"""A page of vectors as bytes: one line of JSON, then for each vector the 16 bytes of its text's hash and its numbers as binary16,
big-endian, as pgvector's `halfvec` keeps them. No I/O.

The line: `{"model": name, "dimensions": n, "count": n, "after": where the next page begins, or null}`.
"""

import json
import math
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Final
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from protostar.errors import InvalidInput

HASH_BYTES: Final = 16


class VectorsHeader(BaseModel):
    model_config = ConfigDict(extra="forbid")

    model: Annotated[str, Field(max_length=500)]
    dimensions: Annotated[int, Field(ge=0, le=4000)]
    count: Annotated[int, Field(ge=0)]
    after: str | None


@dataclass(frozen=True, slots=True)
class VectorPage:
    header: VectorsHeader
    vectors: Sequence[tuple[UUID, Sequence[float]]]


def encode(page: VectorPage) -> bytes:
    form = f">{page.header.dimensions}e"
    body = b"".join(hash_.bytes + struct.pack(form, *vector) for hash_, vector in page.vectors)
    return json.dumps(page.header.model_dump(), ensure_ascii=False).encode() + b"\n" + body


def decode(content: bytes) -> VectorPage:
    """Raises InvalidInput for anything but such a page."""
    line, _, body = content.partition(b"\n")
    try:
        header = VectorsHeader.model_validate_json(line)
    except ValidationError:
        raise InvalidInput("A page of vectors begins with a line of JSON: model, dimensions, count and after.") from None
    if header.count and (not header.dimensions or "\0" in header.model):
        raise InvalidInput(
            "A page of vectors names their model, in text without the character NUL, and their dimensions, at least 1."
        )
    size = HASH_BYTES + 2 * header.dimensions
    if len(body) != header.count * size:
        raise InvalidInput(f"The page of vectors should have {header.count * size} bytes behind its first line, not {len(body)}.")
    form = f">{header.dimensions}e"
    records = [body[start : start + size] for start in range(0, len(body), size)]
    vectors = [(UUID(bytes=each[:HASH_BYTES]), struct.unpack_from(form, each, HASH_BYTES)) for each in records]
    if not all(math.isfinite(sum(vector)) for _, vector in vectors):  # no binary16 are so many or so large that their sum is not
        raise InvalidInput("The page of vectors holds a number that is none: NaN or infinity.")
    return VectorPage(header, vectors)
