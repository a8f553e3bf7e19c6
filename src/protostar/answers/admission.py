"""Counting a question against its visitor's limits, once, however often it has to be taken in."""

from collections.abc import Awaitable, Callable

from sqlalchemy.ext.asyncio import AsyncSession

from protostar.access.limits import GiveBack

Admit = Callable[[AsyncSession], Awaitable[GiveBack]]
"""Counts a new question; raises RateLimited where it may not be asked now."""


class Admission:
    """Counts a question once, and not at all where it cannot be taken in: in Redis nothing is rolled back."""

    def __init__(self, admit: Admit | None) -> None:
        self._admit = admit
        self._give_back: GiveBack | None = None

    @property
    def is_needed(self) -> bool:
        return self._admit is not None

    async def __call__(self, session: AsyncSession) -> None:
        if self._admit is not None and self._give_back is None:
            self._give_back = await self._admit(session)

    async def give_back(self) -> None:
        if self._give_back is not None:
            await self._give_back()
