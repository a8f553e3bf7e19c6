"""The routes that an archive comes in by: what does not fit is refused with a sentence, and leaves nothing behind."""

import hashlib
import json
import math
from io import BytesIO
from typing import Any
from uuid import UUID, uuid4

import aiohttp
import pytest
from tests.api.tenant import Answered, new_tenant, send
from tests.support.stack import Stack
from tests.support.waiting import wait_until

from protostar.archive.vectors import VectorPage, VectorsHeader, decode, encode
from protostar.documents.ownership import MARK
from protostar.errors import InvalidInput
from protostar.ids import new_id

NOW = "2026-01-02T03:04:05Z"
BYTES, TEXT = b"# A\n\nOriginal.", b"# A\n\nArchived."


def version(**more: Any) -> dict[str, Any]:
    none = dict.fromkeys(("error", "encoding", "page_count", "summary", "summary_model", "ready_at"))
    text = {"text_size": len(TEXT), "text_sha256": hashlib.sha256(TEXT).hexdigest(), "text_chars": len(TEXT)}
    fields = {
        "version": 1,
        "status": "ready",
        "filename": "a.md",
        "media_type": "text/markdown",
        "chunk_count": 1,
        "created_at": NOW,
    }
    return {**none, **text, **fields, "size": len(BYTES), "sha256": hashlib.sha256(BYTES).hexdigest(), **more}


def document(*versions: dict[str, Any], **more: Any) -> dict[str, Any]:
    fields = {"id": str(new_id()), "title": "A", "title_given": True, "filename": "a.md", "metadata": {"a": 1}, "created_at": NOW}
    numbers = {"current_version": len(versions), "latest_version": len(versions)}
    return {**fields, "updated_at": NOW, **numbers, "versions": list(versions), **more}


def form(record: dict[str, Any], original: bytes = BYTES, text: bytes | None = TEXT) -> aiohttp.FormData:
    made = aiohttp.FormData({"record": json.dumps(record)})
    made.add_field("original", original, filename="original")
    if text is not None:
        made.add_field("text", text, filename="text")
    return made


class Importing:
    """An import that was begun, and a client of it."""

    def __init__(self, stack: Stack, begun: dict[str, Any]) -> None:
        self.stack = stack
        self.id, self.space_id = begun["id"], begun["space_id"]

    async def post(self, path: str, **options: Any) -> Answered:
        return await send(self.stack.http, "POST", f"/v1/imports/{self.id}{path}", **options)

    async def version(self, document: dict[str, Any], *parts: Any) -> Answered:
        return await self.post(f"/documents/{document['id']}/versions", data=form(*parts))

    async def get(self, path: str) -> Answered:
        return await send(self.stack.http, "GET", path, headers={"Protostar-Space": self.space_id})


def body(**more: Any) -> dict[str, Any]:
    space = {"id": str(new_id()), "name": "Copy", "settings": {}}
    return {"archive_id": str(new_id()), "space": space, "largest": 0, **more}


@pytest.fixture
async def importing(stack: Stack) -> Importing:
    begun = await send(stack.http, "POST", "/v1/imports", json=body())
    assert begun.status == 200, begun.json
    return Importing(stack, begun.json)


def objects(stack: Stack) -> set[str]:
    return {str(path) for path in (stack.settings.data_dir / "objects").rglob("*") if path.is_file() and path.name != MARK}


async def test_bytes_that_are_not_those_of_the_record_leave_nothing(importing: Importing) -> None:
    made = document(version())
    before = objects(importing.stack)
    for parts in (
        (version(), BYTES + b"x"),
        (version(), BYTES[::-1]),
        (version(), BYTES, TEXT[::-1]),
        (version(), BYTES, None),
        (version(text_sha256=None, text_size=None), BYTES, TEXT),
    ):
        answered = await importing.version(made, *parts)
        assert answered.status in (413, 422), answered.json
    assert objects(importing.stack) == before
    too_large = await importing.version(made, version(size=importing.stack.settings.max_upload_bytes + 1), BYTES)
    assert too_large.status == 413
    assert "PROTOSTAR_MAX_UPLOAD_BYTES" in too_large.json["detail"]
    unknown = await importing.version(made, version(colour="red"), BYTES)
    assert (unknown.status, "record.colour" in unknown.json["detail"]) == (422, True)


async def test_a_document_is_seen_when_all_of_it_is_there(importing: Importing) -> None:
    made = document(version(), version(version=2))
    assert (await importing.version(made, made["versions"][0])).json == {"complete": False, "versions": [1]}
    again = objects(importing.stack)
    assert (await importing.version(made, made["versions"][0])).json == {"complete": False, "versions": [1]}
    assert objects(importing.stack) == again
    assert (await importing.post("/documents", json=made)).status == 409
    assert (await importing.get("/v1/documents")).json["items"] == []
    assert (await importing.get(f"/v1/documents/{made['id']}")).status == 404
    await importing.version(made, made["versions"][1])
    assert (await importing.post("/documents", json=made)).json == {"complete": True, "versions": [1, 2]}
    assert (await importing.post("/documents", json=made)).json == {"complete": True, "versions": [1, 2]}
    shown = (await importing.get(f"/v1/documents/{made['id']}")).json
    assert (shown["title"], shown["metadata"], shown["created_at"]) == ("A", {"a": 1}, NOW)
    assert (await importing.get("/v1/spaces/" + importing.space_id)).json["name"] == "Copy (import unfinished)"
    assert (await importing.post("/finish")).json["finished_at"]
    assert (await importing.get("/v1/spaces/" + importing.space_id)).json["name"] == "Copy"


async def test_a_version_that_is_read_differently_here_keeps_its_text_and_is_followed(importing: Importing) -> None:
    made = document(version(), title_given=False)
    await importing.version(made, made["versions"][0])
    assert (await importing.post("/documents", json=made)).status == 200

    async def ready() -> Any:
        shown = (await importing.get(f"/v1/documents/{made['id']}")).json
        return shown if shown["status"] == "ready" and shown["version"] == 2 else None

    await wait_until(ready, 30)
    texts = [await importing.get(f"/v1/documents/{made['id']}/text?version={number}") for number in (1, 2)]
    assert [text.body for text in texts] == [TEXT, BYTES]
    contents = [await importing.get(f"/v1/documents/{made['id']}/content?version={number}") for number in (1, 2)]
    assert [content.body for content in contents] == [BYTES, BYTES]
    headers = {"Protostar-Space": importing.space_id}
    found = await send(importing.stack.http, "POST", "/v1/search", json={"query": "Original"}, headers=headers)
    assert [hit["version"] for hit in found.json["hits"]] == [2]


async def test_ids_of_another_space_are_refused(importing: Importing, stack: Stack) -> None:
    async with new_tenant(stack) as tenant:
        theirs = await tenant.document("theirs.md", "# Theirs\n\nThere are 27 kiwis.")
        asked = (await tenant.call("POST", "/v1/answers", json={"question": "How many kiwis are there?"})).json
        made = document(version(), id=theirs["id"])
        assert (await importing.version(made, version())).status == 409
        assert (await importing.post("/documents", json=made)).status == 409
        answers = (await tenant.get("/v1/archive/answers"))["items"]
        answered = await importing.post("/answers", json={"items": answers})
        assert answered.status == 409, answered.json
        assert (await importing.get(f"/v1/answers/{asked['id']}")).status == 404
        assert (await tenant.get(f"/v1/documents/{theirs['id']}"))["title"] == theirs["title"]


async def test_an_import_whose_space_was_deleted_is_gone(importing: Importing, stack: Stack) -> None:
    assert (await send(stack.http, "DELETE", f"/v1/spaces/{importing.space_id}")).status == 204
    assert (await importing.post("/finish")).status == 404
    assert (await importing.post("/answers", json={"items": []})).status == 404


async def test_where_a_space_is_being_erased_the_same_archive_begins_anew_elsewhere(stack: Stack) -> None:
    asked = body()
    first = (await send(stack.http, "POST", "/v1/imports", json=asked)).json
    assert (await send(stack.http, "POST", "/v1/imports", json=asked)).json == first
    assert first["keeps_ids"]
    await send(stack.http, "DELETE", f"/v1/spaces/{first['space_id']}")
    second = (await send(stack.http, "POST", "/v1/imports", json=asked)).json
    assert second["id"] != first["id"]


async def test_nothing_else_is_taken(importing: Importing) -> None:
    for path, options in (
        ("/answers", {"data": b"no JSON"}),
        ("/answers", {"json": {"items": [{"id": "1"}]}}),
        ("/documents", {"json": document(version(status="running"))}),
        ("/documents", {"json": document(version(), metadata={"a": math.nan})}),
        ("/documents/00000000-0000-7000-8000-000000000001/versions", {"data": b"x"}),
        ("/vectors", {"data": b"\x00\x01"}),
        ("/vectors", {"data": b'{"model": "m", "dimensions": 2, "count": 2, "after": null}\n1234'}),
    ):
        answered = await importing.post(path, **options)
        assert answered.status == 422, (path, answered.json)
        assert answered.headers["Content-Type"] == "application/problem+json"
    huge = await importing.post("/vectors", data=BytesIO(bytes(33 * 1024 * 1024)))
    assert huge.status == 413


@pytest.mark.parametrize(
    "wrong",
    [
        {"page_count": 2**31}, {"page_count": -1}, {"chunk_count": 2**31}, {"chunk_count": -1}, {"text_chars": 2**63},
        {"text_chars": -1}, {"created_at": "0001-01-01T00:00:00+14:00"}, {"ready_at": "9999-12-31T23:59:59-14:00"},
        {"filename": ".."}, {"url": "javascript:alert(1)"}, {"created_at": "2026-11-27T12:00:00"},
    ],
    ids=str,
)  # fmt: skip
async def test_a_version_that_no_space_could_have_is_refused(wrong: dict[str, Any], importing: Importing) -> None:
    before = objects(importing.stack)
    answered = await importing.version(document(version()), version(**wrong))
    assert (answered.status, answered.json["code"]) == (422, "invalid_input")
    assert objects(importing.stack) == before


@pytest.mark.parametrize(("sent", "kept"), [("../../x.md", "x.md"), ("a\n.md", "a.md"), ("b\x7f.md", "b.md"), ("c/d.md", "c/d.md")])
async def test_a_file_is_named_as_an_upload_would_be(sent: str, kept: str, importing: Importing) -> None:
    made = document(version(filename=sent), filename=sent)
    assert (await importing.version(made, made["versions"][0])).status == 200
    assert (await importing.post("/documents", json=made)).status == 200
    assert (await importing.get(f"/v1/documents/{made['id']}")).json["filename"] == kept
    assert (await importing.get(f"/v1/documents/{made['id']}/versions")).json["items"][-1]["filename"] == kept


def answer(**more: Any) -> dict[str, Any]:
    names = (
        "visitor_id",
        "summary",
        "found",
        "usage",
        "model",
        "error",
        "first_token_ms",
        "rating",
        "rating_reason",
        "corrected_by",
    )
    ids = {"id": str(new_id()), "conversation_id": str(new_id()), "conversation_created_at": NOW}
    texts = {"state": "done", "question": "Q", "text": "A", "citations": [], "degraded": [], "cached": False}
    return {**dict.fromkeys((*names, "correction", "finished_at")), **ids, **texts, "created_at": NOW, **more}


async def test_an_answer_that_no_space_could_have_is_refused(importing: Importing) -> None:
    assert (await importing.post("/answers", json={"items": [answer()]})).status == 204
    for wrong in (
        {"usage": {"tokens": math.nan}},
        {"error": {"code": math.inf}},
        {"first_token_ms": 2**31},
        {"first_token_ms": -1},
        {"created_at": "0001-01-01T00:00:00+14:00"},
    ):
        answered = await importing.post("/answers", json={"items": [answer(**wrong)]})
        assert (answered.status, answered.json["code"]) == (422, "invalid_input"), wrong


async def test_a_correction_tells_nothing_of_another_spaces_document(importing: Importing) -> None:
    async with new_tenant(importing.stack) as other:
        theirs = await other.document("secret.md", BYTES)
        relied_on = [{"document_id": theirs["id"], "version": 1}]
        corrected = answer(correction={"text": "B", "created_at": NOW, "updated_at": NOW, "documents": relied_on})
        assert (await importing.post("/answers", json={"items": [corrected]})).status == 204
        shown = (await importing.get(f"/v1/answers/{corrected['id']}")).json
    assert shown["text"] == "B"
    assert [(each["title"], each["changed"]) for each in shown["correction"]["documents"]] == [(None, True)]


def vectors(*numbers: float, model: str = "m") -> bytes:
    header = VectorsHeader(model=model, dimensions=len(numbers), count=1, after=None)
    return encode(VectorPage(header, [(uuid4(), numbers)]))


@pytest.mark.parametrize(
    "page",
    [vectors(), vectors(1, math.nan), vectors(1, math.inf), vectors(math.inf, -math.inf), vectors(1, model="\0")],
    ids=["none", "NaN", "infinity", "both infinities", "NUL"],
)
async def test_vectors_that_no_model_makes_are_refused(page: bytes, importing: Importing) -> None:
    answered = await importing.post("/vectors", data=page)
    assert (answered.status, answered.json["code"]) == (422, "invalid_input")


def test_vectors_travel_as_bytes() -> None:
    hashes = [uuid4(), uuid4()]
    header = VectorsHeader(model="m", dimensions=3, count=2, after="1.x")
    page = VectorPage(header, [(hashes[0], (1.0, -0.5, 0.0)), (hashes[1], (0.25, 2.0, 65504.0))])
    content = encode(page)
    assert decode(content) == page
    with pytest.raises(InvalidInput):
        decode(content[:-1])


async def test_the_overview_counts_what_there_is(stack: Stack) -> None:
    async with new_tenant(stack) as tenant:
        empty = await tenant.get("/v1/archive")
        assert (empty["documents"], empty["answers"], empty["vectors"], empty["bytes"]) == (0, 0, 0, 0)
        await tenant.document("a.md", BYTES)
        assert (await tenant.get("/v1/archive"))["bytes"] == 2 * len(BYTES)


@pytest.mark.parametrize("after", ["x", "1.x", f"40000.{UUID(int=1)}", f"-2.{UUID(int=1)}"])
async def test_a_place_that_no_page_of_vectors_gave_out_is_refused(after: str, stack: Stack) -> None:
    async with new_tenant(stack) as tenant:
        answered = await tenant.call("GET", "/v1/archive/vectors", params={"after": after})
        assert (answered.status, "gave out" in answered.json["detail"]) == (422, True)
