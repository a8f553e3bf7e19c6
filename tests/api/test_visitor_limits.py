"""Visitors, as the server knows them: tokens, signing in, how much they may ask; and what else they might try."""

import base64
import hashlib
import hmac
import json
import time
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from multidict import CIMultiDict
from tests.api.tenant import ORIGIN, Answered, Tenant, idle_tenant, send
from tests.support.stack import settings_for

from protostar.answers.repository import AnswerRepository
from protostar.errors import DatabaseUnavailable

LIMITS = {"asks_per_address_minute": 1000, "asks_per_address_day": 8}


@pytest.fixture
async def shop(database_url: str, redis_url: str, tmp_path: Path) -> AsyncGenerator[Tenant]:
    """A space in which nobody has asked yet."""
    async with idle_tenant(settings_for(database_url, f"{redis_url}?db=4", tmp_path, limit=LIMITS)) as tenant:
        yield tenant


@pytest.fixture
async def key(shop: Tenant) -> str:
    return (await shop.make_key("ask", origins=[ORIGIN]))["key"]


async def ask(shop: Tenant, key: str, token: str | None = None, question: str = "How many kiwis?", **headers: str) -> Answered:
    async with shop.visitor(key, token=token) as visitor:
        return await send(visitor, "POST", "/v1/answers", json={"question": question}, headers=headers)


async def enter(shop: Tenant, key: str, token: str | None = None, **body: Any) -> Answered:
    async with shop.visitor(key, token=token) as visitor:
        return await send(visitor, "POST", "/v1/visitors", json=body)


async def token_of(shop: Tenant, key: str, **body: Any) -> str:
    entered = await enter(shop, key, **body)
    assert entered.status == 201, entered.json
    return entered.json["visitor_token"]


async def identity_secret(shop: Tenant) -> str:
    made = await shop.call("POST", f"/v1/spaces/{shop.id}/identity-secret")
    assert made.status == 201
    return made.json["secret"]


def identity(secret: str, subject: str, lasts: float = 600) -> str:
    """What the owner's backend makes, as docs/embed.md shows it."""

    def part(content: bytes) -> str:
        return base64.urlsafe_b64encode(content).rstrip(b"=").decode()

    claims = {"sub": subject, "exp": int(time.time() + lasts)}
    signed = part(b'{"alg":"HS256","typ":"JWT"}') + "." + part(json.dumps(claims).encode())
    return f"{signed}.{part(hmac.new(secret.encode(), signed.encode(), hashlib.sha256).digest())}"


async def test_three_questions_then_ten_after_signing_in(shop: Tenant, key: str) -> None:
    """The defaults."""
    token = await token_of(shop, key)
    secret = await identity_secret(shop)
    assert [(await ask(shop, key, token)).status for _ in range(3)] == [200] * 3
    refused = await ask(shop, key, token)
    assert (refused.status, refused.json["code"]) == (429, "sign_in_needed")
    assert 1 <= int(refused.headers["Retry-After"]) == refused.json["retry_after"] <= 86_400
    signed_in = await enter(shop, key, token, identity=identity(secret, "ann"))
    assert (signed_in.status, signed_in.json["signed_in"]) == (201, True)
    answered = [await ask(shop, key, signed_in.json["visitor_token"]) for _ in range(11)]
    assert [one.status for one in answered] == [200] * 10 + [429]
    assert answered[-1].json["code"] == "rate_limited"
    another_device = await token_of(shop, key, identity=identity(secret, "ann"))
    assert (await ask(shop, key, another_device)).status == 429
    assert (await ask(shop, key, await token_of(shop, key, identity=identity(secret, "bob")))).status == 200


async def test_clearing_the_storage_is_no_new_quota(shop: Tenant, key: str) -> None:
    """Eight for the address, whoever the browser says that it is; also without any token at all."""
    answered = [await ask(shop, key, await token_of(shop, key) if number % 2 else None) for number in range(9)]
    assert [one.status for one in answered] == [200] * 8 + [429]
    assert (await ask(shop, key, await token_of(shop, key), **{"X-Forwarded-For": "203.0.113.7"})).status == 429


async def test_without_an_identity_secret_nobody_is_sent_to_sign_in(shop: Tenant, key: str) -> None:
    token = await token_of(shop, key)
    answered = [await ask(shop, key, token) for _ in range(4)]
    assert answered[-1].json["code"] == "rate_limited"
    refused = await enter(shop, key, identity=identity("is_guessed", "ann"))
    assert (refused.status, "no identity secret" in refused.json["detail"]) == (403, True)


async def test_a_space_sets_its_own_limits(shop: Tenant, key: str) -> None:
    settings = {"limits": {"asks_per_visitor": 1}}
    assert (await shop.call("PATCH", f"/v1/spaces/{shop.id}", json={"settings": settings})).status == 200
    token = await token_of(shop, key)
    assert [(await ask(shop, key, token)).status for _ in range(2)] == [200, 429]
    await shop.call("PATCH", f"/v1/spaces/{shop.id}", json={"settings": {"limits": {"tokens": 0}}})
    assert (await ask(shop, key, await token_of(shop, key))).status == 429


async def test_greetings_and_thanks_are_no_questions(shop: Tenant, key: str) -> None:
    settings = {"limits": {"asks_per_visitor": 1}}
    assert (await shop.call("PATCH", f"/v1/spaces/{shop.id}", json={"settings": settings})).status == 200
    token = await token_of(shop, key)
    said = ["Hello!", "How many kiwis?", "thanks!", "안녕하세요", "How many pears?"]
    assert [(await ask(shop, key, token, question)).status for question in said] == [200, 200, 200, 200, 429]
    said = ["Hello!"] * LIMITS["asks_per_address_day"]
    assert (await ask(shop, key, await token_of(shop, key), "Hi!")).status == 200
    assert {(await ask(shop, key, await token_of(shop, key), question)).status for question in said} == {200, 429}


async def test_a_space_cannot_raise_what_costs_the_installation(database_url: str, tmp_path: Path) -> None:
    settings = settings_for(database_url, None, tmp_path, limit={"asks_per_space_day": 1})
    async with idle_tenant(settings) as shop:
        await shop.call("PATCH", f"/v1/spaces/{shop.id}", json={"settings": {"limits": {"asks": 1000}}})
        key = (await shop.make_key("ask", origins=[ORIGIN]))["key"]
        assert [(await ask(shop, key, None, "Hello!")).status for _ in range(2)] == [200, 200]  # which costs nothing
        assert [(await ask(shop, key)).status for _ in range(2)] == [200, 429]


async def test_a_key_that_can_be_guessed_tells_nobody_without_a_token(shop: Tenant, key: str) -> None:
    refused = await ask(shop, key, None, **{"Idempotency-Key": "question-1"})
    assert (refused.status, "16 characters" in refused.json["detail"]) == (422, True)
    assert (await ask(shop, key, None, **{"Idempotency-Key": str(uuid4())})).status == 200


async def test_a_repeated_request_is_the_same_question(shop: Tenant, key: str) -> None:
    """A lost response costs no quota: not even when the last question of the day is sent again."""
    token = await token_of(shop, key)
    first = [await ask(shop, key, token, **{"Idempotency-Key": str(number)}) for number in range(3)]
    again = [await ask(shop, key, token, **{"Idempotency-Key": str(number)}) for number in range(3)]
    assert [one.json["id"] for one in again] == [one.json["id"] for one in first]
    another = await token_of(shop, key)
    assert (await ask(shop, key, another, **{"Idempotency-Key": "0"})).json["id"] != first[0].json["id"]
    assert (await ask(shop, key, token, **{"Idempotency-Key": "3"})).status == 429


async def test_signing_in_takes_the_conversation_along(shop: Tenant, key: str) -> None:
    stranger, thief = await token_of(shop, key), await token_of(shop, key)
    answer = (await ask(shop, key, stranger)).json
    secret = await identity_secret(shop)
    ann = (await enter(shop, key, stranger, identity=identity(secret, "ann"))).json["visitor_token"]
    path = f"/v1/conversations/{answer['conversation_id']}"
    for token, status in ((ann, 200), (stranger, 403), (thief, 403)):
        async with shop.visitor(key, token=token) as visitor:
            assert (await send(visitor, "GET", path)).status == status
    bob = (await enter(shop, key, ann, identity=identity(secret, "bob"))).json["visitor_token"]
    async with shop.visitor(key, token=bob) as visitor:
        assert (await send(visitor, "GET", path)).status == 403


async def test_a_new_identity_secret_voids_the_one_before(shop: Tenant, key: str) -> None:
    old = await identity_secret(shop)
    new = await identity_secret(shop)
    assert (await enter(shop, key, identity=identity(old, "ann"))).status == 403
    assert (await enter(shop, key, identity=identity(new, "ann"))).status == 201
    assert (await shop.get(f"/v1/spaces/{shop.id}"))["identity_enabled"] is True
    assert new not in json.dumps(await shop.get(f"/v1/spaces/{shop.id}"))
    assert (await shop.call("DELETE", f"/v1/spaces/{shop.id}/identity-secret")).status == 204
    assert (await enter(shop, key, identity=identity(new, "ann"))).status == 403


@pytest.mark.parametrize("lasts", [-120, 90_000])
async def test_an_identity_is_good_for_a_while(shop: Tenant, key: str, lasts: float) -> None:
    assert (await enter(shop, key, identity=identity(await identity_secret(shop), "ann", lasts))).status == 403


async def test_an_identity_of_another_space_is_worth_nothing(shop: Tenant, key: str) -> None:
    other = (await send(shop.stack.http, "POST", "/v1/spaces", json={"name": "other"})).json["id"]
    secret = (await send(shop.stack.http, "POST", f"/v1/spaces/{other}/identity-secret")).json["secret"]
    await identity_secret(shop)
    assert (await enter(shop, key, identity=identity(secret, "ann"))).status == 403


async def test_a_token_that_the_browser_made_up_is_refused(shop: Tenant, key: str) -> None:
    for made_up in ("", "visitor-1", "00000000-0000-4000-8000-000000000000", "A" * 98):
        assert (await ask(shop, key, made_up)).status == 403
        assert (await enter(shop, key, made_up)).status == 403


@pytest.mark.parametrize("origin", [None, "", "null", "https://evil.example", f"{ORIGIN}.evil.example"])
async def test_origins_fail_closed(shop: Tenant, key: str, origin: str | None) -> None:
    async with shop.visitor(key, origin=origin) as visitor:
        for method, path in (("POST", "/v1/answers"), ("POST", "/v1/visitors"), ("GET", "/v1/widget")):
            refused = await send(visitor, method, path, json={"question": "x"} if path == "/v1/answers" else {})
            assert (refused.status, refused.json["code"]) == (403, "origin_refused")


async def test_the_widget_shows_what_the_owner_set_and_nothing_else(shop: Tenant, key: str) -> None:
    settings = {
        "persona": "SECRET persona",
        "greeting": "안녕하세요!",
        "starter_questions": ["몇 시에 열어요?"],
        "title": "가게",
        "languages": ["ko"],
        "theme": {"accent": "#0a7f5a"},
    }
    assert (await shop.call("PATCH", f"/v1/spaces/{shop.id}", json={"settings": settings})).status == 200
    async with shop.visitor(key) as visitor:
        shown = await send(visitor, "GET", "/v1/widget")
        assert "Authorization" in shown.headers["Vary"]
    assert shown.headers["Cache-Control"] == "private, max-age=60"
    assert shown.json == {
        "title": "가게",
        "greeting": "안녕하세요!",
        "starter_questions": ["몇 시에 열어요?"],
        "languages": ["ko"],
        "theme": {"accent": "#0a7f5a", "accent_dark": None},
        "can_sign_in": False,
    }


@pytest.mark.parametrize("accent", ["red", "#fff", "url(https://evil.example)", "#12345g", "#123456;}"])
async def test_a_colour_is_nothing_but_a_colour(shop: Tenant, accent: str) -> None:
    answered = await shop.call("PATCH", f"/v1/spaces/{shop.id}", json={"settings": {"theme": {"accent": accent}}})
    assert answered.status == 422


async def test_what_a_proxy_adds_in_a_line_of_its_own_counts(database_url: str, redis_url: str, tmp_path: Path) -> None:
    """The client's own line stands before it, and may say anything (RFC 9110, section 5.2)."""
    settings = settings_for(
        database_url,
        f"{redis_url}?db=4",
        tmp_path,
        limit={"asks_per_address_minute": 1000, "asks_per_address_day": 2},
        trusted_proxies="127.0.0.0/8",
    )
    async with idle_tenant(settings) as tenant:
        key = (await tenant.make_key("ask", origins=[ORIGIN]))["key"]
        answered = []
        async with tenant.visitor(key) as visitor:
            for number in range(3):
                lines = [("X-Forwarded-For", f"1.2.3.{number}"), ("X-Forwarded-For", "203.0.113.10")]
                answered.append(
                    await send(visitor, "POST", "/v1/answers", json={"question": "How many kiwis?"}, headers=CIMultiDict(lines))
                )
        assert [one.status for one in answered] == [200, 200, 429]


async def test_a_question_that_cannot_be_taken_in_counts_against_nothing(
    shop: Tenant, key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    token = await token_of(shop, key)
    refused = await ask(shop, key, token, "How\0many?")
    assert (refused.status, "NUL" in refused.json["detail"]) == (422, True)

    async def away(*_args: object, **_more: object) -> None:
        raise DatabaseUnavailable("It is away.")

    with monkeypatch.context() as patch:
        patch.setattr(AnswerRepository, "take", away)
        assert [(await ask(shop, key, token)).status for _ in range(4)] == [503] * 4
    assert [(await ask(shop, key, token)).status for _ in range(4)] == [200, 200, 200, 429]
