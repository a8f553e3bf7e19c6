"""What holds on every page: nobody is shut out, nothing is cut off, nothing is heavy."""

import asyncio
import gzip
from typing import Any

import pytest
from playwright.async_api import Route, expect
from tests.browser.conftest import Visit
from tests.browser.dashboard import Space, a_document, call, enter, sign_in
from tests.browser.seen import DESKTOP, PHONE, barriers, picture, seen
from tests.support.model_server import StandIn
from tests.support.stack import Stack

SMALL = {"width": 360, "height": 740}
KINDS = {
    "desktop-light-en": {"viewport": DESKTOP, "color_scheme": "light", "locale": "en-US"},
    "desktop-dark-ko": {"viewport": DESKTOP, "color_scheme": "dark", "locale": "ko-KR"},
    "phone-dark-en": {"viewport": PHONE, "color_scheme": "dark", "locale": "en-US"},
    "phone-light-ko": {"viewport": SMALL, "color_scheme": "light", "locale": "ko-KR"},
}
BYTES = 100_000
"""Of one page with everything that it loads, as it travels: less than one photograph."""

LONG = "가나다라마바사아자차카타파하" * 12


@pytest.mark.parametrize("kind", KINDS)
async def test_pages_shut_nobody_out_and_fit_their_screen(
    product: Stack, space: Space, visit: Visit, stand_in: StandIn, kind: str
) -> None:
    document = await a_document(product, space, "guide.md", f"# 안내 {LONG}\n\n백업 파일은 30일 동안 보관합니다.\n\n{'w' * 300}")
    await a_document(product, space, "empty.md", b"")
    await call(product, space, "PATCH", f"/v1/spaces/{space['id']}", json={"settings": {"starter_questions": [LONG]}})
    body = {"role": "ask", "name": LONG, "origins": ["https://example.com"]}
    await call(product, space, "POST", f"/v1/spaces/{space['id']}/keys", json=body)
    page = await visit(f"{product.url}/login", **KINDS[kind])
    assert await barriers(page) == []
    await picture(page, f"login-{kind}")
    await sign_in(page, product, space, admin=True)
    for path in ("/documents", f"/documents/{document['id']}", "/ask", "/settings", "/system"):
        await page.goto(product.url + path)
        await page.wait_for_load_state("networkidle")
        name = path.strip("/").split("/")
        await picture(page, f"{'document' if len(name) > 1 else name[0]}-{kind}")
        assert await page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0, path
        assert await barriers(page) == [], path
        assert await page.locator("h1").count() == 1
    await page.goto(f"{product.url}/ask")
    await page.get_by_role("textbox").fill("백업 파일은 며칠 동안 보관하나요?")
    await page.keyboard.press("Enter")
    await page.locator(".sources button").first.click()
    await page.locator("#source mark").wait_for()
    await picture(page, f"answer-{kind}")
    assert await barriers(page) == []
    assert await page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0


CONTRASTS = r"""(fields) => fields.map((field) => {
    const channels = (colour) => colour.match(/[\d.]+/g).slice(0, 3).map((c) => c / 255);
    const linear = (c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4);
    const luminance = (colour) => channels(colour).map(linear).reduce((sum, c, at) => sum + c * [0.2126, 0.7152, 0.0722][at], 0);
    const ground = luminance(getComputedStyle(field.closest(".composer, .card, .side")).backgroundColor);
    const contrast = (colour) => {
        const [low, high] = [luminance(colour), ground].sort((one, other) => one - other);
        return (high + 0.05) / (low + 0.05);
    };
    const edge = getComputedStyle(field.closest(".composer") ?? field).borderTopColor;
    return [contrast(edge), contrast(getComputedStyle(field, "::placeholder").color)];
})"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_fields_can_be_seen_and_targets_hit(product: Stack, space: Space, visit: Visit, scheme: Any) -> None:
    page = await enter(visit, product, space, "/documents", admin=True, color_scheme=scheme)
    for path in ("/documents", "/ask", "/settings"):
        await page.goto(product.url + path)
        fields = page.locator(".page :is(input.input:not([type=color]), textarea):visible")
        for edge, placeholder in await fields.evaluate_all(CONTRASTS):
            assert edge >= 3, path
            assert placeholder >= 4.5, path
    for target in await page.locator(".anchors a, .link").all():
        box = await target.bounding_box()
        assert box is not None
        assert box["height"] >= 24


async def test_what_is_done_before_the_modules_are_there_waits_for_them(
    product: Stack, space: Space, visit: Visit, stand_in: StandIn
) -> None:
    document = await a_document(product, space, "guide.md", "# Guide\n\nBackups are kept for 30 days.")
    stand_in.behave(answer="For 30 days [1].")
    page = await enter(visit, product, space, locale="ko-KR")
    arrived = asyncio.Event()

    async def late(route: Route) -> None:
        await arrived.wait()
        await route.continue_()

    await page.context.route("**/static/**/{ask,document,documents,settings}.js", late)

    async def open_early(path: str) -> None:
        arrived.clear()
        await page.goto(product.url + path, wait_until="commit")

    await open_early("/ask")
    await page.get_by_role("textbox").fill("How long are backups kept?")
    for _impatient in range(2):
        await page.keyboard.press("Enter")
        await page.get_by_role("button", name="질문", exact=True).click()
        await page.get_by_role("textbox").focus()
    arrived.set()
    await expect(page.locator(".answer-text")).to_contain_text("For 30 days")
    assert "question=" not in page.url  # as a form without its module would send it
    assert len((await call(product, space, "GET", "/v1/conversations"))["items"]) == 1

    await open_early("/ask")
    await page.get_by_role("textbox").fill("How long?")
    await page.keyboard.press("Enter")
    arrived.set()
    await expect(page.locator(".asked")).to_have_text("How long?")

    await open_early("/documents")
    await page.get_by_role("searchbox").fill("kiwi")
    arrived.set()
    await expect(page.locator("#rows tr")).to_have_count(0)

    await open_early("/documents")
    await page.get_by_role("button", name="URL 추가").click()
    arrived.set()
    await expect(page.get_by_role("dialog", name="URL 추가")).to_be_visible()

    await open_early("/settings")
    colour = page.locator("[data-kind=colour]").first
    await colour.fill("#123456")
    await colour.dispatch_event("change")  # as a browser does when it is chosen
    arrived.set()
    await expect(colour).to_have_attribute("data-unset", "false")

    seen(page).expected.append("/text?")  # which the page may still ask for while it is being deleted
    await open_early(f"/documents/{document['id']}")
    await page.get_by_role("button", name="삭제").click()
    arrived.set()
    await expect(page).to_have_url(f"{product.url}/documents")
    assert not (await call(product, space, "GET", "/v1/documents"))["items"]


async def test_pages_are_light(product: Stack, space: Space, visit: Visit) -> None:
    document = await a_document(product, space, "guide.md", "# Guide\n\nWords.")
    page = await enter(visit, product, space, admin=True, locale="ko-KR")
    for path in ("/documents", f"/documents/{document['id']}", "/ask", "/settings", "/system"):
        sent: list[Any] = []

        def note(response: Any, sent: list[Any] = sent) -> None:
            sent.append(response)

        await page.goto("about:blank")  # what the page before asks for is not this one's
        page.on("response", note)
        await page.goto(product.url + path)
        await page.wait_for_load_state("networkidle")
        page.remove_listener("response", note)
        bodies = {response.url: await response.body() for response in sent if response.status == 200}
        assert sum(len(gzip.compress(body)) for body in bodies.values()) < BYTES, path
        compressed = [response for response in sent if "/static/" in response.url and response.url.endswith((".js", ".css"))]
        for response in compressed:
            if len(bodies.get(response.url, b"")) > 500:
                assert (await response.all_headers()).get("content-encoding") == "gzip", response.url
