"""Asking: streams, citations, sources, what is said of both."""

import json
from typing import Any

import pytest
from playwright.async_api import Page, Route, ViewportSize, expect
from tests.browser.conftest import Visit
from tests.browser.dashboard import Space, a_document, call, enter
from tests.browser.seen import DESKTOP, PHONE, barriers, picture, seen
from tests.support.model_server import StandIn
from tests.support.stack import Stack

GUIDE = "# 운영\n\n## 백업\n\n백업 파일은 30일 동안 보관합니다.\n\n## 점심\n\n점심은 열두 시에 먹습니다.\n"
QUESTION = "백업 파일은 며칠 동안 보관하나요?"


async def ask(page: Page, question: str = QUESTION) -> Any:
    """By keyboard; the last answer, once it is finished."""
    await page.get_by_role("textbox").fill(question)
    await page.keyboard.press("Enter")
    last = page.locator(".turn").last
    await expect(
        last.get_by_role("button", name="Copy as Markdown").or_(last.get_by_role("button", name="Markdown으로 복사"))
    ).to_be_visible()
    return last


async def test_an_answer_streams_and_its_citations_lead_to_their_source(
    product: Stack, space: Space, visit: Visit, stand_in: StandIn
) -> None:
    document = await a_document(product, space, "guide.md", GUIDE)
    stand_in.behave(answer="백업 파일은 **30일** 동안 보관합니다 [1].", delay=0.4)
    page = await enter(visit, product, space, "/ask", locale="ko-KR", permissions=["clipboard-read", "clipboard-write"])
    await page.get_by_role("textbox").fill(QUESTION)
    await page.keyboard.press("Enter")
    await expect(page.locator(".answer-text")).to_contain_text("백업")
    await expect(page.get_by_role("button", name="멈추기")).to_be_visible()
    chip = page.locator(".answer-text button.chip")
    await expect(chip).to_have_count(1)
    await expect(page.locator(".answer-text strong")).to_have_text("30일")

    await chip.focus()
    await expect(page.get_by_role("tooltip")).to_contain_text("백업 파일은 30일 동안 보관합니다.")
    await page.keyboard.press("Escape")
    await expect(page.get_by_role("tooltip")).to_be_hidden()
    await chip.hover()
    await expect(page.get_by_role("tooltip")).to_be_visible()
    await chip.press("Enter")
    mark = page.locator("#source mark")
    await expect(mark).to_be_in_viewport()
    await expect(mark).to_contain_text("30일")
    assert document["id"] in str(await page.locator("#source-link").get_attribute("href"))
    await page.keyboard.press("Escape")
    await expect(page.locator("#source")).to_be_hidden()
    await expect(chip).to_be_focused()

    await page.get_by_role("button", name="Markdown으로 복사").click()
    copied = await page.evaluate("navigator.clipboard.readText()")
    assert f"> {QUESTION}" in copied
    assert "보관합니다 [^1]" in copied
    assert "[^1]: 운영" in copied

    await page.get_by_text("찾은 단락", exact=True).click()
    cited = page.locator(".retrieval tbody tr", has_text="인용됨")
    await expect(cited).to_have_count(1)
    await expect(cited.locator("meter")).to_have_count(2)  # found by both legs, each with its score


async def test_what_an_answer_had_to_do_without_is_said(product: Stack, space: Space, visit: Visit, stand_in: StandIn) -> None:
    await a_document(product, space, "guide.md", GUIDE)
    stand_in.behave(status=503, only="chat")
    page = await enter(visit, product, space, "/ask", locale="en-US", viewport=PHONE)
    answer = await ask(page)
    await expect(answer).to_contain_text("No chat model wrote this")
    await answer.locator("button.chip").first.click()
    await expect(page.locator("#source mark")).to_be_in_viewport()
    await page.get_by_role("button", name="Close the source").click()
    await page.get_by_role("button", name="New conversation").click()
    answer = await ask(page, "Who painted the Mona Lisa in Paris?")
    await expect(answer).to_contain_text("The documents do not say it.")


async def test_a_lost_connection_is_taken_up_where_it_broke(product: Stack, space: Space, visit: Visit, stand_in: StandIn) -> None:
    await a_document(product, space, "guide.md", GUIDE)
    stand_in.behave(answer="하나 둘 셋 넷 다섯 [1].")
    page = await enter(visit, product, space, "/ask", locale="en-US")
    last: list[str | None] = []

    async def cut(route: Route) -> None:
        whole = await (await route.fetch()).text()
        events = whole.split("\n\n")
        await route.fulfill(content_type="text/event-stream", body="\n\n".join(events[:3]) + "\n\n")

    async def resumed(route: Route) -> None:
        last.append(route.request.headers.get("last-event-id"))
        await route.continue_()

    await page.route("**/v1/answers", cut)
    await page.route("**/v1/answers/*/events", resumed)
    answer = await ask(page)
    await expect(answer.locator(".answer-text")).to_have_text("하나 둘 셋 넷 다섯 1.")
    assert len(last) == 1
    assert last[0]
    jobs = await call(product, space, "GET", "/v1/jobs?kind=answer.write")
    assert len([job for job in jobs["items"] if job["space_id"] == space["id"]]) == 1  # asked once


async def test_what_a_model_writes_is_text(product: Stack, space: Space, visit: Visit, stand_in: StandIn) -> None:
    await a_document(product, space, "guide.md", GUIDE)
    hostile = (
        "<img src=x onerror=alert(1)> ![shot](https://evil.example/p.png) [go](javascript:alert(2)) "
        "[web](https://example.com/a) <script>alert(3)</script> `<b>` 백업 [1]\n\n"
        "| a | b |\n|---|---|\n| 1 | 2 |\n\n1. one\n2. two\n   - deep\n"
    )
    stand_in.behave(answer=hostile)
    page = await enter(visit, product, space, "/ask", locale="en-US")
    page.on("dialog", lambda dialog: seen(page).messages.append(f"a dialog: {dialog.message}"))
    answer = (await ask(page)).locator(".answer-text")
    assert await answer.locator("img, script, b, [onerror]").count() == 0
    assert await answer.locator("a").count() == 0  # no address that no passage names
    assert not [url for url in seen(page).requests if "evil" in url]


async def test_markdown_becomes_nodes(product: Stack, space: Space, visit: Visit) -> None:
    page = await enter(visit, product, space, "/ask", locale="en-US")
    asset = str(await page.locator("script[src$='ask.js']").get_attribute("src")).replace("ask.js", "markdown.js")
    for source, expected in {
        "a *b* **c** `d` [1]": "<p>a <em>b</em> <strong>c</strong> <code>d</code> <i>1</i></p>",
        "# h\n\ntext\nmore": "<h3>h</h3><p>text<br>more</p>",
        "- a\n- b\n  - c\n\n3. x": '<ul><li>a</li><li><p>b</p><ul><li>c</li></ul></li></ul><ol start="3"><li>x</li></ol>',
        "```py\n[1] <b>\n```\nz": '<pre tabindex="0"><code>[1] &lt;b&gt;</code></pre><p>z</p>',
        "```\nopen": '<pre tabindex="0"><code>open</code></pre>',
        "> q\n> r": "<blockquote><p>q<br>r</p></blockquote>",
        "[w](https://a.example)": '<p><a href="https://a.example" target="_blank" rel="noopener noreferrer nofollow">w</a></p>',
        "![w](https://a.example/p.png)": "<p>w</p>",
        "[x](data:text/html,1)": "<p><span>x</span></p>",
        "": "",
    }.items():
        made = await page.evaluate(
            """async ([asset, source]) => {
                const { markdown } = await import(asset);
                const box = document.createElement("div");
                box.append(...markdown(source, (n) => Object.assign(document.createElement("i"), { textContent: n })));
                return box.innerHTML;
            }""",
            [asset, source],
        )
        assert made == expected, json.dumps(source)


@pytest.mark.parametrize("size", [DESKTOP, PHONE])
async def test_an_answer_grows_in_view_above_the_composer(
    product: Stack, space: Space, visit: Visit, stand_in: StandIn, size: ViewportSize
) -> None:
    await a_document(product, space, "guide.md", GUIDE)
    page = await enter(visit, product, space, "/ask", locale="en-US", viewport=size)
    place = "(node) => node.getBoundingClientRect().top"
    bottom = "(node) => node.getBoundingClientRect().bottom"
    for number in range(3):
        answer = await ask(page, f"{QUESTION} {number}")
        assert 0 < await answer.evaluate(place) < 130
        assert await answer.locator(".answer-text").evaluate(bottom) < await page.locator("#ask").evaluate(place)
    await picture(page, f"ask-third-{size['width']}")

    answer = await ask(page, f"{QUESTION} {'왜냐하면 ' * 700}")
    assert await answer.locator(".answer-text").evaluate(place) > 0
    assert await answer.locator(".answer-text").evaluate(bottom) < await page.locator("#ask").evaluate(place)

    stand_in.behave(answer="백업 파일은 30일 동안 보관합니다 [1]. " * 20, delay=0.02)
    await page.get_by_role("textbox").fill(f"{QUESTION} 4")
    await page.keyboard.press("Enter")
    await expect(page.locator(".turn").last.locator(".answer-text")).to_contain_text("백업")
    await page.evaluate("scrollTo(0, 0)")
    await expect(page.locator(".turn").last.get_by_role("button", name="Copy as Markdown")).to_have_count(1)
    assert await page.evaluate("scrollY") == 0  # who has scrolled away is not brought back


async def test_who_clicks_twice_gets_the_answer(product: Stack, space: Space, visit: Visit, stand_in: StandIn) -> None:
    """Nor does typing the next question and pressing Enter cut the answer short; the button stops it, and says where it is."""
    await a_document(product, space, "guide.md", GUIDE)
    stand_in.behave(answer="백업 파일은 30일 동안 보관합니다 [1].", delay=0.1)
    page = await enter(visit, product, space, "/ask", locale="en-US")
    await page.get_by_role("textbox").fill(QUESTION)
    await page.locator("#send").dblclick()
    await expect(page.locator(".answer-text")).to_contain_text("백업")
    await page.get_by_role("textbox").fill("And then?")
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("button", name="Copy as Markdown")).to_be_visible()
    await expect(page.get_by_role("textbox")).to_have_value("And then?")

    stand_in.behave(answer="백업 파일은 30일 동안 보관합니다 [1].", delay=0.5)
    await page.keyboard.press("Enter")
    await expect(page.locator(".turn")).to_have_count(2)
    await expect(page.locator(".turn").last.locator(".answer-text")).to_contain_text("백업")
    await page.get_by_role("button", name="Stop").click()
    await expect(page.locator(".turn").last).to_contain_text("You stopped listening")
    await page.get_by_role("link", name="Open the conversation").click()
    await expect(page.get_by_role("heading", name="And then?")).to_be_visible()


async def test_who_comes_back_from_a_source_finds_the_conversation(
    product: Stack, space: Space, visit: Visit, stand_in: StandIn
) -> None:
    await a_document(product, space, "guide.md", GUIDE)
    page = await enter(visit, product, space, "/ask", locale="en-US")
    await ask(page)
    answer = await ask(page, "And then?")
    await answer.locator(".source").first.click()
    await page.get_by_role("link", name="Open the document").click()
    await expect(page.get_by_role("heading", level=1)).to_have_text("운영")
    await page.go_back()
    await expect(page.locator(".asked")).to_have_text([QUESTION, "And then?"])
    await expect(page.locator(".turn").last).to_be_in_viewport()
    await page.locator(".turn").last.locator("button.chip").first.click()
    await expect(page.locator("#source mark")).to_be_in_viewport()
    await page.keyboard.press("Escape")
    await ask(page, "And after that?")
    (conversation,) = (await call(product, space, "GET", "/v1/conversations"))["items"]
    assert conversation["turns"] == 3

    stand_in.behave(answer="백업 파일은 30일 동안 보관합니다 [1].", delay=0.3)
    await page.get_by_role("textbox").fill("And at last?")
    await page.keyboard.press("Enter")
    await expect(page.locator(".turn").last.locator(".answer-text")).to_contain_text("백업")
    await page.evaluate("sessionStorage.clear()")  # as in another tab, where nothing is known of what is under way
    await page.reload()
    await expect(page.locator(".asked")).to_have_text([QUESTION, "And then?", "And after that?", "And at last?"])
    await expect(page.locator(".turn").last.locator(".answer-text")).to_have_text("백업 파일은 30일 동안 보관합니다 1.")

    await page.locator(".source").last.click()
    await expect(page.locator("#source mark")).to_be_in_viewport()
    await page.get_by_role("button", name="New conversation").click()
    await expect(page.locator("#source")).to_be_hidden()
    await expect(page).to_have_url(f"{product.url}/ask")
    await expect(page.locator("#welcome")).to_be_visible()
    seen(page).expected += ["404", "422"]
    for unknown in (space["id"], "nonsense%2F"):
        await page.goto(f"{product.url}/ask?c={unknown}")
        await expect(page).to_have_url(f"{product.url}/ask")
        await expect(page.locator("#welcome")).to_be_visible()


async def test_back_leads_out_of_a_source_and_to_the_conversation_before(product: Stack, space: Space, visit: Visit) -> None:
    await a_document(product, space, "guide.md", GUIDE)
    page = await enter(visit, product, space, "/ask", locale="en-US", viewport=PHONE, has_touch=True, is_mobile=True)
    assert await page.evaluate("scrollY") == 0
    await expect(page.get_by_role("textbox")).not_to_be_focused()  # it would bring up the keyboard on the screen
    answer = await ask(page)
    url = page.url
    for close in (page.go_back, page.get_by_role("button", name="Close the source").click):
        await answer.locator(".source").first.click()
        await expect(page.locator("#source mark")).to_be_in_viewport()
        await close()
        await expect(page.locator("#source")).to_be_hidden()
        assert page.url == url
    await page.get_by_role("button", name="New conversation").click()
    await ask(page, "And then?")
    other = page.url
    assert other != url
    await page.go_back()
    await expect(page.locator(".asked")).to_have_text([QUESTION])
    assert page.url == url
    await page.go_forward()
    await expect(page.locator(".asked")).to_have_text(["And then?"])
    assert page.url == other


async def test_on_paper_stands_what_there_is_to_read(product: Stack, space: Space, visit: Visit) -> None:
    await a_document(product, space, "guide.md", GUIDE)
    page = await enter(visit, product, space, "/ask", locale="en-US")
    await expect(page.get_by_role("textbox")).to_be_focused()
    await ask(page)
    await page.emulate_media(media="print")
    for name in (".skip", ".composer", "#side"):
        await expect(page.locator(name)).to_be_hidden()
    top = await page.locator(".asked").evaluate("node => node.getBoundingClientRect().top + scrollY")
    assert top < 250, "it begins on the first page"
    await picture(page, "ask-print", full_page=True)
    await page.goto(f"{product.url}/insights")
    await expect(page.locator(".skip")).to_be_hidden()
    await expect(page.locator(".legend li").first).to_be_visible()
    await picture(page, "insights-print", full_page=True)


@pytest.mark.parametrize("is_touched", [False, True])
async def test_the_focus_stays_when_a_starter_question_goes(
    product: Stack, space: Space, visit: Visit, stand_in: StandIn, is_touched: bool
) -> None:
    """By touch not in the field, which would bring up the keyboard on the screen."""
    await a_document(product, space, "guide.md", GUIDE)
    settings = {"settings": {"starter_questions": [QUESTION]}}
    await call(product, space, "PATCH", f"/v1/spaces/{space['id']}", json=settings)
    stand_in.behave(delay=0.1)
    page = await enter(visit, product, space, "/ask", locale="en-US", has_touch=is_touched, is_mobile=is_touched)
    await page.locator("[data-starter]").press("Enter")
    await expect(page.locator("#thread" if is_touched else "#question")).to_be_focused()
    await expect(page.get_by_role("button", name="Copy as Markdown")).to_be_visible()

    await page.route("**/v1/answers", lambda route: route.fulfill(status=400, json={"detail": "No."}), times=1)
    seen(page).expected.append("400")
    await page.get_by_role("textbox").fill("And then?")
    await page.keyboard.press("Enter")
    await page.get_by_role("button", name="Ask again").press("Enter")
    await expect(page.locator("#thread" if is_touched else "#question")).to_be_focused()
    await expect(page.get_by_role("button", name="Copy as Markdown")).to_have_count(2)


async def test_a_screen_reader_hears_the_answer_once(product: Stack, space: Space, visit: Visit, stand_in: StandIn) -> None:
    await a_document(product, space, "guide.md", GUIDE)
    stand_in.behave(answer="백업 파일은 **30일** 동안 보관합니다 [1].", delay=0.05)
    page = await enter(visit, product, space, "/ask", locale="en-US")
    await page.evaluate(
        """() => {
            window.said = [];
            const tell = (changes) => changes.forEach(({ target }) => {
                if (target.closest("[aria-live], [role=status]")) window.said.push(target.textContent);
            });
            new MutationObserver(tell).observe(document.body, { childList: true, subtree: true });
        }"""
    )
    await ask(page)
    said = await page.evaluate("window.said")
    assert said == ["Looking through the documents…", "백업 파일은 30일 동안 보관합니다."]


async def test_a_source_that_was_deleted_says_so(product: Stack, space: Space, visit: Visit) -> None:
    document = await a_document(product, space, "guide.md", GUIDE)
    page = await enter(visit, product, space, "/ask", locale="en-US")
    seen(page).expected.append("404")
    answer = await ask(page)
    await call(product, space, "DELETE", f"/v1/documents/{document['id']}")
    await answer.locator("button.chip").first.click()
    pane = page.locator("#source-pane")
    await expect(pane).to_contain_text("It was deleted.")
    await expect(pane.get_by_role("button")).to_have_count(0)
    await pane.get_by_role("link", name="Deleted documents").click()
    await expect(page.get_by_role("button", name="Restore")).to_be_visible()
    await page.goto(f"{product.url}/documents/{document['id']}")
    await expect(page.get_by_role("alert").filter(visible=True)).to_contain_text("It was deleted.")
    assert await barriers(page) == []
