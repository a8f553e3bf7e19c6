"""What the page of a conversation asks for while an answer is written."""

from uuid import UUID

import aiohttp
import asyncpg
from tests.api.tenant import Tenant, send
from tests.support.stack import Stack


async def test_an_answer_that_is_being_written_is_shown_once_it_is(
    browser: aiohttp.ClientSession, tenant: Tenant, stack: Stack
) -> None:
    await tenant.document("kiwi.md", "# Kiwi\n\nThere are 27 kiwis.")
    answer = (await tenant.call("POST", "/v1/answers", json={"question": "How many kiwis?"})).json
    form = {"data": {"key": tenant.key}, "headers": {"Origin": stack.url}, "allow_redirects": False}
    assert (await send(browser, "POST", "/login", **form)).status == 303
    url = stack.settings.database_url
    assert url is not None
    connection = await asyncpg.connect(url.get_secret_value())
    try:
        for state, waits in (("running", True), ("done", False)):
            await connection.execute("update answers set state = $1 where id = $2", state, UUID(answer["id"]))
            for path in (f"/conversations/{answer['conversation_id']}", f"/conversations/answers/{answer['id']}"):
                body = (await send(browser, "GET", path)).body.decode()
                assert ("This answer is being written." in body) == waits
                assert (f'hx-get="/conversations/answers/{answer["id"]}"' in body) == waits
    finally:
        await connection.close()
