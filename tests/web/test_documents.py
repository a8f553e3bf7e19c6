"""What the page of documents asks for while documents are read."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from uuid import UUID

import aiohttp
import asyncpg
from tests.api.tenant import Tenant, idle_tenant, new_tenant, send
from tests.support.chunks import store
from tests.support.databases import execute
from tests.support.stack import ADMIN_KEY, Stack, settings_for
from tests.support.waiting import wait_until
from tests.web.test_sessions import sign_in

from protostar.db.session import Database


@asynccontextmanager
async def connected(stack: Stack) -> AsyncGenerator[asyncpg.Connection]:
    url = stack.settings.database_url
    assert url is not None
    connection = await asyncpg.connect(url.get_secret_value())
    try:
        yield connection
    finally:
        await connection.close()


async def test_rows_that_just_wait_are_not_sent_again(database_url: str, redis_url: str, tmp_path: Path) -> None:
    async with idle_tenant(settings_for(database_url, f"{redis_url}?db=3", tmp_path)) as tenant:
        ids = [(await tenant.upload(f"{name}.md", b"# Kiwi " + name.encode())).json["id"] for name in ("one", "two")]
        async with aiohttp.ClientSession(tenant.stack.url, cookie_jar=aiohttp.CookieJar(unsafe=True)) as http:
            form = {"data": {"key": tenant.key}, "headers": {"Origin": tenant.stack.url}, "allow_redirects": False}
            assert (await send(http, "POST", "/login", **form)).status == 303

            async def rows(query: str) -> list[str]:
                answered = await send(http, "GET", f"/documents/rows?{query}")
                assert answered.status == 200
                return [id_ for id_ in ids if f'id="d-{id_}"' in answered.body.decode()]

            assert await rows(f"id={ids[0]}&id={ids[1]}") == ids
            assert await rows(f"id={ids[0]}&queued={ids[1]}") == [ids[0]]
            await tenant.call("POST", f"/v1/jobs/{(await tenant.get(f'/v1/documents/{ids[1]}'))['job_id']}/cancel")
            assert await rows(f"id={ids[0]}&queued={ids[1]}") == ids


async def test_the_page_of_the_system_leads_from_a_failed_job_to_its_document(
    browser: aiohttp.ClientSession, tenant: Tenant, stack: Stack
) -> None:
    """Whichever space it is in: the page of the document offers to go there. Others have none."""
    document = (await tenant.upload("empty.pdf", b"%PDF-1.7\n")).json

    async def has_failed() -> bool:
        return (await tenant.get(f"/v1/jobs/{document['job_id']}"))["state"] == "failed"

    await wait_until(has_failed, 20)
    await sign_in(browser, ADMIN_KEY)

    async def row() -> str:
        body = (await send(browser, "GET", "/system")).body.decode()
        return body.partition(f'<tr id="j-{document["job_id"]}">')[2].partition("</tr>")[0]

    assert f'href="/documents/{document["id"]}"' in await row()
    assert stack.settings.database_url is not None
    url = stack.settings.database_url.get_secret_value()
    await execute(url, f"update jobs set args = '{{}}' where id = '{document['job_id']}'")
    assert "document.index" in await row()
    assert "/documents/" not in await row()


async def test_a_document_that_is_deleted_elsewhere_says_so(browser: aiohttp.ClientSession, tenant: Tenant, stack: Stack) -> None:
    id_ = (await tenant.upload("kiwi.md", b"# Kiwi")).json["id"]
    form = {"data": {"key": tenant.key}, "headers": {"Origin": stack.url}, "allow_redirects": False}
    assert (await send(browser, "POST", "/login", **form)).status == 303
    await tenant.call("DELETE", f"/v1/documents/{id_}")
    for part in ("state", "summary?version=1", "passages"):
        answered = await send(browser, "GET", f"/documents/{id_}/{part}", headers={"HX-Request": "true"})
        assert (answered.status, answered.headers["HX-Refresh"]) == (200, "true")
    page = await send(browser, "GET", f"/documents/{id_}")
    assert page.status == 404
    assert "It was deleted." in page.body.decode()
    assert "/documents?show=deleted" in page.body.decode()
    unknown = await send(browser, "GET", f"/documents/{tenant.id}")
    assert unknown.status == 404
    assert "/documents?show=deleted" not in unknown.body.decode()


async def test_what_lies_in_another_space_is_nothing_to_a_key_of_one_space(
    browser: aiohttp.ClientSession, tenant: Tenant, stack: Stack
) -> None:
    id_ = (await tenant.upload("kiwi.md", b"# Kiwi")).json["id"]
    async with new_tenant(stack) as other:
        form = {"data": {"key": other.key}, "headers": {"Origin": stack.url}, "allow_redirects": False}
        assert (await send(browser, "POST", "/login", **form)).status == 303
        for path in (f"/documents/{id_}", f"/conversations/{id_}"):
            page = await send(browser, "GET", path)
            assert page.status == 404
            assert "another space" not in page.body.decode()
            assert tenant.id not in page.body.decode()
        assert (await send(browser, "GET", "/spaces/deleted")).status == 403


async def test_an_admin_is_led_to_the_space_of_a_conversation(browser: aiohttp.ClientSession, tenant: Tenant, stack: Stack) -> None:
    conversation = (await tenant.call("POST", "/v1/answers", json={"question": "Kiwi?"})).json["conversation_id"]
    form = {"data": {"key": ADMIN_KEY}, "headers": {"Origin": stack.url}, "allow_redirects": False}
    assert (await send(browser, "POST", "/login", **form)).status == 303
    page = await send(browser, "GET", f"/conversations/{conversation}")
    assert page.status == 404
    assert f'name="space" value="{tenant.id}"' in page.body.decode()
    assert (await send(stack.http, "DELETE", f"/v1/spaces/{tenant.id}")).status == 204
    assert "another space" not in (await send(browser, "GET", f"/conversations/{conversation}")).body.decode()
    for lists in ("/spaces/deleted", "/system"):
        assert (await send(browser, "GET", lists)).body.decode().count(tenant.id) == 1
    assert (await send(stack.http, "POST", f"/v1/spaces/{tenant.id}/restore")).status == 200


async def test_a_summary_is_asked_for_until_it_is_written(browser: aiohttp.ClientSession, tenant: Tenant, stack: Stack) -> None:
    id_ = (await tenant.document("kiwi.md", "# Kiwi\n\nThere are 27 kiwis."))["id"]

    async def summary() -> str | None:
        return (await tenant.get(f"/v1/documents/{id_}"))["summary"]

    await wait_until(summary, 10)
    form = {"data": {"key": tenant.key}, "headers": {"Origin": stack.url}, "allow_redirects": False}
    assert (await send(browser, "POST", "/login", **form)).status == 303

    part = f"/documents/{id_}/summary?version=1"

    async def shown(path: str) -> str:
        return (await send(browser, "GET", path)).body.decode()

    async def stored(connection: asyncpg.Connection, summary: str | None, state: str) -> None:
        """The summary, and the state of its job, of which no worker knows."""
        await connection.execute("update document_versions set summary = $1 where document_id = $2", summary, UUID(id_))
        job = "update jobs set state = $1, parked = true, run_at = now() + interval '1 hour' where dedupe_key = $2"
        await connection.execute(job, state, f"document.summarize:{id_}:1")

    async with connected(stack) as connection:
        for summary, said in ((None, "It is being written."), ("Kiwis are counted.", "Kiwis are counted."), ("", None)):
            await stored(connection, summary, "queued")
            for body in (await shown(f"/documents/{id_}"), await shown(part)):
                assert (f'hx-get="{part}"' in body) == (summary is None)
                assert ('id="summary"' in body) == (said is not None)
                assert said is None or said in body
        await stored(connection, None, "dead")
        body = await shown(part)
        assert "It could not be written." in body
        assert "hx-get" not in body


async def test_a_document_that_is_being_read_shows_no_passages_yet(
    database: Database, database_url: str, redis_url: str, tmp_path: Path
) -> None:
    async with idle_tenant(settings_for(database_url, f"{redis_url}?db=3", tmp_path)) as tenant:
        id_ = await store(database, UUID(tenant.id), [f"Kiwi {number}" for number in range(60)], current=False)
        async with (
            database.driver() as rows,
            aiohttp.ClientSession(tenant.stack.url, cookie_jar=aiohttp.CookieJar(unsafe=True)) as http,
        ):
            await rows.execute("update document_versions set status = 'processing'")
            form = {"data": {"key": tenant.key}, "headers": {"Origin": tenant.stack.url}, "allow_redirects": False}
            assert (await send(http, "POST", "/login", **form)).status == 303
            passages = await send(http, "GET", f"/documents/{id_}/passages")
    assert passages.status == 200
    assert "There are no passages yet." in passages.body.decode()
