"""The widget on a telephone whose connection comes and goes: the whole answer in the end, asked once, and the visitor is told."""

import re
from pathlib import Path

from playwright.async_api import Locator, Route, expect
from tests.browser.conftest import UNLIMITED
from tests.browser.embedding import Embedding, Visitor, identity
from tests.browser.seen import PHONE, seen
from tests.support.faulty_http import faulty_proxy
from tests.support.model_server import StandIn
from tests.support.waiting import wait_until

DOCUMENTATION = Path(__file__).parents[2] / "docs/embed.md"
QUESTION = "How long are backups kept?"
LOST = ["ERR_", "Failed to load", "CORS policy"]


async def on_the_road(embedding: Embedding, url: str | None = None) -> Visitor:
    visitor = await embedding.open(url, viewport=PHONE, has_touch=True, is_mobile=True)
    seen(visitor.page).expected += LOST
    await visitor.page.wait_for_load_state("networkidle")
    return visitor


async def given_up(visitor: Visitor) -> Locator:
    """What it says after minutes of trying, which pass fast."""
    failed = visitor.panel.locator(".wrong")

    async def failed_by_now() -> bool:
        await visitor.page.clock.fast_forward(8_000)
        return await failed.is_visible()

    await wait_until(failed_by_now, 30)
    return failed


async def test_a_question_sent_offline_waits_for_the_connection(embedding: Embedding, stand_in: StandIn) -> None:
    visitor = await on_the_road(embedding)
    calls = stand_in.counts.chat_calls
    await visitor.page.context.set_offline(True)
    await visitor.send(QUESTION)
    await expect(visitor.panel.locator("article")).to_contain_text("You are offline.")
    await visitor.page.clock.install()
    for _ in range(40):  # five minutes of trying
        await visitor.page.clock.fast_forward(8_000)
    await expect(visitor.panel.locator("article")).to_contain_text("You are offline.")
    await visitor.page.context.set_offline(False)
    await visitor.answers.wait_for()
    assert stand_in.counts.chat_calls == calls + 1
    assert await embedding.conversations() == [1]


async def test_a_server_that_falls_silent_is_asked_again(embedding: Embedding, stand_in: StandIn) -> None:
    async with faulty_proxy(embedding.url) as proxy:
        visitor = await on_the_road(embedding, embedding.page(server=proxy.url))
        calls = stand_in.counts.chat_calls
        await visitor.page.clock.install()
        # Each request is preceded by the browser's question whether it may.
        proxy.faults = ["pass", "pass", "pass", "hang"]
        await visitor.send(QUESTION)
        await wait_until(lambda: ("POST", "/v1/answers") in proxy.seen)
        await visitor.page.clock.fast_forward(25_000)
        await visitor.answers.wait_for()
    assert stand_in.counts.chat_calls == calls + 1


async def test_who_tries_again_asks_the_same_question(embedding: Embedding, stand_in: StandIn) -> None:
    """The server took the question in and was lost for longer than anybody waits, from before the first word of its answer."""
    async with faulty_proxy(embedding.url) as proxy:
        visitor = await on_the_road(embedding, embedding.page(server=proxy.url))
        calls = stand_in.counts.chat_calls
        proxy.cut_after, proxy.fault, proxy.faults = 0, "503", ["pass", "pass", "pass", "cut"]
        await visitor.page.clock.install()
        await visitor.send(QUESTION)
        await expect(visitor.panel.locator("article")).to_contain_text("Connection lost. Trying again…")
        failed = await given_up(visitor)
        await expect(failed).to_contain_text("There is no connection.")
        proxy.fault = "pass"
        await failed.get_by_role("button", name="Try again").tap()
        await visitor.answers.wait_for()
        await expect(visitor.panel.locator("article")).to_have_count(1)
    assert stand_in.counts.chat_calls == calls + 1
    assert await embedding.conversations() == [1]


async def test_what_was_given_up_is_the_same_after_another_question(embedding: Embedding, stand_in: StandIn) -> None:
    async with faulty_proxy(embedding.url) as proxy:
        visitor = await on_the_road(embedding, embedding.page(server=proxy.url))
        calls = stand_in.counts.chat_calls
        proxy.cut_after, proxy.fault, proxy.faults = 0, "503", ["pass", "pass", "pass", "cut"]
        await visitor.page.clock.install()
        await visitor.send(QUESTION)
        failed = await given_up(visitor)
        proxy.fault = "pass"
        await visitor.ask(f"{QUESTION} Really?")
        await failed.get_by_role("button", name="Try again").tap()
        await expect(visitor.answers).to_have_count(2)
    assert stand_in.counts.chat_calls == calls + 2
    assert await embedding.conversations() == [1, 1]


async def test_a_repetition_is_no_question_too_many(embedding: Embedding, stand_in: StandIn) -> None:
    """The response is lost; by then the address has asked too often within this minute."""
    answers: list[str] = []

    async def crowded(route: Route) -> None:
        answers.append("lost" if not answers else "limit" if len(answers) == 1 else "through")
        if answers[-1] == "lost":
            await route.fetch()
            await route.abort("connectionreset")
        elif answers[-1] == "limit":
            headers = {"Retry-After": "0.1", "Access-Control-Allow-Origin": "*", "Access-Control-Expose-Headers": "Retry-After"}
            await route.fulfill(status=429, headers=headers, json={"code": "rate_limited"})
        else:
            await route.continue_()

    calls = stand_in.counts.chat_calls
    visitor = await embedding.open(routes={"**/v1/answers": crowded}, viewport=PHONE, has_touch=True)
    seen(visitor.page).expected += LOST
    await visitor.ask(QUESTION)
    assert answers == ["lost", "limit", "through"]
    assert stand_in.counts.chat_calls == calls + 1


async def test_what_was_given_up_is_taken_up_by_the_next_page(embedding: Embedding, stand_in: StandIn) -> None:
    async with faulty_proxy(embedding.url) as proxy:
        visitor = await on_the_road(embedding, embedding.page(server=proxy.url))
        calls = stand_in.counts.chat_calls
        proxy.cut_after, proxy.fault, proxy.faults = 0, "503", ["pass", "pass", "pass", "cut"]
        await visitor.page.clock.install()
        await visitor.send(QUESTION)
        await given_up(visitor)
        proxy.fault = "pass"
        await visitor.page.reload()
        await visitor.launcher.tap()
        await visitor.answers.wait_for()
    assert stand_in.counts.chat_calls == calls + 1
    assert await embedding.conversations() == [1]


async def test_who_stops_waiting_has_the_question_back(embedding: Embedding) -> None:
    visitor = await on_the_road(embedding)
    await visitor.page.context.set_offline(True)
    await visitor.page.clock.install()
    await visitor.send(QUESTION)
    await expect(visitor.panel.locator("article")).to_contain_text("You are offline.")
    await visitor.page.clock.fast_forward(1_000)
    await visitor.panel.get_by_role("button", name="Stop waiting").tap()
    await expect(visitor.input).to_have_value(QUESTION)


async def test_the_owners_words_come_late_and_take_nothing_away(embedding: Embedding) -> None:
    """The first request for them is lost; when they come somebody has begun to type, in a panel of another language."""
    await embedding.settings(limits=UNLIMITED, languages=["ko"], title="도움말")
    asked: list[Route] = []

    async def held(route: Route) -> None:
        if asked or route.request.method == "OPTIONS":
            asked.append(route)
        else:
            asked.append(route)
            await route.abort("connectionreset")

    visitor = await embedding.open(routes={"**/v1/widget": held}, viewport=PHONE, has_touch=True)
    seen(visitor.page).expected += LOST
    await visitor.launcher.tap()
    await visitor.input.fill("How lo")
    await wait_until(lambda: len(asked) == 2)
    await asked[1].continue_()
    await expect(visitor.panel.get_by_role("heading", name="도움말")).to_be_visible()
    await expect(visitor.panel.get_by_role("button", name="닫기")).to_be_visible()
    await expect(visitor.input).to_have_value("How lo")


async def test_who_asks_while_signing_in_asks_as_signed_in(embedding: Embedding) -> None:
    async with embedding.asking.http.post(f"/v1/spaces/{embedding.asking.space_id}/identity-secret") as response:
        token = identity((await response.json())["secret"], "ann")
    entering: list[Route] = []

    async def held(route: Route) -> None:
        entering.append(route)
        if len(entering) > 1:
            await route.continue_()

    url = embedding.page(attributes=f'data-identity="{token}"')
    visitor = await embedding.open(url, routes={"**/v1/visitors": held}, viewport=PHONE, has_touch=True)
    await visitor.send(QUESTION)
    await expect(visitor.panel.locator("article")).to_be_visible()
    await wait_until(lambda: len(entering) == 1)
    await entering[0].continue_()
    await visitor.answers.wait_for()
    await visitor.ask(f"{QUESTION} Really?")
    assert (await visitor.kept())["signedIn"] is True
    assert await embedding.conversations() == [2]


async def test_who_asks_at_the_moment_of_signing_in_asks_as_signed_in(embedding: Embedding) -> None:
    async with embedding.asking.http.post(f"/v1/spaces/{embedding.asking.space_id}/identity-secret") as response:
        token = identity((await response.json())["secret"], "ann")
    visitor = await embedding.open(viewport=PHONE, has_touch=True)
    entered: list[str] = []
    visitor.page.on("request", lambda request: entered.append(request.method) if request.url.endswith("/v1/visitors") else None)
    asked = "(widget, [token, question]) => Promise.all([widget.identify(token), widget.ask(question)])"
    await visitor.widget.evaluate(asked, [token, QUESTION])
    assert (await visitor.kept())["signedIn"] is True
    assert entered.count("POST") == 1


async def test_a_rating_shows_at_once_and_its_reason_is_not_lost(embedding: Embedding) -> None:
    held: list[Route] = []

    async def hold(route: Route) -> None:
        held.append(route)

    visitor = await embedding.open(routes={"**/feedback": hold}, viewport=PHONE, has_touch=True)
    seen(visitor.page).expected += LOST
    answer = await visitor.ask(QUESTION)
    down = answer.get_by_role("button", name="Not helpful")
    await down.tap()
    await expect(down).to_have_attribute("aria-pressed", "true")
    why = answer.get_by_label("What was wrong or missing?")
    await why.fill("Which backups?")
    await answer.get_by_role("button", name="Send").tap()
    await wait_until(lambda: len(held) == 2)
    for route in held:
        await route.abort("connectionreset")
    await expect(answer.get_by_text("Your rating did not get through.")).to_be_visible()
    await expect(down).to_have_attribute("aria-pressed", "false")
    await visitor.page.unroute("**/feedback")
    await expect(why).to_have_value("Which backups?")
    await answer.get_by_role("button", name="Send").tap()
    await expect(why).to_be_hidden()
    kept = await visitor.kept()
    async with embedding.asking.http.get(f"/v1/answers/{kept['turns'][0]['id']}") as response:
        assert (await response.json())["feedback"] == {"rating": "down", "reason": "Which backups?"}


async def test_a_page_can_ask_for_a_script_that_was_lost(embedding: Embedding) -> None:
    """By the lines that the documentation gives: a browser asks once."""
    block = next(
        code for code in re.findall(r"```js\n(.*?)```", DOCUMENTATION.read_text(encoding="utf-8"), re.DOTALL) if "onerror" in code
    )
    code = block.replace("https://answers.example.com", embedding.url).replace("pk_…", embedding.key)
    asked: list[Route] = []

    async def lose_one(route: Route) -> None:
        asked.append(route)
        await (route.abort("connectionreset") if len(asked) == 1 else route.continue_())

    url = embedding.host.serve(f"<main><h1>Shop</h1></main><script>{code}</script>")
    visitor = await embedding.open(url, routes={"**/widget.js": lose_one})
    seen(visitor.page).expected += LOST
    await visitor.ask(QUESTION)
    assert len(asked) == 2
