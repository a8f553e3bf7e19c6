"""Documents by URL: a real stack, a real web site, and what happens when it is not as it should be."""

import asyncio
from collections.abc import AsyncGenerator
from typing import Any

import asyncpg
import pytest
from aiohttp import web
from tests.api.tenant import FILES, Answered, Tenant, idle_tenant, new_tenant
from tests.support.databases import copied
from tests.support.stack import Stack, running_stack, running_worker, settings_for
from tests.support.waiting import wait_until
from tests.support.website import Website, cut_after, forever, website
from tests.webhooks.receiver import new_receiver

LIMIT = 1_000_000


@pytest.fixture(scope="module")
async def open_stack(
    postgres_url: str, template: str, redis_url: str, tmp_path_factory: pytest.TempPathFactory
) -> AsyncGenerator[Stack]:
    """A stack that may fetch from 127.0.0.1."""
    folder = tmp_path_factory.mktemp("fetch")
    more = {"allow_private_networks": True, "max_upload_bytes": LIMIT}
    async with copied(postgres_url) as url, running_stack(settings_for(url, f"{redis_url}?db=4", folder, **more)) as running:
        yield running


@pytest.fixture
async def tenant(open_stack: Stack) -> AsyncGenerator[Tenant]:
    async with new_tenant(open_stack) as tenant:
        yield tenant


@pytest.fixture
async def site() -> AsyncGenerator[Website]:
    async with website() as site:
        yield site


async def post(tenant: Tenant, url: str, status: int = 202, **more: Any) -> Any:
    headers = {"Idempotency-Key": more.pop("key")} if "key" in more else {}
    answered = await tenant.call("POST", "/v1/documents", json={"url": url, **more}, headers=headers)
    assert answered.status == status, answered.json
    return answered.json


async def content(tenant: Tenant, document: Any, version: int | None = None) -> Answered:
    params = {"version": version} if version else {}
    return await tenant.call("GET", f"/v1/documents/{document['id']}/content", params=params)


async def waiting(tenant: Tenant, document: Any) -> Any:
    """The document, once its fetch was tried and waits to be tried again."""

    async def waits() -> Any:
        now = await tenant.get(f"/v1/documents/{document['id']}")
        return now if now["status"] == "queued" and now["error"] else None

    return await wait_until(waits, 20, what="the fetch waits")


def page(body: bytes | str, content_type: str, **headers: str) -> web.Response:
    return web.Response(body=body, headers={"Content-Type": content_type, **headers})


# -- what becomes a document


async def test_a_url_becomes_a_document(tenant: Tenant, site: Website) -> None:
    body = (FILES / "guide-ko.pdf").read_bytes()
    site.pages["/a/guide.pdf"] = page(body, "application/octet-stream")
    url = f"{site.url}/a/guide.pdf"
    queued = await post(tenant, f"{url}#page=2", title="안내서", metadata={"team": "a"})
    assert (queued["url"], queued["filename"], queued["status"]) == (url, "guide.pdf", "queued")
    assert (queued["size"], queued["sha256"], queued["media_type"]) == (None, None, None)
    document = await tenant.settled(queued["id"])
    assert (document["title"], document["metadata"], document["version"]) == ("안내서", {"team": "a"}, 1)
    assert (document["media_type"], document["size"]) == ("application/pdf", len(body))
    assert (await content(tenant, document)).body == body
    assert await tenant.search("백업 파일")
    (request,) = site.requests
    assert request.headers["User-Agent"] == "protostar"
    assert {"Authorization", "Cookie", "Referer"}.isdisjoint(request.headers)


async def test_what_the_server_says_of_a_file_counts_more_than_its_address(tenant: Tenant, site: Website) -> None:
    html = "<title>Kiwis</title><h1>Garden</h1><p>There are 27 kiwis here.</p>"
    site.pages["/"] = page(html, "text/html; charset=utf-8")
    site.pages["/readme.md"] = page(html, "text/html")
    site.pages["/table"] = page(
        b"fruit,count\nkiwi,27\n",
        "application/octet-stream",
        **{"Content-Disposition": "attachment; filename*=UTF-8''%EA%B3%BC%EC%9D%BC.csv"},
    )
    site.pages["/plain.md"] = page("# Kiwi\n\nThere are 27 kiwis.", "text/plain")
    expected = {
        "/": ("127.0.0.1", "text/html", "Kiwis"),
        "/readme.md": ("readme.md", "text/html", "Kiwis"),
        "/table": ("과일.csv", "text/csv", "과일"),
        "/plain.md": ("plain.md", "text/markdown", "Kiwi"),
    }
    for path, (filename, media_type, title) in expected.items():
        document = await tenant.settled((await post(tenant, site.url + path))["id"])
        assert (document["filename"], document["media_type"], document["title"]) == (filename, media_type, title)
    named = await tenant.settled((await post(tenant, f"{site.url}/table?b", filename="mine.csv"))["id"])
    assert (named["filename"], named["title"]) == ("mine.csv", "mine")


async def test_redirects_are_followed_a_little(tenant: Tenant, site: Website) -> None:
    site.pages["/text.md"] = b"There are 27 kiwis in the garden."
    for number in range(6):
        site.pages[f"/{number}"] = page(b"", "text/html", Location=f"/{number + 1}" if number < 5 else "text.md")
        site.pages[f"/{number}"].set_status(302)
    document = await tenant.settled((await post(tenant, f"{site.url}/1", filename="a.md"))["id"])
    assert document["url"] == f"{site.url}/1"
    failed = await tenant.settled((await post(tenant, f"{site.url}/0", filename="b.md"))["id"], "failed")
    assert "more than 5 times" in failed["error"]


# -- the same URL again


async def test_a_changed_file_becomes_a_version_and_an_unchanged_one_none(tenant: Tenant, site: Website) -> None:
    site.pages["/a.md"] = b"There are 27 kiwis in the garden."
    url = f"{site.url}/a.md"
    first = await tenant.settled((await post(tenant, url))["id"])
    async with new_receiver() as receiver:
        hook = await tenant.call("POST", "/v1/webhooks", json={"url": receiver.url, "events": ["document.ready"]})
        assert hook.status == 201
        objects = tenant.objects("documents")
        again = await post(tenant, url, title="Fruit")
        assert (again["id"], again["version"]) == (first["id"], 2)
        same = await tenant.settled(first["id"], version=1)
        assert (same["sha256"], same["title"], same["job_id"]) == (first["sha256"], "Fruit", first["job_id"])
        await wait_until(lambda: receiver.accepted, what="whoever waits hears of it")
        assert receiver.accepted[0].event["data"]["version"] == 1
        await wait_until(lambda: tenant.objects("documents") == objects, what="what was fetched in vain is removed")
    site.pages["/a.md"] = b"There are 28 kiwis in the garden."
    changed = await tenant.settled((await post(tenant, url))["id"], version=2)
    assert changed["id"] == first["id"]
    assert (await content(tenant, first)).body == b"There are 28 kiwis in the garden."
    assert (await content(tenant, first, 1)).body == b"There are 27 kiwis in the garden."
    assert len((await tenant.get("/v1/documents"))["items"]) == 1


async def test_a_version_that_cannot_be_fetched_leaves_the_one_before(tenant: Tenant, site: Website) -> None:
    site.pages["/a.md"] = b"There are 27 kiwis in the garden."
    url = f"{site.url}/a.md"
    document = await tenant.settled((await post(tenant, url))["id"])
    body = site.pages.pop("/a.md")
    await post(tenant, url)
    failed = await tenant.settled(document["id"], "failed")
    assert failed["error"] == "The server answered 404: there is nothing at this URL."
    assert (await content(tenant, document)).body == body
    assert await tenant.search("kiwis")
    shown = (await tenant.get(f"/v1/documents/{document['id']}/versions"))["items"]
    assert {each["version"]: each["size"] for each in shown} == {1: len(body), 2: None}
    missing = await content(tenant, document, 2)
    assert (missing.status, missing.json["detail"]) == (404, failed["error"])
    site.pages["/a.md"] = body
    assert (await post(tenant, url))["version"] == 2
    assert (await tenant.settled(document["id"], version=1))["sha256"] == document["sha256"]


async def test_bytes_that_could_not_be_read_are_read_again(tenant: Tenant, site: Website) -> None:
    """What is stored of them may be broken."""
    site.pages["/a.pdf"] = b"%PDF-1.7 and no more"
    url = f"{site.url}/a.pdf"
    document = await tenant.settled((await post(tenant, url))["id"], "failed")
    await post(tenant, url)
    await tenant.settled(document["id"], "failed", version=2)


async def test_put_takes_a_url_too(tenant: Tenant, site: Website) -> None:
    site.pages["/b.md"] = b"There are 28 kiwis in the garden."
    document = await tenant.document("a.md", b"There are 27 kiwis in the garden.")
    path, put = (
        f"/v1/documents/{document['id']}/content",
        {"json": {"url": f"{site.url}/b.md"}, "headers": {"Idempotency-Key": "b"}},
    )
    answered = await tenant.call("PUT", path, **put)
    assert (answered.status, answered.json["version"], answered.json["url"]) == (202, 2, f"{site.url}/b.md")
    replaced = await tenant.settled(document["id"], version=2)
    assert (replaced["filename"], (await content(tenant, document)).body) == ("b.md", b"There are 28 kiwis in the garden.")
    site.pages["/b.md"] = b"There are 29 kiwis in the garden."
    assert (await tenant.call("PUT", path, **put)).json["version"] == 2
    assert (await tenant.settled(document["id"], version=2))["sha256"] == replaced["sha256"]  # nothing is fetched again


async def test_a_version_from_a_url_holds_no_other_name_than_its_own(tenant: Tenant, site: Website) -> None:
    document = await tenant.document("guides/a.md", b"There are 27 kiwis in the garden.")
    put = {"json": {"url": f"{site.url}/b.md"}}  # where nothing is
    replaced = await tenant.call("PUT", f"/v1/documents/{document['id']}/content", **put)
    assert (replaced.status, replaced.json["filename"]) == (202, "b.md")
    params = {"filename": "guides/b.md", "new_name": "true"}
    assert (await tenant.call("POST", "/v1/documents", params=params, data=b"There are 28.")).status == 202


async def test_the_same_url_in_another_space_is_another_document(tenant: Tenant, open_stack: Stack, site: Website) -> None:
    site.pages["/a.md"] = b"There are 27 kiwis in the garden."
    document = await tenant.settled((await post(tenant, f"{site.url}/a.md"))["id"])
    async with new_tenant(open_stack) as other:
        theirs = await other.settled((await post(other, f"{site.url}/a.md"))["id"])
        assert theirs["id"] != document["id"]
        stolen = await other.call("PUT", f"/v1/documents/{document['id']}/content", json={"url": f"{site.url}/a.md"})
        assert stolen.status == 404


# -- what goes wrong for good


async def test_what_fails_for_good_says_why(tenant: Tenant, site: Website) -> None:
    async def endless(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "text/plain"})
        await response.prepare(request)
        while True:
            await response.write(bytes(100_000))

    site.pages["/odd.bin"] = page(b"\0\1", "application/x-odd")
    site.pages["/large.txt"] = page(b"x" * (LIMIT + 1), "text/plain")
    site.pages["/endless.txt"] = endless
    site.pages["/zip.txt"] = page(b"\x1f\x8b", "text/plain", **{"Content-Encoding": "gzip"})
    site.pages["/empty.txt"] = b""
    site.pages["/secret.txt"] = web.Response(status=401)
    site.pages["/loop.txt"] = web.Response(status=301, headers={"Location": "loop.txt"})
    site.pages["/no-name.txt"] = web.Response(status=301, headers={"Location": "http://xn--a.com/"})
    site.pages["/mail.txt"] = web.Response(status=301, headers={"Location": "mailto:somebody"})
    expected = {
        "gone.txt": "there is nothing at this URL",
        "odd.bin": "This kind of file is not supported",
        "large.txt": "larger than 1,000,000 bytes",
        "endless.txt": "larger than 1,000,000 bytes",
        "zip.txt": "compressed",
        "empty.txt": "empty",
        "secret.txt": "wants somebody to sign in",
        "loop.txt": "more than 5 times",
        "mail.txt": "must begin with http",
        "no-name.txt": "cannot be read",
    }
    before = tenant.objects("documents")
    posted = {name: await post(tenant, f"{site.url}/{name}") for name in expected}
    for name, why in expected.items():
        failed = await tenant.settled(posted[name]["id"], "failed")
        assert why in failed["error"], name
        job = await tenant.get(f"/v1/jobs/{failed['job_id']}")
        assert (job["state"], job["attempt"]) == ("failed", 1)
    assert len(tenant.objects("documents") - before) == 1, "«empty.txt» was fetched, and could not be read"


@pytest.mark.parametrize(
    "body",
    [
        {"url": "ftp://example.org/a.md"}, {"url": "file:///etc/passwd"}, {"url": "http://user:word@example.org/"},
        {"url": "http://example.org:25/"}, {"url": "example.org/a.md"}, {"url": ""}, {"url": 7}, {"url": "http://"},
        {"url": "http://example.org/" + "가" * 500}, {"url": "http://169.254.169.254/latest/meta-data/"},
        {"url": "http://[::ffff:169.254.169.254]/"}, {"url": "http://example.org/", "object_key": "incoming/a"},
        {"url": "http://example.org/", "filename": "a\u0001.md"}, {"url": "http://example.org/", "unknown": 1},
        {"url": "http://xn--a.com/"}, {"url": "http://exa mple.org/"}, {"url": "http://..org/"},
    ],
)  # fmt: skip
async def test_urls_that_are_refused_at_once(tenant: Tenant, body: Any) -> None:
    answered = await tenant.call("POST", "/v1/documents", json=body)
    assert answered.status == 422, answered.json
    assert (await tenant.get("/v1/documents"))["items"] == []


async def test_no_way_leads_into_a_private_network(stack: Stack, site: Website) -> None:
    """By a literal address at once; by a name when it is fetched. The site would have answered."""
    site.pages["/a.md"] = b"secret"
    port = site.url.rpartition(":")[2]
    async with new_tenant(stack) as tenant:
        for host in ("127.0.0.1", "[::1]", "[::ffff:127.0.0.1]", "2130706433", "127.1", "10.0.0.1"):
            answered = await tenant.call("POST", "/v1/documents", json={"url": f"http://{host}:{port}/a.md"})
            assert (answered.status, answered.json["code"]) == (422, "address_refused"), host
        failed = await tenant.settled((await post(tenant, f"http://localhost:{port}/a.md"))["id"], "failed")
        assert "in a private network" in failed["error"]
    assert site.asked == []


async def test_a_redirect_to_a_metadata_service_is_refused(tenant: Tenant, site: Website) -> None:
    site.pages["/a.md"] = web.Response(status=302, headers={"Location": "http://169.254.169.254/latest/meta-data/"})
    failed = await tenant.settled((await post(tenant, f"{site.url}/a.md"))["id"], "failed")
    assert "metadata service" in failed["error"]


# -- what goes wrong for a while


@pytest.mark.parametrize(
    ("fault", "why"),
    [
        (web.Response(status=503, headers={"Retry-After": "1"}), "The server answered 503."),
        (web.Response(status=429, headers={"Retry-After": "1"}), "The server answered 429."),
        (cut_after(300_000, of=600_000), "The download broke off"),
        (forever, "nothing came within"),
    ],
)
async def test_what_may_pass_is_waited_for(
    tenant: Tenant, site: Website, monkeypatch: pytest.MonkeyPatch, fault: Any, why: str
) -> None:
    quick = type("Limits", (), {"total": 5, "connect": 1, "sock_connect": 1, "sock_read": 0.2})
    monkeypatch.setattr("protostar.outbound.client.DOWNLOAD_TIMEOUT", quick)
    before = tenant.objects("documents/")  # texts may still be written for the documents of the test before
    site.pages["/a.txt"] = fault
    document = await post(tenant, f"{site.url}/a.txt")
    waits = await waiting(tenant, document)
    assert why in waits["error"]
    assert tenant.objects("documents/") == before, "nothing of half a file stays"
    assert (await tenant.get(f"/v1/jobs/{waits['job_id']}"))["attempt"] == 0
    assert (await post(tenant, f"{site.url}/a.txt", 200))["id"] == document["id"], "it is under way"
    site.pages["/a.txt"] = b"There are 27 kiwis in the garden."
    assert (await tenant.settled(document["id"]))["version"] == 1


async def test_a_server_that_stays_away_is_given_up_and_can_be_asked_again(
    tenant: Tenant, site: Website, open_stack: Stack
) -> None:
    site.pages["/a.txt"] = web.Response(status=503)
    document = await waiting(tenant, await post(tenant, f"{site.url}/a.txt"))
    await too_old(open_stack, document["job_id"])
    dead = await tenant.settled(document["id"], "failed")
    assert dead["error"] == "The server answered 503."
    assert (await tenant.get(f"/v1/jobs/{document['job_id']}"))["state"] == "dead"
    site.pages["/a.txt"] = b"There are 27 kiwis in the garden."
    assert (await tenant.call("POST", f"/v1/jobs/{document['job_id']}/retry")).status == 200
    assert (await tenant.settled(document["id"]))["version"] == 1


async def too_old(stack: Stack, job_id: str) -> None:
    connection = await asyncpg.connect(stack.settings.database_url.get_secret_value())
    await connection.execute("update jobs set give_up_at = now(), run_at = now() where id = $1", job_id)
    await connection.close()


async def test_posting_again_is_another_chance(tenant: Tenant, site: Website) -> None:
    url = f"{site.url}/a.txt"
    failed = await tenant.settled((await post(tenant, url))["id"], "failed")
    site.pages["/a.txt"] = b"There are 27 kiwis in the garden."
    again = await post(tenant, url)
    assert (again["id"], again["version"], again["status"], again["error"]) == (failed["id"], 1, "queued", None)
    assert again["job_id"] != failed["job_id"]
    await tenant.settled(failed["id"])
    # The old job may be retried by hand all the same: it finds that all is done.
    assert (await tenant.call("POST", f"/v1/jobs/{failed['job_id']}/retry")).status == 200

    async def done() -> bool:
        return (await tenant.get(f"/v1/jobs/{failed['job_id']}"))["state"] == "succeeded"

    await wait_until(done)
    assert (await tenant.get(f"/v1/documents/{failed['id']}"))["status"] == "ready"
    assert site.asked == ["/a.txt", "/a.txt"]


async def test_a_failed_fetch_is_told(tenant: Tenant, site: Website) -> None:
    async with new_receiver() as receiver:
        hook = await tenant.call("POST", "/v1/webhooks", json={"url": receiver.url, "events": ["document.failed"]})
        assert hook.status == 201
        document = await tenant.settled((await post(tenant, f"{site.url}/gone.md"))["id"], "failed")
        await wait_until(lambda: receiver.accepted)
        data = receiver.accepted[0].event["data"]
        assert data == {"space_id": tenant.id, "document_id": document["id"], "version": 1, "error": document["error"]}


# -- nothing lost, nothing twice


async def test_the_same_request_twice_at_once_is_one(tenant: Tenant, site: Website) -> None:
    site.pages["/a.txt"] = b"There are 27 kiwis in the garden."
    bodies = [{"url": f"{site.url}/a.txt"}] * 8
    headers = [{"Idempotency-Key": "one"}] * 4 + [{}] * 4
    answered = await asyncio.gather(
        *(tenant.call("POST", "/v1/documents", json=body, headers=each) for body, each in zip(bodies, headers, strict=True))
    )
    assert {each.status for each in answered} <= {200, 202}
    assert len({each.json["id"] for each in answered}) == 1
    await tenant.settled(answered[0].json["id"])
    assert len((await tenant.get("/v1/documents"))["items"]) == 1
    (await post(tenant, f"{site.url}/a.txt", 200, key="one"))
    await post(tenant, f"{site.url}/b.txt", 422, key="one")


async def test_a_fetch_is_taken_over_when_its_worker_stops(database_url: str, redis_url: str, tmp_path: Any, site: Website) -> None:
    """The job is given back in the middle of the body; the next worker starts afresh, and nothing of the first attempt stays."""
    began = asyncio.Event()

    async def slow(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "text/plain"})
        await response.prepare(request)
        await response.write(b"x" * 300_000)
        began.set()
        await asyncio.Event().wait()
        raise AssertionError

    site.pages["/a.txt"] = slow
    more = {"allow_private_networks": True, "worker": {"grace": 0.1}}
    settings = settings_for(database_url, f"{redis_url}?db=5", tmp_path, **more)
    async with idle_tenant(settings) as tenant:
        document = await post(tenant, f"{site.url}/a.txt")
        async with running_worker(settings):
            await asyncio.wait_for(began.wait(), 20)

            async def shown() -> bool:
                now = await tenant.get(f"/v1/documents/{document['id']}")
                return now["status"] == "processing" and now["progress"]["stage"] == "fetch"

            await wait_until(shown)
        assert tenant.objects() == set()
        site.pages["/a.txt"] = b"There are 27 kiwis in the garden."
        async with running_worker(settings):
            ready = await tenant.settled(document["id"])
        assert len(tenant.objects("documents")) == 1
        assert ready["version"] == 1


async def test_deleted_while_it_is_fetched(tenant: Tenant, site: Website) -> None:
    go_on = asyncio.Event()

    async def late(_request: web.Request) -> web.StreamResponse:
        await go_on.wait()
        return web.Response(text="There are 27 kiwis in the garden.")

    site.pages["/a.txt"] = late
    before = tenant.objects("documents")
    document = await post(tenant, f"{site.url}/a.txt")
    await wait_until(lambda: site.asked)
    assert (await tenant.call("DELETE", f"/v1/documents/{document['id']}")).status == 204
    go_on.set()

    async def ended() -> bool:
        jobs = (await tenant.get("/v1/jobs", params={"kind": "document.fetch"}))["items"]
        return [job["state"] for job in jobs] == ["succeeded"]

    await wait_until(ended, 20)
    await wait_until(lambda: tenant.objects("documents") == before)
    assert (await tenant.get("/v1/documents"))["items"] == []
