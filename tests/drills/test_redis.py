"""Redis is away at the start, dies, hangs, forgets, is full, or was never there: nothing depends on it but speed."""

import asyncio

import pytest
from tests.drills.course import Drill, Drills

pytestmark = [pytest.mark.drill, pytest.mark.timeout(400)]


async def healed(drill: Drill) -> None:
    """Everything is done without Redis: no answer begins anew, no text is paid for twice."""
    counts = await drill.heal()
    assert counts.again == counts.chats_again == 0, counts


async def test_redis_absent_at_the_start(drills: Drills) -> None:
    async with drills.drill() as drill:
        await drills.redis.stop()
        await drill.ready()
        await drill.in_flight()
        await drills.redis.start()
        await healed(drill)


async def test_redis_never_there(drills: Drills) -> None:
    async with drills.drill(redis=False, apis=2) as drill:
        await drill.ready()
        await drill.in_flight()
        await healed(drill)


async def test_redis_never_there_and_an_api_killed(drills: Drills) -> None:
    async with drills.drill(redis=False, apis=2) as drill:
        await drill.ready()
        await drill.in_flight()
        await drill.installation.apis[0].kill()
        await drill.heal(leftovers=True)


@pytest.mark.parametrize("seconds", [1, 20])
async def test_redis_killed_and_back_empty(drills: Drills, seconds: int) -> None:
    async with drills.drill() as drill:
        await drill.ready()
        await drill.in_flight()
        await drills.redis.kill()
        await asyncio.sleep(seconds)
        await drills.redis.start()
        await healed(drill)


async def test_redis_emptied(drills: Drills) -> None:
    async with drills.drill() as drill:
        await drill.ready()
        await drill.in_flight()
        for _ in range(5):
            await drills.redis.empty()
            await asyncio.sleep(0.2)
        await healed(drill)


async def test_redis_emptied_and_an_api_killed(drills: Drills) -> None:
    """What a client has of an answer cannot be gone on with: it gets all of it anew."""
    async with drills.drill(apis=2) as drill:
        await drill.ready()
        await drill.in_flight()
        await drill.installation.apis[0].kill()
        await drills.redis.empty()
        await drill.heal(leftovers=True)


async def test_redis_hangs(drills: Drills) -> None:
    async with drills.drill() as drill:
        await drill.ready()
        await drill.in_flight()
        drills.redis.freeze()
        await asyncio.sleep(8)
        drills.redis.thaw()
        await healed(drill)


async def test_redis_full(drills: Drills) -> None:
    """A server that refuses every write, as one without an eviction policy does."""
    async with drills.drill() as drill:
        await drill.ready()
        async with drills.redis.client() as client:
            before = await client.config_get("maxmemory", "maxmemory-policy")
            await client.config_set("maxmemory-policy", "noeviction")
            await client.config_set("maxmemory", "1")
            try:
                await drill.in_flight()
                await drill.clients.finished()
            finally:
                for name, value in before.items():
                    await client.config_set(name, value)
        await healed(drill)
