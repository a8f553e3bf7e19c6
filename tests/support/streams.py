"""Bytes as the streams that adapters take and give."""

import hashlib
from collections.abc import AsyncIterator


def some_bytes(size: int) -> bytes:
    """The same bytes every time, no two chunks of them alike."""
    return hashlib.shake_128(b"protostar").digest(size)


async def chunks(content: bytes, size: int = 64 * 1024) -> AsyncIterator[bytes]:
    for start in range(0, len(content), size):
        yield content[start : start + size]


async def collect(stream: AsyncIterator[bytes]) -> bytes:
    return b"".join([chunk async for chunk in stream])
