"""The pages of a PDF: how they look, where a passage stands, and what hostile files cannot do."""

import asyncio
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from tests.api.tenant import Answered, Tenant, idle_tenant, send
from tests.knowledge.parse.pdfs import endless_page, make_pdf, swollen_page, text
from tests.support.stack import settings_for

from protostar.knowledge import pages

SCAN = "0 0 100 100 re f"


async def a_page(tenant: Tenant, document: Any, page: int = 1, headers: dict[str, str] | None = None, **params: Any) -> Answered:
    return await tenant.call("GET", f"/v1/documents/{document['id']}/pages/{page}", params=params, headers=headers or {})


async def the_pages(tenant: Tenant, document: Any, **params: Any) -> Any:
    return await tenant.get(f"/v1/documents/{document['id']}/pages", params=params)


async def test_a_page_is_an_image_and_is_not_drawn_twice_for_one_browser(tenant: Tenant) -> None:
    document = await tenant.file("three-pages-ko.pdf")
    before = tenant.objects()
    answered = await a_page(tenant, document, 3, width=600)
    assert answered.status == 200
    with Image.open(BytesIO(answered.body)) as image:
        assert (image.format, image.width) == ("WEBP", 600)
    headers = answered.headers
    assert headers["Content-Type"] == "image/webp"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Content-Security-Policy"].startswith("sandbox")
    assert headers["Cache-Control"] == "private, no-cache"
    assert (await a_page(tenant, document, 2, width=600)).headers["ETag"] != headers["ETag"]
    again = await a_page(tenant, document, 3, width=600, headers={"If-None-Match": headers["ETag"]})
    assert (again.status, again.body, again.headers["ETag"]) == (304, b"", headers["ETag"])
    assert (await a_page(tenant, document, 3, width=601, headers={"If-None-Match": headers["ETag"]})).status == 200
    assert tenant.objects() == before  # nothing is kept that would have to be erased

    await tenant.call("DELETE", f"/v1/documents/{document['id']}")
    assert (await a_page(tenant, document, 3, width=600, headers={"If-None-Match": headers["ETag"]})).status == 404


@pytest.mark.parametrize("name", ["three-pages-ko.pdf", "guide-ko.pdf", "deck-ko.pdf"])
async def test_a_passage_that_is_found_is_shown_where_it_stands(tenant: Tenant, name: str) -> None:
    document = await tenant.file(name)
    hits = await tenant.search("백업 데이터베이스 Section")
    assert hits
    for hit in hits:
        shown = await the_pages(tenant, document, start=hit["start"], end=hit["end"], version=hit["version"])
        assert shown["version"] == 1
        assert shown["page_count"] == len(shown["pages"])
        assert hit["page"] in [highlight["page"] for highlight in shown["highlights"]]
        for highlight in shown["highlights"]:
            assert 1 <= highlight["page"] <= shown["page_count"]
            assert highlight["boxes"]
            assert all(0 <= box["left"] < box["right"] <= 1 and 0 <= box["top"] < box["bottom"] <= 1 for box in highlight["boxes"])
    assert (await the_pages(tenant, document))["highlights"] == []


async def test_each_version_keeps_its_pages(tenant: Tenant) -> None:
    document = await tenant.document("a.pdf", make_pdf([text("First.")]))
    path = f"/v1/documents/{document['id']}"
    await tenant.call("PUT", f"{path}/content", params={"filename": "a.pdf"}, data=make_pdf([text("New."), text("Second.")]))
    await tenant.settled(document["id"], version=2)
    assert (await the_pages(tenant, document))["page_count"] == 2
    assert (await the_pages(tenant, document, version=1, start=0, end=6))["highlights"][0]["page"] == 1
    assert (await a_page(tenant, document, 2)).status == 200
    past = await a_page(tenant, document, 2, version=1)
    assert (past.status, past.json["detail"]) == (404, "The document has 1 pages.")
    await tenant.call("PUT", f"{path}/content", params={"filename": "a.md"}, data=b"# Not a PDF")
    await tenant.settled(document["id"], version=3)
    for answered in (await a_page(tenant, document), await tenant.call("GET", f"{path}/pages")):
        assert (answered.status, answered.json["detail"]) == (404, "Only a PDF has pages that can be shown.")
    assert (await a_page(tenant, document, version=4)).status == 404


async def test_a_scan_has_pages_though_no_text(tenant: Tenant) -> None:
    document = await tenant.document("scan.pdf", make_pdf([SCAN]), "failed")
    assert (await a_page(tenant, document)).status == 200
    assert (await the_pages(tenant, document, start=0, end=10)) == {
        "version": 1,
        "page_count": 1,
        "pages": [{"width": 612, "height": 792}],
        "highlights": [],
    }


async def test_a_document_says_how_many_of_its_pages_are_pictures(tenant: Tenant) -> None:
    picture = "q 500 0 0 700 50 40 cm BI /W 1 /H 1 /BPC 8 /CS /G ID x EI Q"
    document = await tenant.document("a.pdf", make_pdf([text("First."), picture]))
    versions = await tenant.call("GET", f"/v1/documents/{document['id']}/versions")
    assert [document["unread_pages"], *(version["unread_pages"] for version in versions.json["items"])] == [1, 1]


@pytest.mark.parametrize(
    ("content", "sentence"),
    [(make_pdf([text("secret")], password="open sesame"), "protected with a password"), (b"%PDF-1.7 no", "damaged, incomplete")],
)
async def test_what_cannot_be_opened_says_why(tenant: Tenant, content: bytes, sentence: str) -> None:
    document = await tenant.document("a.pdf", content, "failed")
    for answered in (await a_page(tenant, document), await tenant.call("GET", f"/v1/documents/{document['id']}/pages")):
        assert (answered.status, answered.json["code"]) == (422, "unreadable_document")
        assert sentence in answered.json["detail"]


async def test_what_is_asked_for_is_bounded(tenant: Tenant) -> None:
    document = await tenant.document("a.pdf", make_pdf([text("words")]))
    for page, width in ((1, 99), (1, 2001), (0, 500), (-1, 500), (2**31, 500)):
        assert (await a_page(tenant, document, page, width=width)).status == 422
    assert (await tenant.call("GET", f"/v1/documents/{document['id']}/pages", params={"start": -1})).status == 422
    assert (await the_pages(tenant, document, start=5, end=2**31 - 1))["highlights"] == []


async def test_hostile_files_end_alone(database_url: str, tmp_path: Path) -> None:
    settings = settings_for(database_url, None, tmp_path, parse={"timeout": 4, "memory": "256MiB", "concurrency": 2})
    async with idle_tenant(settings) as tenant:
        endless = (await tenant.upload("endless.pdf", endless_page())).json
        swollen = (await tenant.upload("swollen.pdf", swollen_page())).json
        good = (await tenant.upload("good.pdf", make_pdf([text("words")]))).json
        slow = asyncio.ensure_future(a_page(tenant, endless))
        big = await a_page(tenant, swollen)
        assert (big.status, big.json["code"]) == (422, "unreadable_document")
        assert (await a_page(tenant, good)).status == 200  # beside the one that is still being drawn
        assert not slow.done()
        assert (await slow).json["detail"] == "Reading the file took longer than the 4 seconds that are allowed."
        assert (await slow).status == 422
        assert (await a_page(tenant, good)).status == 200


async def test_nobody_waits_for_ever(database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pages, "PATIENCE", 1.5)
    async with idle_tenant(settings_for(database_url, None, tmp_path, parse={"concurrency": 1})) as tenant:
        endless = (await tenant.upload("endless.pdf", endless_page())).json
        good = (await tenant.upload("good.pdf", make_pdf([text("words")]))).json
        for answered in await asyncio.gather(a_page(tenant, endless), a_page(tenant, endless)):  # one is drawn, one waits
            assert (answered.status, answered.json["code"]) == (503, "unavailable")
            assert answered.headers["Retry-After"]
        assert (await a_page(tenant, good)).status == 200  # the slow one was ended


async def test_no_more_is_drawn_at_once_than_there_is_room_for(database_url: str, tmp_path: Path) -> None:
    async with idle_tenant(settings_for(database_url, None, tmp_path, parse={"timeout": 3})) as tenant:
        endless = (await tenant.upload("endless.pdf", endless_page())).json
        async with asyncio.TaskGroup() as group:
            waiting = [group.create_task(a_page(tenant, endless)) for _ in range(25)]
            done, _ = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
            first = done.pop().result()
            assert (first.status, first.json["code"]) == (503, "unavailable")
            assert int(first.headers["Retry-After"]) >= 1
            assert (await send(tenant.http, "GET", "/v1/documents")).status == 200
            for task in waiting:
                task.cancel()
