"""What the page of a conversation asks for while an answer is written."""

from uuid import UUID

import aiohttp
import asyncpg
from tests.api.tenant import Tenant, send
from tests.support.databases import execute
from tests.support.stack import Stack
from tests.web.test_pages import page
from tests.web.test_sessions import sign_in


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
                assert ">Kiwi</a></p>" in body  # the title is not said again as the first of the headings
    finally:
        await connection.close()


async def test_one_visitor_alone_is_shown_and_can_be_erased(browser: aiohttp.ClientSession, tenant: Tenant) -> None:
    answers = [
        (await tenant.call("POST", "/v1/answers", json={"question": f"How many kiwis, {number}?"})).json for number in range(2)
    ]
    await sign_in(browser, tenant.key)
    conversation = await tenant.get(f"/v1/conversations/{answers[0]['conversation_id']}")
    erases = f'data-erases-visitor="{conversation["visitor_id"]}"'
    of_visitor = f"/conversations?visitor={conversation['visitor_id']}"
    shown = await page(browser, f"/conversations/{conversation['id']}")
    assert (erases in shown, f'href="{of_visitor}"' in shown) == (True, True)

    listed = await page(browser, of_visitor)
    assert (erases in listed, "kiwis, 0?" in listed, "kiwis, 1?" in listed) == (True, True, False)
    assert f'name="visitor" value="{conversation["visitor_id"]}"' in listed  # another filter keeps to the visitor
    assert "data-erases-visitor" not in await page(browser, "/conversations")
    await tenant.call("POST", "/v1/visitors/erase", json={"visitor_id": conversation["visitor_id"]})
    assert "Nothing here matches" in await page(browser, of_visitor)


async def test_a_conversation_older_than_visitors_has_none_to_erase(
    browser: aiohttp.ClientSession, tenant: Tenant, stack: Stack
) -> None:
    answer = (await tenant.call("POST", "/v1/answers", json={"question": "How many kiwis?"})).json
    url = stack.settings.database_url
    assert url is not None
    await execute(url.get_secret_value(), f"update conversations set visitor_id = null where id = '{answer['conversation_id']}'")
    await sign_in(browser, tenant.key)
    assert "data-erases-visitor" not in await page(browser, f"/conversations/{answer['conversation_id']}")
