"""Ends give way to beginnings, for a while, and follow one another."""

import asyncio
from contextlib import suppress

from protostar.answers.precedence import Precedence


async def _end(precedence: Precedence, order: list[str]) -> None:
    async with precedence.ending():
        order.append("end")


async def test_an_end_waits_until_nothing_begins() -> None:
    precedence, order = Precedence(), list[str]()
    with precedence.beginning():
        ending = asyncio.create_task(_end(precedence, order))
        await asyncio.sleep(0)
        with precedence.beginning():
            order.append("another")
        await asyncio.sleep(0)
        order.append("first")
    await ending
    assert order == ["another", "first", "end"]


async def test_between_two_steps_of_one_beginning_there_is_no_end() -> None:
    precedence, order = Precedence(), list[str]()

    async def search() -> None:
        with precedence.beginning():
            await asyncio.sleep(0)
            order.append("begun")

    with precedence.beginning():
        ending = asyncio.create_task(_end(precedence, order))
        await asyncio.sleep(0)
    await asyncio.gather(asyncio.create_task(search()), ending)
    assert order == ["begun", "end"]


async def test_ends_that_have_waited_do_not_start_all_together() -> None:
    precedence = Precedence()
    ended = asyncio.Event()
    under_way = 0

    async def end() -> None:
        nonlocal under_way
        async with precedence.ending():
            under_way += 1
            await ended.wait()
            under_way -= 1

    with precedence.beginning():
        ends = [asyncio.create_task(end()) for _ in range(5)]
        await asyncio.sleep(0)
    for _ in range(20):
        await asyncio.sleep(0)
    assert under_way == 2
    ended.set()
    await asyncio.gather(*ends)


async def test_an_end_does_not_wait_for_ever() -> None:
    precedence = Precedence()
    with precedence.beginning():
        async with asyncio.timeout(30), precedence.ending(), precedence.ending(), precedence.ending():
            pass


async def test_what_fails_or_is_cancelled_holds_nobody_up() -> None:
    precedence = Precedence()
    with suppress(LookupError), precedence.beginning():
        raise LookupError
    for _ in range(3):
        with suppress(LookupError):
            async with precedence.ending():
                raise LookupError

    async def end() -> None:
        async with precedence.ending():
            raise AssertionError

    with precedence.beginning():
        waiting = [asyncio.create_task(end()) for _ in range(3)]
        await asyncio.sleep(0)
        for each in waiting:
            each.cancel()
        results = await asyncio.gather(*waiting, return_exceptions=True)
    assert all(isinstance(result, asyncio.CancelledError) for result in results)
    async with asyncio.timeout(0.1), precedence.ending(), precedence.ending():
        pass
