"""Each route against each role and against another space's ids; the routes come from the OpenAPI document, so none is forgotten."""

import hashlib
import json
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import aiohttp
import pytest
from tests.api.tenant import ORIGIN, Tenant, new_tenant, send
from tests.knowledge.parse.pdfs import make_pdf, text
from tests.support.stack import Stack, settings_for

from protostar.api.app import create_app
from protostar.ids import new_id

# What each route needs at least, and what it answers to whoever may call it. Retry and cancel meet a job that has succeeded: 409.
ROUTES = {
    "POST /v1/documents": ("manage", 202),
    "GET /v1/documents": ("manage", 200),
    "GET /v1/documents/{document_id}": ("manage", 200),
    "PATCH /v1/documents/{document_id}": ("manage", 200),
    "DELETE /v1/documents/{document_id}": ("manage", 204),
    "POST /v1/documents/{document_id}/restore": ("manage", 200),
    "PUT /v1/documents/{document_id}/content": ("manage", 202),
    "POST /v1/documents/{document_id}/reread": ("manage", 202),
    "GET /v1/documents/{document_id}/content": ("manage", 200),
    "GET /v1/documents/{document_id}/text": ("manage", 200),
    "GET /v1/documents/{document_id}/versions": ("manage", 200),
    "GET /v1/documents/{document_id}/chunks": ("manage", 200),
    "GET /v1/documents/{document_id}/pages": ("manage", 200),
    "GET /v1/documents/{document_id}/pages/{page}": ("manage", 200),
    "GET /v1/documents/{document_id}/events": ("manage", 200),
    "POST /v1/search": ("manage", 200),
    "POST /v1/reindex": ("manage", 202),
    "POST /v1/answers": ("ask", 200),
    "GET /v1/answers/{answer_id}": ("ask", 200),
    "GET /v1/answers/{answer_id}/events": ("ask", 200),
    "GET /v1/answers/{answer_id}/retrieved": ("manage", 200),
    "POST /v1/answers/{answer_id}/feedback": ("ask", 204),
    "PUT /v1/answers/{answer_id}/correction": ("manage", 200),
    "DELETE /v1/answers/{answer_id}/correction": ("manage", 204),
    "GET /v1/conversations": ("manage", 200),
    "GET /v1/conversations/{conversation_id}": ("ask", 200),
    "DELETE /v1/conversations/{conversation_id}": ("manage", 204),
    "POST /v1/visitors": ("ask", 201),
    "POST /v1/visitors/find": ("manage", 200),
    "POST /v1/visitors/erase": ("manage", 200),
    "GET /v1/widget": ("ask", 200),
    "GET /v1/insights": ("manage", 200),
    "GET /v1/insights/unanswered": ("manage", 200),
    "GET /v1/jobs": ("manage", 200),
    "GET /v1/jobs/{job_id}": ("manage", 200),
    "POST /v1/jobs/{job_id}/retry": ("manage", 409),
    "POST /v1/jobs/{job_id}/cancel": ("manage", 409),
    "POST /v1/spaces": ("admin", 201),
    "GET /v1/spaces": ("admin", 200),
    "GET /v1/spaces/{space_id}": ("manage", 200),
    "PATCH /v1/spaces/{space_id}": ("manage", 200),
    "DELETE /v1/spaces/{space_id}": ("manage", 204),
    "POST /v1/spaces/{space_id}/restore": ("admin", 200),
    "POST /v1/spaces/{space_id}/identity-secret": ("manage", 201),
    "DELETE /v1/spaces/{space_id}/identity-secret": ("manage", 204),
    "POST /v1/spaces/{space_id}/keys": ("manage", 201),
    "GET /v1/spaces/{space_id}/keys": ("manage", 200),
    "DELETE /v1/spaces/{space_id}/keys/{key_id}": ("manage", 204),
    "POST /v1/webhooks": ("manage", 201),
    "GET /v1/webhooks": ("manage", 200),
    "DELETE /v1/webhooks/{webhook_id}": ("manage", 204),
    "POST /v1/webhooks/{webhook_id}/test": ("manage", 202),
    "GET /v1/archive": ("manage", 200),
    "GET /v1/archive/documents": ("manage", 200),
    "GET /v1/archive/answers": ("manage", 200),
    "GET /v1/archive/vectors": ("manage", 200),
    "POST /v1/imports": ("admin", 200),
    "GET /v1/imports/{import_id}/documents/{source_id}": ("admin", 200),
    "POST /v1/imports/{import_id}/documents/{source_id}/versions": ("admin", 200),
    "POST /v1/imports/{import_id}/documents": ("admin", 200),
    "POST /v1/imports/{import_id}/answers": ("admin", 204),
    "POST /v1/imports/{import_id}/vectors": ("admin", 204),
    "POST /v1/imports/{import_id}/finish": ("admin", 200),
    "GET /health/live": (None, 200),
    "GET /health/ready": (None, 200),
    "GET /metrics": ("admin", 200),
}

BODIES: dict[str, Callable[[], dict[str, Any]]] = {
    "POST /v1/documents": lambda: {"params": {"filename": "a.md"}, "data": f"# Note\n\n{uuid4()}".encode()},
    "PUT /v1/documents/{document_id}/content": lambda: {"params": {"filename": "a.md"}, "data": f"# Note\n\n{uuid4()}".encode()},
    "PATCH /v1/documents/{document_id}": lambda: {"json": {"title": "Another title"}},
    # The version that is a PDF: another test's is put on top of it.
    "GET /v1/documents/{document_id}/pages": lambda: {"params": {"version": 1, "start": 5, "end": 10}},
    "GET /v1/documents/{document_id}/pages/{page}": lambda: {"params": {"version": 1}},
    "POST /v1/search": lambda: {"json": {"query": "kiwi"}},
    "POST /v1/answers": lambda: {"json": {"question": "How many kiwis?"}},
    "POST /v1/answers/{answer_id}/feedback": lambda: {"json": {"rating": "up"}},
    "POST /v1/visitors": lambda: {"json": {}},
    "POST /v1/visitors/find": lambda: {"json": {"subject": "customer-42"}},
    "POST /v1/visitors/erase": lambda: {"json": {"subject": "customer-42"}},
    "PUT /v1/answers/{answer_id}/correction": lambda: {"json": {"text": "There are 28."}},
    "POST /v1/spaces": lambda: {"json": {"name": "A space"}},
    "PATCH /v1/spaces/{space_id}": lambda: {"json": {"name": "Another name"}},
    "POST /v1/spaces/{space_id}/keys": lambda: {"json": {"role": "manage", "name": "A key"}},
    "POST /v1/webhooks": lambda: {"json": WEBHOOK},
    "POST /v1/imports": lambda: {"json": an_import()},
    "POST /v1/imports/{import_id}/documents/{source_id}/versions": lambda: {"data": a_version()},
    "POST /v1/imports/{import_id}/documents": lambda: {"json": DOCUMENT},
    "POST /v1/imports/{import_id}/answers": lambda: {"json": {"items": []}},
    "POST /v1/imports/{import_id}/vectors": lambda: {"data": b'{"model": "", "dimensions": 0, "count": 0, "after": null}\n'},
}

# Nothing is ever sent there: the name means an address that is closed.
WEBHOOK = {"url": "http://localhost:9999/", "events": ["document.failed"]}

NOW = "2026-01-02T03:04:05Z"
VERSION = {
    **dict.fromkeys(("error", "text_size", "text_sha256", "text_chars", "encoding", "page_count", "summary", "summary_model")),
    "version": 1,
    "status": "queued",
    "filename": "a.md",
    "media_type": "text/markdown",
    "size": 1,
    "chunk_count": 0,
    "sha256": hashlib.sha256(b"a").hexdigest(),
    "created_at": NOW,
    "ready_at": None,
}
DOCUMENT = {
    "id": str(uuid4()),
    "title": "A",
    "title_given": False,
    "filename": "a.md",
    "metadata": {},
    "current_version": 0,
    "latest_version": 1,
    "created_at": NOW,
    "updated_at": NOW,
    "versions": [VERSION],
}


def an_import() -> dict[str, Any]:
    space = {"id": str(new_id()), "name": "A space", "settings": {}}
    return {"archive_id": str(uuid4()), "space": space, "largest": 0}


def a_version() -> aiohttp.FormData:
    form = aiohttp.FormData({"record": json.dumps(VERSION)})
    form.add_field("original", b"a", filename="original")
    return form


RANK = {"ask": 0, "manage": 1, "admin": 2}


def operations() -> dict[str, Any]:
    document = create_app(settings_for("postgresql://nowhere/none", None, Path("nowhere"))).openapi()
    return {
        f"{method.upper()} {path}": operation
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    }


OPERATIONS = operations()


@dataclass(frozen=True, slots=True)
class Things:
    """A tenant with one of everything that has an id."""

    tenant: Tenant
    ask_key: str
    ids: dict[str, str]
    visitor_token: str = ""

    def path(self, template: str) -> str:
        return template.format(**self.ids)


async def some_things(tenant: Tenant) -> Things:
    """Those that a request can delete."""
    guide = make_pdf([text("Kiwi", "There are 27 kiwis.", str(uuid4()))])
    document = (await tenant.upload("guide.pdf", guide)).json
    key = await tenant.make_key("ask", origins=[ORIGIN])
    webhook = (await tenant.call("POST", "/v1/webhooks", json=WEBHOOK)).json
    ids = {"space_id": tenant.id, "key_id": key["id"], "document_id": document["id"], "webhook_id": webhook["id"], "page": "1"}
    return Things(tenant, key["key"], ids)


async def all_things(tenant: Tenant, source_id: str) -> Things:
    """`source_id`: of a document that is being imported."""
    things = await some_things(tenant)
    document = await tenant.settled(things.ids["document_id"])
    async with tenant.visitor(things.ask_key) as visitor:
        asked = await send(visitor, "POST", "/v1/answers", json={"question": "How many kiwis?", "stream": True})
    start = json.loads(asked.body.partition(b"data: ")[2].partition(b"\n")[0])
    begun = await send(tenant.stack.http, "POST", "/v1/imports", json=an_import())
    importing = {"import_id": begun.json["id"], "source_id": source_id}
    # The document that finishing it asks for.
    staged = f"/v1/imports/{begun.json['id']}/documents/{source_id}/versions"
    assert (await send(tenant.stack.http, "POST", staged, data=a_version())).status == 200
    ids = {
        **things.ids,
        **importing,
        "job_id": document["job_id"],
        "answer_id": start["answer_id"],
        "conversation_id": start["conversation_id"],
    }
    return Things(tenant, things.ask_key, ids, start["visitor_token"])


@pytest.fixture(scope="module")
async def things(stack: Stack) -> AsyncGenerator[Things]:
    async with new_tenant(stack) as tenant:
        yield await all_things(tenant, DOCUMENT["id"])


@pytest.fixture(scope="module")
async def neighbour(stack: Stack) -> AsyncGenerator[Things]:
    async with new_tenant(stack) as tenant:
        yield await some_things(tenant)


async def status(route: str, things: Things, key: str | None, **headers: str) -> int:
    method, template = route.split(" ")
    options = BODIES.get(route, dict)()
    async with things.tenant.stack.client(key, **headers) as http:
        answered = await send(http, method, things.path(template), **options)
    if answered.status >= 400:
        assert answered.headers["Content-Type"] == "application/problem+json"
    return answered.status


@asynccontextmanager
async def to_change(route: str, things: Things) -> AsyncGenerator[Things]:
    """Things that the route may delete, or that have to be settled for it; the shared ones where it does not."""
    if not route.startswith("DELETE") and not route.endswith("/reread"):
        yield things
        return
    async with new_tenant(things.tenant.stack) as tenant:
        if "{answer_id}" not in route and "{conversation_id}" not in route:
            own = await some_things(tenant)
            await tenant.settled(own.ids["document_id"])
            yield own
            return
        own = await all_things(tenant, str(uuid4()))
        correction = BODIES["PUT /v1/answers/{answer_id}/correction"]()
        await tenant.call("PUT", own.path("/v1/answers/{answer_id}/correction"), **correction)
        yield own


def needed(route: str) -> str | None:
    """The role that the OpenAPI document names."""
    security = OPERATIONS[route].get("security")
    return security[0]["HTTPBearer"][0] if security else None


@pytest.mark.parametrize("route", OPERATIONS)
async def test_each_route_is_open_to_its_role_alone(route: str, things: Things, neighbour: Things, stack: Stack) -> None:
    assert route in ROUTES, f"say in the table above who may call {route}"
    least, success = ROUTES[route]
    assert needed(route) == least
    admin = stack.settings.admin_key.get_secret_value()
    ours = {"Protostar-Visitor": things.visitor_token}

    def expected(role: str) -> int:
        return success if least is None or RANK[role] >= RANK[least] else 403

    # Who may not comes first: nothing is changed by then.
    denied = 401 if least else success
    assert await status(route, things, None) == denied
    assert await status(route, things, "pk_" + 43 * "A") == denied
    denied = 403 if least else success
    assert await status(route, things, things.ask_key, **ours) == denied
    assert await status(route, things, things.ask_key, Origin="https://shop.example.evil", **ours) == denied
    foreign = expected("manage") if "{" not in route or least == "admin" else 404
    assert await status(route, things, neighbour.tenant.key) == foreign

    for role in RANK:
        async with to_change(route, things) as own:
            credentials = {
                "ask": (own.ask_key, {"Origin": ORIGIN, "Protostar-Visitor": own.visitor_token}),
                "manage": (own.tenant.key, {}),
                "admin": (admin, {"Protostar-Space": own.tenant.id}),
            }
            key, headers = credentials[role]
            assert await status(route, own, key, **headers) == expected(role), role


@pytest.mark.parametrize("route", [route for route in OPERATIONS if route.startswith("GET")])
async def test_head_says_to_each_role_what_get_would(route: str, things: Things) -> None:
    tenant, path = things.tenant, things.path(route.removeprefix("GET "))
    visitor = {"Origin": ORIGIN, "Protostar-Visitor": things.visitor_token}
    for key, headers in ((None, {}), (things.ask_key, visitor), (tenant.key, {})):
        async with tenant.stack.client(key, **headers) as http:
            head = await send(http, "HEAD", path)
            if path.endswith("/events"):
                assert (head.status, head.headers["Allow"]) == (405, "GET")
                continue
            got = await send(http, "GET", path)
        alike = ["Content-Type", "Content-Disposition", "ETag", "Cache-Control", "WWW-Authenticate"]
        alike += ["Content-Length"] if path != "/metrics" else []
        assert (head.status, *map(head.headers.get, alike)) == (got.status, *map(got.headers.get, alike))


def test_the_table_holds_no_route_that_is_gone() -> None:
    assert set(ROUTES) == set(OPERATIONS)


@pytest.mark.parametrize("route", [route for route in OPERATIONS if "{" in route and "{space_id}" not in route])
async def test_the_admin_key_finds_only_what_the_named_space_holds(
    route: str, things: Things, neighbour: Things, stack: Stack
) -> None:
    admin = stack.settings.admin_key.get_secret_value()
    expected = ROUTES[route][1] if "{job_id}" in route or "{import_id}" in route else 404  # these are the installation's for it
    assert await status(route, things, admin, **{"Protostar-Space": neighbour.tenant.id}) == expected


async def test_ids_in_bodies_and_headers_of_another_space_are_not_there(things: Things, neighbour: Things) -> None:
    tenant = neighbour.tenant
    ask = {"question": "How many kiwis?", "conversation_id": things.ids["conversation_id"]}
    assert (await tenant.call("POST", "/v1/answers", json=ask)).status == 404
    own_space = {"Protostar-Space": tenant.id}
    assert (await tenant.call("GET", "/v1/documents", headers=own_space)).status == 200
    assert (await tenant.call("GET", "/v1/documents", headers={"Protostar-Space": things.tenant.id})).status == 404
    key = f"/v1/spaces/{tenant.id}/keys/{things.ids['key_id']}"
    assert (await tenant.call("DELETE", key)).status == 404
    stolen = {"object_key": f"incoming/{things.tenant.id}/a.md", "filename": "a.md"}
    assert (await tenant.call("POST", "/v1/documents", json=stolen)).status == 422


async def test_cursors_of_another_space_are_not_there(things: Things, neighbour: Things) -> None:
    for tenant in (things.tenant, neighbour.tenant):
        for number in range(2):
            await tenant.upload(f"{number}.md", f"# {uuid4()}".encode())
            await tenant.make_key("manage")
            await tenant.call("POST", "/v1/webhooks", json=WEBHOOK)
            await tenant.call("POST", "/v1/answers", json={"question": "How many kiwis?"})
    archived = ("/v1/archive/documents", "/v1/archive/answers")
    lists = ("/v1/documents", "/v1/jobs", "/v1/spaces/{space_id}/keys", "/v1/webhooks", "/v1/conversations", *archived)
    for path in lists:
        cursor = (await things.tenant.get(things.path(path), params={"limit": 1}))["next_cursor"]
        for one, expected in ((things, 200), (neighbour, 404)):
            answered = await one.tenant.call("GET", one.path(path), params={"cursor": cursor})
            assert answered.status == expected, path
        wrong = await things.tenant.call("GET", things.path(path), params={"cursor": things.ids["document_id"]})
        assert wrong.status == 422


async def test_lists_and_searches_hold_nothing_of_another_space(things: Things, neighbour: Things) -> None:
    tenant = neighbour.tenant
    await tenant.settled(neighbour.ids["document_id"])
    listed = {row["id"] for row in (await tenant.get("/v1/documents"))["items"]}
    assert neighbour.ids["document_id"] in listed
    assert things.ids["document_id"] not in listed
    jobs = (await tenant.get("/v1/jobs"))["items"]
    assert {row["space_id"] for row in jobs} == {tenant.id}
    keys = (await tenant.get(f"/v1/spaces/{tenant.id}/keys"))["items"]
    assert neighbour.ids["key_id"] in {row["id"] for row in keys}
    assert things.ids["key_id"] not in {row["id"] for row in keys}
    webhooks = {row["id"] for row in (await tenant.get("/v1/webhooks"))["items"]}
    assert neighbour.ids["webhook_id"] in webhooks
    assert things.ids["webhook_id"] not in webhooks
    found = {hit["document_id"] for hit in await tenant.search("kiwis")}
    assert neighbour.ids["document_id"] in found
    assert found <= listed
    answer = (await tenant.call("POST", "/v1/answers", json={"question": "How many kiwis are there?"})).json
    for words in ("", "kiwis"):
        conversations = {row["id"] for row in (await tenant.get("/v1/conversations", params={"text": words}))["items"]}
        assert answer["conversation_id"] in conversations
        assert things.ids["conversation_id"] not in conversations
    lost = {"question": f"Where is the {things.ids['answer_id']} zeppelin?"}
    for one in (things.tenant, tenant):
        assert (await one.call("POST", "/v1/answers", json=lost)).json["found"] is False
    (cluster,) = (await tenant.get("/v1/insights/unanswered"))["items"]
    assert (cluster["size"], cluster["question"]) == (1, lost["question"])
    assert (await tenant.get("/v1/insights"))["total"]["questions"] == len((await tenant.get("/v1/conversations"))["items"])
    named = {"text": "There are 28.", "documents": [things.ids["document_id"]]}
    assert (await tenant.call("PUT", f"/v1/answers/{answer['id']}/correction", json=named)).status == 404
    assert {citation["document_id"] for citation in answer["citations"]} == {neighbour.ids["document_id"]}
