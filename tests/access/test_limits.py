from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import pytest

from protostar.access.limits import Allowance, Limits
from protostar.access.visitor import Visitor
from protostar.config import LimitSettings
from protostar.errors import RateLimited, SignInNeeded
from protostar.ids import new_id
from protostar.redis.client import RedisClient
from protostar.telemetry import Metrics

DAY = timedelta(days=1).total_seconds()
ALLOWANCE = Allowance(asks_per_visitor=2, asks_per_signed_in=4, asks_per_address=5, asks=7, tokens=1000, can_sign_in=True)


def limits_of(redis: RedisClient, at: float = 1_000_000.0) -> Limits:
    """With a clock that stands still: no window ends in the middle of a test."""
    return Limits(redis, LimitSettings(asks_per_address_minute=2), clock=lambda: at)


def visitor(space: UUID, *, signed_in: bool = False) -> Visitor:
    return Visitor(space, new_id(), 0, signed_in)


async def test_an_address_may_knock_so_often_a_minute_on_every_replica(redis: RedisClient) -> None:
    space = new_id()
    one, other = limits_of(redis), limits_of(redis)
    await one.knock(space, "198.51.100.1")
    await other.knock(space, "198.51.100.1")
    with pytest.raises(RateLimited) as refused:
        await one.knock(space, "198.51.100.1")
    assert refused.value.retry_after is not None
    assert 0 < refused.value.retry_after <= 60
    await one.knock(space, "198.51.100.2")


async def test_who_has_asked_enough_for_the_day_may_sign_in_or_come_back_tomorrow(redis: RedisClient) -> None:
    ann, limits = visitor(new_id()), limits_of(redis, DAY * 3 + 60)
    for _ in range(2):
        await limits.ask(ann, "a", ALLOWANCE)
    with pytest.raises(SignInNeeded) as refused:
        await limits.ask(ann, "a", ALLOWANCE)
    assert refused.value.retry_after == DAY - 60
    with pytest.raises(RateLimited, match="all the questions") as refused:
        await limits.ask(ann, "a", replace(ALLOWANCE, can_sign_in=False))
    assert type(refused.value) is RateLimited
    await limits_of(redis, DAY * 4).ask(ann, "a", ALLOWANCE)


async def test_who_has_signed_in_may_ask_more_whatever_the_address(redis: RedisClient) -> None:
    space, limits = new_id(), limits_of(redis)
    ann = visitor(space, signed_in=True)
    for _ in range(4):
        await limits.ask(ann, "a", replace(ALLOWANCE, asks_per_address=0))
    with pytest.raises(RateLimited, match="all the questions"):
        await limits.ask(ann, "a", ALLOWANCE)


async def test_new_tokens_are_no_new_quota(redis: RedisClient) -> None:
    space, limits = new_id(), limits_of(redis)
    for _ in range(5):
        await limits.ask(visitor(space), "a", ALLOWANCE)
    with pytest.raises(SignInNeeded):
        await limits.ask(visitor(space), "a", ALLOWANCE)
    await limits.ask(visitor(space), "b", ALLOWANCE)


async def test_a_space_has_a_budget_for_the_day(redis: RedisClient) -> None:
    space, limits = new_id(), limits_of(redis)
    for number in range(7):
        await limits.ask(visitor(space), f"198.51.100.{number}", ALLOWANCE)
    with pytest.raises(RateLimited, match="today"):
        await limits.ask(visitor(space), "198.51.100.9", ALLOWANCE)
    await limits.ask(visitor(new_id()), "198.51.100.9", ALLOWANCE)


async def test_a_space_has_a_budget_of_tokens(redis: RedisClient) -> None:
    space, limits = new_id(), limits_of(redis)
    await limits.spend_tokens(space, 999)
    await limits.ask(visitor(space), "a", ALLOWANCE)
    await limits.spend_tokens(space, 1)
    with pytest.raises(RateLimited, match="today"):
        await limits_of(redis).ask(visitor(space, signed_in=True), "a", ALLOWANCE)
    await limits.ask(visitor(new_id()), "a", ALLOWANCE)


async def test_a_question_that_one_limit_refuses_counts_against_none(redis: RedisClient) -> None:
    space, limits = new_id(), limits_of(redis)
    ann = visitor(space)
    for _ in range(9):
        with pytest.raises(RateLimited):
            await limits.ask(ann, "a", replace(ALLOWANCE, asks=0))
    for _ in range(2):
        await limits.ask(ann, "a", ALLOWANCE)


async def test_limits_hold_within_a_process_while_redis_is_away() -> None:
    away = RedisClient("redis://127.0.0.1:1/0", Metrics())
    ann, limits = visitor(new_id()), limits_of(away)
    await limits.ask(ann, "a", ALLOWANCE)
    await limits.ask(ann, "a", ALLOWANCE)
    with pytest.raises(RateLimited):
        await limits.ask(ann, "a", ALLOWANCE)
    await limits.spend_tokens(ann.space_id, 1000)
    with pytest.raises(RateLimited, match="today"):
        await limits.ask(visitor(ann.space_id), "b", ALLOWANCE)
    await away.close()


async def test_every_counter_expires(redis: RedisClient) -> None:
    space = new_id()
    await limits_of(redis).knock(space, "a")
    await limits_of(redis).ask(visitor(space), "a", ALLOWANCE)
    keys = await redis.run(lambda client: client.keys("protostar:limit:*"))
    assert len(keys) == 5
    for key in keys:
        assert await redis.run(lambda client, key=key: client.ttl(key)) > 0
