"""The dashboard on a telephone whose connection comes and goes: nothing is asked or uploaded twice, and it says why it waits."""

import re
from typing import Any

import pytest
from playwright.async_api import Page, Route, expect
from tests.browser.conftest import FILES, Visit
from tests.browser.dashboard import Space, a_document, call, enter
from tests.browser.seen import PHONE, seen
from tests.support.model_server import StandIn
from tests.support.stack import Stack
from tests.support.waiting import wait_until

GUIDE = "# Operations\n\n## Backups\n\nBackups are kept for 30 days.\n"
QUESTION = "How long are backups kept?"
LOST = ["ERR_", "Failed to load"]


async def on_the_road(visit: Visit, product: Stack, space: Space, path: str = "/ask") -> Page:
    page = await enter(visit, product, space, path, locale="en-US", viewport=PHONE, has_touch=True, is_mobile=True)
    seen(page).expected += LOST
    await page.wait_for_load_state("networkidle")
    return page


async def send(page: Page) -> Any:
    """The question, and where its answer comes."""
    await page.get_by_role("textbox").fill(QUESTION)
    await page.keyboard.press("Enter")
    return page.locator(".turn").last


async def answered(page: Page) -> None:
    await expect(page.get_by_role("button", name="Copy as Markdown")).to_be_visible()
    await expect(page.locator(".turn")).to_have_count(1)


async def asked(product: Stack, space: Space) -> list[int]:
    """How many questions each conversation has."""
    return [conversation["turns"] for conversation in (await call(product, space, "GET", "/v1/conversations"))["items"]]


async def test_a_question_sent_offline_waits_for_the_connection(product: Stack, space: Space, visit: Visit) -> None:
    await a_document(product, space, "guide.md", GUIDE)
    page = await on_the_road(visit, product, space)
    await page.context.set_offline(True)
    await page.clock.install()
    turn = await send(page)
    await expect(turn).to_contain_text("You are offline.")
    for _ in range(40):
        await page.clock.fast_forward(8_000)
    await expect(turn).to_contain_text("You are offline.")
    await page.context.set_offline(False)
    await answered(page)
    assert await asked(product, space) == [1]


async def test_a_stream_that_falls_silent_is_taken_up_elsewhere(
    product: Stack, space: Space, visit: Visit, stand_in: StandIn
) -> None:
    await a_document(product, space, "guide.md", GUIDE)
    words = [f"word{number}" for number in range(30)]
    stand_in.behave(answer=f"{' '.join(words)} [1].", delay=0.1)
    page = await on_the_road(visit, product, space)
    resumed: list[str] = []

    async def follow(route: Route) -> None:
        resumed.append(route.request.headers["last-event-id"])
        await route.continue_()

    await page.route("**/v1/answers/*/events", follow)
    await page.clock.install()
    turn = await send(page)
    await expect(turn.locator(".answer-text")).to_contain_text("word3")
    await page.clock.fast_forward(25_000)  # in which nothing was heard
    await answered(page)
    assert len(resumed) == 1
    await expect(turn.locator(".answer-text")).to_have_text(f"{' '.join(words)} 1.")


async def test_a_page_that_is_loaded_again_gets_the_answer(product: Stack, space: Space, visit: Visit, stand_in: StandIn) -> None:
    """As a telephone does with pages in the background."""
    await a_document(product, space, "guide.md", GUIDE)
    stand_in.behave(answer="Backups are kept for 30 days [1].", delay=0.3)
    page = await on_the_road(visit, product, space)
    turn = await send(page)
    await expect(turn.locator(".answer-text")).to_contain_text("Backups")
    await page.reload()
    await answered(page)
    await expect(page.locator(".answer-text")).to_have_text("Backups are kept for 30 days 1.")
    await page.reload()
    await answered(page)
    assert await asked(product, space) == [1]


async def test_who_asks_again_asks_the_same_question(product: Stack, space: Space, visit: Visit, stand_in: StandIn) -> None:
    """The server took it in, and could not be reached any more."""
    await a_document(product, space, "guide.md", GUIDE)
    page = await on_the_road(visit, product, space)

    async def taken_in(route: Route) -> None:
        if not await asked(product, space):
            await route.fetch()
        await route.abort("connectionreset")

    await page.route("**/v1/answers", taken_in)
    calls = stand_in.counts.chat_calls
    await page.clock.install()
    turn = await send(page)
    await expect(turn).to_contain_text("The connection broke. Trying again…")
    again = turn.get_by_role("button", name="Ask again")

    async def given_up() -> bool:
        await page.clock.fast_forward(8_000)
        return await again.is_visible()

    await wait_until(given_up, 30)
    await page.unroute("**/v1/answers")
    await again.tap()
    await answered(page)
    assert stand_in.counts.chat_calls == calls + 1
    assert await asked(product, space) == [1]


async def test_a_source_that_did_not_come_is_fetched_again(product: Stack, space: Space, visit: Visit) -> None:
    await a_document(product, space, "guide.md", GUIDE)
    page = await on_the_road(visit, product, space)
    turn = await send(page)
    await answered(page)
    await page.route("**/text?*", lambda route: route.abort("connectionreset"))
    await turn.locator("button.chip").first.tap()
    await expect(page.locator("#source-pane")).to_contain_text("The server cannot be reached.")
    await page.unroute("**/text?*")
    await page.locator("#source-pane").get_by_role("button", name="Try again").tap()
    await expect(page.locator("#source mark")).to_contain_text("30 days")
    await expect(page.locator("#source-pane progress")).to_have_count(0)


async def test_an_upload_waits_for_the_connection_and_is_one(product: Stack, space: Space, visit: Visit) -> None:
    """The first attempt is lost on its way, the second falls silent; then the device is offline for a while."""
    page = await on_the_road(visit, product, space, "/documents")
    keys: list[str] = []

    async def fault(route: Route) -> None:
        keys.append(route.request.headers["idempotency-key"])
        if len(keys) == 1:
            await route.abort("connectionreset")
        elif len(keys) > 2:
            await route.continue_()

    await page.route("**/v1/documents?filename=*", fault)
    await page.clock.install()
    files: Any = [{"name": "note.md", "mimeType": "text/markdown", "buffer": b"# A note"}]
    await page.locator("#files").set_input_files(files)
    item = page.locator("#upload-list li")
    await expect(item).to_contain_text("The connection broke. Trying again…")
    await wait_until(lambda: len(keys) == 2)
    await page.context.set_offline(True)
    await page.clock.fast_forward(90_000)
    await expect(item).to_contain_text("You are offline.")
    await page.context.set_offline(False)
    await expect(item).to_contain_text("Uploaded")
    assert len(keys) == 3
    assert len(set(keys)) == 1
    assert len((await call(product, space, "GET", "/v1/documents"))["items"]) == 1


@pytest.mark.parametrize("status", [None, 503])
async def test_what_a_page_loads_by_itself_is_loaded_later(product: Stack, space: Space, visit: Visit, status: int | None) -> None:
    """Where the connection breaks, and where a proxy answers for a server that is away; it is said once at a time."""
    document = await a_document(product, space, "guide.md", GUIDE)
    page = await on_the_road(visit, product, space)
    seen(page).expected += ["htmx:", "Response Status"]
    tries: list[str] = []

    async def away(route: Route) -> None:
        tries.append(route.request.url)
        await (route.abort("connectionreset") if status is None else route.fulfill(status=status, body="<h1>Away</h1>"))

    await page.route("**/questions", away)
    await page.goto(f"{product.url}/documents/{document['id']}")

    async def tried_again() -> bool:
        return len(tries) > 1

    await wait_until(tried_again, 10)
    said = "The server cannot be reached." if status is None else "The server answered 503."
    await expect(page.locator(".toast")).to_have_text(said)
    await page.unroute("**/questions")
    async with page.expect_response("**/questions") as response:
        pass
    assert (await response.value).ok


async def test_a_list_comes_to_show_what_is_chosen_above_it(product: Stack, space: Space, visit: Visit) -> None:
    await a_document(product, space, "guide.md", GUIDE)
    page = await on_the_road(visit, product, space, "/documents")
    seen(page).expected.append("htmx:")
    await page.context.set_offline(True)
    await page.locator(".segments label", has_text="Failed").click()
    await expect(page.locator(".toast")).to_have_text("The server cannot be reached.")
    await page.context.set_offline(False)
    await expect(page.get_by_role("heading", name="Nothing here matches")).to_be_visible()


@pytest.mark.parametrize("lost", ["app.js", "words-ko.json", "app.css", "htmx.min.js"])
async def test_a_page_that_has_not_come_whole_says_so(product: Stack, space: Space, visit: Visit, lost: str) -> None:
    page = await on_the_road(visit, product, space)
    await page.route(f"**/{lost}", lambda route: route.abort("connectionreset"))
    await page.goto(f"{product.url}/documents")
    await expect(page.get_by_text("The connection broke before this page was complete.")).to_be_visible()
    await page.unroute(f"**/{lost}")
    await page.get_by_role("link", name="Load it again").tap()
    await expect(page.get_by_text("The connection broke before this page was complete.")).to_be_hidden()


async def test_a_page_of_a_pdf_that_did_not_come_is_drawn_again(product: Stack, space: Space, visit: Visit) -> None:
    document = await a_document(product, space, "guide.pdf", (FILES / "guide-ko.pdf").read_bytes())
    page = await on_the_road(visit, product, space)
    image = re.compile(r"/pages/\d+\?")
    await page.route(image, lambda route: route.abort("connectionreset"))
    await page.goto(f"{product.url}/documents/{document['id']}")
    lost = page.locator(".sheet").first
    await expect(lost).to_contain_text("The server cannot be reached.")
    await page.unroute(image)
    await lost.get_by_role("button", name="Try again").tap()
    await expect(lost.locator("figcaption")).to_have_count(0)
    await wait_until(lambda: lost.locator("img").evaluate("(image) => image.naturalWidth"))
