import pytest

from protostar.access.limits import Limits
from protostar.config import LimitSettings
from protostar.errors import RateLimited
from protostar.ids import new_id
from protostar.redis.client import RedisClient
from protostar.telemetry import Metrics

SETTINGS = LimitSettings(asks_per_address_minute=2, asks_per_space_day=3)


def limits_of(redis: RedisClient) -> Limits:
    """With a clock that stands still: no window ends in the middle of a test."""
    return Limits(redis, SETTINGS, clock=lambda: 1_000_000.0)


async def test_an_address_may_ask_so_often_a_minute_on_every_replica(redis: RedisClient) -> None:
    space = new_id()
    one, other = limits_of(redis), limits_of(redis)
    await one.ask(space, "198.51.100.1")
    await other.ask(space, "198.51.100.1")
    with pytest.raises(RateLimited) as refused:
        await one.ask(space, "198.51.100.1")
    assert refused.value.retry_after is not None
    assert 0 < refused.value.retry_after <= 60


async def test_a_space_has_a_budget_for_the_day(redis: RedisClient) -> None:
    space, limits = new_id(), limits_of(redis)
    for number in range(3):
        await limits.ask(space, f"198.51.100.{number}")
    with pytest.raises(RateLimited, match="today"):
        await limits.ask(space, "198.51.100.9")
    await limits.ask(new_id(), "198.51.100.9")


async def test_limits_hold_within_a_process_while_redis_is_away() -> None:
    away = RedisClient("redis://127.0.0.1:1/0", Metrics())
    space, limits = new_id(), limits_of(away)
    await limits.ask(space, "a")
    await limits.ask(space, "a")
    with pytest.raises(RateLimited):
        await limits.ask(space, "a")
    await away.close()


async def test_every_counter_expires(redis: RedisClient) -> None:
    await limits_of(redis).ask(new_id(), "a")
    keys = await redis.run(lambda client: client.keys("protostar:limit:*"))
    assert len(keys) == 2
    for key in keys:
        assert await redis.run(lambda client, key=key: client.ttl(key)) > 0
