"""What a publishable key may do: ask from its pages, and read back with the visitor's own token; nothing else."""

import json
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from tests.api.tenant import ORIGIN, Answered, Tenant, idle_tenant, new_tenant, send
from tests.support.stack import Stack, settings_for

QUESTION = {"question": "How many kiwis are there?"}


@dataclass(frozen=True, slots=True)
class Asked:
    """A conversation of one visitor."""

    tenant: Tenant
    key: str
    answer_id: str
    conversation_id: str
    token: str

    @property
    def paths(self) -> list[str]:
        answer = f"/v1/answers/{self.answer_id}"
        return [answer, f"{answer}/events", f"/v1/conversations/{self.conversation_id}"]

    async def read(self, path: str, token: str | None, key: str | None = None, **options: Any) -> Answered:
        async with self.tenant.visitor(key or self.key, token=token) as visitor:
            return await send(visitor, "GET", path, **options)


def start_of(answered: Answered) -> Any:
    return json.loads(answered.body.partition(b"data: ")[2].partition(b"\n")[0])


async def ask(tenant: Tenant, key: str) -> Asked:
    async with tenant.visitor(key) as visitor:
        start = start_of(await send(visitor, "POST", "/v1/answers", json={**QUESTION, "stream": True}))
    return Asked(tenant, key, start["answer_id"], start["conversation_id"], start["visitor_token"])


@pytest.fixture(scope="module")
async def asked(stack: Stack) -> AsyncGenerator[Asked]:
    async with new_tenant(stack) as tenant:
        await tenant.document("a.md", "# Kiwi\n\nThere are 27 kiwis.")
        yield await ask(tenant, (await tenant.make_key("ask", origins=[ORIGIN, "https://Second.Example:8443"]))["key"])


async def test_the_token_reads_its_conversation_back(asked: Asked) -> None:
    answer, stream, conversation = [await asked.read(path, asked.token) for path in asked.paths]
    assert [one.status for one in (answer, stream, conversation)] == [200, 200, 200]
    assert answer.json["question"] == QUESTION["question"]
    assert stream.body.rpartition(b"event: ")[2].startswith(b"done")
    assert [turn["id"] for turn in conversation.json["answers"]] == [asked.answer_id]


async def test_the_owner_needs_no_token(asked: Asked) -> None:
    for path in asked.paths:
        assert (await asked.tenant.call("GET", path)).status == 200


def tampered(token: str) -> list[str]:
    """Each of its bytes changed, shortened, lengthened, and what is none at all."""
    changed = [token[:at] + ("A" if token[at] != "A" else "B") + token[at + 1 :] for at in range(0, len(token) - 1, 7)]
    return [*changed, token[:-4], token + "AAAA", token[:4], "none", "=", "A" * 96, "%00"]


async def test_nothing_else_than_the_token_does(asked: Asked) -> None:
    another = await ask(asked.tenant, asked.key)
    async with asked.tenant.visitor(asked.key) as visitor:
        for token in (None, another.token, *tampered(asked.token)):
            for path in asked.paths if token in (None, another.token) else asked.paths[:1]:
                headers = {"Protostar-Visitor": token} if token is not None else {}
                code = {None: "visitor_needed", another.token: "forbidden"}.get(token, "visitor_refused")
                answered = await send(visitor, "GET", path, headers=headers)
                assert (answered.status, answered.json["code"]) == (403, code), (path, token)


async def rate(asked: Asked, token: str | None, **feedback: Any) -> int:
    async with asked.tenant.visitor(asked.key, token=token) as visitor:
        return (await send(visitor, "POST", f"{asked.paths[0]}/feedback", json=feedback)).status


async def feedback(asked: Asked) -> Any:
    """As the owner and the visitor see it."""
    own = (await asked.read(asked.paths[0], asked.token)).json["feedback"]
    assert (await asked.tenant.get(asked.paths[0]))["feedback"] == own
    return own


async def test_the_last_opinion_of_an_answer_counts(asked: Asked) -> None:
    mine = await ask(asked.tenant, asked.key)
    assert await feedback(mine) is None
    assert await rate(mine, mine.token, rating="up") == 204
    assert await feedback(mine) == {"rating": "up", "reason": None}
    assert await rate(mine, mine.token, rating="down", reason="  날짜가 틀렸습니다.  ") == 204
    assert await feedback(mine) == {"rating": "down", "reason": "날짜가 틀렸습니다."}
    assert await rate(mine, mine.token, rating=None, reason="left over") == 204
    assert await feedback(mine) is None


async def test_only_its_visitor_and_the_owner_rate_an_answer(asked: Asked) -> None:
    mine, another = await ask(asked.tenant, asked.key), await ask(asked.tenant, asked.key)
    for token in (None, another.token, "none"):
        assert await rate(mine, token, rating="down") == 403
    assert await feedback(mine) is None
    rated = await asked.tenant.call("POST", f"{mine.paths[0]}/feedback", json={"rating": "down"})
    assert (rated.status, await feedback(mine)) == (204, {"rating": "down", "reason": None})


@pytest.mark.parametrize("body", [{}, {"rating": "middling"}, {"rating": "up", "reason": "x" * 1001}, {"rating": "up", "more": 1}])
async def test_an_opinion_that_is_none_is_refused(body: Any, asked: Asked) -> None:
    assert await rate(asked, asked.token, **body) == 422


async def test_a_conversation_goes_on_with_its_token_alone(asked: Asked) -> None:
    body = {"question": "And how many plums?", "conversation_id": asked.conversation_id}
    another = await ask(asked.tenant, asked.key)
    for token, status in ((None, 403), (another.token, 403), (asked.token, 200)):
        async with asked.tenant.visitor(asked.key, token=token) as visitor:
            assert (await send(visitor, "POST", "/v1/answers", json=body)).status == status


async def test_a_token_is_worth_nothing_in_another_space(asked: Asked, other: Tenant) -> None:
    key = (await other.make_key("ask", origins=[ORIGIN]))["key"]
    for path in asked.paths:
        answered = await asked.read(path, asked.token, key)
        assert (answered.status, answered.json["code"]) == (404, "not_found")


async def test_a_token_runs_out(database_url: str, tmp_path: Path) -> None:
    async with idle_tenant(settings_for(database_url, None, tmp_path, answer={"visitor_ttl": "0.001"})) as tenant:
        asked = await ask(tenant, (await tenant.make_key("ask", origins=[ORIGIN]))["key"])
        answered = await asked.read(asked.paths[0], asked.token)
        while answered.status == 200:  # the expiry is in whole seconds
            answered = await asked.read(asked.paths[0], asked.token)
    assert (answered.status, answered.json["code"]) == (403, "visitor_expired")


@pytest.mark.parametrize(
    ("origin", "status"),
    [
        (ORIGIN, 200),
        ("https://second.example:8443", 200),
        ("https://second.example", 403),
        (ORIGIN.replace("https", "http"), 403),
        (ORIGIN + ".evil.example", 403),
        (ORIGIN + "/", 403),
        ("null", 403),
        ("", 403),
        (None, 403),
    ],
)
async def test_a_publishable_key_works_from_its_pages_alone(origin: str | None, status: int, asked: Asked) -> None:
    async with asked.tenant.visitor(asked.key, origin=origin) as visitor:
        assert (await send(visitor, "POST", "/v1/answers", json=QUESTION)).status == status


async def test_a_visitor_that_asks_too_often_waits(database_url: str, redis_url: str, tmp_path: Path) -> None:
    settings = settings_for(database_url, f"{redis_url}?db=4", tmp_path, limit={"asks_per_address_minute": 2})
    async with idle_tenant(settings) as tenant:
        key = (await tenant.make_key("ask", origins=[ORIGIN]))["key"]
        async with tenant.visitor(key) as visitor:
            answers = [await send(visitor, "POST", "/v1/answers", json=QUESTION) for _ in range(5)]
        refused = next(answered for answered in answers if answered.status != 200)
        assert (refused.status, refused.json["code"]) == (429, "rate_limited")
        assert 1 <= int(refused.headers["Retry-After"]) <= 60
        assert refused.headers["Access-Control-Allow-Origin"] == "*"
        assert (await tenant.call("POST", "/v1/answers", json=QUESTION)).status == 200  # not the owner


# -- browsers


@pytest.mark.parametrize("path", ["/v1/answers", "/v1/answers/1/events", "/v1/answers/1/feedback", "/v1/conversations/1"])
async def test_browsers_may_call_the_visitors_routes(path: str, asked: Asked) -> None:
    headers = {
        "Origin": ORIGIN,
        "Access-Control-Request-Method": "POST" if path in ("/v1/answers", "/v1/answers/1/feedback") else "GET",
        "Access-Control-Request-Headers": "authorization, content-type, idempotency-key, last-event-id, protostar-visitor",
    }
    async with asked.tenant.stack.client(None) as browser:
        answered = await send(browser, "OPTIONS", path, headers=headers)
    assert answered.status == 200
    assert answered.headers["Access-Control-Allow-Origin"] == "*"
    allowed = answered.headers["Access-Control-Allow-Headers"].lower()
    assert all(name in allowed for name in headers["Access-Control-Request-Headers"].split(", "))
    assert "Access-Control-Allow-Credentials" not in answered.headers


async def test_pages_can_read_the_answers_and_the_errors(asked: Asked) -> None:
    async with asked.tenant.visitor(asked.key) as visitor:
        for body, status in ((QUESTION, 200), ({}, 422)):
            answered = await send(visitor, "POST", "/v1/answers", json=body)
            assert (answered.status, answered.headers["Access-Control-Allow-Origin"]) == (status, "*")


@pytest.mark.parametrize("path", ["/v1/documents", "/v1/spaces", "/v1/search", "/v1/jobs", "/metrics"])
async def test_browsers_may_call_nothing_else(path: str, asked: Asked) -> None:
    headers = {"Origin": ORIGIN, "Access-Control-Request-Method": "GET", "Access-Control-Request-Headers": "authorization"}
    async with asked.tenant.stack.client(None) as browser:
        answered = await send(browser, "OPTIONS", path, headers=headers)
    assert answered.status in (401, 405)
    assert not any(name.lower().startswith("access-control-") for name in answered.headers)
