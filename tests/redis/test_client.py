"""A Redis that may be away at any moment, and tasks that may be cancelled at any moment."""

import asyncio

import pytest
from redis.exceptions import RedisError

from protostar.redis.announcements import Announcements
from protostar.redis.client import RedisClient, _translated  # pyright: ignore[reportPrivateUsage]
from protostar.telemetry import Metrics


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # redis-py leaves such a connection open
async def test_who_listens_stops_whenever_it_is_cancelled(redis_url: str) -> None:
    """Also while a connection is being made: a process that could not listen on its port did not end."""
    for steps in range(40):
        client = RedisClient(redis_url, Metrics())
        listening = asyncio.create_task(Announcements(client).listen(lambda _kind, _id: None, missed=lambda: None))
        for _ in range(steps):
            await asyncio.sleep(0)
        listening.cancel()
        _done, left = await asyncio.wait([listening], timeout=5)
        await client.close()
        assert not left, f"cancelled after {steps} steps"


@pytest.mark.parametrize("error", [None, RedisError("lost"), TimeoutError()], ids=repr)
async def test_a_cancellation_that_the_client_loses_is_raised_all_the_same(error: Exception | None) -> None:
    begun = asyncio.Event()

    async def command() -> None:
        with _translated():
            try:
                begun.set()
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                if error is not None:
                    raise error from None

    running = asyncio.create_task(command())
    await begun.wait()
    running.cancel()
    await asyncio.wait([running])
    assert running.cancelled()
