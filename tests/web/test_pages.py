"""Pages as the server makes them; what scripts do with them is seen in tests/browser."""

from html.parser import HTMLParser
from urllib.parse import quote

import aiohttp
import pytest
from tests.api.tenant import Tenant, send
from tests.web.test_sessions import sign_in

from protostar.web.assets import FOLDER
from protostar.web.widget import ACCENT, ACCENT_DARK

HOSTILE = '<img src=x onerror=alert(1)> "quoted" & {{ 7 * 7 }}'


class Outline(HTMLParser):
    """The tags of a page, with their attributes."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))


async def page(browser: aiohttp.ClientSession, path: str, **headers: str) -> str:
    answered = await send(browser, "GET", path, headers=headers)
    assert answered.status == 200, answered.body
    return answered.body.decode()


@pytest.mark.parametrize("language", ["en", "ko"])
async def test_what_people_wrote_is_shown_and_never_run(browser: aiohttp.ClientSession, tenant: Tenant, language: str) -> None:
    await tenant.call("PATCH", f"/v1/spaces/{tenant.id}", json={"name": HOSTILE, "settings": {"starter_questions": [HOSTILE]}})
    document = await tenant.document("hostile.txt", f"# A title\n\n{HOSTILE}\n")
    await tenant.call("PATCH", f"/v1/documents/{document['id']}", json={"title": HOSTILE, "metadata": {HOSTILE: HOSTILE}})
    await sign_in(browser, tenant.key)
    for path in ("/documents", f"/documents?q={quote(HOSTILE)}", f"/documents/{document['id']}", "/ask", "/settings"):
        html = await page(browser, path, **{"Accept-Language": language})
        tags = Outline(html).tags
        assert not [tag for tag, attributes in tags if attributes.get("src") == "x" or "onerror" in attributes], path
        assert not [tag for tag, attributes in tags if "style" in attributes or tag == "style"], path
        assert all("src" in attributes for tag, attributes in tags if tag == "script"), path
        assert "&lt;img src=x onerror=alert(1)&gt;" in html, path
        assert 'lang="' + language in html
    passages = await page(browser, f"/documents/{document['id']}/passages")
    assert "&lt;img src=x" in passages
    beyond = await send(browser, "GET", f"/documents/{document['id']}/passages?after=99999999999999")
    assert beyond.status == 404


async def test_the_list_is_searched_filtered_and_paged(browser: aiohttp.ClientSession, tenant: Tenant) -> None:
    for number in range(52):
        await tenant.upload(f"note-{number:02}.md", f"# Note {number:02}\n".encode())
    failed = await tenant.document("empty.md", b"", "failed")
    await sign_in(browser, tenant.key)
    first = await page(browser, "/documents")
    assert first.count('<tr id="d-') == 50
    assert failed["error"] in first
    older = next(
        attributes["href"] for tag, attributes in Outline(first).tags if tag == "a" and "cursor=" in str(attributes.get("href"))
    )
    assert older is not None
    assert (await page(browser, older)).count('<tr id="d-') == 3
    found = await page(browser, "/documents?q=NOTE+07", **{"HX-Request": "true"})
    assert found.count('<tr id="d-') == 1
    assert "<html" not in found
    assert (await page(browser, "/documents?show=failed")).count('<tr id="d-') == 1
    assert (await page(browser, "/documents?q=%25")).count('<tr id="d-') == 0  # no wildcard
    row = await page(browser, f"/documents/rows?id={failed['id']}")
    assert 'hx-swap-oob="true"' in row


async def test_a_text_is_read_in_ranges_of_code_points(browser: aiohttp.ClientSession, tenant: Tenant) -> None:
    text = "가나다라마바사 🥝 kiwi\n" * 20_000
    korean = await tenant.document("long.txt", text)
    ascii_ = await tenant.document("ascii.txt", "kiwi and lime\n" * 9_000)
    await sign_in(browser, tenant.key)
    for document in (korean, ascii_):
        path = f"/v1/documents/{document['id']}/text"
        whole = await page(browser, path)
        for start, end in ((0, 10), (99_000, 99_050), (len(whole) - 5, len(whole) + 100), (len(whole) + 10, len(whole) + 20)):
            assert await page(browser, f"{path}?start={start}&end={end}") == whole[start:end]
        assert await page(browser, f"{path}?start=5") == whole[5:100_005]
    refused = await send(browser, "GET", f"/v1/documents/{korean['id']}/text?start=-1")
    assert refused.status == 422


async def test_pages_and_their_files_answer_head(browser: aiohttp.ClientSession, tenant: Tenant) -> None:
    document = await tenant.document("kiwi.md", "# Kiwi")
    refused = [await send(browser, method, "/documents?q=kiwi", allow_redirects=False) for method in ("GET", "HEAD")]
    assert {(each.status, each.headers["Location"]) for each in refused} == {(303, "/login?next=%2Fdocuments%3Fq%3Dkiwi")}
    await sign_in(browser, tenant.key)
    pages = ("/documents", f"/documents/{document['id']}", "/ask", "/settings", "/conversations", "/insights", "/login", "/none")
    for path in (*pages, "/system", "/docs", "/openapi.json", "/widget.js"):
        got, head = await send(browser, "GET", path), await send(browser, "HEAD", path)
        alike = ("Content-Type", "Cache-Control", "Content-Security-Policy")
        assert (head.status, *map(head.headers.get, alike)) == (got.status, *map(got.headers.get, alike)), path
        assert "Content-Length" in head.headers


async def test_the_settings_come_with_their_lists(browser: aiohttp.ClientSession, tenant: Tenant) -> None:
    """What arrived later would move the buttons below it away from the pointer."""
    await tenant.call("POST", f"/v1/spaces/{tenant.id}/keys", json={"role": "manage", "name": "the museum's"})
    await tenant.call("POST", "/v1/webhooks", json={"url": "https://example.com/heard", "events": ["document.ready"]})
    await sign_in(browser, tenant.key)
    html = await page(browser, "/settings")
    assert "the museum&#39;s" in html
    assert "https://example.com/heard" in html


def test_the_settings_know_the_colours_of_the_widget() -> None:
    script = (FOLDER / "widget.js").read_text(encoding="utf-8")
    assert f"light-dark(var(--set-accent, {ACCENT}), var(--set-accent-dark, {ACCENT_DARK}))" in script


async def test_errors_are_pages_where_a_person_looks(browser: aiohttp.ClientSession, tenant: Tenant) -> None:
    await sign_in(browser, tenant.key)
    for path in ("/documents/01a213ec-ae83-7840-87c2-a832b1fb4bb8", "/documents/none", "/documents?show=nothing"):
        answered = await send(browser, "GET", path)
        assert answered.status == 404
        assert answered.headers["Content-Type"].startswith("text/html")
    as_browsers = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8", "Accept-Language": "ko"}
    for path in ("/setings", "/documents/01a213ec-ae83-7840-87c2-a832b1fb4bb8/none", "/logout", "/static/none.css"):
        mistyped = await send(browser, "GET", path, headers=as_browsers)
        assert (mistyped.status, mistyped.headers["Content-Type"]) == (404, "text/html; charset=utf-8"), path
        assert "이 주소에는 아무것도 없습니다." in mistyped.body.decode()
        assert "Content-Security-Policy" in mistyped.headers
    for path, headers in (("/v1/none", as_browsers), ("/setings", {}), ("/setings", {**as_browsers, "HX-Request": "true"})):
        answered = await send(browser, "GET", path, headers=headers)
        assert (answered.status, answered.headers["Content-Type"]) == (404, "application/problem+json"), path
    async with aiohttp.ClientSession(tenant.stack.url, headers={"HX-Request": "true"}) as nobody:
        ended = await send(nobody, "GET", "/documents")
    assert (ended.status, ended.headers["HX-Redirect"]) == (401, "/login")
