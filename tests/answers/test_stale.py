"""While PostgreSQL is away, first questions that were answered before are answered again, by what the process knows."""

from pathlib import Path
from typing import Any

import asyncpg
import pytest
from tests.support.asking import Asking
from tests.support.databases import copied, named
from tests.support.model_server import StandIn
from tests.support.sse import read_events
from tests.support.stack import running_stack, settings_for
from tests.support.waiting import wait_until

GUIDE = Path(__file__).parents[1] / "files" / "guide-en.md"
QUESTION = "How long are backups kept?"


async def rename(server: str, before: str, after: str) -> None:
    """A database of another name is away: who connects is refused, and who was connected is cut off."""
    connection = await asyncpg.connect(server)
    try:
        await connection.fetch("select pg_terminate_backend(pid) from pg_stat_activity where datname = $1", before)
        await connection.execute(f'alter database "{before}" rename to "{after}"')
    finally:
        await connection.close()


async def ask(asking: Asking, question: str, **body: Any) -> tuple[int, dict[str, Any]]:
    async with asking.http.post("/v1/answers", json={"question": question, **body}) as response:
        return response.status, await response.json()


@pytest.mark.usefixtures("stand_in", "template")
async def test_cached_answers_are_given_and_kept(
    postgres_url: str, redis_url: str, model_server: tuple[StandIn, str], tmp_path: Path
) -> None:
    async with copied(postgres_url) as url:
        name = url.rpartition("/")[2].partition("?")[0]
        assert named(postgres_url, name) == url
        settings = settings_for(url, f"{redis_url}?db=4", tmp_path, chat={"base_url": model_server[1], "model": "m"})
        async with running_stack(settings) as stack:
            asking = Asking(stack.http, "")
            await asking.upload(GUIDE)
            before = await asking.ask(QUESTION)
            assert (before["cached"], before["degraded"], before["model"]) == (False, [], "m")
            await rename(postgres_url, name, f"{name}_away")
            try:
                status, stale = await ask(asking, QUESTION)
                assert status == 200
                assert (stale["cached"], stale["degraded"], stale["state"]) == (True, ["stale"], "done")
                assert (stale["text"], stale["citations"]) == (before["text"], before["citations"])
                async with stack.http.post("/v1/answers", json={"question": QUESTION, "stream": True}) as response:
                    events = [event async for event in read_events(response)]
                assert [event.name for event in events] == ["start", "delta", "done"]
                assert events[-1].data["answer"]["text"] == before["text"]
                for refused in (
                    await ask(asking, "What is new?"),
                    await ask(asking, QUESTION, conversation_id=before["conversation_id"]),
                ):
                    assert (refused[0], refused[1]["code"]) == (503, "database_unavailable")
                async with stack.http.get("/metrics") as response:
                    assert 'protostar_degraded_total{process="api",reason="stale"} 2.0' in await response.text()
            finally:
                await rename(postgres_url, f"{name}_away", name)

            async def kept() -> Any:
                async with stack.http.get(f"/v1/answers/{stale['id']}") as response:
                    return response.status == 200 and await response.json()

            assert await wait_until(kept) == stale
            follow_up = await asking.ask("And where?", conversation_id=stale["conversation_id"])
            assert follow_up["state"] == "done"


@pytest.mark.usefixtures("stand_in")
async def test_what_has_changed_is_not_recalled(asking: Asking) -> None:
    """A renamed document is renamed in the answers too."""
    first = await asking.ask(QUESTION)
    document_id = first["citations"][0]["document_id"]
    async with asking.http.patch(f"/v1/documents/{document_id}", json={"title": "A new title"}) as response:
        assert response.status == 200
    second = await asking.ask(QUESTION)
    assert second["cached"] is False
    titles = {citation["document_id"]: citation["document_title"] for citation in second["citations"]}
    assert titles[document_id] == "A new title"
