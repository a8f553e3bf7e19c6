"""The drills that run with every test: few documents and questions, on one installation that all of them break in turn."""

import asyncio

import pytest
from tests.drills.course import Drill
from tests.support.waiting import wait_until

pytestmark = pytest.mark.timeout(240)

FEW = 4


async def test_quick_kill_9_of_a_worker(quick: Drill) -> None:
    await quick.in_flight(FEW, FEW)
    victim = quick.installation.workers[0]
    await victim.kill()
    victim.start()
    counts = await quick.heal(kills=1)
    assert counts.ready == FEW


async def test_quick_kill_9_of_an_api(quick: Drill) -> None:
    await quick.in_flight(FEW, FEW)
    victim = quick.installation.apis[0]
    await victim.kill()
    counts = await quick.heal()
    assert counts.whole == FEW
    assert counts.resets > 0


async def test_quick_redis_killed_and_back_empty(quick: Drill) -> None:
    assert quick.redis is not None
    await quick.in_flight(FEW, FEW)
    await quick.redis.kill()
    quick.clients.ask([quick.first + FEW])
    await wait_until(lambda: quick.clients.questions[-1].is_over, 60, what="a question is answered without Redis")
    await quick.redis.start()
    counts = await quick.heal()
    assert counts.again == counts.chats_again == 0, counts
    assert counts.degraded > 0


async def test_quick_connections_cut(quick: Drill) -> None:
    await quick.in_flight(FEW, FEW)
    for _ in range(3):
        await quick.postgres.cut(quick.database)
        await asyncio.sleep(0.2)
    counts = await quick.heal()
    assert counts.again == counts.chats_again == 0, counts


async def test_quick_the_same_twice_at_once(quick: Drill) -> None:
    numbers = range(quick.first, quick.first + FEW)
    for _ in range(2):
        quick.clients.upload(numbers, at_once=FEW)
        quick.clients.ask(numbers)
    counts = await quick.heal()
    assert counts.ready == counts.whole == 2 * FEW
    assert counts.again == counts.chats_again == 0
    assert len({upload.id for upload in quick.clients.uploads}) == FEW
