"""A few places for many: who is next."""

import asyncio
from collections.abc import Callable, Hashable

import pytest

from protostar.knowledge.parse.process.turns import Turns


class Guests:
    """Each takes a place for a name, and leaves when it is told to."""

    def __init__(self, limit: int) -> None:
        self.entered: list[str] = []
        self.tasks: dict[str, asyncio.Task[None]] = {}
        self._turns = Turns(limit)
        self._leave: dict[str, asyncio.Event] = {}

    async def come(self, *guests: str) -> None:
        """`guests`: a letter for whose they are, and a number."""
        for guest in guests:
            self._leave[guest] = asyncio.Event()
            self.tasks[guest] = asyncio.create_task(self._stay(guest))
        await self._settle()

    async def go(self, *guests: str) -> None:
        for guest in guests:
            self._leave[guest].set()
            await self._settle()

    @property
    def remembered(self) -> set[Hashable]:
        """Of whom something is kept."""
        return {*self._turns._held, *self._turns._given, *(who for who, _ in self._turns._waiting)}

    async def _stay(self, guest: str) -> None:
        async with self._turns.taken(guest[0]):
            self.entered.append(guest)
            await self._leave[guest].wait()

    @staticmethod
    async def _settle() -> None:
        for _ in range(5):
            await asyncio.sleep(0)


async def test_one_with_many_waits_for_the_others() -> None:
    guests = Guests(2)
    await guests.come("a1", "a2", "a3", "a4", "b1", "b2", "c1")
    assert guests.entered == ["a1", "a2"]
    await guests.go("a1", "a2", "b1", "c1", "a3", "b2")
    assert guests.entered == ["a1", "a2", "b1", "c1", "a3", "b2", "a4"]


async def test_who_waits_is_not_passed_by_for_ever() -> None:
    """Though somebody new comes whenever the place gets free."""
    guests = Guests(1)
    await guests.come("a1", "a2", "b1")
    for here, new in (("a1", "c1"), ("b1", "d1"), ("c1", "e1")):
        await guests.come(new)
        await guests.go(here)
    assert guests.entered == ["a1", "b1", "c1", "a2"]


async def test_of_one_alone_the_first_is_next() -> None:
    guests = Guests(1)
    await guests.come("a1", "a2", "a3")
    await guests.go("a1", "a2")
    assert guests.entered == ["a1", "a2", "a3"]


async def test_a_place_is_free_again_when_all_have_left() -> None:
    guests = Guests(1)
    await guests.come("a1", "b1")
    await guests.go("a1", "b1")
    await guests.come("c1")
    assert guests.entered == ["a1", "b1", "c1"]


@pytest.mark.parametrize(
    "cancel",
    [
        pytest.param(lambda guests: guests.tasks["b1"].cancel(), id="while it waits"),
        pytest.param(lambda guests: (guests.tasks["a1"].cancel(), guests.tasks["b1"].cancel()), id="when its turn may come"),
    ],
)
async def test_who_is_cancelled_takes_no_place_along(cancel: Callable[[Guests], object]) -> None:
    guests = Guests(1)
    await guests.come("a1", "b1", "b2")
    cancel(guests)
    await guests.go("a1")
    assert guests.entered == ["a1", "b2"]
    await guests.go("b2")
    await guests.come("c1")
    assert guests.entered[-1] == "c1"
    assert guests.remembered == {"c"}


async def test_who_is_cancelled_in_the_moment_of_its_turn_gives_it_on() -> None:
    guests = Guests(1)
    await guests.come("a1", "b1", "c1")
    guests._leave["a1"].set()
    while guests.tasks["a1"].done() is False:
        await asyncio.sleep(0)
    guests.tasks["b1"].cancel()
    await guests.go("a1")
    assert guests.entered == ["a1", "c1"]
