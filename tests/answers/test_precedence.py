"""Ends give way to beginnings, for a while."""

import asyncio
from contextlib import suppress

from protostar.answers.precedence import Precedence


async def test_an_end_waits_until_nothing_begins() -> None:
    precedence = Precedence()
    order: list[str] = []

    async def end() -> None:
        await precedence.give_way()
        order.append("end")

    with precedence.beginning():
        ending = asyncio.create_task(end())
        await asyncio.sleep(0)
        with precedence.beginning():
            order.append("another")
        await asyncio.sleep(0)
        order.append("first")
    await ending
    assert order == ["another", "first", "end"]


async def test_steps_of_one_beginning_are_not_an_end_of_it() -> None:
    precedence = Precedence()
    order: list[str] = []

    async def begin() -> None:
        with precedence.beginning():
            await asyncio.sleep(0)
        with precedence.beginning():
            await asyncio.sleep(0)
            order.append("begun")

    async def end() -> None:
        await precedence.give_way()
        order.append("end")

    await asyncio.gather(begin(), end())
    assert order == ["begun", "end"]


async def test_an_end_does_not_wait_for_ever() -> None:
    precedence = Precedence()
    with precedence.beginning():
        await asyncio.wait_for(precedence.give_way(), timeout=30)


async def test_what_begins_in_vain_holds_nobody_up() -> None:
    precedence = Precedence()
    with suppress(LookupError), precedence.beginning():
        raise LookupError
    async with asyncio.timeout(0.1):
        await precedence.give_way()
