"""The model servers refuse, hang, break off, or say nonsense: answers degrade, documents are found by keywords, all of it heals."""

import asyncio
import os
from typing import Any

import asyncpg
import pytest
from tests.drills.course import Drill, Drills
from tests.support.waiting import wait_until

pytestmark = [pytest.mark.drill, pytest.mark.timeout(400)]

CHAT = {
    "503": {"status": 503},
    "429 with retry-after": {"status": 429, "retry_after": 2},
    "hangs at once": {"hang": "headers"},
    "hangs half way": {"hang": "mid_stream"},
    "cut half way": {"cut": "abort"},
    "ends half way": {"cut": "end"},
    "malformed": {"malformed": True},
}
EMBEDDINGS = {
    "503": {"status": 503},
    "429 with retry-after": {"status": 429, "retry_after": 2},
    "401": {"status": 401},
    "hang": {"hang": "headers"},
    "cut": {"disconnect": True},
    "malformed": {"body": '{"data": ['},
    "wrong vector length": {"vector_length": 63},
    "wrong number of vectors": {"vector_count": 1},
}


@pytest.mark.parametrize("fault", CHAT)
async def test_chat(drills: Drills, fault: str) -> None:
    """Every question is answered: by the extractive answerer, and says so."""
    async with drills.drill() as drill:
        await drill.ready()
        broken: dict[str, Any] = {"only": "chat", **CHAT[fault]}
        await drills.models.behave(**broken)
        await drill.in_flight()
        await asyncio.sleep(5)
        await drills.models.behave()
        counts = await drill.heal()
        assert counts.degraded > 0


async def all_ready(drill: Drill) -> bool:
    connection = await asyncpg.connect(drill.inspector.database_url)
    try:
        ready = await connection.fetchval("select count(*) from document_versions where status = 'ready'")
    finally:
        await connection.close()
    return ready == len(drill.clients.uploads) + 1  # with the guide


@pytest.mark.parametrize("fault", EMBEDDINGS)
async def test_embeddings(drills: Drills, fault: str) -> None:
    """Documents are ready without vectors, and get them by themselves."""
    async with drills.drill() as drill:
        await drill.ready()
        await drill.in_flight()
        broken: dict[str, Any] = {"only": "embeddings", **EMBEDDINGS[fault]}
        await drills.models.behave(**broken)
        await asyncio.sleep(3)
        await wait_until(lambda: all_ready(drill), 90, what="documents are ready without vectors")
        await drills.models.behave()
        # Vectors that cannot be used are paid for all the same.
        await drill.heal(*(["paid_twice"] if "vector" in fault else []))


async def test_no_model_answers_for_10_seconds(drills: Drills) -> None:
    async with drills.drill() as drill:
        await drill.ready()
        await drill.in_flight()
        await drills.models.behave(status=503)
        await asyncio.sleep(10)
        await drills.models.behave()
        await drill.heal()


@pytest.mark.timeout(1800)
@pytest.mark.skipif("DRILL_LONG" not in os.environ, reason="takes eleven minutes: make drills-long")
async def test_no_model_answers_for_10_minutes(drills: Drills) -> None:
    async with drills.drill() as drill:
        await drill.ready()
        await drill.in_flight()
        await drills.models.behave(status=503)
        await asyncio.sleep(600)
        await drills.models.behave()
        await drill.heal(within=300)
