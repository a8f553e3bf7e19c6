"""A document's life: read, listed, changed, replaced, deleted and erased."""

import asyncio
import json
import re
from collections.abc import AsyncGenerator
from io import BytesIO
from pathlib import Path
from typing import Any

import aiohttp
import asyncpg
import pytest
from aiohttp import web
from tests.api.tenant import FILES, Answered, Tenant, new_tenant
from tests.support.model_server import StandIn
from tests.support.stack import Stack, running_stack, running_worker, settings_for
from tests.support.waiting import wait_until

from protostar.documents import endpoints

GONE = "/v1/documents/00000000-0000-7000-8000-000000000000"


def events(body: bytes) -> list[tuple[str, str, Any]]:
    """(id, name, data) of server-sent events."""
    found = re.findall(r"id: (.*)\nevent: (.*)\ndata: (.*)\n\n", body.decode())
    assert found
    assert "".join(f"id: {id_}\nevent: {name}\ndata: {data}\n\n" for id_, name, data in found).encode() == body
    return [(id_, name, json.loads(data)) for id_, name, data in found]


def without_summary(document: Any) -> Any:
    """A job of its own writes it, some time."""
    return {name: value for name, value in document.items() if not name.startswith("summary")}


# -- the files of each kind


@pytest.fixture(scope="module")
async def library(stack: Stack) -> AsyncGenerator[tuple[Tenant, dict[str, Any]]]:
    """All test files in one space, by name."""
    async with new_tenant(stack) as tenant:
        names = [path.name for path in FILES.iterdir()]
        uploaded = await asyncio.gather(*(tenant.upload(name, (FILES / name).read_bytes()) for name in names))
        ids = {name: answered.json["id"] for name, answered in zip(names, uploaded, strict=True)}
        yield tenant, {name: await tenant.settled(id_, "failed" if name in BROKEN else "ready") for name, id_ in ids.items()}


BROKEN = {"empty.md": "empty", "spaces.txt": "No text"}
READY = sorted(path.name for path in FILES.iterdir() if path.name not in BROKEN)


@pytest.mark.parametrize("name", READY)
async def test_chunks_are_slices_of_the_text(name: str, library: tuple[Tenant, dict[str, Any]]) -> None:
    tenant, documents = library
    document = documents[name]
    path = f"/v1/documents/{document['id']}"
    answered = await tenant.call("GET", f"{path}/text")
    assert answered.headers["Content-Type"] == "text/plain; charset=utf-8"
    assert answered.headers["X-Content-Type-Options"] == "nosniff"
    assert "sandbox" in answered.headers["Content-Security-Policy"]
    text = answered.body.decode()
    chunks: list[Any] = []
    cursor: str | None = "0"
    while cursor is not None:
        page = await tenant.get(f"{path}/chunks", params={"cursor": cursor, "limit": 2})
        chunks += page["items"]
        cursor = page["next_cursor"]
    assert len(chunks) == document["chunk_count"] > 0
    assert [chunk["ordinal"] for chunk in chunks] == list(range(len(chunks)))
    assert [text[chunk["start"] : chunk["end"]] for chunk in chunks] == [chunk["text"] for chunk in chunks]
    assert [chunk["start"] for chunk in chunks] == sorted(chunk["start"] for chunk in chunks)


@pytest.mark.parametrize("name", BROKEN)
async def test_a_broken_file_fails_with_a_sentence(name: str, library: tuple[Tenant, dict[str, Any]]) -> None:
    tenant, documents = library
    document = documents[name]
    assert BROKEN[name] in document["error"]
    assert document["progress"] is None
    assert (await tenant.call("GET", f"/v1/documents/{document['id']}/text")).status == 404
    assert (await tenant.get(f"/v1/documents/{document['id']}/chunks"))["items"] == []
    job = await tenant.get(f"/v1/jobs/{document['job_id']}")
    assert (job["state"], job["error"]) == ("failed", document["error"])


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("half.pdf", (FILES / "guide-ko.pdf").read_bytes()[:2000]),
        ("claimed.pdf", b"This is no PDF."),
        ("half.docx", (FILES / "guide-ko.docx").read_bytes()[:4000]),
        ("half.xlsx", (FILES / "sheet-ko.xlsx").read_bytes()[:3000]),
        ("half.odt", (FILES / "guide-ko.odt").read_bytes()[:9000]),
        ("claimed.hwp", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(500)),
        ("claimed.hwpx", b"PK\x03\x04" + bytes(500)),
        ("half.epub", (FILES / "book-ko.epub").read_bytes()[:700]),
        ("note.ipynb", b'{"cells": ['),
        ("nothing.html", b"<html><head><title>x</title></head><body><script>1</script></body></html>"),
    ],
)
async def test_a_damaged_file_fails_with_a_sentence(name: str, content: bytes, tenant: Tenant) -> None:
    document = await tenant.document(name, content, status="failed")
    assert re.fullmatch(r"[A-Z][^{}<>_]{10,200}\.", document["error"]), document["error"]
    assert not re.search(r"Error\b|Exception|Traceback|0x", document["error"])


# -- lists


async def test_lists_are_newest_first_in_pages(tenant: Tenant) -> None:
    ids = [(await tenant.upload(f"{number}.md", f"# Number {number}".encode())).json["id"] for number in range(5)]
    seen: list[str] = []
    cursor = None
    for expected in (2, 2, 1):
        page = await tenant.get("/v1/documents", params={"limit": 2, **({"cursor": cursor} if cursor else {})})
        assert len(page["items"]) == expected
        seen += [document["id"] for document in page["items"]]
        cursor = page["next_cursor"]
    assert cursor is None
    assert seen == ids[::-1]
    whole = await tenant.get("/v1/documents", params={"limit": 200})
    assert ([document["id"] for document in whole["items"]], whole["next_cursor"]) == (seen, None)


async def test_lists_are_filtered_by_status(tenant: Tenant) -> None:
    ready, failed = await tenant.document("a.md", "# Text"), await tenant.document("b.md", "", status="failed")
    for status, expected in (("ready", [ready["id"]]), ("failed", [failed["id"]]), ("queued", [])):
        page = await tenant.get("/v1/documents", params={"status": status})
        assert [document["id"] for document in page["items"]] == expected


@pytest.mark.parametrize(
    "query", ["limit=0", "limit=201", "limit=-1", "limit=many", "status=done", "cursor=x", "cursor=%00", "cursor=" + "A" * 43]
)
async def test_wrong_lists_are_refused(query: str, tenant: Tenant) -> None:
    answered = await tenant.call("GET", f"/v1/documents?{query}")
    assert answered.status in (404, 422)  # the last one looks like a cursor of somebody's
    assert answered.json["detail"]


# -- changes


async def test_title_and_metadata_can_be_changed(tenant: Tenant) -> None:
    document = await tenant.document("a.md", "# Heading\n\nText.")
    path = f"/v1/documents/{document['id']}"
    assert document["title"] == "Heading"
    changed = await tenant.call("PATCH", path, json={"title": " 새 제목 "})
    assert (changed.status, changed.json["title"], changed.json["metadata"]) == (200, "새 제목", {})
    changed = await tenant.call("PATCH", path, json={"metadata": {"a": 1}})
    assert (changed.json["title"], changed.json["metadata"]) == ("새 제목", {"a": 1})
    assert changed.json["updated_at"] > document["updated_at"]
    assert without_summary(await tenant.get(path)) == without_summary(changed.json)
    await tenant.call("PUT", f"{path}/content", params={"filename": "a.md"}, data=b"# Another heading")
    assert (await tenant.settled(document["id"], version=2))["title"] == "새 제목"


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"{", "JSON"),
        (b"[]", "body"),
        (b'{"titel": "typo"}', "titel"),
        (b'{"title": ""}', "title"),
        (b'{"title": 7}', "title"),
        (b'{"title": "a\\u0000b"}', "NUL"),
        (b'{"metadata": {"a": NaN}}', "metadata: holds what JSON has no words for"),
        (b'{"metadata": {"a": "' + b"x" * 20_000 + b'"}}', "metadata: may be 16384 bytes"),
        (b'{"metadata": {"a": ["\\u0000"]}}', "NUL"),
    ],
)
async def test_a_wrong_change_is_refused(body: bytes, said: str, tenant: Tenant) -> None:
    id_ = (await tenant.upload("a.md", b"# Text")).json["id"]
    answered = await tenant.call("PATCH", f"/v1/documents/{id_}", data=body, headers={"Content-Type": "application/json"})
    assert answered.status == 422
    assert said in answered.json["detail"]


# -- versions


async def test_the_old_version_answers_until_the_new_one_is_ready(idle: Tenant) -> None:
    settings = idle.stack.settings
    async with running_worker(settings):
        document = await idle.document("a.md", "# Office\n\nOpening hours are 9 to 17.")
    path = f"/v1/documents/{document['id']}"
    replaced = await idle.call("PUT", f"{path}/content", params={"filename": "b.md"}, data="# Office\n\nClosed for 휴가.".encode())
    assert replaced.status == 202
    new = replaced.json
    assert (new["id"], new["version"], new["status"], new["filename"]) == (document["id"], 2, "queued", "b.md")
    assert new["job_id"] != document["job_id"]
    assert await idle.get(path) == new

    async def text(version: int | None = None) -> tuple[int, str]:
        answered = await idle.call("GET", f"{path}/text", params={"version": version} if version else {})
        return answered.status, answered.body.decode()

    old = (200, "# Office\n\nOpening hours are 9 to 17.")
    assert (await text(), await text(1)) == (old, old)
    assert (await text(2))[0] == 404
    assert [hit["version"] for hit in await idle.search("opening hours")] == [1]
    assert (await idle.get(f"{path}/chunks"))["version"] == 1

    async with running_worker(settings):
        assert (await idle.settled(document["id"], version=2))["status"] == "ready"
    assert await text() == await text(2) == (200, "# Office\n\nClosed for 휴가.")
    assert await text(1) == old  # old citations stay true
    assert (await text(3))[0] == (await text(2**31 - 1))[0] == 404
    assert {(hit["document_id"], hit["version"]) for hit in await idle.search("opening hours 휴가")} == {(document["id"], 2)}
    assert (await idle.get(f"{path}/chunks"))["version"] == 2
    first = await idle.call("GET", f"{path}/content", params={"version": 1})
    assert first.body == b"# Office\n\nOpening hours are 9 to 17."


async def test_a_document_is_read_again_as_its_next_version(idle: Tenant) -> None:
    content = "# Office\n\nOpening hours are 9 to 17."
    uploaded = (await idle.upload("a.md", content.encode())).json
    path = f"/v1/documents/{uploaded['id']}"
    too_soon = await idle.call("POST", f"{path}/reread")
    assert (too_soon.status, too_soon.json["code"]) == (409, "conflict")
    settings = idle.stack.settings
    async with running_worker(settings):
        await idle.settled(uploaded["id"], version=1)
    objects = idle.objects("documents/")
    again = await idle.call("POST", f"{path}/reread")
    assert (again.status, again.json["version"], again.json["status"], again.json["sha256"]) == (
        202,
        2,
        "queued",
        uploaded["sha256"],
    )
    assert [hit["version"] for hit in await idle.search("opening hours")] == [1]
    async with running_worker(settings):
        assert (await idle.settled(uploaded["id"], version=2))["status"] == "ready"
    assert [hit["version"] for hit in await idle.search("opening hours")] == [2]
    for version in (1, 2):
        assert (await idle.call("GET", f"{path}/content", params={"version": version})).body == content.encode()
    assert idle.objects("documents/") == objects  # no copy of the file
    assert (await idle.call("POST", f"/v1/documents/{GONE}/reread")).status == 404


async def test_an_idempotency_key_stands_for_one_version(idle: Tenant) -> None:
    settings = idle.stack.settings
    async with running_worker(settings):
        document = await idle.document("a.md", "# Office\n\nOpening hours are 9 to 17.")
    path = f"/v1/documents/{document['id']}"

    async def put(content: bytes, key: str) -> Answered:
        params = {"filename": "a.md"}
        return await idle.call("PUT", f"{path}/content", params=params, data=BytesIO(content), headers={"Idempotency-Key": key})

    async def reread(key: str) -> Answered:
        return await idle.call("POST", f"{path}/reread", headers={"Idempotency-Key": key})

    new = b"# Office\n\nClosed."
    answered = await asyncio.gather(*(put(new, "one") for _ in range(4)))
    assert [(each.status, each.json["version"]) for each in answered] == [(202, 2)] * 4
    objects = idle.objects("documents/")
    assert (await put(new, "one")).json["version"] == 2
    assert idle.objects("documents/") == objects  # the bytes of the repetition are gone
    assert (await put(b"# Other", "one")).status == (await reread("one")).status == 422
    async with running_worker(settings):
        await idle.settled(document["id"], version=2)
    first, again = await reread("two"), await reread("two")  # while it is under way
    assert (first.status, again.status, again.json["version"]) == (202, 202, 3)
    async with running_worker(settings):
        await idle.settled(document["id"], version=3)
    assert (await reread("two")).json["version"] == (await put(new, "one")).json["version"] == 3  # and when it is done
    assert (await put(new, "three")).json["version"] == 4


async def test_a_version_that_cannot_be_read_leaves_the_one_before(tenant: Tenant) -> None:
    document = await tenant.document("a.md", "# Office\n\nOpening hours are 9 to 17.")
    path = f"/v1/documents/{document['id']}"
    await tenant.call("PUT", f"{path}/content", params={"filename": "a.md"}, data=b"  ")
    failed = await tenant.settled(document["id"], "failed", version=2)
    assert failed["error"] == "No text was found in this file."
    assert [hit["version"] for hit in await tenant.search("opening hours")] == [1]
    assert b"9 to 17" in (await tenant.call("GET", f"{path}/text")).body
    await tenant.call("PUT", f"{path}/content", params={"filename": "a.md"}, data=b"# Office\n\nClosed.")
    assert (await tenant.settled(document["id"], version=3))["status"] == "ready"


async def test_versions_that_come_at_once_follow_one_another(tenant: Tenant) -> None:
    id_ = (await tenant.upload("a.md", b"# Version 1")).json["id"]

    async def replace(number: int) -> int:
        content = f"# Version {number}".encode()
        answered = await tenant.call("PUT", f"/v1/documents/{id_}/content", params={"filename": "a.md"}, data=content)
        assert answered.status == 202
        return answered.json["version"]

    assert sorted(await asyncio.gather(*(replace(number) for number in range(5)))) == [2, 3, 4, 5, 6]
    assert (await tenant.settled(id_, version=6))["status"] == "ready"
    last = await tenant.call("GET", f"/v1/documents/{id_}/content", params={"version": 6})
    assert (await tenant.call("GET", f"/v1/documents/{id_}/text")).body == last.body


async def test_a_new_version_may_bring_title_and_metadata(tenant: Tenant) -> None:
    id_ = (await tenant.upload("a.md", b"# One")).json["id"]
    form = aiohttp.FormData()
    form.add_field("title", "Two")
    form.add_field("file", b"# Another", filename="two.md")
    form.add_field("metadata", '{"n": 2}')
    replaced = (await tenant.call("PUT", f"/v1/documents/{id_}/content", data=form)).json
    assert (replaced["title"], replaced["filename"], replaced["metadata"], replaced["version"]) == ("Two", "two.md", {"n": 2}, 2)


async def test_a_refused_version_is_none(tenant: Tenant) -> None:
    document = (await tenant.upload("a.md", b"# One")).json
    before = tenant.objects("documents/")
    for path, filename, status in ((f"/v1/documents/{document['id']}", "a.png", 415), (GONE, "a.md", 404)):
        answered = await tenant.call("PUT", f"{path}/content", params={"filename": filename}, data=b"x")
        assert answered.status == status
    assert (await tenant.get(f"/v1/documents/{document['id']}"))["version"] == 1
    assert not tenant.objects("documents/") - before


# -- progress


async def test_events_tell_the_progress_and_end(idle: Tenant) -> None:
    id_ = (await idle.upload("guide-ko.md", (FILES / "guide-ko.md").read_bytes())).json["id"]
    async with idle.http.get(f"/v1/documents/{id_}/events") as response:
        assert (response.status, response.content_type) == (200, "text/event-stream")
        first = await response.content.readuntil(b"\n\n")
        async with running_worker(idle.stack.settings):
            shown = events(first + await response.content.read())
    ids, names, data = zip(*shown, strict=True)
    assert ids == tuple(str(number) for number in range(len(ids)))
    assert set(names[:-1]) == {"progress"}
    assert data[0] == {"stage": "queued", "done": 0, "total": None}
    assert names[-1] == "ready"
    assert without_summary(data[-1]) == without_summary(await idle.get(f"/v1/documents/{id_}"))


async def test_events_of_what_has_ended_are_one(tenant: Tenant) -> None:
    ready, failed = await tenant.document("a.md", "# Text"), await tenant.document("b.md", "", status="failed")
    for document, status in ((ready, "ready"), (failed, "failed")):
        answered = await tenant.call("GET", f"/v1/documents/{document['id']}/events")
        assert [(name, data["id"]) for _id, name, data in events(answered.body)] == [(status, document["id"])]
    assert (await tenant.call("GET", f"{GONE}/events")).status == 404


async def test_who_watches_for_long_has_to_ask_again(idle: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(endpoints, "WATCH_SECONDS", 2 * endpoints.POLL_SECONDS)
    id_ = (await idle.upload("a.md", b"# A")).json["id"]
    async with idle.http.get(f"/v1/documents/{id_}/events") as response:
        assert (await response.text()).count("event: ") == 1


async def test_events_end_with_the_document(idle: Tenant) -> None:
    id_ = (await idle.upload("a.md", b"# Text")).json["id"]
    async with idle.http.get(f"/v1/documents/{id_}/events") as response:
        await response.content.readuntil(b"\n\n")
        await idle.call("DELETE", f"/v1/documents/{id_}")
        assert await response.content.read() == b""


# -- deletion


async def test_a_deleted_document_is_gone_at_once(idle: Tenant) -> None:
    async with running_worker(idle.stack.settings):
        document = await idle.document("a.md", "# Kiwi\n\nThere are 27 kiwis.")
        kept = await idle.document("b.md", "# Kiwi\n\nThere were 26 kiwis.")
    path = f"/v1/documents/{document['id']}"
    deleted = await idle.call("DELETE", path)
    assert (deleted.status, deleted.body) == (204, b"")
    for method, suffix, options in (
        ("GET", "", {}),
        ("DELETE", "", {}),
        ("PATCH", "", {"json": {"title": "x"}}),
        ("PUT", "/content", {"params": {"filename": "a.md"}, "data": b"x"}),
        *(("GET", f"/{part}", {}) for part in ("content", "text", "chunks", "events")),
    ):
        answered = await idle.call(method, path + suffix, **options)
        assert (answered.status, answered.json["code"]) == (404, "not_found"), (method, suffix)
    assert [row["id"] for row in (await idle.get("/v1/documents"))["items"]] == [kept["id"]]
    assert {hit["document_id"] for hit in await idle.search("kiwis")} == {kept["id"]}
    answer = (await idle.call("POST", "/v1/answers", json={"question": "How many kiwis are there?"})).json
    assert {citation["document_id"] for citation in answer["citations"]} <= {kept["id"]}
    anew = await idle.upload("a.md", b"# Kiwi\n\nThere are 27 kiwis.")
    assert (anew.status, anew.json["id"] == document["id"]) == (202, False)


ROWS = """
    select
        (select count(*) from documents where space_id = $1) as documents,
        (select count(*) from document_versions join documents d on d.id = document_id where d.space_id = $1) as versions,
        (select count(*) from chunks where space_id = $1) as chunks,
        (select count(*) from embeddings where space_id = $1) as embeddings,
        (select count(*) from version_terms join documents d on d.id = document_id where d.space_id = $1) as version_terms,
        (select count(*) from term_deltas where space_id = $1) as deltas,
        (select coalesce(sum(count), 0) from term_frequencies where space_id = $1) as frequencies"""


async def rows(tenant: Tenant) -> dict[str, int]:
    connection = await asyncpg.connect(tenant.stack.settings.database_url.get_secret_value())
    try:
        return dict(await connection.fetchrow(ROWS, tenant.id))
    finally:
        await connection.close()


@pytest.fixture
async def embedding_url() -> AsyncGenerator[str]:
    runner = web.AppRunner(StandIn(dimensions=64).app, access_log=None, shutdown_timeout=0.2)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    yield f"http://127.0.0.1:{site._server.sockets[0].getsockname()[1]}/v1"
    await runner.cleanup()


async def test_a_deleted_document_is_erased(database_url: str, redis_url: str, tmp_path: Path, embedding_url: str) -> None:
    settings = settings_for(
        database_url,
        f"{redis_url}?db=3",
        tmp_path,
        embedding={"base_url": embedding_url, "model": "embed", "query_timeout": "20"},
        delete_grace=0,
    )
    async with running_stack(settings) as stack, new_tenant(stack) as tenant:
        document = await tenant.document("a.md", "# Kiwi\n\nThere are 27 kiwis.")
        path = f"/v1/documents/{document['id']}"
        await tenant.call("PUT", f"{path}/content", params={"filename": "a.md"}, data=b"# Kiwi\n\nThere are 28 kiwis.")
        await tenant.settled(document["id"], version=2)
        before = await rows(tenant)
        assert all(before[name] > 0 for name in ("documents", "versions", "chunks", "embeddings", "version_terms"))
        assert before["deltas"] + before["frequencies"] > 0
        assert len(tenant.objects("documents/")) == len(tenant.objects("texts/")) == 2
        assert (await tenant.call("DELETE", path)).status == 204

        async def erased() -> bool:
            return not any((await rows(tenant)).values()) and tenant.objects() == set()

        await wait_until(erased, 30, what="rows and objects are erased")


async def test_the_erasure_of_a_deleted_document_cannot_be_cancelled(tenant: Tenant) -> None:
    document = await tenant.document("erased.md", "# Kiwi\n\nThere are 30 kiwis.")
    assert (await tenant.call("DELETE", f"/v1/documents/{document['id']}")).status == 204
    jobs = (await tenant.call("GET", "/v1/jobs", params={"kind": "document.purge"})).json["items"]
    (purge,) = [job for job in jobs if job["args"] == {"document_id": document["id"]} and job["state"] == "queued"]
    refused = await tenant.call("POST", f"/v1/jobs/{purge['id']}/cancel")
    assert (refused.status, "restored" in refused.json["detail"]) == (409, True)
