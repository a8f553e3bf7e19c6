"""The list of documents with five hundred of them: it stays quick, and asks the server no more than it has to."""

import time
from typing import Any

import pytest
from playwright.async_api import Response, expect
from tests.browser.conftest import Visit
from tests.browser.dashboard import Space, enter
from tests.browser.seen import barriers, picture, seen
from tests.support.stack import Stack

MANY = 500
SOON = 8_000
"""Milliseconds, of a machine that does other things too."""


@pytest.mark.timeout(300)  # they are all uploaded by the browser, and read
async def test_five_hundred_documents(product: Stack, space: Space, visit: Visit) -> None:
    page = await enter(visit, product, space, locale="en-US")
    answers: list[Response] = []
    page.on("response", lambda response: answers.append(response))  # noqa: PLW0108 - Playwright cannot call it by itself
    files: Any = [
        {"name": f"note-{n:03}.md", "mimeType": "text/markdown", "buffer": f"# Note {n:03}\n\nWords of {n}.".encode()}
        for n in range(MANY)
    ]
    began = time.monotonic()
    await page.locator("#files").set_input_files(files)
    await expect(page.locator("#rows tr")).to_have_count(50, timeout=60_000)
    await expect(page.locator("#uploads-title")).to_contain_text(" left")  # the list is live while the rest is on its way
    await expect(page.locator("#uploads-title")).to_have_text("Uploads done", timeout=240_000)
    await expect(page.locator("#count-ready")).to_have_text(str(MANY), timeout=240_000)
    # The rows are read before they are counted: one may be shown as it was for another moment.
    await expect(page.locator('#rows tr[data-status="queued"], #rows tr[data-status="processing"]')).to_have_count(0)
    seconds = time.monotonic() - began
    asked = [answer for answer in answers if answer.request.method == "GET" and "/documents" in answer.url]
    assert len(asked) <= seconds * (1 / 1.5 + 1 / 2) + 3
    followed = [len(await answer.body()) for answer in asked if "/documents/rows" in answer.url]
    assert sum(followed) < 40_000 * max(1, len(followed)), "rows that just wait are not sent again and again"
    requests = len(seen(page).requests)
    await page.wait_for_timeout(3500)
    assert len(seen(page).requests) == requests, "nothing is asked while nothing is under way"

    await page.reload()
    await expect(page.locator("#rows tr")).to_have_count(50, timeout=SOON)
    await page.get_by_role("searchbox").fill("note 123")
    await expect(page.locator("#rows tr")).to_have_count(1, timeout=SOON)
    await page.get_by_role("searchbox").fill("")
    await expect(page.locator("#rows tr")).to_have_count(50, timeout=SOON)
    await page.locator(".segments label", has_text="Failed").click()
    await expect(page.get_by_role("heading", name="Nothing here matches")).to_be_visible(timeout=SOON)
    await page.locator(".segments label", has_text="All").click()
    for _page in range(9):
        await page.get_by_role("link", name="Older").click()
    await expect(page.get_by_role("link", name="Older")).to_have_count(0)
    await expect(page.locator("#rows tr")).to_have_count(50)
    assert await barriers(page) == []
    await picture(page, "many", full_page=True)
    await page.get_by_role("link", name="Newest").click()
    await expect(page.get_by_role("link", name="Newest")).to_have_count(0)
