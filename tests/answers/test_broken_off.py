"""PostgreSQL breaks the connection off with which a question is being taken in: it is asked once, and answered."""

import asyncio
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text
from tests.api.tenant import ORIGIN, idle_tenant, send
from tests.support.asking import Asking
from tests.support.stack import running_stack, settings_for

from protostar.answers.repository import AnswerRepository
from protostar.answers.writer import Writer

GUIDE = Path(__file__).parents[1] / "files" / "guide-en.md"


@pytest.mark.parametrize("committed", [True, False], ids=["behind its commit", "before its commit"])
@pytest.mark.parametrize("stream", [True, False])
async def test_a_question_is_asked_once(
    database_url: str, redis_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, committed: bool, stream: bool
) -> None:
    take, takes = AnswerRepository.take, 0

    async def taken(self: AnswerRepository, *args: Any, **how: Any) -> Any:
        nonlocal takes
        takes += 1
        result = await take(self, *args, **how)
        if takes == 1:
            await self._session.execute(text("select pg_terminate_backend(pg_backend_pid())"))
        return result

    settings = settings_for(database_url, f"{redis_url}?db=6", tmp_path, answer={"lease": 1}, worker={"poll": 0.1, "lease": 1})
    async with running_stack(settings) as stack:
        asking = Asking(stack.http, "")
        async with stack.http.post("/v1/documents?filename=guide-en.md", data=GUIDE.read_bytes()) as response:
            await asking.settled((await response.json())["id"], 1)
        monkeypatch.setattr(AnswerRepository, "take", taken)
        # With a key there is a transaction around it, which is rolled back; without one the statement has committed.
        headers = {} if committed else {"Idempotency-Key": "one"}
        body = {"question": "How long are backups kept?", "stream": stream}
        async with stack.http.post("/v1/answers", json=body, headers=headers) as response:
            assert response.status == 200
            assert "30 days" in await response.text()
        assert takes == 2
        async with stack.http.get("/v1/conversations") as response:
            (conversation,) = (await response.json())["items"]
        async with stack.http.get(f"/v1/conversations/{conversation['id']}") as response:
            (answer,) = (await response.json())["answers"]
        assert (answer["state"], answer["found"]) == ("done", True)


async def test_a_visitor_is_admitted_once(
    database_url: str, redis_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    take, takes = AnswerRepository.take, 0

    async def taken(self: AnswerRepository, *args: Any, **how: Any) -> Any:
        nonlocal takes
        takes += 1
        if takes == 1:
            await self._session.execute(text("select pg_terminate_backend(pg_backend_pid())"))
        return await take(self, *args, **how)

    monkeypatch.setattr(AnswerRepository, "take", taken)
    settings = settings_for(database_url, f"{redis_url}?db=6", tmp_path, limit={"asks_per_visitor_day": 1})
    async with idle_tenant(settings) as tenant:
        key = (await tenant.make_key("ask", origins=[ORIGIN]))["key"]
        async with tenant.visitor(key) as visitor:
            asked = await send(visitor, "POST", "/v1/answers", json={"question": "How many kiwis?"})
        async with tenant.visitor(key, token=asked.headers["Protostar-Visitor"]) as visitor:
            again = await send(visitor, "POST", "/v1/answers", json={"question": "And apples?"})
    assert (asked.status, again.status, takes) == (200, 429, 2)


async def test_an_answer_that_is_late_blames_nobody(
    database_url: str, redis_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It may have waited for a lock as well as for a model."""

    async def hangs(*_args: Any) -> None:
        await asyncio.Event().wait()

    monkeypatch.setattr(Writer, "write", hangs)
    settings = settings_for(database_url, f"{redis_url}?db=6", tmp_path, answer={"deadline": 1})
    async with idle_tenant(settings) as tenant:
        asked = await tenant.call("POST", "/v1/answers", json={"question": "How long are backups kept?"})
    assert (asked.status, asked.json["code"]) == (503, "unavailable")
    assert asked.json["detail"] == "The answer was not finished within 1 seconds."
