"""Waiting for PostgreSQL: without end with something in hand that must not be lost, shortly where somebody waits for us."""

import asyncio
import random
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Final, TypeVar

import structlog

from protostar.errors import DatabaseUnavailable

log = structlog.get_logger()

T = TypeVar("T")

_FIRST_WAIT: Final = 0.1
_LONGEST_WAIT: Final = 2.0
_PROMPTLY: Final = 5.0  # seconds; as long as one waits for a connection


async def patiently(write: Callable[[], Awaitable[T]]) -> T:
    """What `write` returns, tried again while PostgreSQL is away: no end but success, another error, or the caller's cancellation.

    `write` may run twice: a connection that breaks during a commit does not tell whether it came through.
    """
    wait = _FIRST_WAIT
    while True:
        try:
            return await write()
        except DatabaseUnavailable as error:
            log.warning("write_waits_for_database", error=str(error))
            await asyncio.sleep(wait * random.uniform(0.5, 1))  # noqa: S311
            wait = min(_LONGEST_WAIT, wait * 2)


@asynccontextmanager
async def promptly() -> AsyncGenerator[None]:
    """Raises DatabaseUnavailable where the block takes longer than somebody waits: a server that hangs refuses nothing."""
    try:
        async with asyncio.timeout(_PROMPTLY):
            yield
    except TimeoutError as error:
        raise DatabaseUnavailable(f"The database does not answer within {_PROMPTLY:g} seconds.", retry_after=1) from error
