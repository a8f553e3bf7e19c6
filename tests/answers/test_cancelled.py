"""The job of an answer that is being written is cancelled, and tried again."""

import asyncio
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs
from tests.support.asking import Asking
from tests.support.model_server import StandIn
from tests.support.stack import running_stack, settings_for
from tests.support.waiting import wait_until

from protostar.redis.client import RedisClient
from protostar.telemetry import Metrics

GUIDE = Path(__file__).parents[1] / "files" / "guide-en.md"
QUESTION = {"question": "How long are backups kept?"}


@pytest.fixture
async def asking(
    database_url: str, redis_url: str, model_server: tuple[StandIn, str], tmp_path: Path, stand_in: StandIn
) -> AsyncGenerator[Asking]:
    chat = {"base_url": model_server[1], "model": "m"}
    settings = settings_for(
        database_url, f"{redis_url}?db=6", tmp_path, answer={"lease": 1}, worker={"poll": 0.1, "lease": 1}, chat=chat
    )
    async with running_stack(settings) as stack:
        asking = Asking(stack.http, "")
        await asking.upload(GUIDE)
        stand_in.counts = type(stand_in.counts)()
        yield asking


async def get(asking: Asking, path: str) -> Any:
    async with asking.http.get(path) as response:
        return await response.json()


async def the_answer(asking: Asking) -> Any:
    (conversation,) = (await get(asking, "/v1/conversations"))["items"]
    (answer,) = (await get(asking, f"/v1/conversations/{conversation['id']}"))["answers"]
    return answer


async def the_job(asking: Asking) -> Any:
    (job,) = (await get(asking, "/v1/jobs?kind=answer.write"))["items"]
    return job


async def test_a_cancelled_answer_fails_and_is_written_when_its_job_is_tried_again(
    asking: Asking, stand_in: StandIn, redis_url: str
) -> None:
    stand_in.behave(hang="first_token")
    reading = asyncio.create_task(asking.http.post("/v1/answers", json=QUESTION))
    await wait_until(lambda: stand_in.counts.chat_calls == 1)
    job = await the_job(asking)
    async with asking.http.post(f"/v1/jobs/{job['id']}/cancel") as response:
        assert response.status == 200

    async with await reading as response:
        assert (response.status, (await response.json())["code"]) == (409, "answer_cancelled")
    assert (await the_job(asking))["state"] == "cancelled"
    answer = await the_answer(asking)
    assert (answer["state"], answer["error"]["code"]) == ("failed", "answer_cancelled")
    assert stand_in.counts.chat_calls == 1, "no worker wrote it anew"

    def outcomes() -> list[str]:
        return [entry["outcome"] for entry in logs if entry["event"] == "job_ended"]

    stand_in.behave()
    with capture_logs() as logs:
        async with asking.http.post(f"/v1/jobs/{job['id']}/retry") as response:
            assert response.status == 200
        await wait_until(outcomes, 20)
    assert outcomes() == ["succeeded"]
    answer = await the_answer(asking)
    told = RedisClient(f"{redis_url}?db=6", Metrics())
    keys = await told.run(lambda client: client.keys(f"*{answer['id']}*"))
    await told.close()
    assert len(keys) == 2, "what each of its two writers has told is there for whoever reads"
    assert (answer["error"], answer["found"]) == (None, True)
    assert "30 days" in answer["text"]
