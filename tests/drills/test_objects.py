"""The object store is away, hangs, cuts bodies, or has lost or changed an object."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Literal

import pytest
from tests.drills.course import Drill, Drills
from tests.drills.storage import Bucket
from tests.support.faulty_http import FaultyProxy, faulty_proxy
from tests.support.waiting import wait_until

pytestmark = [pytest.mark.drill, pytest.mark.timeout(400)]


@asynccontextmanager
async def behind_proxy(drills: Drills, bucket: Bucket) -> AsyncGenerator[tuple[Drill, FaultyProxy]]:
    """An installation whose objects lie in a bucket of its own, behind a proxy."""
    async with faulty_proxy(bucket.endpoint) as proxy, drills.drill(bucket.settings(proxy.url)) as drill:
        yield drill, proxy


async def test_object_store_absent_at_the_start(drills: Drills, bucket: Bucket) -> None:
    async with behind_proxy(drills, bucket) as (drill, proxy):
        proxy.fault = "503"
        await drill.installation.up()
        drill.clients.upload(range(3))
        await wait_until(lambda: any(upload.refused for upload in drill.clients.uploads), 60)
        proxy.fault = "pass"
        await drill.prepare()
        await drill.answers_in_flight()
        await drill.heal()
        assert bucket.unfinished() == []


@pytest.mark.parametrize("fault", ["503", "hang"])
async def test_object_store_away(drills: Drills, bucket: Bucket, fault: Literal["503", "hang"]) -> None:
    async with behind_proxy(drills, bucket) as (drill, proxy):
        await drill.ready()
        await drill.in_flight()
        proxy.fault = fault
        await asyncio.sleep(8)
        proxy.fault = "pass"
        await drill.heal()
        assert bucket.unfinished() == []


async def test_bodies_cut(drills: Drills, bucket: Bucket) -> None:
    """A body that is cut half way is read on from there."""
    async with behind_proxy(drills, bucket) as (drill, proxy):
        await drill.ready()
        proxy.cut_after = 3000
        proxy.fault = "cut"
        await drill.in_flight()
        await asyncio.sleep(3)
        proxy.fault = "pass"
        await drill.heal()


@pytest.mark.parametrize("how", ["gone", "changed"])
async def test_an_object(drills: Drills, bucket: Bucket, how: str) -> None:
    """Its document fails with a reason, alone; uploaded again, it is ready."""
    async with behind_proxy(drills, bucket) as (drill, _proxy):
        worker = drill.installation.workers[0]
        await drill.ready()
        await worker.kill()
        drill.clients.upload(range(5))
        await drill.clients.finished()
        victims = bucket.newest(2)
        for key in victims:
            bucket.delete(key) if how == "gone" else bucket.write(key, b"# Something else")
        await worker.up()
        await drill.answers_in_flight()
        counts = await drill.heal("failed")
        assert (counts.ready, counts.failed) == (3, 2), counts
