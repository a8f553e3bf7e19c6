"""`/v1/webhooks` over HTTP; roles and other spaces' ids are tested for every route in tests/api/test_roles.py."""

import asyncio
from uuid import uuid4

import pytest
from sqlalchemy import text
from tests.api.tenant import Tenant, new_tenant
from tests.support.stack import Stack
from tests.support.waiting import wait_until
from tests.webhooks.receiver import Receiver

from protostar.db.session import Database
from protostar.webhooks.repository import WebhookRepository
from protostar.webhooks.service import MOST

URL = "http://localhost:9999/hook"
ALL = ["answer.completed", "document.failed", "document.ready"]


async def test_the_secret_is_shown_once(tenant: Tenant) -> None:
    created = await tenant.call("POST", "/v1/webhooks", json={"url": URL})
    assert created.status == 201
    assert created.json["secret"].startswith("whsec_")
    assert created.json["events"] == ALL
    (listed,) = (await tenant.get("/v1/webhooks"))["items"]
    assert listed == {name: created.json[name] for name in ("id", "url", "events", "created_at")}


async def test_a_webhook_can_be_deleted_once(tenant: Tenant) -> None:
    id_ = (await tenant.call("POST", "/v1/webhooks", json={"url": URL})).json["id"]
    assert (await tenant.call("DELETE", f"/v1/webhooks/{id_}")).status == 204
    assert (await tenant.get("/v1/webhooks"))["items"] == []
    for method, path in (("DELETE", f"/v1/webhooks/{id_}"), ("POST", f"/v1/webhooks/{id_}/test")):
        assert (await tenant.call(method, path)).json["code"] == "not_found"


async def test_lists_have_pages(tenant: Tenant) -> None:
    ids = [(await tenant.call("POST", "/v1/webhooks", json={"url": URL})).json["id"] for _ in range(3)]
    first = await tenant.get("/v1/webhooks", params={"limit": 2})
    second = await tenant.get("/v1/webhooks", params={"limit": 2, "cursor": first["next_cursor"]})
    assert [row["id"] for row in first["items"] + second["items"]] == ids[::-1]
    assert second["next_cursor"] is None


@pytest.mark.parametrize(
    "body",
    [{}, {"url": ""}, {"url": URL, "events": []}, {"url": URL, "events": ["space.deleted"]}, {"url": URL, "secret": "whsec_AAAA"}],
)
async def test_what_is_wrong_is_named(tenant: Tenant, body: dict) -> None:
    answered = await tenant.call("POST", "/v1/webhooks", json=body)
    assert (answered.status, answered.json["code"]) == (422, "invalid_input")


@pytest.mark.parametrize(
    "url",
    [
        "http://xn--a.com/",
        "ftp://a.test/",
        "http://a.test:22/",
        "http://u:p@a.test/",
        "http://10.0.0.1/",
        "http://[::1]/",
        "http://169.254.169.254/",
    ],
)
async def test_urls_that_could_never_be_asked_are_refused(stack: Stack, url: str) -> None:
    async with new_tenant(stack) as tenant:
        answered = await tenant.call("POST", "/v1/webhooks", json={"url": url})
        assert (answered.status, answered.json["code"]) == (422, "address_refused")
        assert (await tenant.get("/v1/webhooks"))["items"] == []


async def test_metadata_services_stay_closed_where_private_networks_are_open(tenant: Tenant) -> None:
    answered = await tenant.call("POST", "/v1/webhooks", json={"url": "http://169.254.169.254/latest"})
    assert (answered.status, answered.json["code"]) == (422, "address_refused")
    assert (await tenant.call("POST", "/v1/webhooks", json={"url": "http://10.0.0.1/"})).status == 201


async def test_a_space_has_a_bounded_number(tenant: Tenant) -> None:
    statuses = [(await tenant.call("POST", "/v1/webhooks", json={"url": URL})).status for _ in range(MOST + 1)]
    assert statuses == [201] * MOST + [409]


async def test_a_space_has_no_more_of_them_where_they_are_made_at_once(tenant: Tenant) -> None:
    made = await asyncio.gather(*(tenant.call("POST", "/v1/webhooks", json={"url": URL}) for _ in range(3 * MOST)))
    assert sorted(answered.status for answered in made) == [201] * MOST + [409] * 2 * MOST


async def test_webhooks_go_with_their_space(tenant: Tenant, receiver: Receiver) -> None:
    id_ = (await tenant.call("POST", "/v1/webhooks", json={"url": receiver.url})).json["id"]
    database = Database(tenant.stack.settings.database_url.get_secret_value())
    assert (await tenant.stack.http.delete(f"/v1/spaces/{tenant.id}")).status == 204

    async def erased() -> bool:
        async with database.transaction() as session:
            return await WebhookRepository(session).count(tenant.id) == 0

    async with database.transaction() as session:
        found = await WebhookRepository(session).target(id_)
        assert found is not None
        assert not found[1]  # it waits whether the space is restored
        await session.execute(text("update spaces set erase_at = now() where id = :id"), {"id": tenant.id})
        await session.execute(
            text("update jobs set run_at = now() where kind = 'space.purge' and space_id = :id"), {"id": tenant.id}
        )
    await wait_until(erased, 20)
    async with database.transaction() as session:
        assert await WebhookRepository(session).target(uuid4()) is None
    await database.close()
    assert receiver.arrivals == []
