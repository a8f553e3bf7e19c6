"""Taking files in: forms, raw bodies and objects; what is the same document, what another, and what none."""

import asyncio
import hashlib
import unicodedata
from io import BytesIO
from itertools import permutations
from typing import Any
from uuid import uuid4

import aiohttp
import asyncpg
import pytest
from tests.api.tenant import FILES, Answered, Tenant
from tests.support.waiting import wait_until

GUIDE = (FILES / "guide-ko.md").read_bytes()
HASH = hashlib.sha256(GUIDE).hexdigest()
FIELDS = {
    "file": {"value": GUIDE, "filename": "운영 안내서 (최종).md", "content_type": "application/octet-stream"},
    "title": {"value": "안내서"},
    "metadata": {"value": '{"team": "운영", "year": 2026}'},
}


def form(*fields: tuple[str, dict[str, Any]]) -> aiohttp.FormData:
    """In this order; names as browsers write them, in UTF-8."""
    data = aiohttp.FormData(quote_fields=False, default_to_multipart=True)
    for name, field in fields:
        data.add_field(name, **field)
    return data


def some_text() -> bytes:
    return f"# Note\n\n{uuid4()}\n".encode()


@pytest.mark.parametrize("order", list(permutations(FIELDS)), ids=" ".join)
async def test_a_form_has_its_fields_in_any_order(order: tuple[str, ...], tenant: Tenant) -> None:
    before = tenant.objects("documents/")
    answered = await tenant.call("POST", "/v1/documents", data=form(*((name, FIELDS[name]) for name in order)))
    document = answered.json
    assert answered.status == 202
    assert answered.headers["Location"] == f"/v1/documents/{document['id']}"
    assert (document["title"], document["filename"]) == ("안내서", "운영 안내서 (최종).md")
    assert document["metadata"] == {"team": "운영", "year": 2026}
    assert (document["media_type"], document["size"], document["sha256"]) == ("text/markdown", len(GUIDE), HASH)
    assert (document["version"], document["status"], document["summary"], document["error"]) == (1, "queued", None, None)
    (key,) = tenant.objects("documents/") - before
    assert (tenant.stack.settings.data_dir / "objects" / key).read_bytes() == GUIDE


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ("안내서.md", "안내서.md"),
        (unicodedata.normalize("NFD", "안내서.md"), "안내서.md"),
        ("../../etc/안내서.md", "안내서.md"),
        ("/etc/안내서.md", "안내서.md"),
        ("C:\\Users\\kim\\안내서.md", "안내서.md"),
        ("규정\\2026/./안내서.md", "규정/2026/안내서.md"),
        ("1:1 상담.md", "1:1 상담.md"),
        ("  a b.MD ", "a b.MD"),
        ("a;b=c&d+e%20.md", "a;b=c&d+e%20.md"),
    ],
)
async def test_a_file_is_named_alike_in_a_form_and_in_a_raw_body(sent: str, kept: str, tenant: Tenant) -> None:
    content = some_text()
    raw = await tenant.upload(sent, content)
    assert (raw.status, raw.json["filename"]) == (202, kept)
    again = await tenant.call("POST", "/v1/documents", data=form(("file", {"value": content, "filename": sent})))
    assert (again.status, again.json["id"]) == (200, raw.json["id"])


def incoming(tenant: Tenant, name: str, content: bytes) -> str:
    """Put an object into the store as a business backend does; its key."""
    key = f"incoming/{tenant.id}/{name}"
    path = tenant.stack.settings.data_dir / "objects" / key
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return key


async def test_an_object_is_copied_and_checked_like_an_upload(tenant: Tenant) -> None:
    key = incoming(tenant, "2026/Report 1.md", GUIDE)
    body = {"object_key": key, "filename": "보고서.md", "title": "보고서", "metadata": {"a": [1, None]}}
    answered = await tenant.call("POST", "/v1/documents", json=body)
    assert answered.status == 202
    document = await tenant.settled(answered.json["id"])
    assert (document["title"], document["filename"], document["metadata"]) == ("보고서", "보고서.md", {"a": [1, None]})
    assert (document["size"], document["sha256"]) == (len(GUIDE), HASH)
    assert key in tenant.objects()
    (tenant.stack.settings.data_dir / "objects" / key).write_bytes(b"changed later")
    assert (await tenant.call("GET", f"/v1/documents/{document['id']}/content")).body == GUIDE


@pytest.mark.parametrize(
    ("key", "status", "said"),
    [
        ("incoming/{space}/../{space}/a.md", 422, "'..'"),
        ("incoming/{space}/missing.md", 422, "no object with the key"),
        ("incoming/{space}/a#1", 422, "ends in «#» and digits cannot be read"),
        ("incoming/{space}", 422, "must lie under incoming/"),
        ("incoming/00000000-0000-0000-0000-000000000000/a.md", 422, "must lie under incoming/"),
        ("documents/a", 422, "must lie under incoming/"),
        ("/incoming/{space}/a.md", 422, "must lie under incoming/"),
        ("", 422, "object_key"),
        ("incoming/{space}/picture", 415, "PDF"),
    ],
)
async def test_an_object_that_may_not_be_taken_is_refused(key: str, status: int, said: str, tenant: Tenant) -> None:
    incoming(tenant, "picture", b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR")
    before = tenant.objects("documents/")
    body = {"object_key": key.format(space=tenant.id), "filename": "a.png" if key.endswith("picture") else "a.md"}
    answered = await tenant.call("POST", "/v1/documents", json=body)
    assert answered.status == status
    assert said in answered.json["detail"]
    assert not tenant.objects("documents/") - before


def metadata(value: str) -> list[tuple[str, dict[str, Any]]]:
    return [("metadata", {"value": value}), ("file", FIELDS["file"])]


@pytest.mark.parametrize(
    ("request_", "said"),
    [
        ({"data": b"# Text"}, "?filename="),
        ({"data": b"{}", "headers": {"Content-Type": "application/json"}}, "a «url», or an «object_key»"),
        ({"json": {"object_key": "a"}}, "filename: Field required"),
        ({"json": {"object_key": "a", "filename": "a.md", "metadata": {"a": "가" * 6000}}}, "metadata: may be 16384 bytes"),
        ({"data": b"{", "headers": {"Content-Type": "application/json"}}, "not JSON"),
        ({"data": b"[1]", "headers": {"Content-Type": "application/json"}}, "body: "),
        ({"data": b"[" * 60_000, "headers": {"Content-Type": "application/json"}}, "nests too deep"),
        ({"data": b'{"url":' * 9_000, "headers": {"Content-Type": "application/json"}}, "nests too deep"),
        ({"json": {"object_key": "a", "filename": "a.md", "tilte": "typo"}}, "tilte"),
        ({"data": b"x", "params": {"filename": ""}}, "1 to 500 characters"),
        ({"data": b"x", "params": {"filename": "a/"}}, "kind of file"),
        ({"data": b"x", "params": {"filename": "a\nb.md"}}, "control characters"),
        ({"data": b"x", "params": {"filename": "a\x7fb.md"}}, "control characters"),
        ({"data": b"x", "params": {"filename": "a\x85b.md"}}, "control characters"),
        ({"data": b"x", "params": {"filename": "a\u2028b.md"}}, "control characters"),
        ({"data": b"x", "params": {"filename": "가" * 500 + ".md"}}, "filename"),
        ({"data": b"x", "headers": {"Content-Type": "multipart/form-data"}}, "boundary"),
        ({"data": form(("title", {"value": "No file"}))}, "no field «file»"),
        ({"data": form(("file", {"value": "text"}))}, "no file name"),
        ({"data": form(("file", FIELDS["file"]), ("file", FIELDS["file"]))}, "more than one field «file»"),
        ({"data": form(("file", FIELDS["file"]), ("title", {"value": "t" * 501}))}, "500 characters"),
        ({"data": form(("file", FIELDS["file"]), ("title", {"value": "a\0b"}))}, "NUL"),
        (
            {"data": form(("title", FIELDS["title"]), ("file", FIELDS["file"]), ("title", {"value": ""}))},
            "more than one field «title»",
        ),
        ({"data": form(("metadata", FIELDS["metadata"]), *metadata("{}"))}, "more than one field «metadata»"),
        ({"data": form(*metadata("not json"))}, "not JSON"),
        ({"data": form(*metadata("[1]"))}, "JSON object"),
        ({"data": form(*metadata('{"a": NaN}'))}, "NaN"),
        ({"data": form(*metadata('{"a": 1e999}'))}, "Infinity"),
        ({"data": form(*metadata('{"a": "\\u0000"}'))}, "NUL"),
        ({"data": form(*metadata('{"a": "\\ud800"}'))}, "surrogate"),
        ({"data": form(*metadata('{"a":' + "[" * 20 + "]" * 20 + "}"))}, "20 levels"),
        ({"data": form(*metadata('{"a":' + "[" * 8000 + "]" * 8000 + "}"))}, "JSON"),
        ({"data": form(*metadata('{"a": "' + "가" * 6000 + '"}'))}, "bytes"),
    ],
)
async def test_a_wrong_upload_is_refused_with_a_reason(request_: dict[str, Any], said: str, tenant: Tenant) -> None:
    before = tenant.objects("documents/")
    answered = await tenant.call("POST", "/v1/documents", **request_)
    assert answered.status in (415, 422)
    assert said in answered.json["detail"]
    assert not tenant.objects("documents/") - before
    assert (await tenant.get("/v1/documents"))["items"] == []


@pytest.mark.parametrize(
    ("filename", "content"),
    [
        ("drawing.odg", (FILES / "guide-ko.odt").read_bytes().replace(b"opendocument.text", b"opendocument.graf", 1)),
        ("연차.doc", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(1000)),
        ("picture.png", b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR"),
        ("no-extension", b"text"),
        ("archive.zip", b"PK\x03\x04" + bytes(100)),
        ("renamed.txt", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(1000)),
        ("program.md", b"\x7fELF\x02\x01\x01" + bytes(100)),
    ],
)
async def test_an_unsupported_kind_of_file_is_415_with_the_formats(filename: str, content: bytes, tenant: Tenant) -> None:
    before = tenant.objects("documents/")
    answered = await tenant.upload(filename, content)
    assert answered.status == 415
    for name in (
        "Markdown",
        "plain text",
        "HTML",
        "PDF",
        ".docx",
        ".pptx",
        ".xlsx",
        ".xls)",
        ".hwp)",
        ".hwpx",
        ".odt",
        ".ods",
        ".odp",
        "CSV",
        "EPUB",
        "RTF",
        ".eml",
        ".ipynb",
    ):
        assert name in answered.json["detail"]
    assert not tenant.objects("documents/") - before


# -- the same and not the same


async def test_the_same_name_with_the_same_bytes_is_the_same_document(tenant: Tenant, other: Tenant) -> None:
    content, before = some_text(), tenant.objects("documents/")
    first = await tenant.upload("a.md", content)
    again = await tenant.upload("a.md", content)
    assert (first.status, again.status, again.json["id"]) == (202, 200, first.json["id"])
    assert len(tenant.objects("documents/") - before) == 1
    for name, bytes_, whose in (("a.md", some_text(), tenant), ("b.md", content, tenant), ("a.md", content, other)):
        another = await whose.upload(name, bytes_)
        assert another.status == 202
        assert another.json["id"] != first.json["id"]


async def test_the_same_upload_many_times_at_once_is_one_document(tenant: Tenant) -> None:
    content, before = some_text(), tenant.objects("documents/")
    answers = await asyncio.gather(*(tenant.upload("a.md", content) for _ in range(6)))
    assert sorted(answered.status for answered in answers) == [200] * 5 + [202]
    assert len({answered.json["id"] for answered in answers}) == 1
    assert len(tenant.objects("documents/") - before) == 1
    assert len((await tenant.get("/v1/jobs", params={"kind": "document.index"}))["items"]) == 1


async def test_a_name_tells_folders_apart(tenant: Tenant) -> None:
    content = some_text()
    first = await tenant.upload("index.md", content)
    # Taken in without its folder before, it is still the same document; the next one of these bytes is another.
    placed = await tenant.upload("guides/index.md", content)
    assert (placed.status, placed.json["id"], placed.json["filename"]) == (200, first.json["id"], "guides/index.md")
    other = await new_name(tenant, "faq/index.md", content)
    assert (other.status, other.json["title"]) == (202, "index")
    assert (await new_name(tenant, "faq/index.md", some_text())).json["documents"] == [other.json["id"]]
    path = f"/v1/documents/{first.json['id']}"
    downloaded = await tenant.call("GET", f"{path}/content")
    assert downloaded.headers["Content-Disposition"] == "attachment; filename*=UTF-8''index.md"
    for sent, kept in (("new.md", "guides/new.md"), ("faq/new.md", "faq/new.md"), ("x" * 497 + ".md", "x" * 497 + ".md")):
        replaced = await tenant.call("PUT", f"{path}/content", params={"filename": sent}, data=some_text())
        assert (replaced.status, replaced.json["filename"]) == (202, kept), sent
    assert [each["id"] for each in (await tenant.get("/v1/documents", params={"q": "faq"}))["items"]] == [other.json["id"]]
    for refused in ("x" * 498 + ".md", "..", "a/..", "a/\x01.md"):
        assert (await tenant.upload(refused, content)).status == 422, refused


async def test_none_is_moved_to_a_name_that_is_taken(tenant: Tenant) -> None:
    old, content = some_text(), some_text()
    placed = (await tenant.upload("guides/index.md", old)).json
    plain = (await tenant.upload("index.md", content)).json
    assert (await new_name(tenant, "guides/index.md", content)).json["documents"] == [placed["id"]]
    named = {each["id"]: each["filename"] for each in (await tenant.get("/v1/documents"))["items"]}
    assert named == {placed["id"]: "guides/index.md", plain["id"]: "index.md"}


async def test_a_document_that_gets_other_bytes_meanwhile_keeps_its_name(tenant: Tenant) -> None:
    content = some_text()
    first = await tenant.document("index.md", content)  # read to its end: no job locks it
    connection = await asyncpg.connect(tenant.stack.settings.database_url.get_secret_value())
    try:
        async with connection.transaction():
            await connection.execute(
                "insert into document_versions (document_id, version, filename, media_type, object_key, size, sha256, job_id)"
                " select document_id, 2, filename, media_type, object_key, size, 'other', job_id"
                " from document_versions where document_id = $1",
                first["id"],
            )
            await connection.execute("update documents set latest_version = 2 where id = $1", first["id"])
            placing = asyncio.create_task(tenant.upload("guides/index.md", content))

            async def waits() -> bool:
                blocked = "datname = current_database() and cardinality(pg_blocking_pids(pid)) > 0 and query like '%with moved%'"
                waiting = f"select exists (select from pg_stat_activity where {blocked})"
                await connection.execute("select pg_stat_clear_snapshot()")
                return await connection.fetchval(waiting)

            await wait_until(waits, what="the upload waits")
        placed = await placing
    finally:
        await connection.close()
    assert (placed.status, placed.json["id"] != first["id"]) == (202, True)
    assert (await tenant.get("/v1/documents", params={"q": "index.md"}))["items"][1]["filename"] == "index.md"
    assert (await new_name(tenant, "guides/index.md", some_text())).json["documents"] == [placed.json["id"]]


async def new_name(tenant: Tenant, name: str, content: bytes, **headers: str) -> Answered:
    params = {"filename": name, "new_name": "true"}
    return await tenant.call("POST", "/v1/documents", params=params, data=BytesIO(content), headers=headers)


async def test_who_says_so_is_asked_before_a_name_is_used_twice(tenant: Tenant, other: Tenant) -> None:
    content, key = some_text(), {"Idempotency-Key": str(uuid4())}
    decomposed = unicodedata.normalize("NFD", "안내서.md")
    await other.upload("안내서.md", some_text())
    first = await new_name(tenant, "안내서.md", content)
    again = await new_name(tenant, decomposed, content)
    assert (first.status, again.status, again.json["id"]) == (202, 200, first.json["id"])
    before = tenant.objects("documents/")
    changed = some_text()
    refused = await new_name(tenant, decomposed, changed, **key)
    assert (refused.status, refused.json["code"], refused.json["documents"]) == (409, "name_taken", [first.json["id"]])
    assert tenant.objects("documents/") == before
    kept = await tenant.upload("안내서.md", changed, headers=key)  # the key is not used up
    assert kept.status == 202
    refused = await new_name(tenant, "안내서.md", some_text())
    assert refused.json["documents"] == [kept.json["id"], first.json["id"]]  # the newest first
    for document in (first, kept):
        assert (await tenant.call("DELETE", f"/v1/documents/{document.json['id']}")).status == 204
    assert (await new_name(tenant, "안내서.md", some_text())).status == 202


async def test_a_new_name_at_once_is_taken_once(tenant: Tenant) -> None:
    answers = await asyncio.gather(*(new_name(tenant, "a.md", some_text()) for _ in range(6)))
    assert sorted(answered.status for answered in answers) == [202] + [409] * 5


async def test_a_failed_document_is_queued_again_with_the_new_bytes(tenant: Tenant) -> None:
    before = tenant.objects("documents/")
    failed = await tenant.document("a.md", b"", status="failed")
    (key,) = tenant.objects("documents/") - before
    (tenant.stack.settings.data_dir / "objects" / key).unlink()
    again = await tenant.upload("a.md", b"")
    assert (again.status, again.json["id"], again.json["status"], again.json["error"]) == (200, failed["id"], "queued", None)
    assert again.json["job_id"] != failed["job_id"]
    assert (await tenant.settled(failed["id"], "failed"))["error"] == failed["error"]


async def test_an_idempotency_key_stands_for_one_upload(tenant: Tenant, other: Tenant) -> None:
    content, key = some_text(), {"Idempotency-Key": "order-66"}
    first = await tenant.upload("a.md", content, headers=key)
    again = await tenant.upload("a.md", content, headers=key)
    assert (first.status, again.status, again.json["id"]) == (202, 200, first.json["id"])
    for name, bytes_ in (("a.md", some_text()), ("b.md", content)):
        refused = await tenant.upload(name, bytes_, headers=key)
        assert (refused.status, refused.json["code"]) == (422, "key_reused")
        assert "Idempotency-Key" in refused.json["detail"]
    assert len((await tenant.get("/v1/documents"))["items"]) == 1
    assert (await other.upload("b.md", content, headers=key)).status == 202


async def test_an_idempotency_key_of_a_deleted_document_makes_it_anew(tenant: Tenant) -> None:
    content, key = some_text(), {"Idempotency-Key": "order-67"}
    first = await tenant.upload("a.md", content, headers=key)
    assert (await tenant.call("DELETE", f"/v1/documents/{first.json['id']}")).status == 204
    anew = await tenant.upload("a.md", content, headers=key)
    assert anew.status == 202
    assert anew.json["id"] != first.json["id"]


async def test_a_file_name_turns_no_text_around(idle: Tenant) -> None:
    uploaded = await idle.call("POST", "/v1/documents", params={"filename": "\u202aguide\u202egpj.md\u2069"}, data=b"# Text")
    assert (uploaded.status, uploaded.json["filename"]) == (202, "guidegpj.md")
