"""Refusing a body while it is still being sent, so that its sender gets to see why. Only endpoints import this."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from typing import Final

from fastapi import Request
from starlette.requests import ClientDisconnect

from protostar.errors import ProtostarError

DISCARD_BYTES: Final = 8 * 1024 * 1024
FORM_OVERHEAD: Final = 1024 * 1024  # boundaries, part headers and the other fields of a form


def is_too_long(request: Request, limit: int) -> bool:
    """By the length that the request declares, before a byte is read."""
    declared = request.headers.get("content-length", "")
    return declared.isdigit() and int(declared) > limit + FORM_OVERHEAD


@asynccontextmanager
async def heard_out(request: Request, limit: int) -> AsyncGenerator[None]:
    """A client whose upload is refused in the block may send a little more, to get to see the answer; then it is cut off."""
    try:
        yield
    except ProtostarError:
        request.state.unread = is_too_long(request, limit) or not await _read_on(request)
        raise


async def _read_on(request: Request) -> bool:
    """Whether the body ended within the next `DISCARD_BYTES`."""
    left = DISCARD_BYTES
    with suppress(ClientDisconnect, RuntimeError):  # it has gone; or the body was read to its end before
        async for chunk in request.stream():
            left -= len(chunk)
            if left <= 0:
                return False
    return True
