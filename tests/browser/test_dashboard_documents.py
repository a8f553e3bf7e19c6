"""Documents: taking in, following, finding, reading."""

import asyncio
from io import BytesIO
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from aiohttp import web
from playwright.async_api import Page, Route, ViewportSize, expect
from tests.browser.conftest import FILES, Visit
from tests.browser.dashboard import Space, a_document, a_key, call, enter, read
from tests.browser.seen import DESKTOP, PHONE, barriers, picture, seen
from tests.support.model_server import StandIn
from tests.support.stack import Stack
from tests.support.website import website

from protostar.access.limits import Allowance
from protostar.access.visitor import Visitor
from protostar.resources import open_resources

SOON = 40_000
"""Milliseconds within which a small document is read, whatever else the machine does."""


def row(page: Page, title: str) -> Any:
    return page.locator("#rows tr", has=page.get_by_role("link", name=title, exact=True))


async def test_signing_in_and_out_by_keyboard(product: Stack, space: Space, visit: Visit) -> None:
    page = await visit(f"{product.url}/documents?q=kiwi", locale="en-US")
    seen(page).expected.append("401")
    await page.keyboard.type("not-a-key")
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("alert")).to_contain_text("This key is not known here")
    await page.keyboard.type((await a_key(product, space))["key"])
    await page.keyboard.press("Enter")
    await expect(page).to_have_url(f"{product.url}/documents?q=kiwi")
    await expect(page.get_by_role("heading", level=1)).to_be_visible()  # the address is there before anything that could have focus
    await page.keyboard.press("Tab")
    await expect(page.get_by_text("Skip to the content")).to_be_focused()
    assert space["name"] in await page.locator("#side").inner_text()
    await page.get_by_role("button", name="Sign out").press("Enter")
    await expect(page).to_have_url(f"{product.url}/login")
    await page.goto(f"{product.url}/documents")
    await expect(page.get_by_role("heading", name="Sign in")).to_be_visible()


@pytest.mark.parametrize("viewport", [DESKTOP, PHONE], ids=["desktop", "phone"])
async def test_signing_in_and_out_without_scripts(product: Stack, space: Space, visit: Visit, viewport: ViewportSize) -> None:
    page = await enter(visit, product, space, locale="en-US", java_script_enabled=False, viewport=viewport)
    await picture(page, f"without-scripts-{viewport['width']}")
    await page.get_by_role("button", name="Sign out").click()
    await expect(page).to_have_url(f"{product.url}/login")
    await page.goto(f"{product.url}/documents")
    await expect(page.get_by_role("heading", name="Sign in")).to_be_visible()


async def test_language_and_appearance_are_chosen_and_remembered(product: Stack, space: Space, visit: Visit) -> None:
    page = await enter(visit, product, space, locale="ko-KR", color_scheme="light")
    await expect(page.get_by_role("heading", level=1)).to_have_text("문서")
    light = await page.evaluate("getComputedStyle(document.body).backgroundColor")
    await page.get_by_role("button", name="어둡게").click()
    await page.get_by_role("button", name="English").click()
    await expect(page.get_by_role("heading", level=1)).to_have_text("Documents")
    assert await page.evaluate("getComputedStyle(document.body).backgroundColor") != light
    await expect(page.get_by_role("button", name="Dark")).to_have_attribute("aria-pressed", "true")


async def test_many_files_are_taken_in_and_followed_to_their_end(product: Stack, space: Space, visit: Visit) -> None:
    page = await enter(visit, product, space, locale="en-US")
    await expect(page.get_by_role("heading", name="No documents yet")).to_be_visible()
    files = [FILES / name for name in ("guide-ko.pdf", "guide-en.md", "sheet-ko.xlsx", "deck-ko.pptx", "nul.txt")]
    await page.locator("#files").set_input_files(files)
    await expect(page.locator("#uploads-title")).to_have_text("Uploads done")
    for title in ("Protostar operations guide", "sheet-ko"):
        await expect(row(page, title).get_by_text("Ready")).to_be_visible(timeout=SOON)
    await expect(page.locator("#count-ready")).to_have_text("5", timeout=SOON)
    await expect(page.locator("#usage")).to_contain_text("5 documents")
    requests = len(seen(page).requests)
    await page.wait_for_timeout(3500)
    assert len(seen(page).requests) == requests, "nothing is asked while nothing is under way"


async def test_a_url_is_fetched_and_followed_to_its_end(product: Stack, space: Space, visit: Visit) -> None:
    page = await enter(visit, product, space, locale="en-US")
    seen(page).expected.append("422")
    go_on = asyncio.Event()

    async def slow(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Length": "23", "Content-Type": "text/markdown"})
        await response.prepare(request)
        await response.write(b"# Kiwi\n\n27 ")
        await go_on.wait()
        await response.write(b"kiwis today.")
        return response

    async def add(url: str) -> None:
        await page.get_by_role("button", name="Add a URL").press("Enter")
        dialog = page.get_by_role("dialog", name="Add a URL")
        await expect(dialog.get_by_label("URL")).to_be_focused()
        await page.keyboard.press("Control+A")
        await page.keyboard.type(url)
        await page.keyboard.press("Enter")

    async with website() as site:
        site.pages = {"/kiwi.md": slow}
        await add("http://169.254.169.254/latest")
        await expect(page.get_by_role("alert")).to_contain_text("may not be asked")
        assert await barriers(page) == []
        await picture(page, "add-a-url")
        await page.keyboard.press("Escape")
        await page.get_by_role("button", name="Add a URL").click()
        await expect(page.get_by_role("dialog").get_by_label("URL")).to_have_value("")
        await expect(page.get_by_role("dialog")).not_to_contain_text("may not be asked")
        await page.keyboard.press("Escape")
        await add(f"{site.url}/kiwi.md")
        await expect(page.get_by_text("The URL is being fetched.")).to_be_visible()
        kiwi = row(page, "kiwi")
        await expect(kiwi.get_by_text("Fetching")).to_be_visible(timeout=SOON)
        await kiwi.get_by_role("link", name="kiwi").click()  # a page that has no bytes to show yet
        await expect(page.get_by_role("link", name=f"{site.url}/kiwi.md")).to_be_visible()
        await expect(page.get_by_role("link", name="Download")).to_have_count(0)
        await page.go_back()
        go_on.set()
        await expect(row(page, "Kiwi").get_by_text("Ready")).to_be_visible(timeout=SOON)

        await add(f"{site.url}/lost.md")
        lost = row(page, "lost")
        await expect(lost.locator(".why")).to_have_text("The server answered 404: there is nothing at this URL.", timeout=SOON)
        site.pages["/lost.md"] = b"# Found again"
        await lost.get_by_role("button", name="Retry").click()
        await expect(row(page, "Found again").get_by_text("Ready")).to_be_visible(timeout=SOON)


async def test_an_upload_that_is_tried_again_is_under_way(product: Stack, space: Space, visit: Visit) -> None:
    page = await enter(visit, product, space, locale="en-US")
    seen(page).expected.append("500")
    go_on = asyncio.Event()

    async def slow(route: Route) -> None:
        await go_on.wait()
        await route.continue_()

    await page.route("**/v1/documents?*", lambda route: route.fulfill(status=500, json={"detail": "It broke."}), times=1)
    await page.locator("#files").set_input_files([file("guide.md", "Words.")])
    title, close = page.locator("#uploads-title"), page.get_by_role("button", name="Close", exact=True)
    await expect(title).to_have_text("Uploads done; 1 failed")
    await page.route("**/v1/documents?*", slow)
    await page.locator("#upload-list").get_by_role("button", name="Retry").click()
    await expect(title).to_have_text("Uploading: 1 of 1 left")
    await expect(close).to_be_hidden()
    go_on.set()
    await expect(title).to_have_text("Uploads done")
    await expect(close).to_be_visible()


async def test_a_row_of_what_was_deleted_elsewhere_goes(product: Stack, space: Space, visit: Visit) -> None:
    documents = [await a_document(product, space, f"{name}.md", f"# {name}\n\nWords.") for name in ("Kiwi", "Lime")]
    page = await enter(visit, product, space, locale="en-US")
    seen(page).expected.append("404")
    await call(product, space, "DELETE", f"/v1/documents/{documents[0]['id']}")
    await page.get_by_role("button", name="Actions for Kiwi").click()
    await page.get_by_role("button", name="Delete").and_(page.locator(":visible")).click()
    await expect(row(page, "Kiwi")).to_have_count(0)
    await expect(page.get_by_role("button", name="Actions for Lime")).to_be_focused()
    await page.goto(f"{product.url}/documents/{documents[1]['id']}")
    await call(product, space, "DELETE", f"/v1/documents/{documents[1]['id']}")
    await page.get_by_role("button", name="Delete").click()
    await expect(page.get_by_role("alert")).to_contain_text("It was deleted.")


async def test_the_focus_stays_in_a_row_that_is_being_read(product: Stack, space: Space, visit: Visit, stand_in: StandIn) -> None:
    stand_in.behave(only="embeddings", hang="headers")
    await call(product, space, "POST", "/v1/documents?filename=kiwi.md", data=BytesIO(b"# Kiwi\n\nOf the focus."))
    page = await enter(visit, product, space, locale="en-US")
    for focused in (page.get_by_role("link", name="kiwi"), page.get_by_role("button", name="Actions for kiwi")):
        await focused.focus()
        for _poll in range(2):
            async with page.expect_response("**/documents/rows?*") as polled:
                pass
            await (await polled.value).finished()
        await expect(focused).to_be_focused()
    stand_in.behave()


async def test_text_that_runs_from_the_right_ends_at_the_left(product: Stack, space: Space, visit: Visit) -> None:
    document = await a_document(product, space, "pool.md", "הבריכה נפתחת בתשע.\n\nIt opens at nine.")
    page = await enter(visit, product, space, f"/documents/{document['id']}", locale="en-US")
    place = """(text, needle) => {
        const range = document.createRange(), node = text.querySelector("span").lastChild;
        const at = node.data.indexOf(needle);
        range.setStart(node, at);
        range.setEnd(node, at + needle.length);
        return range.getBoundingClientRect().x;
    }"""
    shown = page.locator("#panel-text .text")
    await expect(shown).to_contain_text("It opens")
    stop, letter = [await shown.evaluate(place, needle) for needle in (".", "ה")]
    assert stop < letter
    assert await shown.evaluate(place, "It") < await shown.evaluate(place, "nine.")


async def test_usage_stands_beside_its_limits(product: Stack, space: Space, visit: Visit) -> None:
    await call(product, space, "PATCH", f"/v1/spaces/{space['id']}", json={"settings": {"limits": {"asks": 40, "tokens": 7000}}})
    async with open_resources(product.settings) as resources:
        allowance = Allowance(3, 3, 3, 40, 7000, can_sign_in=False)
        visitor = Visitor(UUID(space["id"]), uuid4(), expires=0)
        for _question in range(2):
            await resources.limits.ask(visitor, "10.0.0.1", allowance)
        await resources.limits.spend_tokens(visitor.space_id, 1234)
    page = await enter(visit, product, space, locale="en-US")
    for said in (
        "100 MB at most in one file",
        "0 of 10,000 waiting to be read",
        "2 of 40 questions of visitors today",
        "1,234 of 7,000 tokens for visitors today",
    ):
        await expect(page.locator("#usage")).to_contain_text(said)


async def test_numbers_and_their_words_agree(product: Stack, space: Space, visit: Visit) -> None:
    document = await a_document(product, space, "guide.md", "# Guide\n\nWords.")
    page = await enter(visit, product, space, locale="en-US")
    await expect(page.locator("#usage span").first).to_have_text("1 document")
    await expect(page.get_by_role("columnheader", name="Changed")).to_have_css("text-align", "right")
    await page.goto(f"{product.url}/documents/{document['id']}")
    await expect(page.locator(".page-head .usage")).to_contain_text("1 passage")
    await expect(page.locator(".page-head .usage")).not_to_contain_text("1 passages")
    page = await enter(visit, product, space, locale="ko-KR")
    await expect(page.locator("#usage span").first).to_have_text("문서 1개")
    await expect(page.locator("#usage span").first.locator("strong")).to_have_text("1")


async def test_usage_fits_a_small_screen(product: Stack, space: Space, visit: Visit) -> None:
    page = await enter(visit, product, space, locale="en-US", viewport=PHONE)
    await page.locator("#usage .share").last.evaluate(
        "(share) => share.lastChild.textContent = '123,456,789 of 500,000,000 tokens for visitors today'"
    )
    for width in (390, 360, 320):
        await page.set_viewport_size({"width": width, "height": 740})
        assert await page.evaluate("document.documentElement.scrollWidth") == width


async def test_a_folder_is_dropped_and_what_fails_says_why(product: Stack, space: Space, visit: Visit) -> None:
    page = await enter(visit, product, space, locale="ko-KR", viewport=PHONE)
    await page.wait_for_load_state("networkidle")  # its scripts are there
    await page.evaluate("""() => {
        const file = (fullPath, text) => {
            const name = fullPath.split("/").pop();
            return { name, fullPath, isFile: true, file: (done) => done(new File([text], name)) };
        };
        const folder = (name, entries) => ({ name, isFile: false, createReader: () => {
            const batches = [entries, []];
            return { readEntries: (done) => done(batches.shift()) };
        } });
        const more = folder("more", [file("/notes/more/broken.pdf", "%PDF-1.7 no")]);
        const tree = folder("notes", [file("/notes/kiwi.md", "# Kiwi\\n\\n27 kiwis"), more, file("/notes/.DS_Store", "x")]);
        const event = new Event("drop", { cancelable: true });
        event.dataTransfer = { types: ["Files"], files: [], items: [{ webkitGetAsEntry: () => tree }] };
        window.dispatchEvent(event);
    }""")
    await expect(page.locator("#uploads-title")).to_have_text("업로드 완료")
    await expect(row(page, "Kiwi").get_by_text("준비됨")).to_be_visible(timeout=SOON)
    assert sorted(await documents(product, space)) == [("notes/kiwi.md", 1), ("notes/more/broken.pdf", 1)]
    broken = row(page, "broken")
    await expect(broken.get_by_text("실패")).to_be_visible(timeout=SOON)
    await expect(broken.locator(".why")).to_contain_text("손상되었거나")
    before = await call(product, space, "GET", "/v1/documents?q=broken")
    await broken.get_by_role("button", name="다시 시도").click()
    await expect(broken.get_by_text("실패")).to_be_visible(timeout=SOON)
    after = await call(product, space, "GET", "/v1/documents?q=broken")
    assert after["items"][0]["updated_at"] >= before["items"][0]["updated_at"]
    await expect(page.locator("#count-all")).to_have_text("2")  # what hides in a folder stays there


async def test_what_fails_stands_above_what_does_not(product: Stack, space: Space, visit: Visit) -> None:
    """With its reason, without what would be refused again; what is read instead is said once."""
    page = await enter(visit, product, space, locale="ko-KR")
    seen(page).expected += ["415", "500"]

    async def broken(route: Route) -> None:
        await route.fulfill(status=500, json={"detail": "Something went wrong on our side", "status": 500})

    await page.route("**/v1/documents?filename=broken.md*", broken)
    picture_of: Any = {"mimeType": "image/png", "buffer": b"\x89PNG\r\n\x1a\n"}
    good = [file(f"note-{number}.md", f"{number}.") for number in range(12)]
    bad = [{"name": "cat.png", **picture_of}, {"name": "letter.doc", **picture_of}, file("broken.md", "")]
    await page.locator("#files").set_input_files([*good, *bad])
    await expect(page.locator("#uploads-title")).to_have_text("업로드 완료, 3개 실패")
    lines = page.locator("#upload-list li")
    await expect(lines).to_have_count(15)
    for at in range(3):
        await expect(lines.nth(at)).to_have_class("failed")
    unsupported = page.locator("#upload-list li", has_text="cat.png")
    advice = "그림 속 글자는 읽지 못합니다. 글로 옮겨 올리세요."
    await expect(unsupported.locator(".said")).to_have_text(f"지원하지 않는 파일 형식입니다. {advice}")
    old = page.locator("#upload-list li", has_text="letter.doc").locator(".said")
    await expect(old).to_have_text("지원하지 않는 파일 형식입니다. Word(.docx)나 PDF로 저장해 다시 올리세요.")
    await expect(page.locator("#formats")).to_contain_text("Protostar가 읽는 형식: Markdown, 텍스트, HTML")
    assert await barriers(page) == []
    await picture(page, "uploads-failed-ko")
    again = page.locator("#upload-list").get_by_role("button", name="다시 시도")
    await expect(again).to_have_count(1)
    await page.unroute("**/v1/documents?filename=broken.md*")
    await again.click()
    await expect(page.locator("#uploads-title")).to_have_text("업로드 완료, 2개 실패")


def file(name: str, words: str) -> Any:
    return {"name": name, "mimeType": "text/markdown", "buffer": f"# {name}\n\n{words}".encode()}


async def documents(product: Stack, space: Space) -> list[tuple[str, int]]:
    """The file name and the version of each, the oldest first."""
    found = await call(product, space, "GET", "/v1/documents")
    return [(document["filename"], document["version"]) for document in reversed(found["items"])]


async def test_a_changed_file_replaces_its_document_or_is_kept_beside_it(product: Stack, space: Space, visit: Visit) -> None:
    for name in ("guide.md", "price.md", "same.md"):
        await a_document(product, space, name, file(name, "Last year.")["buffer"])
    page = await enter(visit, product, space, locale="en-US")
    seen(page).expected.append("409")
    title = page.locator("#uploads-title")
    chosen = [file("guide.md", "This year."), file("new.md", "New."), file("same.md", "Last year."), file("price.md", "This year.")]
    await page.locator("#files").set_input_files(chosen)
    await expect(title).to_have_text("Your answer is needed: 2 of 4 files")
    for name in ("new.md", "same.md"):
        await expect(page.locator("#upload-list li", has_text=name)).to_contain_text("Uploaded")
    assert await documents(product, space) == [("guide.md", 1), ("price.md", 1), ("same.md", 1), ("new.md", 1)]
    assert await barriers(page) == []
    await picture(page, "name-taken-en")

    question = "A document with this file name is here already, with other content. Does it replace that one?"
    asked = page.get_by_role("group", name=question)
    await expect(asked).to_have_count(2)
    replace = page.get_by_role("button", name="Replace: guide.md")
    await page.get_by_role("button", name="Cancel all").focus()
    for _step in range(10):
        if await replace.evaluate("button => button === document.activeElement"):
            break
        await page.keyboard.press("Tab")
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("button", name="Replace: price.md")).to_be_focused()  # the next question
    await expect(page.locator("#upload-list li", has_text="guide.md")).to_contain_text("Uploaded")
    await expect(page.get_by_role("button", name="Replace: price.md")).to_be_focused()
    await page.keyboard.press("Tab")
    await expect(page.get_by_role("button", name="Keep both: price.md")).to_be_focused()
    await page.keyboard.press("Enter")
    await expect(title).to_be_focused()
    await expect(title).to_have_text("Uploads done")
    kept = [("guide.md", 2), ("price.md", 1), ("same.md", 1), ("new.md", 1), ("price.md", 1)]
    assert await documents(product, space) == kept
    await expect(page.locator("#count-ready")).to_have_text("5", timeout=SOON)

    await page.locator("#files").set_input_files([file("price.md", "Next year."), file("guide.md", "Next year.")])
    await expect(asked).to_have_count(1)
    await expect(page.locator("#upload-list")).to_contain_text("2 documents with this file name are here already")
    await page.get_by_role("button", name="Cancel guide.md").last.click()  # neither
    await page.get_by_role("button", name="Replace: price.md").click()
    await expect(title).to_have_text("Uploads done")
    assert await documents(product, space) == [*kept[:4], ("price.md", 2)]  # the newest of both


async def test_a_changed_folder_is_asked_about_once(product: Stack, space: Space, visit: Visit, tmp_path: Path) -> None:
    rules = tmp_path / "규정"
    for folder in ("a", "b", ".git"):
        (rules / folder).mkdir(parents=True)
        (rules / folder / "안내.md").write_text(f"# {folder}\n\nFirst.")
    (rules / "표.md").write_text("# Table\n\nFirst.")
    page = await enter(visit, product, space, locale="ko-KR", viewport=PHONE)
    seen(page).expected.append("409")
    title = page.locator("#uploads-title")
    await page.locator("#folder").set_input_files(rules)
    await expect(title).to_have_text("업로드 완료")  # files of one name in two folders are two documents
    assert sorted(await documents(product, space)) == [("규정/a/안내.md", 1), ("규정/b/안내.md", 1), ("규정/표.md", 1)]
    await expect(page.locator("#count-ready")).to_have_text("3", timeout=SOON)  # by then each has its own title

    (rules / "b" / "안내.md").write_text("# b\n\nSecond.")
    (rules / "표.md").write_text("# Table\n\nSecond.")
    await page.locator("#folder").set_input_files(rules)
    await expect(title).to_have_text("확인이 필요한 파일: 6개 중 2개")
    await expect(
        page.get_by_role("group", name="이 파일 이름의 문서가 이미 있는데 내용이 다릅니다. 그 문서를 이 파일로 바꿀까요?")
    ).to_have_count(2)
    assert await barriers(page) == []
    await picture(page, "name-taken-ko")
    await page.get_by_role("button", name="모두 새 파일로 바꾸기").press("Enter")
    await expect(title).to_have_text("업로드 완료")
    assert sorted(await documents(product, space)) == [("규정/a/안내.md", 1), ("규정/b/안내.md", 2), ("규정/표.md", 2)]
    replaced = await call(product, space, "GET", "/v1/documents?q=안내")
    assert {document["title"] for document in replaced["items"] if document["version"] == 2} == {"b"}  # and no other one's


async def test_an_upload_waits_for_a_busy_server_and_can_be_cancelled(product: Stack, space: Space, visit: Visit) -> None:
    page = await enter(visit, product, space, locale="en-US")
    seen(page).expected.append("503")
    refused: list[str] = []

    async def busy(route: Route) -> None:
        key = route.request.headers["idempotency-key"]
        refused.append(key)
        problem = {"detail": "As many uploads as this server takes at once are under way.", "status": 503}
        if "stuck" in route.request.url or refused.count(key) == 1:
            wait = "60" if "stuck" in route.request.url else "0.1"
            await route.fulfill(status=503, headers={"Retry-After": wait}, json=problem)
        else:
            await route.continue_()

    await page.route("**/v1/documents?filename=*", busy)
    files: Any = [{"name": f"{name}.md", "mimeType": "text/markdown", "buffer": b"# A note"} for name in ("note", "stuck")]
    await page.locator("#files").set_input_files(files)
    await expect(row(page, "A note").get_by_text("Ready")).to_be_visible(timeout=SOON)
    assert len(refused) == 3
    assert len(set(refused)) == 2  # a repetition is the same upload
    await expect(page.get_by_text("The server is busy; this is tried again soon.")).to_be_visible()
    await page.get_by_role("button", name="Cancel stuck.md").click()
    await expect(page.locator("#uploads-title")).to_have_text("Uploads done")
    await expect(page.locator("#upload-list li", has_text="stuck.md")).to_contain_text("Cancelled")


async def test_documents_are_found_replaced_and_deleted(product: Stack, space: Space, visit: Visit, tmp_path: Path) -> None:
    for number in range(4):
        await a_document(product, space, f"note-{number}.md", f"# Note {number}\n\nFirst words of {number}.")
    await a_document(product, space, "empty.md", b"")
    page = await enter(visit, product, space, locale="en-US")
    await page.get_by_role("searchbox").fill("note 2")
    await expect(page.locator("#rows tr")).to_have_count(1)
    assert "q=note%202" in page.url
    await page.get_by_role("searchbox").fill("")
    await expect(page.locator("#rows tr")).to_have_count(5)
    await page.locator(".segments label", has_text="Failed").click()
    await expect(page.locator("#rows tr")).to_have_count(1)
    await expect(page.locator("#rows")).to_contain_text("The file is empty.")
    await page.locator(".segments label", has_text="All").click()

    replacement = tmp_path / "new.md"
    replacement.write_text("# Note 1, again\n\nOther words.")
    async with page.expect_file_chooser() as chooser:
        await row(page, "Note 1").get_by_role("button", name="Actions for Note 1").press("Enter")
        await expect(page.get_by_role("link", name="Download").and_(page.locator(":visible"))).to_be_focused()
        await page.keyboard.press("ArrowDown")  # the keys that menus have
        await expect(page.get_by_role("button", name="Replace")).to_be_focused()
        await page.keyboard.press("Enter")
    await (await chooser.value).set_files(replacement)
    await expect(row(page, "Note 1, again").get_by_text("Ready")).to_be_visible(timeout=SOON)

    await row(page, "Note 3").get_by_role("button", name="Actions for Note 3").click()
    await page.get_by_role("button", name="Delete").and_(page.locator(":visible")).click()
    await expect(page.get_by_text("“Note 3” is deleted.")).to_be_visible()
    await expect(row(page, "Note 3")).to_have_count(0)
    await page.get_by_role("button", name="Undo").click()
    await expect(row(page, "Note 3")).to_be_visible()
    await row(page, "Note 3").get_by_role("button", name="Actions for Note 3").click()
    await page.get_by_role("button", name="Delete").and_(page.locator(":visible")).click()
    await expect(page.get_by_text("“Note 3” is deleted.")).to_be_visible()
    assert not (await call(product, space, "GET", "/v1/documents?q=note-3"))["items"]  # the server knows, whatever the page does
    await page.goto(f"{product.url}/documents")  # who leaves can take it back all the same
    await page.locator(".segments label", has_text="Deleted").click()
    left = page.locator("#rows tr", has_text="Note 3")
    await expect(left).to_contain_text("in 10 minutes")
    assert await barriers(page) == []
    await picture(page, "deleted")
    await left.get_by_role("button", name="Restore").press("Enter")
    await expect(page.get_by_text("“Note 3” is restored.")).to_be_visible()
    await expect(page.get_by_role("heading", name="Nothing that could be restored")).to_be_visible()
    await page.locator(".segments label", has_text="All").click()
    await row(page, "Note 3").get_by_role("link", name="Note 3").click()
    async with page.expect_navigation():
        await page.get_by_role("button", name="Read again").press("Enter")
    await expect(page.locator(".page-head").get_by_text("Ready")).to_be_visible(timeout=SOON)
    assert (await call(product, space, "GET", "/v1/documents?q=note-3"))["items"][0]["version"] == 2
    await page.get_by_role("button", name="Delete").click()
    await page.get_by_role("button", name="Undo").click()
    await expect(row(page, "Note 3").get_by_text("Ready")).to_be_visible()


async def test_the_keyboard_goes_on_where_a_row_was(product: Stack, space: Space, visit: Visit) -> None:
    for number in (1, 2, 3):
        await a_document(product, space, f"note-{number}.md", f"# Note {number}\n\nWords.")
    page = await enter(visit, product, space, locale="en-US")

    def menu(title: str) -> Any:
        return page.get_by_role("button", name=f"Actions for {title}")

    async def delete(title: str) -> None:
        await menu(title).press("Enter")
        await expect(page.get_by_role("link", name="Download")).to_be_focused()  # as it is once the menu has been opened
        await page.get_by_role("button", name="Delete", exact=True).press("Enter")
        await expect(row(page, title)).to_have_count(0)

    undo = page.get_by_role("button", name="Undo")
    await delete("Note 2")
    await expect(undo).to_be_focused()
    await undo.press("Enter")
    await expect(menu("Note 2")).to_be_focused()
    await delete("Note 2")
    await expect(undo).to_be_focused()
    await page.keyboard.press("Escape")
    await expect(menu("Note 1")).to_be_focused()

    await menu("Note 3").click()  # by a pointer the focus stays in the list
    await page.get_by_role("button", name="Delete", exact=True).click()
    await expect(menu("Note 1")).to_be_focused()
    await page.locator(".segments label", has_text="Deleted").click()
    restores = page.get_by_role("button", name="Restore")
    await restores.first.press("Enter")
    await expect(restores).to_have_count(1)
    await expect(restores).to_be_focused()
    await restores.press("Enter")
    await expect(page.get_by_role("heading", level=1)).to_be_focused()


async def test_what_a_search_finds_is_said(product: Stack, space: Space, visit: Visit) -> None:
    for name in ("kiwi", "lime"):
        await a_document(product, space, f"{name}.md", f"# {name}\n\nWords.")
    page = await enter(visit, product, space, locale="en-US")
    seen(page).expected.append("htmx")  # the search goes before the filter is chosen, and is given up for it
    said = page.locator("#found")
    await page.get_by_role("searchbox").fill("kiwi")
    await expect(said).to_have_text("kiwi · All · 1 found")
    await page.locator(".segments label", has_text="Failed").click()
    await expect(said).to_have_text("kiwi · Failed · Nothing here matches")
    await page.goto(f"{product.url}/conversations")
    await page.get_by_role("searchbox").fill("kiwi")
    await expect(said).to_have_text("kiwi · All · Nothing here matches")


async def test_what_lies_in_another_space_says_so_to_whoever_may_see_it(product: Stack, space: Space, visit: Visit) -> None:
    document = await a_document(product, space, "kiwi.md", "# Kiwi\n\nThere are 27 kiwis.")
    async with product.http.post("/v1/spaces", json={"name": "Elsewhere"}) as response:
        other: Any = await response.json()
    page = await enter(visit, product, other, admin=True, locale="en-US")
    seen(page).expected.append("404")
    path = f"/documents/{document['id']}?version=1&start=8&end=26"
    await page.goto(product.url + path)
    await expect(page.get_by_role("alert")).to_contain_text(f"belongs to the space “{space['name']}”; you are in “Elsewhere”")
    assert await barriers(page) == []
    await picture(page, "another-space")
    await page.get_by_role("button", name="Switch to it and open").click()
    await expect(page.get_by_role("heading", level=1)).to_have_text("Kiwi")
    assert page.url == product.url + path
    await expect(page.get_by_role("option", selected=True)).to_have_text(space["name"])
    async with product.http.delete(f"/v1/spaces/{other['id']}") as response:
        assert response.status == 204


async def test_every_filter_can_be_seen_on_a_small_screen(product: Stack, space: Space, visit: Visit) -> None:
    page = await enter(visit, product, space, locale="ko-KR", viewport={"width": 360, "height": 640})
    card = await page.locator(".documents").bounding_box()
    assert card is not None
    for label in await page.locator(".documents .segments label").all():
        box = await label.bounding_box()
        assert box is not None
        assert box["x"] + box["width"] <= card["x"] + card["width"]
    await picture(page, "filters-360")


async def test_a_failed_version_says_which_file_it_is_and_what_answers(product: Stack, space: Space, visit: Visit) -> None:
    document = await a_document(product, space, "guide.md", "# Guide\n\nWords.")
    await a_document(product, space, "lost.md", b"")
    path = f"/v1/documents/{document['id']}/content?filename=guide-2027.pdf"
    await call(product, space, "PUT", path, data=BytesIO(b"%PDF-1.7 no"))
    assert (await read(product, space, document["id"]))["status"] == "failed"
    page = await enter(visit, product, space, locale="en-US")
    await expect(row(page, "Guide")).to_contain_text("guide-2027.pdf")
    await expect(row(page, "Guide").locator(".why")).to_contain_text("Until then, the version before answers.")
    await expect(row(page, "lost").locator(".why")).to_have_text("The file is empty.")
    await row(page, "Guide").get_by_role("link", name="Guide").click()
    await expect(page.get_by_role("alert")).to_contain_text("Until then, the version before answers.")
    await expect(page.get_by_role("heading", name="Versions")).to_be_visible()
    await expect(page.get_by_role("heading", name="Summary")).to_have_count(0)


async def test_a_document_opens_on_its_text_at_the_passage(product: Stack, space: Space, visit: Visit) -> None:
    lines = [f"{number}번째 줄 🥝 입니다." for number in range(15_000)]
    text = "\n".join(lines)
    wanted = "11234번째 줄"
    document = await a_document(product, space, "long.txt", text)
    await call(
        product, space, "PUT", f"/v1/documents/{document['id']}/content?filename=long.txt", data=BytesIO(f"처음. {text}".encode())
    )
    await read(product, space, document["id"])  # else the page would be drawn anew when it is
    start = text.index(wanted)
    path = f"/documents/{document['id']}?version=1&start={start}&end={start + len(wanted)}"
    page = await enter(visit, product, space, path, locale="ko-KR")
    mark = page.locator("#panel-text mark")
    await expect(mark).to_have_text(wanted)
    await expect(mark).to_be_in_viewport()
    pane = page.locator("#panel-text")
    assert await pane.evaluate("pane => pane.textContent.length") < 200_000  # not the whole of it
    for _scroll in range(6):
        await pane.evaluate("pane => pane.scrollTo(0, pane.scrollHeight)")
        await page.wait_for_timeout(150)
    shown = await pane.evaluate("pane => pane.textContent")
    assert shown in text
    await pane.evaluate("pane => pane.scrollTo(0, 0)")
    await page.wait_for_timeout(500)
    assert await pane.evaluate("pane => pane.textContent") in text
    await page.get_by_role("tab", name="단락").click()
    await expect(page.locator(".passage").first).to_contain_text("0번째 줄")
    await expect(page.get_by_role("link", name="버전 1", exact=True)).to_be_visible()


async def test_what_documents_say_never_runs(product: Stack, space: Space, visit: Visit) -> None:
    hostile = "<img src=x onerror=alert(1)><script>alert(2)</script>"
    document = await a_document(product, space, "hostile.txt", f"# {hostile}\n\n{hostile} [go](javascript:alert(3))")
    await call(product, space, "PATCH", f"/v1/documents/{document['id']}", json={"title": hostile, "metadata": {"m": hostile}})
    page = await enter(visit, product, space, locale="en-US")
    page.on("dialog", lambda dialog: seen(page).messages.append(f"a dialog: {dialog.message}"))
    await page.get_by_role("link", name=hostile).click()
    await expect(page.locator("#panel-text")).to_contain_text(hostile)
    await page.get_by_role("tab", name="Passages").click()
    await expect(page.locator("#panel-passages")).to_contain_text("onerror")
    assert await page.locator("main img").count() == 0
    await page.get_by_role("button", name="Delete").click()
    await expect(page.get_by_text(f"“{hostile}” is deleted.")).to_be_visible()
