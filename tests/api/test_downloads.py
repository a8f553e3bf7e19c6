"""The stored bytes: whole, in ranges, and never as something that a browser would run."""

import asyncio
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from typing import Any, Never

import pytest
from tests.api.tenant import Answered, Tenant, idle_tenant
from tests.support.databases import copied
from tests.support.stack import settings_for
from tests.support.streams import some_bytes
from yarl import URL

from protostar.documents.download import parse_range
from protostar.errors import RangeNotSatisfiable
from protostar.objects.store import ObjectStore

CONTENT = b"# Bytes\n\n" + some_bytes(3 * 1024 * 1024).hex().encode()[: 3 * 1024 * 1024]
SIZE = len(CONTENT)


@dataclass(frozen=True, slots=True)
class Stored:
    tenant: Tenant
    document: Any

    async def get(self, **headers: str) -> Answered:
        return await self.tenant.call("GET", f"/v1/documents/{self.document['id']}/content", headers=headers)


@pytest.fixture(scope="module")
async def stored(postgres_url: str, template: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncGenerator[Stored]:
    folder = tmp_path_factory.mktemp("downloads")
    async with copied(postgres_url) as url, idle_tenant(settings_for(url, None, folder)) as tenant:
        yield Stored(tenant, (await tenant.upload('안내서 "1".md', CONTENT)).json)


async def test_the_whole_is_an_attachment_that_no_browser_runs(stored: Stored) -> None:
    answered = await stored.get()
    assert (answered.status, answered.body) == (200, CONTENT)
    headers = answered.headers
    assert headers["Content-Disposition"] == "attachment; filename*=UTF-8''%EC%95%88%EB%82%B4%EC%84%9C%20%221%22.md"
    assert headers["Content-Type"] == "text/markdown"
    assert headers["Content-Length"] == str(SIZE)
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Content-Security-Policy"].startswith("sandbox")
    assert headers["Accept-Ranges"] == "bytes"
    assert headers["ETag"] == f'"{stored.document["sha256"]}"'
    assert "Content-Range" not in headers


async def test_head_has_the_length_and_reads_nothing(stored: Stored, monkeypatch: pytest.MonkeyPatch) -> None:
    def read(*_: object, **__: object) -> Never:
        raise AssertionError

    path = f"/v1/documents/{stored.document['id']}/content"
    whole = await stored.get()
    monkeypatch.setattr(ObjectStore, "read", read)
    head = await stored.tenant.call("HEAD", path, headers={"Range": "bytes=5-9"})  # a matter of GET alone
    own = ("Date", "X-Request-ID")
    assert head.status == 200
    assert {name: value for name, value in head.headers.items() if name not in own} == {
        name: value for name, value in whole.headers.items() if name not in own
    }


@pytest.mark.parametrize("path", ["/v1/documents/{id}/content", "/v1/documents", "/v1/documents/none", "/v1/documents/{id}/events"])
async def test_nothing_follows_the_head(stored: Stored, path: str) -> None:
    url = URL(stored.tenant.stack.url)
    reader, writer = await asyncio.open_connection(url.host, url.port)
    fields = (f"Host: {url.host}:{url.port}", f"Authorization: Bearer {stored.tenant.key}", "Connection: close")
    lines = (f"HEAD {path.format(id=stored.document['id'])} HTTP/1.1", *fields)
    writer.write("\r\n".join((*lines, "", "")).encode())
    sent = await reader.read()
    writer.close()
    await writer.wait_closed()
    head, _, body = sent.partition(b"\r\n\r\n")
    assert b"\r\ncontent-length: " in head.lower()
    assert body == b""


async def test_head_finds_out_that_the_bytes_are_gone(stored: Stored) -> None:
    document = (await stored.tenant.upload("gone.md", b"# Gone")).json
    before = stored.tenant.objects()
    path = f"/v1/documents/{document['id']}/content"
    assert (await stored.tenant.call("HEAD", path)).status == 200
    for name in before:
        file = stored.tenant.stack.settings.data_dir / "objects" / name
        if file.read_bytes() == b"# Gone":
            file.unlink()
    assert (await stored.tenant.call("HEAD", path)).status == (await stored.tenant.call("GET", path)).status == 500


async def test_html_is_served_as_bytes_in_a_sandbox(stored: Stored) -> None:
    page = "<html><script>alert(1)</script><p>안내</p></html>".encode("euc-kr")
    document = (await stored.tenant.upload("page.html", page)).json
    answered = await stored.tenant.call("GET", f"/v1/documents/{document['id']}/content")
    assert (answered.status, answered.body) == (200, page)
    assert answered.headers["Content-Type"] == "text/html"  # and no charset that nobody knows
    assert answered.headers["Content-Disposition"].startswith("attachment;")
    assert answered.headers["Content-Security-Policy"].startswith("sandbox")


@pytest.mark.parametrize(
    ("header", "start", "end"),
    [
        ("bytes=0-0", 0, 1),
        ("bytes=0-99", 0, 100),
        ("bytes=1048570-1048590", 1048570, 1048591),
        ("bytes=2000000-", 2_000_000, SIZE),
        ("bytes=-10", SIZE - 10, SIZE),
        (f"bytes=-{SIZE + 10}", 0, SIZE),
        (f"bytes={SIZE - 1}-{SIZE + 100}", SIZE - 1, SIZE),
        ("bytes=0-999999999999999999", 0, SIZE),
    ],
)
async def test_a_range_is_a_slice(header: str, start: int, end: int, stored: Stored) -> None:
    answered = await stored.get(Range=header)
    assert answered.status == 206
    assert answered.body == CONTENT[start:end]
    assert answered.headers["Content-Range"] == f"bytes {start}-{end - 1}/{SIZE}"
    assert answered.headers["Content-Length"] == str(end - start)


@pytest.mark.parametrize("header", ["bytes=0-1,5-6", "bytes=a-b", "lines=1-2", "bytes", "bytes=-", "bytes=0-" + "9" * 5000])
async def test_a_range_that_is_not_understood_is_the_whole(header: str, stored: Stored) -> None:
    answered = await stored.get(Range=header)
    assert (answered.status, answered.body) == (200, CONTENT)


@pytest.mark.parametrize("header", [f"bytes={SIZE}-", f"bytes={SIZE + 5}-{SIZE + 9}", "bytes=-0", "bytes=5-4"])
async def test_a_range_outside_is_416_with_the_size(header: str, stored: Stored) -> None:
    answered = await stored.get(Range=header)
    assert (answered.status, answered.json["code"]) == (416, "range_not_satisfiable")
    assert answered.headers["Content-Range"] == f"bytes */{SIZE}"


async def test_a_range_of_other_bytes_is_the_whole(stored: Stored) -> None:
    etag = f'"{stored.document["sha256"]}"'
    for if_range, status in ((etag, 206), ('"other"', 200), ("Wed, 21 Oct 2015 07:28:00 GMT", 200), (f"W/{etag}", 200)):
        answered = await stored.get(Range="bytes=0-9", **{"If-Range": if_range})
        assert (answered.status, len(answered.body)) == (status, 10 if status == 206 else SIZE), if_range


@pytest.mark.parametrize(
    ("if_none_match", "status"),
    [("{etag}", 304), ("W/{etag}", 304), ('"other", {etag}', 304), ("*", 304), ('"other"', 200), ("{bare}", 200), ("", 200)],
)
async def test_what_a_client_has_is_not_sent_again(if_none_match: str, status: int, tenant: Tenant) -> None:
    document = await tenant.document("known.md", "# Known")
    for part, method in (("content", "GET"), ("content", "HEAD"), ("text", "GET"), ("text", "HEAD")):
        path = f"/v1/documents/{document['id']}/{part}"
        whole = await tenant.call(method, path)
        etag = whole.headers["ETag"]
        asked = {"If-None-Match": if_none_match.format(etag=etag, bare=etag.strip('"'))}
        answered = await tenant.call(method, path, headers=asked)
        assert (answered.status, answered.headers["ETag"]) == (status, etag)
        assert answered.headers["Cache-Control"] == whole.headers["Cache-Control"] == "private, no-cache"
        assert answered.body == (whole.body if status == 200 else b"")
        if status == 304:
            ranged = await tenant.call(method, path, headers={**asked, "Range": "bytes=0-1", "If-Range": etag})
            assert ranged.status == 304  # it comes before (RFC 9110, section 13.2.2)


@pytest.mark.parametrize("damaged", [b"# Tex", b"# Text and more", b""])
async def test_bytes_that_are_fewer_or_more_are_an_error_before_the_first_byte(damaged: bytes, tenant: Tenant) -> None:
    before = tenant.objects()
    document = await tenant.document("damaged.md", b"# Text")
    for key in tenant.objects() - before:  # the original and its text
        (tenant.stack.settings.data_dir / "objects" / key).write_bytes(damaged)
    path = f"/v1/documents/{document['id']}"
    for part, headers in (("content", {}), ("content", {"Range": "bytes=5-"}), ("text", {}), ("text?start=1&end=3", {})):
        answered = await tenant.call("GET", f"{path}/{part}", headers=headers)
        assert (answered.status, answered.json["code"]) == (500, "object_corrupt"), part
    for part in ("content", "text"):
        assert (await tenant.call("HEAD", f"{path}/{part}")).status == 500


async def test_an_empty_file_can_be_fetched(stored: Stored) -> None:
    document = (await stored.tenant.upload("empty.md", b"")).json
    path = f"/v1/documents/{document['id']}/content"
    answered = await stored.tenant.call("GET", path)
    assert (answered.status, answered.body, answered.headers["Content-Length"]) == (200, b"", "0")
    assert (await stored.tenant.call("GET", path, headers={"Range": "bytes=0-"})).status == 416


@pytest.mark.parametrize("version", ["2", "2147483647"])
async def test_a_version_that_never_was_is_not_there(version: str, stored: Stored) -> None:
    for part in ("content", "text"):
        answered = await stored.tenant.call("GET", f"/v1/documents/{stored.document['id']}/{part}", params={"version": version})
        assert answered.status == 404


@pytest.mark.parametrize("version", ["0", "-1", "99999999999999999999", "one"])
async def test_a_wrong_version_is_refused(version: str, stored: Stored) -> None:
    for part in ("content", "text"):
        answered = await stored.tenant.call("GET", f"/v1/documents/{stored.document['id']}/{part}", params={"version": version})
        assert answered.status == 422


async def test_bytes_that_are_gone_are_an_error_before_the_first_byte(stored: Stored) -> None:
    tenant = stored.tenant
    before = tenant.objects("documents/")
    document = (await tenant.upload("a.md", b"# Text")).json
    (key,) = tenant.objects("documents/") - before
    (tenant.stack.settings.data_dir / "objects" / key).unlink()
    answered = await tenant.call("GET", f"/v1/documents/{document['id']}/content")
    assert (answered.status, answered.json["code"]) == (500, "object_missing")


@pytest.mark.parametrize(
    ("header", "size", "expected"),
    [
        (None, 10, None),
        ("bytes=2-4", 10, (2, 5)),
        (" bytes=2- ", 10, (2, 10)),
        ("bytes=-3", 10, (7, 10)),
        ("bytes=0-0", 1, (0, 1)),
    ],
)
def test_ranges_are_half_open(header: str | None, size: int, expected: tuple[int, int] | None) -> None:
    assert parse_range(header, size) == expected


def test_nothing_of_nothing_is_outside() -> None:
    with pytest.raises(RangeNotSatisfiable):
        parse_range("bytes=0-", 0)
