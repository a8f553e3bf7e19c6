"""Time-ordered identifiers, made in Python because PostgreSQL has them only from version 18."""

import os
import time
from datetime import UTC, datetime
from hashlib import blake2b
from uuid import UUID


def new_id() -> UUID:
    """A UUID of version 7 (RFC 9562, section 5.7): 48 bits of Unix milliseconds, then 74 random bits."""
    milliseconds = time.time_ns() // 1_000_000
    return _version_7(milliseconds, int.from_bytes(os.urandom(10), "big"))


def derived_id(id_: UUID, owner: UUID) -> UUID:
    """What `id_` is called where `owner` keeps a copy: always the same, and of the same time, so that the order stays."""
    digest = blake2b(id_.bytes + owner.bytes, digest_size=10).digest()
    return _version_7(id_.int >> 80, int.from_bytes(digest, "big"))


def first_id(moment: datetime) -> UUID:
    """The least id that can be made at this moment: ids below it are older."""
    return UUID(int=max(0, int(moment.timestamp() * 1000)) << 80)


def made_at(id_: UUID) -> datetime:
    """The moment for which `first_id` gives this id, to the millisecond."""
    return datetime.fromtimestamp((id_.int >> 80) / 1000, UTC)


def _version_7(milliseconds: int, random: int) -> UUID:
    """`random`: 80 bits, six of which give way to version and variant."""
    value = (milliseconds & ((1 << 48) - 1)) << 80 | random
    value = value & ~(0xF << 76) | 0x7 << 76
    value = value & ~(0x3 << 62) | 0x2 << 62
    return UUID(int=value)
