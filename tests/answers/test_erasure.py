"""A conversation that is deleted leaves nothing that is given to anybody."""

import asyncio
from typing import Any
from uuid import uuid4

import asyncpg
from tests.support.asking import Asking
from tests.support.model_server import StandIn
from tests.support.sse import read_events
from tests.support.stack import Stack
from tests.support.waiting import wait_until

QUESTION = "백업 파일은 며칠 동안 보관합니까?"
ROWS = """
    select (select count(*) from conversations where space_id = $1), (select count(*) from answers where space_id = $1),
        (select count(*) from corrections where space_id = $1), (select count(*) from correction_documents r
            join answers a on a.id = r.answer_id where a.space_id = $1)"""


async def status(asking: Asking, method: str, path: str, **options: Any) -> int:
    async with asking.http.request(method, path, **options) as response:
        return response.status


async def connected(answering: Stack) -> asyncpg.Connection:
    return await asyncpg.connect(answering.settings.database_url.get_secret_value())


async def test_nothing_of_it_is_left(asking: Asking, answering: Stack) -> None:
    kept = await asking.ask("How long are backups kept?")
    key = {"Idempotency-Key": uuid4().hex}
    async with asking.http.post("/v1/answers", json={"question": QUESTION}, headers=key) as response:
        answer = await response.json()
    assert (await asking.ask(QUESTION))["cached"]
    path, conversation = f"/v1/answers/{answer['id']}", f"/v1/conversations/{answer['conversation_id']}"
    assert await status(asking, "PUT", f"{path}/correction", json={"text": "45일 동안 보관합니다. [1]"}) == 200
    assert await status(asking, "POST", f"{path}/feedback", json={"rating": "down", "reason": "a name"}) == 204
    following = await asking.ask("그 전에 무엇을 해야 하나요?", conversation_id=answer["conversation_id"])

    assert await status(asking, "DELETE", conversation) == 204

    gone = [conversation, path, f"{path}/events", f"{path}/retrieved", f"/v1/answers/{following['id']}"]
    assert [await status(asking, "GET", each) for each in gone] == [404] * 5
    assert await status(asking, "DELETE", conversation) == 404
    next_one = {"question": "Why?", "conversation_id": answer["conversation_id"]}
    assert await status(asking, "POST", "/v1/answers", json=next_one) == 404
    connection = await connected(answering)
    assert tuple(await connection.fetchrow(ROWS, asking.space_id)) == (2, 2, 0, 0)
    await connection.close()
    assert await status(asking, "GET", f"/v1/conversations/{kept['conversation_id']}") == 200
    # Neither the correction nor the cached text is given again; the key stands for a new request, once.
    anew = []
    for _ in range(2):
        async with asking.http.post("/v1/answers", json={"question": QUESTION}, headers=key) as response:
            anew.append(await response.json())
    assert anew[0]["id"] == anew[1]["id"] != answer["id"]
    assert (anew[0]["cached"], anew[0]["corrected"]) == (False, False)


async def test_an_answer_that_is_being_written_goes_along(asking: Asking, stand_in: StandIn) -> None:
    stand_in.behave(delay=0.2)
    body = {"question": "How long are backups kept, written slowly?", "stream": True}
    async with asyncio.timeout(60), asking.http.post("/v1/answers", json=body) as response:
        events = read_events(response)
        path = f"/v1/conversations/{(await anext(events)).data['conversation_id']}"
        assert await status(asking, "DELETE", path) == 204
        *_, last = [event async for event in events]
    assert (last.name, last.data["problem"]["detail"]) == ("error", "The answer was deleted while it was written.")
    assert await status(asking, "GET", path) == 404


async def test_a_question_that_comes_meanwhile_finds_none(asking: Asking, answering: Stack) -> None:
    answer = await asking.ask(QUESTION)
    connection = await connected(answering)
    try:
        async with connection.transaction():
            await connection.execute("delete from conversations where id = $1", answer["conversation_id"])
            body = {"question": "그 전에 무엇을 해야 하나요?", "conversation_id": answer["conversation_id"]}
            asked = asyncio.create_task(status(asking, "POST", "/v1/answers", json=body))

            async def waits() -> bool:
                blocked = (
                    "datname = current_database() and cardinality(pg_blocking_pids(pid)) > 0 and query like '%insert into answers%'"
                )
                await connection.execute("select pg_stat_clear_snapshot()")
                return await connection.fetchval(f"select exists (select from pg_stat_activity where {blocked})")

            await wait_until(waits, what="the question waits")
        assert await asked == 404
    finally:
        await connection.close()
