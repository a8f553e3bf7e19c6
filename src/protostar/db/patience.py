"""Waiting for PostgreSQL: as long as a restart takes where somebody waits for us, without end with something in hand that must
not be lost.
"""

import asyncio
import math
import random
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Final, TypeVar

import structlog

from protostar.db.errors import broke_off, is_away
from protostar.errors import DatabaseUnavailable
from protostar.telemetry import Trouble

log = structlog.get_logger()

T = TypeVar("T")

_FIRST_WAIT: Final = 0.1
_LONGEST_WAIT: Final = 2.0
_PROMPTLY: Final = 5.0  # seconds; as long as one waits for a connection
_RESTART: Final = 5.0  # seconds; a crash takes a fraction of one to recover from, a restart one or two
_KNOCK: Final = 0.05  # seconds from one attempt to the next


class Absence:
    """PostgreSQL's, as one process sees it: whoever needs a connection waits for a server that restarts, and they knock in turn.

    One that was never there, or has been away for longer than a restart takes, is not waited for.
    """

    def __init__(self) -> None:
        self._since: float | None = -math.inf
        self._last_there = -math.inf
        self._turn = asyncio.Lock()

    def ends(self) -> None:
        """A connection was made, or an idle one was there."""
        self._since, self._last_there = None, asyncio.get_running_loop().time()

    @property
    def is_over(self) -> bool:
        return self._since is None

    async def wait(self, began: float) -> bool:
        """Whether to try again, a moment having passed. `began`: when the attempt did that has failed, by the loop's clock."""
        if self._since is None:
            self._since = max(began, self._last_there)  # it may have stood in a queue while others were served
        try:
            async with asyncio.timeout_at(self._since + _RESTART), self._turn:
                if not self.is_over:  # nobody before us in the queue has found it back
                    await asyncio.sleep(_KNOCK)
        except TimeoutError:
            return False
        return True


async def patiently(write: Callable[[], Awaitable[T]], *, at_most: float = math.inf) -> T:
    """What `write` returns, tried again while PostgreSQL is away: no end but success, another error, the caller's cancellation, or
    DatabaseUnavailable, after `at_most` seconds; then also at once where PostgreSQL is there and something else is the matter.

    `write` may run twice: a connection that breaks during a commit does not tell whether it came through.
    """
    clock = asyncio.get_running_loop().time
    wait, until, waiting = _FIRST_WAIT, clock() + at_most, Trouble("write_waits_for_database")
    while True:
        try:
            return await write()
        except DatabaseUnavailable as error:
            if clock() + wait > until or (until < math.inf and not is_away(error)):
                raise
            waiting.met(error=str(error))
            await asyncio.sleep(wait * random.uniform(0.5, 1))  # noqa: S311
            wait = min(_LONGEST_WAIT, wait * 2)


async def again(work: Callable[[], Awaitable[T]]) -> T:
    """What `work` returns, which runs once more where PostgreSQL broke off in its middle: for what may be done twice."""
    try:
        return await work()
    except DatabaseUnavailable as error:
        if not broke_off(error):
            raise
        log.warning("connection_broke_off", error=str(error))
        await asyncio.sleep(_KNOCK)  # the others of the pool, which may have ended with it, will have noticed
        return await work()


@asynccontextmanager
async def promptly() -> AsyncGenerator[None]:
    """Raises DatabaseUnavailable where the block takes longer than somebody waits: a server that hangs refuses nothing."""
    try:
        async with asyncio.timeout(_PROMPTLY):
            yield
    except TimeoutError as error:
        raise DatabaseUnavailable(f"The database does not answer within {_PROMPTLY:g} seconds.", retry_after=1) from error
