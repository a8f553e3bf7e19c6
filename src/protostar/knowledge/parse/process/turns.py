"""Who may go on next where many wait for a few places."""

import asyncio
from collections import Counter
from collections.abc import AsyncGenerator, Hashable
from contextlib import asynccontextmanager


class Turns:
    """At most `limit` at once. A place that gets free goes to those who have the fewest, and among them to whom the last was given
    longest ago; who is new counts as one who had the last place but one (start-time fair queueing: Goyal, Vin, Cheng 1996).

    The fair order in which jobs are claimed would be lost otherwise: one space's slow documents would all go before another's.
    """

    def __init__(self, limit: int) -> None:
        self._free = limit
        self._held = Counter[Hashable]()
        self._given: dict[Hashable, int] = {}
        """The number of the last place of each, of those who have one or wait."""
        self._number = 0
        self._waiting: list[tuple[Hashable, asyncio.Future[None]]] = []

    @asynccontextmanager
    async def taken(self, of: Hashable) -> AsyncGenerator[None]:
        """A place for the block. `of`: who takes it."""
        await self._enter(of)
        try:
            yield
        finally:
            self._leave(of)

    async def _enter(self, of: Hashable) -> None:
        if self._free:
            self._free -= 1
            self._give(of)
            return
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((of, turn))
        self._given.setdefault(of, self._number - 1)
        try:
            await turn
        except asyncio.CancelledError:
            if turn.cancelled():
                self._waiting.remove((of, turn))
                self._forget(of)
            else:  # the place was given in the same moment
                self._leave(of)
            raise

    def _give(self, of: Hashable) -> None:
        self._held[of] += 1
        self._number += 1
        self._given[of] = self._number

    def _leave(self, of: Hashable) -> None:
        self._held[of] -= 1
        waiting = [(who, turn) for who, turn in self._waiting if not turn.done()]
        if waiting:
            chosen = min(waiting, key=lambda one: (self._held[one[0]], self._given[one[0]]))
            self._waiting.remove(chosen)
            self._give(chosen[0])
            chosen[1].set_result(None)
        else:
            self._free += 1
        self._forget(of)

    def _forget(self, of: Hashable) -> None:
        """Those who have no place, and wait for none."""
        if not self._held[of] and not any(who == of for who, _ in self._waiting):
            del self._held[of], self._given[of]
