"""Who may do what with a browser session, and which requests of a browser are nobody's wish."""

import re
from datetime import timedelta
from pathlib import Path

import aiohttp
import pytest
from sqlalchemy import text
from tests.api.tenant import ORIGIN, Answered, Tenant, new_tenant, send
from tests.support.stack import ADMIN_KEY, Stack, running_api, settings_for

from protostar.access.keys import hash_key
from protostar.access.model import Key
from protostar.access.repository import AccessRepository
from protostar.access.service import Access
from protostar.access.sessions import Sessions, csrf_token
from protostar.access.tickets import make_ticket
from protostar.db.session import Database
from protostar.errors import Unauthorized
from protostar.web.pages import local_path


def origin(http: aiohttp.ClientSession) -> str:
    return str(http._base_url).rstrip("/")


def named(http: aiohttp.ClientSession, cookie: str = "session") -> str:
    """The cookie's name, which holds the port."""
    return f"protostar_{cookie}_{http._base_url.port}"


async def sign_in(http: aiohttp.ClientSession, key: str, **fields: str) -> Answered:
    headers = {"Origin": origin(http)}
    return await send(http, "POST", "/login", data={"key": key, **fields}, headers=headers, allow_redirects=False)


def token(http: aiohttp.ClientSession) -> str:
    (cookie,) = [cookie for cookie in http.cookie_jar if cookie.key == named(http)]
    return cookie.value


async def sign_out(http: aiohttp.ClientSession) -> Answered:
    """As the form of the pages does."""
    headers, form = {"Origin": origin(http)}, {"csrf": csrf_token(token(http))}
    return await send(http, "POST", "/logout", data=form, headers=headers, allow_redirects=False)


def same_site(http: aiohttp.ClientSession, **headers: str) -> dict[str, str]:
    return {"Origin": origin(http), "X-CSRF-Token": csrf_token(token(http)), **headers}


async def test_a_key_signs_in_and_out(browser: aiohttp.ClientSession, tenant: Tenant) -> None:
    refused = await send(browser, "GET", "/documents?q=kiwi", allow_redirects=False)
    assert (refused.status, refused.headers["Location"]) == (303, "/login?next=%2Fdocuments%3Fq%3Dkiwi")
    answered = await sign_in(browser, f" {tenant.key}\n", next="/documents?q=kiwi")
    assert (answered.status, answered.headers["Location"]) == (303, "/documents?q=kiwi")
    cookie = next(value for value in answered.headers.getall("Set-Cookie") if value.startswith(named(browser)))
    assert "HttpOnly" in cookie
    assert "SameSite=lax" in cookie
    assert "Secure" not in cookie  # over plain HTTP
    assert tenant.key not in cookie
    page = await send(browser, "GET", "/documents")
    assert page.status == 200
    assert csrf_token(token(browser)) in page.body.decode()
    assert (await send(browser, "GET", "/v1/documents")).status == 200
    old = token(browser)
    left = await sign_out(browser)
    assert (left.status, left.headers["Location"]) == (303, "/login")
    assert not [cookie for cookie in browser.cookie_jar if cookie.key == named(browser)]
    again = await send(browser, "GET", "/v1/documents", headers={"Cookie": f"{named(browser)}={old}"})
    assert again.status == 401


async def test_the_pages_are_closed_to_everybody_else(browser: aiohttp.ClientSession, tenant: Tenant) -> None:
    key = await tenant.make_key("ask", origins=[ORIGIN])
    for wrong, status in ((key["key"], 403), ("sk_" + 43 * "A", 401), ("", 401), ("키", 401)):
        answered = await sign_in(browser, wrong)
        assert answered.status == status
        assert "Set-Cookie" not in answered.headers
    guessed = {"Cookie": f"{named(browser)}={43 * 'A'}"}
    ended = await send(browser, "GET", "/documents", headers=guessed, allow_redirects=False)
    assert (ended.status, ended.headers["Location"]) == (303, "/login?next=%2Fdocuments&ended=true")
    assert "Your session has ended." in (await send(browser, "GET", ended.headers["Location"])).body.decode()
    assert "Your session has ended." not in (await send(browser, "GET", "/login")).body.decode()


async def test_pages_and_files_of_the_dashboard_say_what_a_browser_may_do(browser: aiohttp.ClientSession) -> None:
    for path in ("/login", "/documents", "/no/such"):
        answered = await send(browser, "GET", path, allow_redirects=False)
        if path != "/no/such":
            policy = answered.headers["Content-Security-Policy"]
            assert "script-src 'self';" in policy
            assert "unsafe" not in policy
            assert "frame-ancestors 'none'" in policy
            assert answered.headers["X-Content-Type-Options"] == "nosniff"
            assert answered.headers["Referrer-Policy"] == "same-origin"
            assert answered.headers["Cache-Control"] == "no-store"
    page = (await send(browser, "GET", "/login")).body.decode()
    assert not re.search(r"<script(?![^>]*\bsrc=)|<style|\sstyle=|\son\w+=", page)
    (style,) = re.findall(r'href="(/static/[^"]+\.css)"', page)
    found = await send(browser, "GET", style)
    assert (found.status, found.headers["Cache-Control"]) == (200, "public, max-age=31536000, immutable")
    other = await send(browser, "GET", re.sub(r"/static/\w+/", "/static/another/", style))
    assert (other.status, other.headers["Cache-Control"]) == (200, "no-cache")
    for outside in ("/static/a/../../pages.py", "/static/a/%2e%2e/pages.py", "/static/a//etc/passwd"):
        assert (await send(browser, "GET", outside)).status == 404


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 201),
        ({"Sec-Fetch-Site": "same-origin"}, 201),
        ({"X-CSRF-Token": ""}, 403),
        ({"X-CSRF-Token": csrf_token("another session")}, 403),
        ({"Origin": "https://evil.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"Origin": ""}, 403),
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Sec-Fetch-Site": "same-site"}, 403),
        ({"Sec-Fetch-Site": "none"}, 403),
    ],
)
async def test_what_changes_something_comes_from_a_page_of_the_session(
    browser: aiohttp.ClientSession, tenant: Tenant, headers: dict[str, str], status: int
) -> None:
    await sign_in(browser, tenant.key)
    answered = await send(
        browser,
        "POST",
        f"/v1/spaces/{tenant.id}/keys",
        json={"role": "manage", "name": "a key"},
        headers=same_site(browser, **headers),
    )
    assert answered.status == status, answered.json
    for method, path in (("PUT", "/v1/documents/x/content"), ("DELETE", f"/v1/spaces/{tenant.id}")):
        if status == 403:
            assert (await send(browser, method, path, headers=same_site(browser, **headers))).status in (403, 422)
    assert (await send(browser, "GET", "/v1/documents")).status == 200


@pytest.mark.parametrize(
    ("headers", "form"),
    [
        ({}, {}),
        ({}, {"csrf": ""}),
        ({}, {"csrf": csrf_token("another session")}),
        ({"X-CSRF-Token": csrf_token("another session")}, {"csrf": "키"}),
        ({"Origin": "https://evil.example"}, None),
        ({"Origin": "null"}, None),
        ({"Sec-Fetch-Site": "cross-site"}, None),
    ],
)
async def test_another_site_cannot_sign_its_victim_out(
    browser: aiohttp.ClientSession, tenant: Tenant, headers: dict[str, str], form: dict[str, str] | None
) -> None:
    await sign_in(browser, tenant.key)
    form = {"csrf": csrf_token(token(browser))} if form is None else form
    sent = {"Origin": origin(browser), **headers}
    refused = await send(browser, "POST", "/logout", data=form, headers=sent, allow_redirects=False)
    assert refused.status == 403
    assert "Set-Cookie" not in refused.headers
    assert (await send(browser, "GET", "/v1/documents")).status == 200
    async with aiohttp.ClientSession(browser._base_url) as elsewhere:  # SameSite: a form of another site brings no cookie
        answered = await send(elsewhere, "POST", "/logout", data=form, headers=sent, allow_redirects=False)
        assert (answered.status, answered.headers["Location"]) == (303, "/login")
        assert "Set-Cookie" not in answered.headers


async def test_another_site_cannot_sign_its_victim_in(browser: aiohttp.ClientSession, tenant: Tenant) -> None:
    for headers in ({"Origin": "https://evil.example"}, {"Origin": "null"}, {}, {"Sec-Fetch-Site": "cross-site"}):
        answered = await send(browser, "POST", "/login", data={"key": tenant.key}, headers=headers, allow_redirects=False)
        assert answered.status == 403
        assert "Set-Cookie" not in answered.headers


async def test_revoking_the_key_ends_its_sessions_at_once(browser: aiohttp.ClientSession, tenant: Tenant) -> None:
    key = await tenant.make_key("manage")
    await sign_in(browser, key["key"])
    assert (await send(browser, "GET", "/v1/documents")).status == 200
    assert (await tenant.call("DELETE", f"/v1/spaces/{tenant.id}/keys/{key['id']}")).status == 204
    assert (await send(browser, "GET", "/v1/documents")).status == 401
    assert (await send(browser, "GET", "/documents", allow_redirects=False)).status == 303


async def test_erasing_the_space_ends_its_sessions(browser: aiohttp.ClientSession, tenant: Tenant) -> None:
    await sign_in(browser, tenant.key)
    assert (await tenant.call("DELETE", f"/v1/spaces/{tenant.id}")).status == 204
    assert (await send(browser, "GET", "/v1/documents")).status == 401


async def test_a_session_sees_its_own_space_alone(browser: aiohttp.ClientSession, tenant: Tenant, stack: Stack) -> None:
    async with new_tenant(stack) as other:
        foreign = (await other.upload("secret.md", b"# Secret")).json["id"]
        await sign_in(browser, tenant.key)
        chosen = {"Cookie": f"{named(browser, 'space')}={other.id}; {named(browser)}={token(browser)}"}
        for headers in ({}, {"Protostar-Space": other.id}, chosen):
            assert (await send(browser, "GET", f"/v1/documents/{foreign}", headers=headers)).status == 404
        assert (await send(browser, "GET", f"/v1/documents/{foreign}?space={other.id}")).status == 404
        rows = await send(browser, "GET", f"/documents/rows?id={foreign}")
        assert "Secret" not in rows.body.decode()
        assert (await send(browser, "POST", "/space", data={"space": other.id}, headers=same_site(browser))).status == 403


async def test_an_admin_chooses_the_space(browser: aiohttp.ClientSession, tenant: Tenant) -> None:
    path = f"/v1/documents/{(await tenant.upload('kiwi.md', b'# Kiwi')).json['id']}"
    await sign_in(browser, ADMIN_KEY)
    assert (await send(browser, "GET", path)).status == 404
    assert (await send(browser, "GET", f"{path}?space={tenant.id}")).status == 200
    bearer = {"Authorization": f"Bearer {ADMIN_KEY}"}  # a program names its space by the header alone
    for headers in (bearer, bearer | {"Protostar-Space": tenant.id}):
        refused = await send(browser, "GET", f"{path}?space={tenant.id}", headers=headers)
        assert (refused.status, refused.json["detail"].partition(":")[0]) == (422, "space")
    chosen = await send(browser, "POST", "/space", data={"space": tenant.id}, headers=same_site(browser))
    assert chosen.headers["HX-Redirect"] == "/"
    assert (await send(browser, "GET", path)).status == 200
    assert "kiwi" in (await send(browser, "GET", "/documents")).body.decode()


async def test_the_chosen_space_outlasts_the_session_and_not_the_sign_out(browser: aiohttp.ClientSession, tenant: Tenant) -> None:
    path = f"/documents/{(await tenant.upload('kiwi.md', b'# Kiwi')).json['id']}"

    async def choose() -> None:
        await send(browser, "POST", "/space", data={"space": tenant.id}, headers=same_site(browser))

    async def status() -> int:
        return (await send(browser, "GET", path, allow_redirects=False)).status

    await sign_in(browser, ADMIN_KEY)
    await choose()
    browser.cookie_jar.clear(lambda cookie: cookie.key == named(browser))
    assert await status() == 303
    answered = await sign_in(browser, ADMIN_KEY, next=path)
    assert (answered.headers["Location"], await status()) == (path, 200)
    await send(browser, "GET", f"/login?ticket={make_ticket(hash_key(ADMIN_KEY))}", allow_redirects=False)
    assert await status() == 200
    await sign_out(browser)
    await sign_in(browser, ADMIN_KEY)
    assert await status() == 404
    await choose()
    await sign_in(browser, tenant.key)  # a key of one space chooses none
    assert not [cookie for cookie in browser.cookie_jar if cookie.key == named(browser, "space")]


# -- links that sign in


async def test_a_link_signs_in_once(stack: Stack, browser: aiohttp.ClientSession) -> None:
    link = f"/login?ticket={make_ticket(hash_key(ADMIN_KEY))}"
    for _look in range(2):  # as what shows a link's preview does
        assert (await send(browser, "HEAD", link, allow_redirects=False)).status == 200
    first = await send(browser, "GET", link, allow_redirects=False)
    assert (first.status, first.headers["Location"]) == (303, "/")
    assert (await send(browser, "GET", "/v1/spaces")).status == 200
    assert (await sign_out(browser)).status == 303
    async with aiohttp.ClientSession(stack.url) as another:
        second = await send(another, "GET", link, allow_redirects=False)
    assert second.status == 401
    assert "Set-Cookie" not in second.headers


async def test_links_that_are_not_ours_or_out_of_date_do_not_sign_in(browser: aiohttp.ClientSession) -> None:
    ours = make_ticket(hash_key(ADMIN_KEY))
    old = make_ticket(hash_key(ADMIN_KEY), -timedelta(seconds=1))
    for ticket in (make_ticket(hash_key("another key")), old, f"{ours[:-3]}AAA", ours[:20], "", "\0", "é"):
        answered = await send(browser, "GET", "/login", params={"ticket": ticket}, allow_redirects=False)
        assert answered.status == 401, ticket
        assert "Set-Cookie" not in answered.headers


@pytest.mark.parametrize(
    ("wanted", "where"),
    [
        ("/documents?q=a#b", "/documents?q=a#b"),
        ("https://evil.example", "/"),
        ("//evil.example", "/"),
        ("/\\evil.example", "/"),
        ("/\t/evil.example", "/"),
        ("/\n/evil.example", "/"),
        ("\\/evil.example", "/"),
        ("javascript:alert(1)", "/"),
        ("", "/"),
    ],
)
async def test_the_sign_in_leads_to_pages_of_this_server_alone(
    browser: aiohttp.ClientSession, tenant: Tenant, wanted: str, where: str
) -> None:
    assert local_path(wanted) == where
    answered = await sign_in(browser, tenant.key, next=wanted)
    assert answered.headers["Location"] == where


async def test_behind_a_proxy_that_ends_tls_the_cookie_is_for_tls_alone(database_url: str, redis_url: str, tmp_path: Path) -> None:
    settings = settings_for(database_url, f"{redis_url}?db=3", tmp_path, trusted_proxies=("127.0.0.0/8",))
    async with running_api(settings) as url, aiohttp.ClientSession(url) as http:
        headers = {"Origin": url, "X-Forwarded-Proto": "https"}
        answered = await send(http, "POST", "/login", data={"key": ADMIN_KEY}, headers=headers, allow_redirects=False)
    assert "Secure" in answered.headers["Set-Cookie"]


# -- the rows


@pytest.fixture
def sessions(database: Database) -> Sessions:
    return Sessions(database, Access(database, ADMIN_KEY))


async def test_a_session_ends_when_its_time_is_over(sessions: Sessions, database: Database) -> None:
    opened = await sessions.open(ADMIN_KEY)
    assert await sessions.find(opened) == Key("admin", None, None)
    async with database.transaction() as session:
        await session.execute(text("update sessions set expires_at = now()"))
    with pytest.raises(Unauthorized):
        await sessions.find(opened)


async def test_another_admin_key_ends_the_sessions_of_the_one_before(sessions: Sessions, database: Database) -> None:
    opened = await sessions.open(ADMIN_KEY)
    for key in ("another admin key!", None):
        with pytest.raises(Unauthorized):
            await Sessions(database, Access(database, key)).find(opened)
    assert await sessions.find(opened)


async def test_neither_token_nor_key_can_be_read_from_the_rows(sessions: Sessions, database: Database) -> None:
    opened = await sessions.open(ADMIN_KEY)
    async with database.transaction() as session:
        row = (await session.execute(text("select hash, admin from sessions"))).one()
    assert row.hash == hash_key(opened)
    assert hash_key(ADMIN_KEY) not in (row.hash, row.admin)


async def test_ended_sessions_are_forgotten_after_a_day(sessions: Sessions, database: Database) -> None:
    kept, ended = await sessions.open(ADMIN_KEY), await sessions.open(ADMIN_KEY)
    async with database.transaction() as session:
        await session.execute(
            text("update sessions set expires_at = now() - interval '25 hours' where hash = :hash"), {"hash": hash_key(ended)}
        )
        await AccessRepository(session).forget_old()
        left = (await session.execute(text("select hash from sessions"))).scalars().all()
    assert left == [hash_key(kept)]


async def test_two_installations_on_one_host_leave_each_others_sessions_alone(
    browser: aiohttp.ClientSession, tenant: Tenant, database_url: str, redis_url: str, tmp_path: Path
) -> None:
    await sign_in(browser, tenant.key)
    async with running_api(settings_for(database_url, f"{redis_url}?db=3", tmp_path)) as url:
        async with aiohttp.ClientSession(url, cookie_jar=browser.cookie_jar) as other:  # the same browser
            assert (await sign_in(other, ADMIN_KEY)).status == 303
            assert (await send(other, "GET", "/documents", allow_redirects=False)).status == 200
            assert (await send(browser, "GET", "/documents", allow_redirects=False)).status == 200
            assert (await sign_out(other)).status == 303
            assert (await send(other, "GET", "/documents", allow_redirects=False)).status == 303
            assert (await send(browser, "GET", "/documents", allow_redirects=False)).status == 200


async def test_a_session_by_https_is_nobody_elses_to_set(database_url: str, redis_url: str, tmp_path: Path) -> None:
    settings = settings_for(database_url, f"{redis_url}?db=3", tmp_path, trusted_proxies="127.0.0.1/32")
    async with running_api(settings) as url, aiohttp.ClientSession(url, cookie_jar=aiohttp.DummyCookieJar()) as http:
        https = {"Host": "answers.example.com", "X-Forwarded-Proto": "https", "Origin": "https://answers.example.com"}
        answered = await send(http, "POST", "/login", data={"key": ADMIN_KEY}, headers=https, allow_redirects=False)
        cookie = next(value for value in answered.headers.getall("Set-Cookie") if "protostar_session" in value)
        name, _, value = cookie.partition(";")[0].partition("=")
        assert name == "__Host-protostar_session"
        assert {"Secure", "HttpOnly", "Path=/"} <= {part.strip() for part in cookie.split(";")}
        assert "Domain" not in cookie
        for sent, status in ((name, 200), ("protostar_session", 303), ("__Host-protostar_session_8000", 303)):
            headers = {**https, "Cookie": f"{sent}={value}"}
            assert (await send(http, "GET", "/documents", headers=headers, allow_redirects=False)).status == status
        leaving, form = {**https, "Cookie": f"{name}={value}"}, {"csrf": csrf_token(value)}
        left = await send(http, "POST", "/logout", data=form, headers=leaving, allow_redirects=False)
        assert left.status == 303
        # Without it a browser would not take the cookie back.
        assert all("Secure" in each for each in left.headers.getall("Set-Cookie"))
