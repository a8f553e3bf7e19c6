"""The widget in a real browser, on somebody else's page, against the real product."""

import asyncio
import gzip
import json
import os
import re
import sys
from asyncio.subprocess import DEVNULL
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import pytest
from playwright.async_api import Error, ViewportSize, expect
from tests.browser.conftest import UNLIMITED
from tests.browser.embedding import OPENED, Embedding, Visitor, identity
from tests.browser.host import HOSTILE, STRICT
from tests.browser.seen import DESKTOP, PHONE, barriers, picture, seen
from tests.drills.processes import free_port
from tests.support.faulty_http import faulty_proxy
from tests.support.model_server import StandIn
from tests.support.stack import ADMIN_KEY, Stack
from tests.support.waiting import wait_until

from protostar.config import Settings
from protostar.web.assets import FOLDER

QUESTION = "How long are backups kept?"
KOREAN = "백업 파일은 며칠 동안 보관합니까?"


# -- on any page


async def test_a_hostile_style_sheet_and_a_strict_policy_do_not_keep_it_from_answering(embedding: Embedding) -> None:
    url = embedding.page(csp=STRICT.format(product=embedding.url), css=HOSTILE)
    visitor = await embedding.open(url)
    answer = await visitor.ask(QUESTION)
    assert "30" in await answer.inner_text()
    style = "(node) => { const s = getComputedStyle(node); return [s.fontSize, s.visibility, s.textTransform, s.letterSpacing]; }"
    assert (await answer.locator(".text").evaluate(style))[:3] == ["15px", "visible", "none"]
    box = await visitor.panel.bounding_box()
    assert box is not None
    assert box["x"] + box["width"] == pytest.approx(DESKTOP["width"] - 20, abs=1)
    await picture(visitor.page, "widget-hostile")


async def test_its_page_is_neither_blocked_nor_moved(embedding: Embedding) -> None:
    """No layout shift, no global name, nothing in the page's own tree but one element; and its root is closed."""
    before = await embedding.open(
        embedding.host.serve("<main><h1>Shop</h1><p>Text</p></main><protostar-widget></protostar-widget>")
    )
    names = set(await before.page.evaluate("Object.getOwnPropertyNames(window)"))
    visitor = await embedding.open(embedding.page(body="<main><h1>Shop</h1><p>Text</p></main>"), closed=True)
    await visitor.page.wait_for_function("document.querySelector('protostar-widget').matches(':popover-open')")
    shift = """() => new Promise((resolve) => { let sum = 0;
        const observer = new PerformanceObserver((list) => list.getEntries().forEach((entry) => (sum += entry.value)));
        observer.observe({type: "layout-shift", buffered: true});
        requestAnimationFrame(() => setTimeout(() => resolve(sum), 100)); })"""
    assert await visitor.page.evaluate(shift) == 0
    assert await visitor.page.evaluate("document.querySelector('protostar-widget').shadowRoot") is None
    assert set(await visitor.page.evaluate("Object.getOwnPropertyNames(window)")) - names == set()
    assert await visitor.page.evaluate("document.documentElement.scrollWidth <= innerWidth && scrollY === 0")


def test_it_weighs_less_than_30_kilobytes_and_needs_nothing_else() -> None:
    script = (FOLDER / "widget.js").read_bytes()
    assert len(gzip.compress(script, 9)) < 30_000
    text = script.decode()
    assert not re.search(
        r"\binnerHTML\b|\bouterHTML\b|insertAdjacentHTML|document\.write|\beval\b|new Function|import\s*\(|@import", text
    )
    assert set(re.findall(r"https?://[a-z][\w.]*", text)) == {"https://host", "http://www.w3.org"}  # of the example, and SVG's name


async def test_it_asks_its_server_and_nobody_else(embedding: Embedding) -> None:
    visitor = await embedding.open()
    await visitor.ask(QUESTION)
    assert {re.sub(r"^(https?://[^/]+).*", r"\1", url) for url in seen(visitor.page).requests} == {
        embedding.url,
        embedding.host.url,
    }


async def test_the_script_is_packed_and_kept(embedding: Embedding) -> None:
    async with aiohttp.ClientSession(embedding.url, auto_decompress=False) as http:
        async with http.get("/widget.js", headers={"Accept-Encoding": "gzip"}) as response:
            assert response.headers["Content-Encoding"] == "gzip"
            assert response.content_type == "text/javascript"
            assert gzip.decompress(await response.read()) == (FOLDER / "widget.js").read_bytes()
            etag = response.headers["ETag"]
        async with http.get("/widget.js", headers={"If-None-Match": etag}) as response:
            assert response.status == 304


@pytest.mark.parametrize("where", ["html", "body"])
@pytest.mark.parametrize("size", [{"width": 1366, "height": 657}, {"width": 360, "height": 640}])
async def test_a_page_that_is_zoomed_does_not_push_it_off_the_screen(embedding: Embedding, where: str, size: ViewportSize) -> None:
    visitor = await embedding.open(embedding.page(css=f"{where} {{ zoom: 1.25; }}"), viewport=size)
    await visitor.launcher.click()

    async def fits() -> bool:
        box = await visitor.panel.bounding_box()
        assert box is not None
        whole = box["x"] >= 0 and box["y"] >= 0 and box["x"] + box["width"] <= size["width"] + 1
        return whole and box["y"] + box["height"] <= size["height"] + 1

    assert await fits()
    await picture(visitor.page, f"widget-zoom-{where}-{size['width']}")
    await visitor.page.evaluate("document.body.style.zoom = 1.6")  # a button of the page, for larger text
    await wait_until(fits, 5)
    await visitor.panel.get_by_role("button", name="Close").click()
    await expect(visitor.launcher).to_be_visible()


async def test_a_page_that_draws_itself_anew_gets_it_back(embedding: Embedding) -> None:
    visitor = await embedding.open()
    await visitor.ask(QUESTION)
    again = """([src, key]) => new Promise((resolve) => {
        const script = Object.assign(document.createElement("script"), { src, onload: resolve });
        script.dataset.key = key;
        document.body.append(script);
    })"""
    script = [f"{embedding.url}/widget.js", embedding.key]
    await visitor.page.evaluate("document.body.innerHTML = '<main><h1>Another view</h1></main>'")
    await visitor.page.evaluate(again, script)
    await expect(visitor.widget).to_have_count(1)
    await visitor.launcher.click()
    await expect(visitor.answers).to_have_count(1)
    await visitor.page.evaluate(again, script)
    await expect(visitor.widget).to_have_count(1)

    seen(visitor.page).expected.append("another key")
    await visitor.page.evaluate(again, [script[0], "pk_another"])
    await expect(visitor.widget).to_have_count(1)
    assert any("another key" in message for message in seen(visitor.page).messages)

    await visitor.page.evaluate("document.querySelector('main').append(document.querySelector('protostar-widget'))")
    assert await visitor.page.evaluate("document.querySelector('protostar-widget').matches(':popover-open')")
    await expect(visitor.answers).to_have_count(1)


# -- what it shows


async def test_lists_and_quotations_stand_in_one_another(embedding: Embedding, stand_in: StandIn) -> None:
    stand_in.behave(
        answer="답입니다. [1]\n\n1. 하나\n   - 안쪽\n     1. 더 안쪽\n   - 둘째\n\n   이어지는 말\n2. 둘\n\n"
        "1. 새로 하나\n2. 새로 둘\n\n"
        "> 인용 첫째\n> 둘째 줄\n>\n> - 항목\n\n2024. 5. 1부터입니다.\n\n1. 가\n\n1. 나\n\n1. 다"
    )
    visitor = await embedding.open()
    text = (await visitor.ask(KOREAN)).locator(".text")
    shape = """(node) => [...node.querySelectorAll("ol, ul, blockquote")].map((each) =>
        [each.parentElement.tagName, each.tagName, each.children.length, each.start ?? null])"""
    assert await text.evaluate(shape) == [
        ["DIV", "OL", 2, 1],
        ["LI", "UL", 2, None],
        ["LI", "OL", 1, 1],
        ["DIV", "OL", 2, 1],
        ["DIV", "BLOCKQUOTE", 2, None],
        ["BLOCKQUOTE", "UL", 1, None],
        ["DIV", "OL", 3, 1],
    ]
    await expect(text.locator("ol").first.locator("> li").first.locator("> p").last).to_have_text("이어지는 말")
    await expect(text).to_contain_text("2024. 5. 1부터입니다.")
    await picture(visitor.page, "widget-nested")


async def test_citations_show_their_quotes(embedding: Embedding) -> None:
    visitor = await embedding.open()
    answer = await visitor.ask(QUESTION)
    await answer.locator("button.chip").first.click()
    details = answer.locator("details").first
    assert await details.get_attribute("open") is not None
    assert await details.locator(".quote").inner_text() != ""
    await expect(details.locator("summary")).to_have_text("1Protostar operations guideOperation › Backup")


@pytest.mark.parametrize("size", [DESKTOP, PHONE])
async def test_tables_are_tables(embedding: Embedding, stand_in: StandIn, size: ViewportSize) -> None:
    rows = "| 무엇 | 며칠 | 어디 | 누가 |\n|---|:-:|---|---|\n| **백업** [1] | 30일 | `a\\|b` | [x](javascript:window.hacked=1) |\n"
    stand_in.behave(answer=f"다음과 같습니다. [1]\n\n{rows}| 로그 | <img src=x onerror=window.hacked=1> |\n\n끝 | 입니다. [1]")
    visitor = await embedding.open(viewport=size)
    answer = await visitor.ask(KOREAN)
    table = answer.get_by_role("table")
    await expect(table.get_by_role("columnheader")).to_have_text(["무엇", "며칠", "어디", "누가"])
    await expect(table.get_by_role("row")).to_have_count(3)
    await expect(table.locator("strong")).to_have_text("백업")
    await expect(table.locator("code")).to_have_text("a|b")
    await expect(table.locator("button.chip")).to_have_count(1)
    assert await table.locator("img, [href^=javascript], [onerror]").count() == 0
    await expect(answer.locator(".text > p").last).to_contain_text("끝 | 입니다.")
    assert await barriers(visitor.page) == []
    assert await answer.evaluate("node => node.scrollWidth - node.clientWidth") <= 0
    await picture(visitor.page, f"widget-table-{size['width']}")


async def test_the_owners_words_and_colours(embedding: Embedding) -> None:
    await embedding.settings(
        limits=UNLIMITED, title="Help desk", greeting="Hello!", starter_questions=[QUESTION], theme={"accent": "#0a7f5a"}
    )
    visitor = await embedding.open()
    await expect(visitor.launcher).to_have_css("background-color", "rgb(10, 127, 90)")
    await visitor.launcher.click()
    await expect(visitor.panel.get_by_role("heading", name="Help desk")).to_be_visible()
    await expect(visitor.panel.get_by_text("Hello!")).to_be_visible()
    await picture(visitor.page, "widget-welcome")
    await visitor.panel.get_by_role("button", name=QUESTION).click()
    await visitor.answers.wait_for()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("colours", [("#ffe600", "#111111"), ("#0a7f5a", "#7fd6b5")])
async def test_whatever_the_colours_its_words_can_be_read(embedding: Embedding, scheme: Any, colours: tuple[str, str]) -> None:
    await embedding.settings(
        limits=UNLIMITED, starter_questions=[QUESTION], theme=dict(zip(("accent", "accent_dark"), colours, strict=True))
    )
    visitor = await embedding.open(color_scheme=scheme)
    await visitor.launcher.click()
    await visitor.panel.locator(".starters button").hover()
    await visitor.ask(QUESTION)
    await visitor.input.fill("And then?")
    assert await barriers(visitor.page) == []
    colour = "(node) => getComputedStyle(node).color"
    chosen = {"light": "rgb(10, 127, 90)", "dark": "rgb(127, 214, 181)"}
    text = {"light": "rgb(27, 29, 34)", "dark": "rgb(236, 238, 242)"}
    ink = (chosen if colours[0] == "#0a7f5a" else text)[scheme]
    assert await visitor.answers.locator("button.chip").first.evaluate(colour) == ink
    await expect(visitor.panel.locator("form.ask")).to_have_css("border-top-color", ink)
    await picture(visitor.page, f"widget-colours-{colours[0][1:]}-{scheme}")


@pytest.mark.parametrize(("lang", "languages", "close"), [("ko-KR", [], "닫기"), ("en", [], "Close"), ("fr", ["ko"], "닫기")])
async def test_it_speaks_the_pages_language(embedding: Embedding, lang: str, languages: list[str], close: str) -> None:
    await embedding.settings(languages=languages)
    visitor = await embedding.open(embedding.page(lang=lang))
    await visitor.launcher.click()
    await expect(visitor.panel.get_by_role("button", name=close)).to_be_visible()


async def test_the_page_overrides_language_and_colours(embedding: Embedding) -> None:
    css = "protostar-widget { --protostar-accent: #aa0055; --protostar-on-accent: #fff; }"
    visitor = await embedding.open(embedding.page(attributes='data-lang="ko" data-theme="dark" data-title="도움말"', css=css))
    await expect(visitor.launcher).to_have_css("background-color", "rgb(170, 0, 85)")
    await visitor.launcher.click()
    await expect(visitor.panel.get_by_role("heading", name="도움말")).to_be_visible()
    await expect(visitor.panel).to_have_css("background-color", "rgb(23, 24, 28)")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", ["desktop", "phone"])
async def test_people_with_disabilities_find_no_barrier(embedding: Embedding, scheme: str, size: str) -> None:
    lang, question = ("ko", KOREAN) if size == "phone" else ("en", QUESTION)
    await embedding.settings(
        limits=UNLIMITED, starter_questions=[question], greeting="무엇이든 물어보세요." if lang == "ko" else ""
    )
    options: dict[str, Any] = {"color_scheme": scheme, "viewport": PHONE if size == "phone" else DESKTOP}
    visitor = await embedding.open(embedding.page(lang=lang), **options)
    assert await barriers(visitor.page) == []
    await visitor.launcher.click()
    await visitor.panel.locator(".starters button").wait_for()
    await picture(visitor.page, f"widget-{size}-{scheme}-welcome")
    assert await barriers(visitor.page) == []
    answer = await visitor.ask(question)
    await answer.locator("summary").first.click()
    await picture(visitor.page, f"widget-{size}-{scheme}-answer")
    assert await barriers(visitor.page) == []


async def test_a_phone_gets_a_sheet_that_fills_it(embedding: Embedding) -> None:
    visitor = await embedding.open(viewport=PHONE, has_touch=True, is_mobile=True)
    await visitor.launcher.tap()
    box = await visitor.panel.bounding_box()
    assert box == {"x": 0, "y": 0, "width": PHONE["width"], "height": PHONE["height"]}
    assert await visitor.input.evaluate("(node) => getComputedStyle(node).fontSize") == "16px"  # below, iOS zooms


async def test_a_page_from_right_to_left_does_not_turn_it(embedding: Embedding, stand_in: StandIn) -> None:
    """But words that are written so are shown so."""
    arabic = "كم يوما؟"
    stand_in.behave(answer="تحفظ النسخ الاحتياطية 30 يوما: Backups are kept for 30 days [1].")
    visitor = await embedding.open(embedding.page(lang="en", css="html { direction: rtl; }"))
    answer = await visitor.ask(f"{QUESTION} {arabic}")
    direction = "(node) => getComputedStyle(node).direction"
    assert await visitor.panel.evaluate(direction) == "ltr"
    assert await answer.locator(".question bdi").evaluate(direction) == "ltr"
    assert await answer.locator(".text").evaluate(direction) == "rtl"
    assert await answer.locator(".quote").first.evaluate(direction) == "ltr"
    await picture(visitor.page, "widget-rtl")


@pytest.mark.parametrize("size", [{"width": 844, "height": 390}, {"width": 640, "height": 400}])
async def test_a_low_screen_is_left_to_the_answers(embedding: Embedding, size: ViewportSize) -> None:
    """A telephone on its side, and a desktop at 200 %."""
    await embedding.settings(
        limits=UNLIMITED, title="Whatever you would like to know of our shop, its goods and its people: ask us"
    )
    visitor = await embedding.open(viewport=size)
    await visitor.ask(QUESTION)
    assert await visitor.panel.bounding_box() == {"x": 0, "y": 0, **size}
    box = await visitor.panel.locator(".log").bounding_box()
    assert box is not None
    assert box["height"] > size["height"] * 0.7
    assert await barriers(visitor.page) == []
    await picture(visitor.page, f"widget-low-{size['width']}")


# -- how it is used


async def test_the_keyboard_is_enough(embedding: Embedding) -> None:
    page = embedding.page(body='<main><h1>Shop</h1><a href="#">Link</a></main>')
    visitor = await embedding.open(page)
    await visitor.page.keyboard.press("Tab")
    await visitor.page.keyboard.press("Tab")
    await visitor.page.keyboard.press("Enter")
    await expect(visitor.input).to_be_focused()
    await visitor.page.keyboard.type(QUESTION)
    await visitor.page.keyboard.press("Enter")
    await visitor.answers.wait_for()
    focused = "document.querySelector('protostar-widget').shadowRoot.activeElement?.className ?? document.activeElement.tagName"
    around = []
    for _ in range(20):
        await visitor.page.keyboard.press("Tab")
        around.append(await visitor.page.evaluate(focused))
    assert "A" not in around, "the focus stays in the dialog"
    assert {"chip", "icon"} <= set(around)
    await visitor.page.keyboard.press("Escape")
    await expect(visitor.panel).to_be_hidden()
    await expect(visitor.launcher).to_be_focused()


@pytest.mark.parametrize("is_touched", [False, True])
async def test_the_focus_stays_in_the_dialog_when_its_place_goes(embedding: Embedding, is_touched: bool) -> None:
    """By touch not in the field, which would bring up the keyboard on the screen."""
    await embedding.settings(limits=UNLIMITED, starter_questions=[QUESTION])
    visitor = await embedding.open(has_touch=is_touched, is_mobile=is_touched)
    seen(visitor.page).expected.append("500")
    focused = visitor.panel if is_touched else visitor.input
    await visitor.launcher.click()
    await visitor.panel.locator(".starters button").press("Enter")
    await visitor.answers.wait_for()
    await expect(focused).to_be_focused()

    headers = {"Access-Control-Allow-Origin": "*"}
    await visitor.page.route("**/v1/answers", lambda route: route.fulfill(status=500, headers=headers, json={}), times=1)
    await visitor.send("And then?")
    await visitor.panel.get_by_role("button", name="Try again").press("Enter")
    await expect(visitor.answers).to_have_count(2)
    await expect(focused).to_be_focused()

    await visitor.input.fill("And after that?")
    await visitor.panel.get_by_role("button", name="Send", exact=True).press("Enter")
    await expect(visitor.answers).to_have_count(3)
    await expect(focused).to_be_focused()
    await visitor.page.keyboard.press("Escape")
    await expect(visitor.panel).to_be_hidden()


async def test_a_screen_reader_hears_the_answer_once(embedding: Embedding, stand_in: StandIn) -> None:
    stand_in.behave(delay=0.02, tokens=30)
    visitor = await embedding.open()
    await visitor.launcher.click()
    await visitor.panel.locator("[role=status]").evaluate(
        """(node) => {
            window.said = [];
            new MutationObserver(() => window.said.push(node.textContent)).observe(node, {childList: true});
        }"""
    )
    answer = await visitor.ask(QUESTION)
    said = await visitor.page.evaluate("window.said")
    assert len(said) == 2
    assert said[0].startswith("Looking")
    assert said[1].split()[0] in await answer.inner_text()


@pytest.mark.parametrize("size", [PHONE, DESKTOP])
async def test_an_answer_that_comes_at_once_is_seen(embedding: Embedding, stand_in: StandIn, size: ViewportSize) -> None:
    """Below others: the whole of a short one, and a long one from its question on, however it arrives."""
    visitor = await embedding.open(viewport=size)
    log = visitor.panel.locator(".log")

    async def hidden() -> list[float]:
        """Pixels of the last question and its answer above and below what is seen."""
        seen, turn = await log.bounding_box(), await visitor.answers.last.bounding_box()
        assert seen is not None
        assert turn is not None
        return [seen["y"] - turn["y"], turn["y"] + turn["height"] - seen["y"] - seen["height"]]

    stand_in.behave(answer="They are kept for thirty days. [1]")
    for number in (1, 2, 3):
        await visitor.ask(f"{QUESTION} {number}")
        assert max(await hidden()) <= 0
    for number, delay in ((4, 0), (5, 0.02)):
        stand_in.behave(answer="A line of a long answer.\n\n" * 40 + "[1]", delay=delay)
        await visitor.ask(f"{QUESTION} {number}")
        above, below = await hidden()
        assert above <= 0 < below


async def test_who_clicks_twice_gets_the_answer(embedding: Embedding, stand_in: StandIn) -> None:
    stand_in.behave(delay=0.1)
    visitor = await embedding.open()
    await visitor.launcher.click()
    await visitor.input.fill(QUESTION)
    await visitor.panel.locator(".send").dblclick()
    await visitor.answers.wait_for()
    await expect(visitor.input).to_have_value("")


async def test_rating_copying_and_erasing(embedding: Embedding) -> None:
    visitor = await embedding.open(permissions=["clipboard-read", "clipboard-write"])
    answer = await visitor.ask(QUESTION)
    await answer.get_by_role("button", name="Copy answer").click()
    await expect(answer.get_by_text("Copied")).to_be_visible()
    assert "[1] " in await visitor.page.evaluate("navigator.clipboard.readText()")
    await answer.get_by_role("button", name="Not helpful").click()
    await expect(answer.get_by_label("What was wrong or missing?")).to_be_focused()
    send, log = await answer.get_by_role("button", name="Send").bounding_box(), await visitor.panel.locator(".log").bounding_box()
    assert send is not None
    assert log is not None
    assert send["y"] + send["height"] <= log["y"] + log["height"]
    await answer.get_by_label("What was wrong or missing?").fill("Which backups?")
    await answer.get_by_role("button", name="Send").click()
    # It is sent once the form is gone: there were thanks for the rating alone before.
    await expect(answer.get_by_role("button", name="Send")).to_be_hidden()
    await expect(answer.get_by_text("Thank you.")).to_be_visible()
    kept = json.loads(await visitor.page.evaluate("localStorage.getItem(Object.keys(localStorage)[0])"))
    async with embedding.asking.http.get(f"/v1/answers/{kept['turns'][0]['id']}") as response:
        assert (await response.json())["feedback"] == {"rating": "down", "reason": "Which backups?"}
    await visitor.page.reload()
    await visitor.launcher.click()
    await expect(visitor.answers).to_have_count(1)
    await visitor.panel.get_by_role("button", name="Erase history").click()
    await visitor.panel.get_by_role("button", name="Erase", exact=True).click()
    await expect(visitor.answers).to_have_count(0)
    await visitor.page.reload()
    await visitor.launcher.click()
    await expect(visitor.answers).to_have_count(0)


async def test_what_cannot_be_rated_or_copied_says_so(embedding: Embedding) -> None:
    visitor = await embedding.open(embedding.page(lang="ko"))
    seen(visitor.page).expected += ["403", "503"]
    headers = {"Access-Control-Allow-Origin": "*"}
    answer = await visitor.ask(KOREAN)
    await visitor.page.evaluate("() => { navigator.clipboard.writeText = () => Promise.reject(new Error('refused')); }")
    await answer.get_by_role("button", name="답변 복사").click()
    await expect(answer.get_by_text("브라우저가 복사를 허용하지 않았습니다.")).to_be_visible()
    await visitor.page.route("**/feedback", lambda route: route.fulfill(status=503, headers=headers, json={}), times=1)
    await answer.get_by_role("button", name="도움이 됐어요").click()
    await expect(answer.get_by_text("평가를 보내지 못했습니다.")).to_be_visible()
    await visitor.page.route("**/feedback", lambda route: route.fulfill(status=403, headers=headers, json={}), times=1)
    await answer.get_by_role("button", name="도움이 안 됐어요").click()
    await expect(answer.get_by_text("이 답변은 이제 평가할 수 없습니다.")).to_be_visible()
    await expect(answer.get_by_role("button", name="도움이 됐어요")).to_be_hidden()
    await expect(answer.get_by_label("무엇이 틀렸거나 부족했나요?")).to_be_hidden()
    await expect(answer.get_by_role("button", name="답변 복사")).to_be_focused()


async def test_tabs_lose_nothing_of_each_other_and_what_is_erased_stays_so(embedding: Embedding) -> None:
    url = embedding.page()
    first = await embedding.open(url)

    async def another() -> Visitor:
        page = await first.page.context.new_page()
        await page.add_init_script(OPENED)
        await page.goto(url)
        await page.locator("protostar-widget").wait_for(state="attached")
        return Visitor(page)

    async def shown(visitor: Visitor) -> list[str]:
        await visitor.page.reload()
        await visitor.launcher.click()
        return [text.removeprefix("You asked: ") for text in await visitor.panel.locator(".question").all_text_contents()]

    second = await another()
    await first.ask(f"{QUESTION} 1")
    await second.ask(f"{QUESTION} 2")
    answer = await first.ask(f"{QUESTION} 3")
    await answer.get_by_role("button", name="Helpful", exact=True).click()
    await expect(answer.get_by_text("Thank you.")).to_be_visible()
    third = await another()
    assert await shown(third) == [f"{QUESTION} {number}" for number in (1, 2, 3)]
    assert [turn.get("rating") for turn in (await third.kept())["turns"]] == [None, None, "up"]
    for number in (0, 1):  # they are one visitor's, whichever tab asked
        answer = third.answers.nth(number)
        await answer.get_by_role("button", name="Helpful", exact=True).click()
        await expect(answer.get_by_text("Thank you.")).to_be_visible()

    await third.panel.get_by_role("button", name="Erase history").click()
    await third.panel.get_by_role("button", name="Erase", exact=True).click()
    await expect(first.answers).to_have_count(0)
    await expect(second.answers).to_have_count(0)
    await second.ask(f"{QUESTION} 4")
    assert await shown(first) == [f"{QUESTION} 4"]
    assert await shown(third) == [f"{QUESTION} 4"]
    assert await embedding.conversations() == [1, 1, 2]


async def test_what_the_page_may_call_and_hear(embedding: Embedding) -> None:
    visitor = await embedding.open()
    heard = """async (question) => {
        const widget = document.querySelector("protostar-widget"), heard = [];
        for (const name of ["open", "close", "answer", "error"])
            addEventListener(`protostar:${name}`, (event) => heard.push(event.type));
        const answer = await widget.ask(question);
        widget.close();
        return [heard, answer.question];
    }"""
    assert await visitor.page.evaluate(heard, QUESTION) == [["protostar:open", "protostar:answer", "protostar:close"], QUESTION]


# -- when things go wrong


async def test_a_cut_connection_goes_on_where_it_was(embedding: Embedding, stand_in: StandIn) -> None:
    stand_in.behave(delay=0.05, tokens=40)
    async with faulty_proxy(embedding.url) as proxy:
        visitor = await embedding.open(embedding.page(server=proxy.url))
        seen(visitor.page).expected += ["ERR_INCOMPLETE_CHUNKED_ENCODING", "ERR_CONNECTION", "Failed to load"]
        await visitor.launcher.click()
        await visitor.panel.locator(".welcome").wait_for()
        await visitor.page.wait_for_load_state("networkidle")
        # Each request is preceded by the browser's question whether it may: the visitor, the question, its continuation.
        proxy.cut_after, proxy.faults = 1500, ["pass", "pass", "pass", "cut", "pass", "cut"]
        answer = await visitor.ask(QUESTION)
    asked = [path for method, path in proxy.seen if method == "POST" and path == "/v1/answers"]
    resumed = [path for method, path in proxy.seen if method == "GET" and path.endswith("/events")]
    assert len(asked) == 1
    assert len(resumed) >= 2
    kept = json.loads(await visitor.page.evaluate("localStorage.getItem(Object.keys(localStorage)[0])"))
    async with embedding.asking.http.get(f"/v1/answers/{kept['turns'][0]['id']}") as response:
        text = (await response.json())["text"]
    assert kept["turns"][0]["text"] == text
    assert (await answer.locator(".text").inner_text()).split()[-1] == text.replace("[", "").replace("]", "").split()[-1]


async def test_a_lost_question_is_not_asked_twice(embedding: Embedding, stand_in: StandIn) -> None:
    """The response is lost before its first byte; the question is sent again under the same key."""
    async with faulty_proxy(embedding.url) as proxy:
        visitor = await embedding.open(embedding.page(server=proxy.url))
        seen(visitor.page).expected += [
            "ERR_INCOMPLETE_CHUNKED_ENCODING",
            "ERR_CONNECTION",
            "ERR_EMPTY",
            "Failed to load",
            "CORS policy",
        ]
        await visitor.page.wait_for_load_state("networkidle")
        calls = stand_in.counts.chat_calls
        proxy.cut_after, proxy.faults = 0, ["pass", "pass", "pass", "cut", "503"]
        await visitor.ask(QUESTION)
    assert [path for method, path in proxy.seen if method == "POST"].count("/v1/answers") == 3
    assert stand_in.counts.chat_calls == calls + 1


async def test_a_reload_in_the_middle_of_an_answer(embedding: Embedding, stand_in: StandIn) -> None:
    stand_in.behave(delay=0.1, tokens=30)
    visitor = await embedding.open()
    await visitor.launcher.click()
    await visitor.input.fill(QUESTION)
    await visitor.input.press("Enter")
    await visitor.panel.locator("article .text").wait_for()
    calls = stand_in.counts.chat_calls
    await visitor.page.reload()
    await visitor.launcher.click()
    await visitor.answers.wait_for()
    await expect(visitor.answers).to_have_count(1)
    assert stand_in.counts.chat_calls == calls


async def test_what_the_owner_erases_is_not_asked_again_by_itself(embedding: Embedding, stand_in: StandIn) -> None:
    visitor = await embedding.open()
    seen(visitor.page).expected.append("404")
    await visitor.ask(QUESTION)
    stand_in.behave(delay=0.2, tokens=100)
    await visitor.send("Where are jobs kept when Redis is down?")
    await expect(visitor.panel.locator("article .text").nth(1)).to_contain_text(re.compile(r"\w+ \w+"))
    who = {"visitor_token": (await visitor.kept())["token"]}
    async with embedding.asking.http.post("/v1/visitors/erase", json=who) as response:
        assert await response.json() == {"conversations": 1}
    stand_in.behave()
    again = visitor.panel.get_by_role("button", name="Try again")
    await expect(again).to_be_visible(timeout=20_000)
    assert await embedding.conversations() == []
    await visitor.page.reload()
    await visitor.launcher.click()
    await expect(visitor.answers).to_have_count(1)  # its device remembers what was answered before, and asks nothing
    assert await embedding.conversations() == []
    await visitor.ask("And after that?")
    assert await embedding.conversations() == [1]


@asynccontextmanager
async def killable_api(settings: Settings, port: int) -> AsyncGenerator[asyncio.subprocess.Process]:
    """An API in a process of its own, which answers by the time it is given."""
    env = {
        "PATH": os.environ["PATH"],
        "PROTOSTAR_DATABASE_URL": settings.database_url.get_secret_value() if settings.database_url else "",
        "PROTOSTAR_REDIS_URL": settings.redis_url.get_secret_value() if settings.redis_url else "",
        "PROTOSTAR_DATA_DIR": str(settings.data_dir),
        "PROTOSTAR_ADMIN_KEY": ADMIN_KEY,
        "PROTOSTAR_PORT": str(port),
        "PROTOSTAR_CHAT_BASE_URL": str(settings.chat.base_url),
        "PROTOSTAR_CHAT_MODEL": str(settings.chat.model),
        "PROTOSTAR_ANSWER_LEASE": str(settings.answer.lease.total_seconds()),
    }
    command = (sys.executable, "-m", "protostar", "api")
    process = await asyncio.create_subprocess_exec(*command, env=env, cwd=settings.data_dir, stdout=DEVNULL, stderr=DEVNULL)

    async def ready() -> bool:
        with suppress(aiohttp.ClientError):
            async with aiohttp.ClientSession() as http, http.get(f"http://127.0.0.1:{port}/health/live") as response:
                return response.status == 200
        return False

    try:
        await wait_until(ready, 30)
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def test_a_killed_server_costs_no_answer(embedding: Embedding, product: Stack, stand_in: StandIn) -> None:
    """kill -9 in the middle of the stream; its successor on the same port tells the whole answer, which a worker wrote anew."""
    stand_in.behave(delay=0.1, tokens=60)
    port = free_port()
    async with killable_api(product.settings, port) as first:
        visitor = await embedding.open(embedding.page(server=f"http://127.0.0.1:{port}"))
        seen(visitor.page).expected += ["ERR_", "Failed to load", "CORS policy"]
        await visitor.launcher.click()
        await visitor.input.fill(QUESTION)
        await visitor.input.press("Enter")
        await expect(visitor.panel.locator("article .text")).to_contain_text(re.compile(r"\w+ \w+"))
        calls = stand_in.counts.chat_calls
        first.kill()
        await first.wait()
    stand_in.behave()
    async with killable_api(product.settings, port):
        await visitor.answers.wait_for(timeout=40_000)
        await expect(visitor.answers).to_have_count(1)
        kept = json.loads(await visitor.page.evaluate("localStorage.getItem(Object.keys(localStorage)[0])"))["turns"]
        assert stand_in.counts.chat_calls > calls  # another process wrote it
        async with embedding.asking.http.get(f"/v1/answers/{kept[0]['id']}") as response:
            answer = await response.json()
        assert (answer["state"], kept[0]["text"]) == ("done", answer["text"])
        shown = (await visitor.answers.locator(".text").inner_text()).split()
        assert shown == re.sub(r"\[(\d)\]", r"\1", answer["text"]).split()
        assert len(kept) == 1


async def test_who_signs_in_may_ask_on(embedding: Embedding) -> None:
    """Three questions, and more after signing in at the host page: by a call, and by an attribute of the next page."""
    await embedding.settings(limits={"asks_per_visitor": 3, "asks_per_signed_in": 2, "asks_per_address": 1000})
    async with embedding.asking.http.post(f"/v1/spaces/{embedding.asking.space_id}/identity-secret") as response:
        token = identity((await response.json())["secret"], "ann")
    visitor = await embedding.open()
    seen(visitor.page).expected += ["429", "403"]
    for number in range(3):
        await visitor.ask(f"{QUESTION} {number}")
    await visitor.input.fill("And after that?")
    await visitor.input.press("Enter")
    await expect(visitor.panel.locator(".wrong")).to_contain_text("Sign in")
    await picture(visitor.page, "widget-sign-in")
    with pytest.raises(Error, match="identity"):
        await visitor.widget.evaluate("(widget) => widget.identify('not.a.jwt')")
    await visitor.widget.evaluate("(widget, token) => widget.identify(token)", token)
    await visitor.ask(f"{QUESTION} 4")
    async with embedding.asking.http.get("/v1/conversations") as response:
        (conversation,) = (await response.json())["items"]
    assert conversation["turns"] == 4  # what was asked before goes along

    await visitor.page.goto(embedding.page(attributes=f'data-identity="{token}"'))
    await visitor.launcher.click()
    await expect(visitor.answers).to_have_count(4)
    await visitor.ask(f"{QUESTION} 5")
    await visitor.input.fill("And after that?")
    await visitor.input.press("Enter")
    await expect(visitor.panel.locator(".wrong")).to_contain_text("That was all for now")


async def test_who_comes_back_stays_the_same_visitor(embedding: Embedding) -> None:
    """A token is renewed once half of its time has passed since it was last used; where that fails, it serves on."""
    visitor = await embedding.open()
    seen(visitor.page).expected.append("ERR_FAILED")

    def entered() -> int:
        return [urlsplit(url).path for url in seen(visitor.page).requests].count("/v1/visitors")

    await visitor.ask(f"{QUESTION} 1")
    await visitor.ask(f"{QUESTION} 2")
    assert entered() == 1
    await visitor.page.clock.set_fixed_time(datetime.now(UTC) + timedelta(hours=13))
    await visitor.page.route("**/v1/visitors", lambda route: route.abort(), times=1)
    await visitor.ask(f"{QUESTION} 3")
    assert entered() == 2
    await visitor.page.clock.set_fixed_time(datetime.now(UTC) + timedelta(hours=26))
    await visitor.ask(f"{QUESTION} 4")
    await visitor.ask(f"{QUESTION} 5")
    assert entered() == 3
    assert await embedding.conversations() == [5]


async def test_a_limit_tells_when_to_come_back(embedding: Embedding) -> None:
    await embedding.settings(limits={"asks_per_visitor": 1})
    visitor = await embedding.open()
    seen(visitor.page).expected.append("429")
    await visitor.ask(QUESTION)
    await visitor.input.fill("And how long are they kept after that?")
    await visitor.input.press("Enter")
    sentence = re.compile(r"That was all for now\. Ask again (on \w+ )?at \d+:\d\d")
    await expect(visitor.panel.locator(".wrong")).to_have_text(sentence)
    await picture(visitor.page, "widget-limit")


async def test_nobody_is_told_to_come_back_before_the_limit_ends(embedding: Embedding) -> None:
    headers = {"Retry-After": "90", "Access-Control-Allow-Origin": "*", "Access-Control-Expose-Headers": "Retry-After"}
    visitor = await embedding.open()
    seen(visitor.page).expected.append("429")
    await visitor.page.route(
        "**/v1/answers", lambda route: route.fulfill(status=429, headers=headers, json={"code": "rate_limited"})
    )
    await visitor.page.clock.set_fixed_time(datetime(2026, 11, 28, 12, 30, 40, tzinfo=UTC))
    await visitor.send(QUESTION)
    await expect(visitor.panel.locator(".wrong")).to_have_text(
        re.compile(r"at \d+:33")
    )  # and not :32, which begins ten seconds early


async def test_a_page_that_is_not_listed_gets_no_answer(embedding: Embedding, product: Stack) -> None:
    made = {"role": "ask", "name": "elsewhere", "origins": ["https://elsewhere.example"]}
    async with embedding.asking.http.post(f"/v1/spaces/{embedding.asking.space_id}/keys", json=made) as response:
        embedding.key = (await response.json())["key"]
    visitor = await embedding.open()
    seen(visitor.page).expected += ["403", "Protostar:"]
    await expect(visitor.launcher).to_be_hidden()
    await visitor.widget.evaluate("(widget) => widget.open()")
    await visitor.input.fill(QUESTION)
    await visitor.input.press("Enter")
    await expect(visitor.panel.locator(".wrong")).to_have_text("Questions cannot be asked from this page.")
    await expect(visitor.input).to_have_value(QUESTION)
    await visitor.page.keyboard.press("Escape")
    await expect(visitor.panel).to_be_hidden()
    await expect(visitor.launcher).to_be_hidden()


async def test_what_an_owner_asks_uses_up_nothing_of_the_visitors(embedding: Embedding) -> None:
    await embedding.settings(limits={**UNLIMITED, "tokens": 1})
    await embedding.asking.ask(QUESTION)
    visitor = await embedding.open()
    seen(visitor.page).expected.append("429")
    await visitor.ask("How long are logs kept?")
    await visitor.send("And how long are backups kept?")
    await expect(visitor.panel.locator(".wrong")).to_contain_text("That was all for now")


# -- what documents, questions and models might smuggle in


@pytest.mark.parametrize(
    "text",
    [
        '<img src=x onerror="window.hacked=1"> [1]',
        "![x](https://evil.example/p.png) [1]",
        "[click](javascript:window.hacked=1) [1]",
        "<script>window.hacked=1</script><style>*{display:none}</style> [1]",
        "[a](https://evil.example/?q=secret) https://evil.example/?q=secret [1]",
        "[a](JaVaScRiPt:window.hacked=1) [b](data:text/html,<script>1</script>) [c](vbscript:x) [1]",
    ],
)
async def test_nothing_runs_and_nothing_loads(embedding: Embedding, text: str) -> None:
    """As if the server had let it through: the browser is told that the answer is this."""
    answer = {
        "id": "01a00000-0000-7000-8000-000000000000",
        "conversation_id": "01a00000-0000-7000-8000-000000000001",
        "question": text,
        "text": text,
        "found": True,
        "degraded": [],
        "cached": False,
        "usage": None,
        "state": "done",
        "error": None,
        "citations": [{"marker": 1, "document_title": text, "heading_path": [text], "page": 1, "quote": text}],
    }
    start = {"answer_id": answer["id"], "conversation_id": answer["conversation_id"], "visitor_token": None}
    events = [("start", start), ("delta", {"text": text}), ("done", {"answer": answer})]
    body = "".join(f"id: 1-{n}\nevent: {name}\ndata: {json.dumps(data)}\n\n" for n, (name, data) in enumerate(events))
    visitor = await embedding.open()
    headers = {"content-type": "text/event-stream", "access-control-allow-origin": "*"}
    await visitor.page.route("**/v1/answers", lambda route: route.fulfill(status=200, headers=headers, body=body))
    shown = await visitor.ask(text)
    await shown.locator("summary").click()
    nodes = "img, script, iframe, object, embed, link, form.x, article style, svg image, [onerror], [onclick], [style]"
    assert await shown.locator(nodes).count() == 0
    for link in await shown.locator("a").all():
        assert re.match(r"https?:|mailto:", await link.get_attribute("href") or "")
        assert await link.get_attribute("rel") == "noopener noreferrer nofollow ugc"
    assert await visitor.page.evaluate("window.hacked") is None
    assert text in await shown.inner_text()  # as the words that they are, in the title of the source
