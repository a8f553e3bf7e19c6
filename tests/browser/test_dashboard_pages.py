"""The pages of a PDF: looked at, moved about in, and with the passage that an answer cites."""

from io import BytesIO
from typing import Any

import pytest
from playwright.async_api import Page, Route, expect
from tests.browser.conftest import FILES, Visit
from tests.browser.dashboard import Space, a_document, call, enter
from tests.browser.seen import DESKTOP, PHONE, barriers, picture, seen
from tests.knowledge.parse.pdfs import make_pdf, text
from tests.support.model_server import StandIn
from tests.support.stack import Stack

QUESTION = "3 장 2 절의 본문 문단은 무엇인가요?"
DRAWN = "image => image.complete && image.naturalWidth > 0"
TOPS = "sheets => sheets.map(sheet => [sheet.offsetTop, sheet.offsetHeight])"
KINDS = {
    "desktop-light-ko": {"viewport": DESKTOP, "color_scheme": "light", "locale": "ko-KR"},
    "phone-dark-en": {"viewport": PHONE, "color_scheme": "dark", "locale": "en-US", "device_scale_factor": 2},
}


async def three_pages(product: Stack, space: Space) -> Any:
    return await a_document(product, space, "three.pdf", (FILES / "three-pages-ko.pdf").read_bytes())


async def drawn(page: Page, number: int) -> None:
    """The image of that page of the document is there."""
    image = page.locator(".sheet img").nth(number - 1)
    await expect(image).to_have_js_property("complete", True)
    await page.wait_for_function(DRAWN, arg=await image.element_handle())


@pytest.mark.parametrize("kind", KINDS)
async def test_a_pdf_opens_on_its_pages(product: Stack, space: Space, visit: Visit, kind: str) -> None:
    document = await three_pages(product, space)
    korean = KINDS[kind]["locale"] == "ko-KR"
    page = await enter(visit, product, space, f"/documents/{document['id']}", admin=True, **KINDS[kind])
    sheets = page.locator("#panel-pages .sheet")
    await expect(sheets).to_have_count(3)
    before = await sheets.evaluate_all(TOPS)
    await drawn(page, 1)
    assert await sheets.evaluate_all(TOPS) == before  # nothing has moved
    await expect(sheets.locator("img").first).to_have_attribute("alt", "1쪽" if korean else "Page 1")

    number = page.get_by_role("spinbutton")
    await page.get_by_role("button", name="다음 쪽" if korean else "Next page").press("Enter")
    await expect(number).to_have_value("2")
    await expect(sheets.nth(1)).to_be_in_viewport(ratio=0.3)
    await number.fill("3")
    await number.press("Enter")
    await drawn(page, 3)
    await expect(sheets.nth(2)).to_be_in_viewport(ratio=0.3)
    await page.locator("#panel-pages").press("Home")
    await expect(sheets.nth(0)).to_be_in_viewport(ratio=0.3)
    assert await page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
    assert await barriers(page) == []
    await picture(page, f"pages-{kind}")

    await page.get_by_role("tab", name="본문" if korean else "Text").click()
    await expect(page.locator("#panel-text")).to_contain_text("백업은 새벽")
    await expect(page.locator("#panel-pages")).to_be_hidden()


async def test_only_what_somebody_comes_near_is_drawn(product: Stack, space: Space, visit: Visit) -> None:
    document = await a_document(product, space, "many.pdf", make_pdf([text(f"This is page {number}.") for number in range(1, 31)]))
    page = await enter(visit, product, space, f"/documents/{document['id']}", locale="en-US")
    await drawn(page, 1)
    number = page.get_by_role("spinbutton")
    await number.fill("99")
    await number.press("Enter")
    await expect(number).to_have_value("30")
    await drawn(page, 30)
    await number.fill("20")
    await number.press("Enter")
    await drawn(page, 20)
    asked = {int(url.partition("?")[0].rpartition("/")[2]) for url in seen(page).requests if "/pages/" in url}
    assert {1, 20, 30} <= asked
    assert not asked & {5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 25}


@pytest.mark.parametrize("kind", KINDS)
async def test_a_link_to_a_passage_leads_to_its_place_on_its_page(product: Stack, space: Space, visit: Visit, kind: str) -> None:
    document = await three_pages(product, space)
    path = f"/v1/documents/{document['id']}"
    async with product.http.get(f"{path}/text", headers={"Protostar-Space": space["id"]}) as response:
        stored = await response.text()
    start = stored.index("3장 2절의 본문")
    where = f"version=1&start={start}&end={start + 60}"
    # A next version, to which the old citation does not belong.
    await call(product, space, "PUT", f"{path}/content?filename=other.pdf", data=BytesIO(make_pdf([text("Another.")])))
    page = await enter(visit, product, space, f"/documents/{document['id']}?{where}", admin=True, **KINDS[kind])
    marked = page.locator(".sheet").nth(2).locator("svg rect")
    await expect(marked.first).to_be_in_viewport()
    await expect(page.locator(".sheet svg")).to_have_count(1)
    await expect(page.get_by_role("spinbutton")).to_have_value("3")
    await drawn(page, 3)
    shown = (await call(product, space, "GET", f"{path}/pages?{where}"))["highlights"]
    assert await marked.count() == len(shown[0]["boxes"])
    sheet = await page.locator(".sheet").nth(2).bounding_box()
    box = await marked.first.bounding_box()
    assert sheet is not None
    assert box is not None
    assert box["y"] - sheet["y"] == pytest.approx(shown[0]["boxes"][0]["top"] * sheet["height"], abs=2)
    assert box["width"] == pytest.approx((shown[0]["boxes"][0]["right"] - shown[0]["boxes"][0]["left"]) * sheet["width"], abs=2)
    assert await barriers(page) == []
    await picture(page, f"pages-passage-{kind}")


async def test_an_answer_opens_its_source_on_the_page(product: Stack, space: Space, visit: Visit, stand_in: StandIn) -> None:
    document = await three_pages(product, space)
    await a_document(product, space, "note.md", "# 3 장\n\n3 장 2 절의 본문 문단은 메모에도 있습니다.")
    stand_in.behave(answer="문단입니다 [1]. 메모도 있습니다 [2].")
    page = await enter(visit, product, space, "/ask", locale="ko-KR")
    await page.get_by_role("textbox").fill(QUESTION)
    await page.keyboard.press("Enter")
    sources = page.locator(".sources button")
    await expect(sources).to_have_count(2)
    await sources.filter(has_text="쪽").press("Enter")
    marked = page.locator("#source .sheet svg")
    await expect(marked.first).to_be_in_viewport()
    link = str(await page.locator("#source-link").get_attribute("href"))
    assert document["id"] in link
    assert f"&page={await page.get_by_role('spinbutton').input_value()}" in link
    assert await barriers(page) == []
    await picture(page, "answer-pdf")
    await sources.filter(has_not_text="쪽").click()
    await expect(page.locator("#source mark")).to_contain_text("3 장 2 절의 본문 문단")
    await expect(marked).to_have_count(0)
    await sources.filter(has_text="쪽").click()
    await expect(marked.first).to_be_in_viewport()
    await page.keyboard.press("Escape")
    await expect(page.locator("#source")).to_be_hidden()


async def test_a_busy_server_is_asked_again_and_a_page_that_cannot_be_drawn_says_so(
    product: Stack, space: Space, visit: Visit
) -> None:
    document = await a_document(product, space, "two.pdf", make_pdf([text("One."), text("Two.")]))
    page = await enter(visit, product, space, locale="en-US")
    seen(page).expected += ["503", "422"]
    asked: list[str] = []

    async def busy(route: Route) -> None:
        asked.append(route.request.url)
        problem = {"detail": "As many pages as this server draws at once are under way.", "status": 503}
        if len(asked) <= 2:
            await route.fulfill(status=503, headers={"Retry-After": "0.1"}, json=problem)
        else:
            await route.continue_()

    async def broken(route: Route) -> None:
        await route.fulfill(status=422, json={"detail": "This page of the file is damaged.", "status": 422})

    await page.route("**/pages/1?*", busy)
    await page.route("**/pages/2?*", broken)
    await page.goto(f"{product.url}/documents/{document['id']}")
    await drawn(page, 1)
    assert len(asked) == 3
    await page.get_by_role("button", name="Next page").click()
    await expect(page.locator(".sheet").nth(1)).to_contain_text("This page of the file is damaged.")

    await page.route("**/pages?*start=*", broken)
    await page.goto(f"{product.url}/documents/{document['id']}?start=0&end=4")
    await expect(page.get_by_role("status").filter(has_text="The passage could not be marked here")).to_be_visible()
    await drawn(page, 1)
    assert await barriers(page) == []


async def test_what_cannot_be_opened_says_why(product: Stack, space: Space, visit: Visit) -> None:
    locked = await a_document(product, space, "locked.pdf", make_pdf([text("secret")], password="open sesame"))
    page = await enter(visit, product, space, f"/documents/{locked['id']}", locale="ko-KR")
    seen(page).expected.append("422")
    await expect(page.locator("#panel-pages")).to_contain_text("암호가 걸린 파일입니다.")
    scan = await a_document(product, space, "scan.pdf", make_pdf(["0 0 100 100 re f"]))
    await page.goto(f"{product.url}/documents/{scan['id']}?start=0&end=10")
    await drawn(page, 1)
    await expect(page.locator(".page-bar")).to_contain_text("이 단락은 여기에 표시할 수 없습니다.")
    note = await a_document(product, space, "note.md", "# Note")
    await page.goto(f"{product.url}/documents/{note['id']}")
    await expect(page.get_by_role("tab")).to_have_count(2)
