"""Cached values, and that a space that is forgotten leaves none."""

from datetime import timedelta
from uuid import uuid4

from tests.support.servers import redis_server

from protostar.cache import Cache
from protostar.redis.client import RedisClient
from protostar.telemetry import Metrics

HOUR = timedelta(hours=1)


async def test_a_forgotten_space_leaves_nothing_and_takes_nothing(redis: RedisClient) -> None:
    cache, space_id, other = Cache(redis), uuid4(), uuid4()
    for number in range(1100):
        await cache.put(space_id, f"answer:{number}", {"n": number}, HOUR)
    await cache.put(other, "answer:other", {"n": 1}, HOUR)
    assert await cache.get("answer:1099") == {"n": 1099}
    assert await cache.forget(space_id, HOUR)
    await cache.put(space_id, "answer:late", {"n": 0}, HOUR)  # of an answer that was under way
    keys = await redis.run(lambda client: client.keys("*"))
    assert set(keys) == {f"protostar:forgotten:{space_id}", "protostar:cache:answer:other", f"protostar:cached:{other}"}
    for key in keys:
        assert 0 < await redis.run(lambda client, key=key: client.ttl(key)) <= 3600


async def test_a_space_that_is_cleared_goes_on(redis: RedisClient) -> None:
    cache, space_id, other = Cache(redis), uuid4(), uuid4()
    await cache.put(space_id, "answer:old", {}, HOUR)
    await cache.put(other, "answer:other", {"n": 1}, HOUR)
    await cache.clear(space_id)
    await cache.put(space_id, "answer:new", {"n": 2}, HOUR)
    assert [await cache.get(f"answer:{name}") for name in ("old", "other", "new")] == [None, {"n": 1}, {"n": 2}]


async def test_a_late_value_hides_no_other_from_whoever_forgets(redis: RedisClient) -> None:
    cache, space_id = Cache(redis), uuid4()
    await cache.put(space_id, "answer:early", {}, HOUR)
    await redis.run(lambda client: client.set(f"protostar:forgotten:{space_id}", 1, ex=60))  # as `forget` begins
    await cache.put(space_id, "answer:late", {}, HOUR)
    assert await cache.get("answer:late") is None
    assert await cache.forget(space_id, HOUR)
    assert await cache.get("answer:early") is None


async def test_what_has_expired_is_not_listed_for_ever(redis: RedisClient) -> None:
    cache, space_id = Cache(redis), uuid4()
    await redis.run(lambda client: client.zadd(f"protostar:cached:{space_id}", {"protostar:cache:old": 1.0}))
    await cache.put(space_id, "answer:new", {}, HOUR)
    assert await redis.run(lambda client: client.zrange(f"protostar:cached:{space_id}", 0, -1)) == ["protostar:cache:answer:new"]


async def test_where_redis_is_away_forgetting_says_so() -> None:
    async with redis_server() as url:
        client = RedisClient(url, Metrics())
        cache = Cache(client)
        await cache.put(uuid4(), "answer:1", {}, HOUR)
    assert not await cache.forget(uuid4(), HOUR)
    await client.close()
    assert await Cache(None).forget(uuid4(), HOUR)
