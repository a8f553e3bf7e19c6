"""Settings and system: what an owner sets, and what an admin watches."""

import re
from pathlib import Path
from typing import Any
from uuid import uuid4

from playwright.async_api import Dialog, expect
from sqlalchemy import text
from tests.browser.conftest import Visit
from tests.browser.dashboard import Space, a_document, a_key, call, enter
from tests.browser.seen import PHONE, barriers, picture, seen
from tests.support.databases import copied
from tests.support.stack import ADMIN_KEY, Stack, running_stack, settings_for
from tests.support.waiting import wait_until

from protostar.access.keys import hash_key
from protostar.access.tickets import make_ticket
from protostar.db.session import Database
from protostar.web.widget import ACCENT, ACCENT_DARK


async def test_how_a_space_answers_is_set(product: Stack, space: Space, visit: Visit) -> None:
    page = await enter(visit, product, space, "/settings", locale="en-US")
    await page.get_by_label("Persona").fill("You are a museum's help desk.")
    await page.get_by_label("Greeting").fill("반갑습니다\n\n무엇이 궁금하세요?")
    await page.get_by_label("Starter questions").fill("When do you open?\n\nWhat does it cost?")
    await page.get_by_role("checkbox", name="English").check()
    await page.get_by_label("Questions of all visitors").fill("7")
    await page.get_by_label("Days that conversations are kept").fill("30")
    await page.get_by_role("button", name="Save").click()
    await expect(page.get_by_text("Saved.")).to_be_visible()
    settings = (await call(product, space, "GET", f"/v1/spaces/{space['id']}"))["settings"]
    assert settings["persona"] == "You are a museum's help desk."
    assert settings["greeting"] == "반갑습니다\n\n무엇이 궁금하세요?"
    assert settings["starter_questions"] == ["When do you open?", "What does it cost?"]
    assert settings["languages"] == ["en"]
    assert settings["theme"] == {"accent": None, "accent_dark": None}
    assert settings["limits"]["asks"] == 7
    assert settings["keep_conversations_days"] == 30
    seen(page).expected.append("422")
    await page.reload()
    await expect(page.get_by_label("Days that conversations are kept")).to_have_value("30")
    await expect(page.get_by_label("Greeting")).to_have_value(settings["greeting"])
    await page.get_by_label("Starter questions").fill("\n".join("abcdefghijk"))
    await page.get_by_role("button", name="Save").click()
    questions = page.get_by_label("Starter questions")
    await expect(questions).to_be_focused()
    sentence = "List should have at most 10 items after validation, not 11"
    await expect(questions).to_have_accessible_description(f"One on each line, ten at most. {sentence}")
    await expect(page.get_by_text(sentence)).to_be_in_viewport()
    assert await barriers(page) == []
    await questions.fill("a")
    await page.get_by_role("button", name="Save").click()
    await expect(questions).to_have_accessible_description("One on each line, ten at most.")
    await expect(questions).not_to_have_attribute("aria-invalid", "true")


async def test_a_colour_that_is_not_set_is_that_of_the_widget(product: Stack, space: Space, visit: Visit) -> None:
    page = await enter(visit, product, space, "/settings", locale="en-US")
    light, dark = page.get_by_label("Colour", exact=True), page.get_by_label("Colour on dark pages")
    resets = page.get_by_role("button", name="Use the default")
    await expect(light).to_have_value(ACCENT)
    await expect(dark).to_have_value(ACCENT_DARK)
    await light.fill("#114411")
    await expect(dark).to_have_value("#114411")  # as the widget takes it, too
    await expect(resets.first).to_have_attribute("aria-pressed", "false")
    await page.get_by_role("button", name="Save").click()
    await expect(page.get_by_text("Saved.")).to_be_visible()
    await page.reload()
    await expect(dark).to_have_value("#114411")
    await expect(resets.last).to_have_attribute("aria-pressed", "true")
    await resets.first.click()
    await expect(light).to_have_value(ACCENT)
    await expect(dark).to_have_value(ACCENT_DARK)
    await page.get_by_role("button", name="Save").click()
    await expect(page.get_by_text("Saved.")).to_be_visible()
    settings = (await call(product, space, "GET", f"/v1/spaces/{space['id']}"))["settings"]
    assert settings["theme"] == {"accent": None, "accent_dark": None}


async def test_two_tabs_do_not_undo_each_other(product: Stack, space: Space, visit: Visit) -> None:
    path = f"/v1/spaces/{space['id']}"
    before = {"title": "a\nb", "languages": ["en", "ko"], "theme": {"accent": "#AABBCC"}, "limits": {"asks": 9, "tokens": 8}}
    await call(product, space, "PATCH", path, json={"settings": before})
    one = await enter(visit, product, space, "/settings", locale="en-US")
    other = await one.context.new_page()
    await other.goto(f"{product.url}/settings")
    await one.get_by_label("Greeting").fill("Hello")
    await one.get_by_label("Questions of all visitors").fill("7")
    await one.get_by_role("button", name="Save").click()
    await expect(one.get_by_text("Saved.")).to_be_visible()
    await other.get_by_label("Persona").fill("A clerk.")
    await other.get_by_label("Tokens of the chat model").fill("6")
    await other.get_by_role("button", name="Save").click()
    await expect(other.get_by_text("Saved.")).to_be_visible()
    settings = (await call(product, space, "GET", path))["settings"]
    assert (settings["greeting"], settings["persona"]) == ("Hello", "A clerk.")
    assert (settings["limits"]["asks"], settings["limits"]["tokens"]) == (7, 6)
    assert (settings["title"], settings["languages"], settings["theme"]["accent"]) == ("a\nb", ["en", "ko"], "#AABBCC")

    await call(product, space, "PATCH", path, json={"name": "Renamed elsewhere"})
    await one.get_by_label("Greeting").fill("")
    async with one.expect_request(lambda request: request.method == "PATCH") as sent:
        await one.get_by_role("button", name="Save").click()
    assert (await sent.value).post_data_json == {"settings": {**settings, "greeting": ""}}


async def test_what_is_not_saved_is_not_lost(product: Stack, space: Space, visit: Visit) -> None:
    await call(product, space, "PATCH", f"/v1/spaces/{space['id']}", json={"settings": {"greeting": "Hello"}})
    page = await enter(visit, product, space, "/settings", locale="en-US")
    asked: list[str] = []

    async def stay(dialog: Dialog) -> None:
        asked.append(dialog.type)
        await dialog.dismiss()

    page.on("dialog", stay)
    await page.get_by_label("Persona").click()
    await page.keyboard.type("A clerk.")
    await page.get_by_role("checkbox", name="English").check()
    await page.get_by_role("link", name="Insights").click()
    await wait_until(lambda: asked == ["beforeunload"])
    await expect(page).to_have_url(f"{product.url}/settings")

    await page.get_by_role("button", name="한국어").click()
    await expect(page.get_by_text("저장하지 않은 내용을 되살렸습니다.")).to_be_visible()
    await expect(page.get_by_label("페르소나")).to_have_value("A clerk.")

    seen(page).expected.append("401")
    await page.context.clear_cookies(name=re.compile("session"))
    await page.get_by_role("button", name="저장").click()
    await expect(page.get_by_text("세션이 끝났습니다.")).to_be_visible()
    assert await barriers(page) == []
    await page.get_by_label("키").fill((await a_key(product, space))["key"])
    await page.keyboard.press("Enter")
    await expect(page).to_have_url(f"{product.url}/settings")
    await expect(page.get_by_label("페르소나")).to_have_value("A clerk.")
    await expect(page.get_by_role("checkbox", name="English")).to_be_checked()
    await expect(page.get_by_role("checkbox", name="한국어")).not_to_be_checked()
    await page.get_by_role("button", name="저장").click()
    await expect(page.get_by_text("저장했습니다.")).to_be_visible()
    settings = (await call(product, space, "GET", f"/v1/spaces/{space['id']}"))["settings"]
    assert (settings["persona"], settings["greeting"], settings["languages"]) == ("A clerk.", "Hello", ["en"])
    await page.get_by_role("link", name="통계").click()
    await expect(page).to_have_url(f"{product.url}/insights")
    await page.goto(f"{product.url}/settings")
    await expect(page.get_by_label("페르소나")).to_have_value("A clerk.")
    await expect(page.locator(".toast")).to_have_count(0)
    assert asked == ["beforeunload"]


async def test_a_session_that_has_ended_leads_back_to_its_page(product: Stack, space: Space, visit: Visit) -> None:
    page = await enter(visit, product, space, "/conversations?show=disliked", locale="en-US")
    seen(page).expected += ["401", "htmx"]
    await page.context.clear_cookies(name=re.compile("session"))
    await page.get_by_role("searchbox").fill("kiwi")
    await expect(page.get_by_text("Your session has ended.")).to_be_visible()
    await expect(page.locator("[name=next]")).to_have_value("/conversations?show=disliked")


async def test_a_space_without_a_name_is_refused_at_the_field(product: Stack, space: Space, visit: Visit) -> None:
    page = await enter(visit, product, space, "/settings", admin=True, locale="en-US")
    seen(page).expected += ["422", "htmx"]
    await page.get_by_role("button", name="New space").click()
    dialog = page.get_by_role("dialog")
    await dialog.get_by_label("Name").fill(" ")
    await page.keyboard.press("Enter")
    await expect(dialog.get_by_label("Name")).to_have_accessible_description("String should have at least 1 character")
    await expect(page.locator(".toast")).to_have_count(0)


async def test_a_space_is_called_by_its_new_name_everywhere(product: Stack, visit: Visit) -> None:
    async with product.http.post("/v1/spaces", json={"name": "Before"}) as response:
        space: Any = await response.json()
    for admin in (True, False):
        page = await enter(visit, product, space, "/settings", admin=admin, locale="en-US")
        name = f"After, {admin}"
        await page.get_by_label("Name of the space").fill(name)
        await page.get_by_role("button", name="Save").click()
        await expect(page.locator("#space option:checked" if admin else ".side > p")).to_have_text(name)
        await page.get_by_role("button", name="Erase…").click()
        await expect(page.get_by_label(f"Type “{name}” to confirm")).to_be_visible()
        await page.get_by_role("button", name="Cancel").click()
        await expect(page.get_by_role("dialog")).to_have_count(0)


async def test_the_settings_have_room_for_their_words(product: Stack, space: Space, visit: Visit) -> None:
    page = await enter(visit, product, space, "/settings", admin=True, locale="en-US")
    for empty in ("#keys-list .body", "#webhooks-list .body"):
        await expect(page.locator(empty)).to_have_css("padding-left", "20px")
    tops = await page.locator("#limits .input").evaluate_all("fields => fields.map(field => field.getBoundingClientRect().top)")
    assert len(set(tops[:3])) == 1
    await expect(page.locator(".skip")).to_have_css("box-shadow", "none")
    await picture(page, "settings-empty", full_page=True)
    await page.set_viewport_size(PHONE)
    for words in ("#keys > header p", "#webhooks > header p", "#export .between p"):
        box = await page.locator(words).bounding_box()
        assert box is not None
        assert box["width"] > 250
    await picture(page, "settings-empty-phone", full_page=True)


async def test_escape_closes_the_menu_of_a_phone(product: Stack, space: Space, visit: Visit) -> None:
    page = await enter(visit, product, space, "/settings", admin=True, locale="en-US", viewport=PHONE)
    menu = page.get_by_role("button", name="Menu")
    await menu.press("Enter")
    await page.get_by_role("button", name="New space").press("Enter")
    await page.keyboard.press("Escape")  # that is the dialog's
    await expect(page.get_by_role("dialog")).to_be_hidden()
    await expect(menu).to_have_attribute("aria-expanded", "true")
    await page.keyboard.press("Escape")
    await expect(page.get_by_role("navigation", name="Pages")).to_be_hidden()
    await expect(menu).to_be_focused()
    await expect(menu).to_have_attribute("aria-expanded", "false")


async def test_without_scripts_the_pages_say_so_and_nothing_goes_into_the_url(product: Stack, space: Space, visit: Visit) -> None:
    page = await enter(visit, product, space, "/settings", locale="en-US", java_script_enabled=False)
    assert "<noscript><p" in await page.content()  # this browser shows it only where scripts are switched off by hand
    seen(page).expected.append("404")
    await page.get_by_role("button", name="Save").click()
    await expect(page.get_by_role("heading", name="There is no such thing here")).to_be_visible()
    assert page.url == f"{product.url}/settings"


async def test_arrows_do_not_switch_the_space(product: Stack, space: Space, visit: Visit) -> None:
    async with product.http.post("/v1/spaces", json={"name": "Newer"}) as response:
        newer: Any = await response.json()
    page = await enter(visit, product, space, "/settings", admin=True, locale="en-US")
    spaces = page.get_by_role("combobox")

    async def arrow() -> None:
        await spaces.press("ArrowUp")
        await expect(spaces).to_have_value(newer["id"])
        assert not [url for url in seen(page).requests if url.endswith("/space")]

    async def lands_in(chosen: Space) -> None:
        await expect(page).to_have_url(f"{product.url}/documents")
        await expect(spaces).to_have_value(chosen["id"])
        await page.goto(f"{product.url}/settings")
        seen(page).requests.clear()

    await arrow()
    await page.keyboard.press("Enter")
    await lands_in(newer)
    await spaces.select_option(space["id"])  # as a pointer does
    await lands_in(space)
    await arrow()
    await page.keyboard.press("Tab")
    await lands_in(newer)
    async with product.http.delete(f"/v1/spaces/{newer['id']}") as response:
        assert response.status == 204


async def test_an_impatient_click_makes_no_second_space(product: Stack, space: Space, visit: Visit) -> None:
    page = await enter(visit, product, space, "/settings", admin=True, locale="en-US")
    name = f"Twice {uuid4().hex[:8]}"
    await page.get_by_role("button", name="New space").click()
    await page.get_by_role("dialog").get_by_label("Name").fill(name)
    await page.get_by_role("dialog").get_by_role("button", name="Create").dblclick()
    await expect(page.get_by_role("combobox")).to_have_accessible_name("Space")
    await expect(page.get_by_role("option", name=name, selected=True)).to_be_attached()
    made = [each for each in (await call(product, space, "GET", "/v1/spaces?limit=200"))["items"] if each["name"] == name]
    for each in made:
        async with product.http.delete(f"/v1/spaces/{each['id']}") as response:
            assert response.status == 204
    assert len(made) == 1


async def test_an_impatient_click_tries_a_document_again_once(product: Stack, space: Space, visit: Visit) -> None:
    document = await a_document(product, space, "empty.md", b"")
    page = await enter(visit, product, space, f"/documents/{document['id']}", locale="en-US")
    await page.get_by_role("button", name="Retry").dblclick()
    await expect(page.get_by_text("The file is empty.")).to_be_visible()
    assert len([url for url in seen(page).requests if url.endswith("/retry")]) == 1


async def test_keys_are_shown_once_and_revoked(product: Stack, space: Space, visit: Visit) -> None:
    page = await enter(visit, product, space, "/settings", locale="en-US", permissions=["clipboard-read", "clipboard-write"])
    assert await page.locator("[data-copies]:visible").count() == 0
    await page.get_by_role("button", name="New publishable key").click()
    dialog = page.get_by_role("dialog")
    await dialog.get_by_label("Name").fill("museum")
    await dialog.get_by_label("Allowed origins").fill("https://museum.example")
    await page.keyboard.press("Tab")
    await page.keyboard.press("Tab")
    await page.keyboard.press("Enter")
    secret = page.locator("#secret")
    await expect(secret).to_contain_text("pk_")
    key = await secret.inner_text()
    assert f'data-key="{key}"' in await page.locator("#secret-snippet").inner_text()
    await page.mouse.click(5, 5)  # beside the dialog
    for _ in range(3):
        await page.keyboard.press("Escape")
    await expect(secret).to_be_visible()
    for button, taken in (("Copy the line", await page.locator("#secret-snippet").inner_text()), ("Copy", key)):
        await page.get_by_role("button", name=button, exact=True).click()
        assert await page.evaluate("navigator.clipboard.readText()") == taken
    await picture(page, "shown-once")
    await page.get_by_role("button", name="Done").click()
    line = page.locator("#keys-list tr", has_text="museum")
    await expect(line).to_contain_text("https://museum.example")

    async def is_gone() -> bool:
        return key not in await page.content()

    await wait_until(is_gone, 5)  # the browser tells a moment later that a dialog has closed
    await line.get_by_role("button", name="Revoke").click()
    await page.get_by_role("dialog").get_by_role("button", name="Revoke").click()
    await expect(line).to_have_count(0)
    await expect(page.get_by_role("heading", name="Keys", exact=True)).to_be_focused()
    async with product.client(key, Origin="https://museum.example") as http:
        async with http.post("/v1/answers", json={"question": "?"}) as response:
            assert response.status == 401


async def test_origins_are_taken_as_they_are_meant_and_refused_in_the_owners_words(
    product: Stack, space: Space, visit: Visit
) -> None:
    page = await enter(visit, product, space, "/settings", locale="ko-KR")
    seen(page).expected.append("422")
    await page.get_by_role("button", name="새 공개 키").click()
    dialog = page.get_by_role("dialog")
    await dialog.get_by_label("이름").fill(" ")
    origins = dialog.get_by_label("허용할 출처(origin)")
    await origins.fill("localhost:3000\n192.168.0.7:80\nhttps://*.example.com/\nshop.example.com")
    await dialog.get_by_role("button", name="만들기").click()
    await expect(dialog.get_by_label("이름")).to_have_accessible_description(re.compile("비워 둘 수 없습니다."))
    lacks = "앞에 https://(또는 http://)가 빠졌습니다. 예: https://shop.example"
    why = "https://(또는 http://)로 시작하는 사이트 주소만 적으세요. 예: https://shop.example"
    await expect(dialog.locator("#ask-origins-fault")).to_have_text(
        f"“localhost:3000”: {lacks}\n“192.168.0.7:80”: {lacks}\n“https://*.example.com/”: {why}", use_inner_text=True
    )
    assert await barriers(page) == []
    await dialog.get_by_label("이름").fill("shop")
    await origins.fill(
        "https://Example.com/path?q=1#a\nshop.example.com\nhttp://localhost:3000/\n\nhttps://박물관.kr\nexample.com/"
    )
    await dialog.get_by_role("button", name="만들기").click()
    await expect(page.locator("#secret")).to_contain_text("pk_")
    keys = (await call(product, space, "GET", f"/v1/spaces/{space['id']}/keys"))["items"]
    made = next(key for key in keys if key["name"] == "shop")
    assert made["origins"] == [
        "https://example.com",
        "https://shop.example.com",
        "http://localhost:3000",
        "https://xn--zb0by3yusa.kr",
    ]


async def test_a_webhook_that_does_not_answer_says_so_in_korean(product: Stack, space: Space, visit: Visit) -> None:
    hook = {"url": "http://localhost:9999/hook", "events": ["document.ready"]}
    await call(product, space, "POST", "/v1/webhooks", json=hook)
    page = await enter(visit, product, space, "/settings", locale="ko-KR")
    await page.get_by_role("button", name="시험").click()
    await expect(page.locator(".toast.bad")).to_contain_text(
        "받는 서버가 답하지 않았습니다. 연결하지 못했습니다. 사흘 동안 다시 보냅니다."
    )


async def test_a_webhook_is_made_tested_and_deleted(product: Stack, space: Space, visit: Visit) -> None:
    page = await enter(visit, product, space, "/settings", locale="en-US")
    await page.get_by_role("button", name="New webhook").click()
    dialog = page.get_by_role("dialog")
    await dialog.get_by_label("URL").fill("http://localhost:9999/hook")
    await dialog.get_by_role("button", name="Create").click()
    await expect(page.locator("#secret")).to_contain_text("whsec_")
    await page.get_by_role("button", name="Done").click()
    line = page.locator("#webhooks-list tr", has_text="localhost:9999")
    await line.get_by_role("button", name="Test").click()
    await expect(page.locator(".toast.bad")).to_be_visible()  # the address is closed, and that is said
    await line.get_by_role("button", name="Delete").click()
    await page.get_by_role("dialog").get_by_role("button", name="Delete").click()
    await expect(line).to_have_count(0)


async def test_a_space_that_is_erased_can_be_restored_for_a_while(product: Stack, visit: Visit) -> None:
    async with product.http.post("/v1/spaces", json={"name": "Short-lived"}) as response:
        space: Any = await response.json()
    await a_document(product, space, "kiwi.md", "# Kiwi\n\nThere are 27 kiwis.")
    page = await enter(visit, product, space, "/settings", admin=True, locale="en-US")
    await page.get_by_role("button", name="Erase…").click()
    go = page.get_by_role("button", name="Close and erase")
    await expect(go).to_be_disabled()
    await page.get_by_label("Type “Short-lived” to confirm").fill("Short-live")
    await expect(go).to_be_disabled()
    await page.keyboard.press("Enter")
    await expect(go).to_be_visible()
    await page.get_by_label("Type “Short-lived” to confirm").fill("Short-lived")
    await page.keyboard.press("Enter")
    await expect(page.get_by_text("The space is closed. In 10 minutes it is erased for good.")).to_be_visible()
    await expect(page.get_by_role("button", name="Restore")).to_be_focused()
    async with product.http.get(f"/v1/spaces/{space['id']}") as response:
        assert response.status == 404
    await page.get_by_role("button", name="Restore").click()
    await expect(page.get_by_text("The space “Short-lived” is restored.")).to_be_visible()
    await expect(page.get_by_role("button", name="Erase…")).to_be_enabled()

    # Later, and from elsewhere, an admin finds it on the page of the installation.
    async with product.http.delete(f"/v1/spaces/{space['id']}") as response:
        assert response.status == 204
    await page.goto(f"{product.url}/system")
    listed = page.get_by_role("row", name="Short-lived")
    await expect(listed).to_contain_text("in 10 minutes")
    assert await barriers(page) == []
    await picture(page, "system-deleted")
    await listed.get_by_role("button", name="Restore").click()
    await expect(page.get_by_text("The space “Short-lived” is restored.")).to_be_visible()
    await expect(page.get_by_role("option", name="Short-lived")).to_be_attached()
    await expect(listed).to_have_count(0)
    await page.goto(product.url)
    await expect(page.get_by_role("row", name="kiwi")).to_be_visible()
    async with product.http.delete(f"/v1/spaces/{space['id']}") as response:
        assert response.status == 204
    await page.goto(product.url)
    await expect(page.get_by_role("heading", level=1)).to_have_text("Documents")  # the choice that is gone is none


async def test_the_last_space_can_be_restored_too(
    postgres_url: str, template: str, redis_url: str, visit: Visit, tmp_path: Path
) -> None:
    async with copied(postgres_url) as url, running_stack(settings_for(url, f"{redis_url}?db=6", tmp_path)) as stack:
        async with stack.http.get("/v1/spaces") as response:
            (space,) = (await response.json())["items"]
        async with stack.http.delete(f"/v1/spaces/{space['id']}") as response:
            assert response.status == 204
        page = await visit(f"{stack.url}/login?ticket={make_ticket(hash_key(ADMIN_KEY))}", locale="en-US")
        seen(page).expected.append("404")
        await expect(page.get_by_role("button", name="Create a space")).to_be_visible()
        await expect(page.get_by_role("row", name=space["name"])).to_be_visible()
        assert await barriers(page) == []
        await picture(page, "no-space-left")
        await page.get_by_role("button", name="Restore").click()
        await expect(page.get_by_role("heading", level=1)).to_have_text("Documents")
        await expect(page.get_by_text("The space “Default” is restored.")).to_be_visible()
        await page.close()


async def test_whoever_erases_their_own_space_is_told_whom_to_ask(product: Stack, visit: Visit) -> None:
    async with product.http.post("/v1/spaces", json={"name": "Own"}) as response:
        space: Any = await response.json()
    page = await enter(visit, product, space, "/settings", locale="en-US")
    await page.get_by_role("button", name="Erase…").click()
    await page.get_by_label("Type “Own” to confirm").fill("Own")
    await page.get_by_role("button", name="Close and erase").click()
    await expect(page.locator("#erasing")).to_contain_text("ask whoever has the admin key")
    await expect(page.locator("#erasing")).to_be_focused()


async def test_a_key_that_was_being_made_waits_for_the_sign_in(product: Stack, space: Space, visit: Visit) -> None:
    page = await enter(visit, product, space, "/settings", locale="en-US")
    await page.get_by_role("button", name="New publishable key").click()
    dialog = page.get_by_role("dialog", name="New publishable key")
    await dialog.get_by_label("Name").fill("museum")
    await dialog.get_by_label("Allowed origins").fill("museum.example")
    seen(page).expected.append("401")
    await page.context.clear_cookies(name=re.compile("session"))
    await dialog.get_by_role("button", name="Create").click()
    await expect(page.get_by_text("Your session has ended.")).to_be_visible()
    await page.get_by_label("Key", exact=True).fill((await a_key(product, space))["key"])
    await page.keyboard.press("Enter")
    await expect(dialog.get_by_label("Allowed origins")).to_have_value("museum.example")
    await dialog.get_by_role("button", name="Create").click()
    await expect(page.locator("#secret")).to_contain_text("pk_")


async def test_limits_show_what_the_installation_has(product: Stack, space: Space, visit: Visit) -> None:
    page = await enter(visit, product, space, "/settings", locale="ko-KR")
    placeholders = await page.locator("#limits input").evaluate_all("fields => fields.map((field) => field.placeholder)")
    assert placeholders == [f"설치 기본값: {number}" for number in ("3", "10", "30", "5,000", "5,000,000")]


async def test_an_admin_watches_the_installation_and_tries_dead_jobs_again(product: Stack, space: Space, visit: Visit) -> None:
    document = await a_document(product, space, "empty.md", b"")
    assert product.settings.database_url is not None
    database = Database(product.settings.database_url.get_secret_value())
    async with database.transaction() as session:
        await session.execute(
            text("update jobs set state = 'dead', error = 'The file is empty.' where id = :id"), {"id": document["job_id"]}
        )
    await database.close()
    page = await enter(visit, product, space, "/system", admin=True, locale="ko-KR")
    await expect(page.locator(".tile", has_text="PostgreSQL")).to_contain_text("정상")
    await expect(page.locator("section", has_text="마지막 신호")).to_contain_text("8")
    await expect(page.locator("#counters")).to_be_visible()
    await expect(page.get_by_text("protostar_http_requests_total").first).to_be_visible()
    dead = page.locator("section[aria-labelledby=dead-jobs] tr", has_text=document["job_id"])
    await expect(dead).to_contain_text("빈 파일입니다.")
    await dead.get_by_role("button", name="다시 시도").click()
    await expect(dead).to_have_count(0)

    async def failed() -> bool:
        return (await call(product, space, "GET", f"/v1/jobs/{document['job_id']}"))["state"] == "failed"

    await wait_until(failed, 20)
    await page.get_by_label("실시간").focus()
    await expect(page.locator("section[aria-labelledby=failed-jobs]")).to_contain_text(document["job_id"], timeout=10_000)


async def test_the_system_is_for_admins(product: Stack, space: Space, visit: Visit) -> None:
    page = await enter(visit, product, space, locale="en-US")
    assert await page.get_by_role("link", name="System").count() == 0
    seen(page).expected.append("403")
    await page.goto(f"{product.url}/system")
    await expect(page.get_by_role("heading", name="This key may not do that")).to_be_visible()
