"""Conversations, corrections and insights in the dashboard, as an owner sees and uses them."""

import re
from typing import Any

import pytest
from playwright.async_api import Dialog, Page, ViewportSize, expect
from tests.browser.conftest import FILES, Visit
from tests.browser.dashboard import a_key
from tests.browser.embedding import identity
from tests.browser.seen import DESKTOP, PHONE, barriers, picture, seen
from tests.support.asking import Asking
from tests.support.model_server import StandIn
from tests.support.stack import ADMIN_KEY, Stack
from tests.support.waiting import wait_until

QUESTION = "백업 파일은 며칠 동안 보관합니까?"
LOOKS = [
    ("ko-KR", "light", DESKTOP),
    ("en-US", "dark", DESKTOP),
    ("en-US", "light", PHONE),
    ("ko-KR", "dark", PHONE),
]


@pytest.fixture
async def asked(product: Stack, space: dict[str, Any]) -> dict[str, Any]:
    """A space where four questions were asked, and the answers by their questions."""
    async with product.client(ADMIN_KEY, **{"Protostar-Space": space["id"]}) as http:
        asking = Asking(http, space["id"])
        await asking.upload(FILES / "guide-ko.md")
        questions = (QUESTION, "화성 탐사선의 착륙 지점은 어디인가?", "백업은 몇 시에 합니까?", "주차장 요금은 얼마인가요?")
        answers = {question: await asking.ask(question) for question in questions}
        disliked = answers["백업은 몇 시에 합니까?"]["id"]
        async with http.post(
            f"/v1/answers/{disliked}/feedback", json={"rating": "down", "reason": "시각이 <b>틀렸어요</b>"}
        ) as response:
            assert response.status == 204
    return answers


async def opened(product: Stack, space: dict[str, Any], visit: Visit, path: str, **options: Any) -> Page:
    """The page of the space, signed in with a key of it."""
    body = {"role": "manage", "name": "browser"}
    async with product.http.post(f"/v1/spaces/{space['id']}/keys", json=body) as response:
        key = (await response.json())["key"]
    page = await visit(f"{product.url}/login?next={path}", **options)
    await page.locator("input[name=key]").fill(key)
    await page.keyboard.press("Enter")
    await page.wait_for_url(f"{product.url}{path}")
    return page


async def test_an_answer_is_corrected_for_everybody_who_asks_the_same(
    product: Stack, space: dict[str, Any], asked: dict[str, Any], visit: Visit
) -> None:
    page = await opened(product, space, visit, "/conversations", locale="en-US")
    await expect(page.locator("tbody tr")).to_have_count(4)
    await page.get_by_label("Search in questions and answers").fill("며칠")
    await expect(page.locator("tbody tr")).to_have_count(1)
    await page.get_by_role("link", name=QUESTION).click()
    source = page.get_by_role("list", name="Sources").get_by_role("link").first
    assert (await source.get_attribute("href") or "").startswith(f"/documents/{asked[QUESTION]['citations'][0]['document_id']}?")
    await page.get_by_text("Correct this answer").press("Enter")
    await page.get_by_label("What should have been said").fill("**45일** 동안 보관합니다. [1]")
    await page.get_by_role("button", name="Save").click()
    await expect(page.locator("article answer-text").first).to_have_text("45일 동안 보관합니다. 1")
    await expect(page.get_by_role("article")).to_be_focused()
    await expect(page.locator("article answer-text strong").first).to_have_text("45일")
    await expect(page.locator("article header .badge")).to_have_text("Corrected")
    async with product.client(ADMIN_KEY, **{"Protostar-Space": space["id"]}) as http:
        given = await Asking(http, space["id"]).ask("백업 파일 며칠 동안 보관해요?")
    assert (given["text"], given["corrected"]) == ("**45일** 동안 보관합니다. [1]", True)
    await page.get_by_text("Change the correction").click()
    await page.get_by_role("button", name="Withdraw").click()
    await expect(page.get_by_text("Correct this answer")).to_be_visible()
    await expect(page.get_by_role("article")).to_be_focused()
    await expect(page.locator("article header .badge")).to_have_count(0)


HOSTILE = """## 보관

| 무엇 | 며칠 |
| --- | --- |
| <img src=x onerror=alert(1)> 백업 | **30일** [1] |

[누르세요](javascript:alert(2)) <script>alert(3)</script>"""


@pytest.mark.parametrize(("locale", "scheme", "size"), LOOKS)
async def test_answers_are_read_as_markdown_with_what_was_found(
    product: Stack, space: dict[str, Any], visit: Visit, stand_in: StandIn, locale: str, scheme: str, size: ViewportSize
) -> None:
    stand_in.behaviour.answer = HOSTILE
    async with product.client(ADMIN_KEY, **{"Protostar-Space": space["id"]}) as http:
        asking = Asking(http, space["id"])
        await asking.upload(FILES / "guide-ko.md")
        answer = await asking.ask(QUESTION)
    path = f"/conversations/{answer['conversation_id']}"
    page = await opened(product, space, visit, path, locale=locale, color_scheme=scheme, viewport=size)
    page.on("dialog", lambda dialog: seen(page).messages.append(f"a dialog: {dialog.message}"))
    shown = page.locator("article answer-text")
    await expect(shown.locator("h3")).to_have_text("보관")
    await expect(shown.locator("td")).to_have_count(2)
    assert await shown.locator("img, script, [href^=javascript]").count() == 0
    found = page.locator("details.retrieval")
    await found.locator("summary").press("Enter")
    await expect(found.locator("tbody tr").first.locator("meter").first).to_be_visible()
    await expect(found.locator(".badge")).to_have_count(1)
    await page.locator("details.correct > summary").press("Enter")
    assert await barriers(page) == []
    assert await page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
    await picture(page, f"conversation-{locale}-{scheme}-{size['width']}", full_page=True)
    chip = shown.locator("button.chip")
    await chip.focus()
    await expect(page.get_by_role("tooltip")).to_be_visible()
    await chip.press("Enter")
    await page.wait_for_url(f"{product.url}/documents/{answer['citations'][0]['document_id']}?*")
    await expect(page.locator("mark").first).to_be_in_viewport()


async def test_a_correction_relies_on_the_documents_that_its_owner_names(
    product: Stack, space: dict[str, Any], asked: dict[str, Any], visit: Visit
) -> None:
    async with product.client(ADMIN_KEY, **{"Protostar-Space": space["id"]}) as http:
        asking = Asking(http, space["id"])
        named = await asking.upload(FILES / "guide-en.md")
        path = f"/conversations/{asked[QUESTION]['conversation_id']}"
        page = await opened(product, space, visit, path, locale="en-US")
        await page.get_by_text("Correct this answer").press("Enter")
        relied = page.get_by_role("group", name="Documents that it relies on")
        await expect(relied.get_by_role("checkbox")).to_have_count(1)  # what the answer cites
        await relied.get_by_role("checkbox").uncheck()
        await relied.get_by_role("searchbox").fill("nowhere")
        await expect(relied.get_by_text("No other document has that name.")).to_be_visible()
        await relied.get_by_role("searchbox").fill("operations")
        await expect(relied.get_by_role("button", name="Protostar operations guide")).to_be_visible()
        await relied.get_by_role("searchbox").press("Enter")
        await expect(relied.get_by_role("checkbox", name="Protostar operations guide")).to_be_checked()
        await page.get_by_label("What should have been said").fill("Fifteen days.")
        await page.get_by_role("button", name="Save").click()
        await expect(page.locator("article answer-text").first).to_have_text("Fifteen days.")

        async def correction() -> Any:
            async with http.get(f"/v1/answers/{asked[QUESTION]['id']}") as response:
                return (await response.json())["correction"]

        assert [each["document_id"] for each in (await correction())["documents"]] == [named["id"]]
        async with http.put(f"/v1/documents/{named['id']}/content?filename=guide-en.md", data=b"# Other words") as response:
            assert response.status == 202
        await asking.settled(named["id"], 2)
        assert (await correction())["stale"]
        await page.reload()
        await expect(page.get_by_role("status")).to_contain_text("has changed")
        await page.get_by_text("Change the correction").press("Enter")
        await page.get_by_role("group", name="Documents that it relies on").get_by_role("checkbox").uncheck()
        await page.get_by_role("button", name="Confirm").click()
        await expect(page.get_by_role("status")).to_have_count(0)
        assert (await correction())["documents"] == []


async def test_a_correction_that_is_being_written_is_not_lost(
    product: Stack, space: dict[str, Any], asked: dict[str, Any], visit: Visit
) -> None:
    async with product.client(ADMIN_KEY, **{"Protostar-Space": space["id"]}) as http:
        await Asking(http, space["id"]).upload(FILES / "guide-en.md")
    path = f"/conversations/{asked[QUESTION]['conversation_id']}"
    page = await opened(product, space, visit, path, locale="en-US")
    leaving: list[str] = []

    async def stay(dialog: Dialog) -> None:
        leaving.append(dialog.type)
        await dialog.dismiss()

    page.on("dialog", stay)
    await page.get_by_text("Correct this answer").press("Enter")
    await page.get_by_label("What should have been said").fill("Fifteen days.")
    await page.get_by_role("searchbox").fill("operations")
    await page.get_by_role("button", name="Protostar operations guide").click()
    await page.get_by_role("link", name="Insights").click()
    await wait_until(lambda: leaving == ["beforeunload"])
    assert page.url == product.url + path

    await page.get_by_role("button", name="한국어").click()
    await expect(page.get_by_text("저장하지 않은 내용을 되살렸습니다.")).to_be_visible()
    await expect(page.get_by_label("올바른 답변")).to_have_value("Fifteen days.")
    await expect(page.get_by_role("checkbox", name="Protostar operations guide")).to_be_checked()

    seen(page).expected += ["401", "htmx"]
    await page.context.clear_cookies(name=re.compile("session"))
    await page.get_by_role("button", name="저장").click()
    await expect(page.get_by_text("세션이 끝났습니다.")).to_be_visible()
    await page.get_by_label("키").fill((await a_key(product, space))["key"])
    await page.keyboard.press("Enter")
    await expect(page.get_by_label("올바른 답변")).to_have_value("Fifteen days.")
    await page.get_by_role("button", name="저장").click()
    await expect(page.locator("article answer-text").first).to_have_text("Fifteen days.")
    await page.get_by_role("link", name="통계").click()
    await expect(page).to_have_url(f"{product.url}/insights")
    assert leaving == ["beforeunload"]


async def test_filters_leave_what_they_say_and_stay_in_the_address(
    product: Stack, space: dict[str, Any], asked: dict[str, Any], visit: Visit
) -> None:
    page = await opened(product, space, visit, "/conversations", locale="en-US")
    await page.get_by_text("Disliked", exact=True).first.click()
    await expect(page.locator("tbody tr")).to_have_count(1)
    assert "show=disliked" in page.url
    await page.reload()
    await expect(page.locator("tbody tr")).to_have_count(1)
    await page.get_by_label("To", exact=True).fill("2020-01-01")
    await expect(page.get_by_role("heading", name="Nothing here matches")).to_be_visible()
    await page.get_by_role("link", name="Show all conversations").click()
    await page.get_by_role("link", name="백업은 몇 시에 합니까?").click()
    await expect(page.get_by_text("«시각이 <b>틀렸어요</b>»")).to_be_visible()


async def test_figures_are_drawn_told_and_downloaded(
    product: Stack, space: dict[str, Any], asked: dict[str, Any], visit: Visit
) -> None:
    page = await opened(product, space, visit, "/insights", locale="en-US", timezone_id="Asia/Seoul")
    chart = page.get_by_role("img", name="4 questions: 2 answered, 0 degraded, 2 not in the documents")
    await expect(chart).to_be_visible()
    await page.get_by_text("As a table").first.click()
    await expect(page.get_by_role("group", name="Questions per day").locator("tbody tr").first.locator("td").first).to_have_text(
        "4"
    )
    rows = page.locator("table.unanswered tbody tr")
    await expect(rows).to_have_count(3)
    async with page.expect_download() as download:
        await page.get_by_role("link", name="Download as CSV").click()
    content = (await (await download.value).path()).read_bytes()
    assert content.startswith("\ufeffquestion,".encode())
    assert "주차장 요금은 얼마인가요?".encode() in content


async def test_where_nothing_was_asked_nothing_is_called_answered(product: Stack, space: dict[str, Any], visit: Visit) -> None:
    page = await opened(product, space, visit, "/insights", locale="en-US")
    await page.wait_for_load_state("networkidle")
    await expect(page.get_by_text("Nothing was asked in these days.")).to_be_visible()
    await expect(page.get_by_text("Everything was answered")).to_have_count(0)


@pytest.mark.parametrize(("locale", "scheme", "viewport"), LOOKS)
async def test_the_pages_are_open_to_everybody_in_every_look(
    product: Stack, space: dict[str, Any], asked: dict[str, Any], visit: Visit, locale: str, scheme: str, viewport: ViewportSize
) -> None:
    page = await opened(product, space, visit, "/conversations", locale=locale, color_scheme=scheme, viewport=viewport)
    look = f"{locale[:2]}-{scheme}-{viewport['width']}"
    for path, ready in (
        ("/conversations", "tbody tr"),
        (f"/conversations/{asked[QUESTION]['conversation_id']}", "article"),
        ("/insights", "table.unanswered"),
    ):
        await page.goto(f"{product.url}{path}")
        await page.locator(ready).first.wait_for()
        for summary in await page.locator("details > summary").all():
            await summary.click()
        assert await barriers(page) == []
        assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth"), path
        await picture(page, f"{path.split('/')[1]}{len(path) > 20}-{look}", full_page=True)


async def test_everything_of_a_visitor_is_found_and_erased(product: Stack, space: dict[str, Any], visit: Visit) -> None:
    async with product.client(ADMIN_KEY, **{"Protostar-Space": space["id"]}) as http:
        async with http.post(f"/v1/spaces/{space['id']}/identity-secret") as response:
            token = identity((await response.json())["secret"], "customer-42")
        key = {"role": "ask", "name": "page", "origins": ["https://example.com"]}
        async with http.post(f"/v1/spaces/{space['id']}/keys", json=key) as response:
            publishable = (await response.json())["key"]
        other = await Asking(http, space["id"]).ask("And what does another one ask?")
    async with product.client(publishable, Origin="https://example.com") as http:
        async with http.post("/v1/visitors", json={"identity": token}) as response:
            http.headers["Protostar-Visitor"] = (await response.json())["visitor_token"]
        for number in range(2):
            await Asking(http, space["id"]).ask(f"What is question {number}?")
    page = await opened(product, space, visit, "/conversations", locale="en-US")
    await page.get_by_role("button", name="Find a visitor").click()
    assert await barriers(page) == []
    await page.get_by_label("Who signed in as").fill("customer-42")
    await page.get_by_role("button", name="Find", exact=True).click()
    await expect(page.locator("tbody tr")).to_have_count(2)
    await page.get_by_label("Search in questions and answers").fill("question 1")
    await expect(page.locator("tbody tr")).to_have_count(1)
    assert await barriers(page) == []
    await page.get_by_role("link", name="What is question 1?").click()
    erase = page.get_by_role("button", name="Erase everything of this visitor…")
    await erase.click()
    await page.get_by_role("button", name="Cancel").click()
    assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    await page.get_by_role("link", name="All of this visitor").click()
    await expect(page.locator("tbody tr")).to_have_count(2)  # nothing was erased
    await erase.click()
    await page.get_by_role("dialog").get_by_role("button", name="Erase", exact=True).click()
    await expect(page.get_by_text("Conversations erased: 2")).to_be_visible()
    await expect(page).to_have_url(f"{product.url}/conversations")
    await expect(page.locator("tbody tr")).to_have_count(1)
    await expect(page.get_by_role("link", name=other["question"])).to_be_visible()
