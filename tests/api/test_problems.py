"""Every error is a problem document that says what to do and gives nothing away; what is away for the moment says until when."""

from pathlib import Path
from typing import Any
from uuid import uuid4

import asyncpg
import pytest
import structlog
from tests.api.tenant import Answered, Tenant, idle_tenant, send
from tests.support.databases import TEMPLATE, execute, named
from tests.support.stack import settings_for

from protostar.errors import Conflict, ModelUnavailable, ProtostarError, RateLimited
from protostar.problems import error_of, problem

UNKNOWN = "00000000-0000-7000-8000-000000000000"


def assert_problem(answered: Answered, status: int, code: str) -> str:
    """Its detail."""
    assert answered.status == status
    assert answered.headers["Content-Type"] == "application/problem+json"
    problem = answered.json
    assert set(problem) - {"retry_after"} == {"type", "title", "status", "detail", "code"}
    assert (problem["status"], problem["code"], problem["type"]) == (status, code, f"urn:protostar:problem:{code}")
    assert problem["title"]
    assert problem["detail"]
    if status in (429, 503):
        assert int(answered.headers["Retry-After"]) == problem["retry_after"] >= 1
    else:
        assert "Retry-After" not in answered.headers
    return problem["detail"]


@pytest.mark.parametrize(
    ("method", "path", "options", "status", "code"),
    [
        ("GET", "/v1/nothing", {}, 404, "not_found"),
        ("GET", "/nothing", {}, 404, "not_found"),
        ("GET", "/v1/documents/" + UNKNOWN, {}, 404, "not_found"),
        ("GET", "/v1/answers/" + UNKNOWN, {}, 404, "not_found"),
        ("GET", "/v1/conversations/" + UNKNOWN, {}, 404, "not_found"),
        ("GET", "/v1/jobs/" + UNKNOWN, {}, 404, "not_found"),
        ("GET", "/v1/spaces/" + UNKNOWN, {}, 404, "not_found"),
        ("DELETE", "/v1/documents", {}, 405, "method_not_allowed"),
        ("GET", "/v1/search", {}, 405, "method_not_allowed"),
        ("GET", "/v1/documents/7", {}, 422, "invalid_input"),
        ("GET", "/v1/jobs?kind=%00", {}, 422, "invalid_input"),
        ("POST", "/v1/search", {"json": {"query": ""}}, 422, "invalid_input"),
        ("POST", "/v1/search", {"json": {"query": "a", "top_k": 51}}, 422, "invalid_input"),
        ("POST", "/v1/search", {"json": {"query": "a", "mode": "vector"}}, 422, "invalid_input"),
        ("POST", "/v1/search", {"data": b"{"}, 422, "invalid_input"),
        ("POST", "/v1/answers", {"json": {"question": "x" * 4001}}, 422, "invalid_input"),
        ("POST", "/v1/answers", {"json": {"question": "a\0b"}}, 422, "invalid_input"),
        ("POST", "/v1/answers", {"json": {"question": "a", "conversation_id": UNKNOWN}}, 404, "not_found"),
        ("POST", "/v1/answers", {"data": b"[" * 30_000 + b"]" * 30_000}, 400, "bad_request"),
        ("GET", "/metrics", {}, 403, "forbidden"),
    ],
)
async def test_every_error_is_a_problem(
    method: str, path: str, options: dict[str, Any], status: int, code: str, tenant: Tenant
) -> None:
    headers = {"Content-Type": "application/json"} if "data" in options else {}
    answered = await tenant.call(method, path, headers=headers, **options)
    assert_problem(answered, status, code)
    assert status != 405 or answered.headers["Allow"]


async def test_a_sentence_names_the_field(tenant: Tenant) -> None:
    answered = await tenant.call("POST", "/v1/search", json={"query": "a", "top_k": 0, "limit": 3})
    assert assert_problem(answered, 422, "invalid_input").startswith("top_k: ")
    assert "limit: " in answered.json["detail"]


@pytest.mark.parametrize(
    ("method", "path", "sentence"),
    [
        ("GET", "/v1/documents?state=failed", "state: there is no such query parameter here. Known are: cursor, limit, q, status."),
        ("HEAD", "/v1/documents?state=failed", ""),
        ("POST", "/v1/search?top_k=3", "top_k: there is no such query parameter here. None is known."),
    ],
)
async def test_a_misspelt_query_parameter_is_not_ignored(tenant: Tenant, method: str, path: str, sentence: str) -> None:
    answered = await tenant.call(method, path, json={"query": "a"})
    assert answered.status == 422
    assert (answered.json or {}).get("detail", "") == sentence


async def test_pages_and_probes_take_whatever_hangs_on_their_address(tenant: Tenant) -> None:
    for path in ("/widget.js?v=3", "/login?utm_source=mail", "/health/live?probe=1"):
        assert (await tenant.call("GET", path)).status == 200


@pytest.mark.parametrize(
    ("kind", "body", "sentence"),
    [
        ("application/json", b'{"query": ', "The body is not valid JSON: Expecting value, at character 10."),
        ("text/plain", b'{"query": "a"}', "The body must be a JSON object, sent with the header «Content-Type: application/json»."),
        ("application/json", b"[1]", "The body must be a JSON object, sent with the header «Content-Type: application/json»."),
        ("application/json", b"", "The body must be a JSON object, sent with the header «Content-Type: application/json»."),
    ],
)
async def test_a_sentence_says_what_the_body_should_be(kind: str, body: bytes, sentence: str, tenant: Tenant) -> None:
    answered = await tenant.call("POST", "/v1/search", headers={"Content-Type": kind}, data=body)
    assert assert_problem(answered, 422, "invalid_input") == sentence


async def test_a_body_in_another_encoding_is_told_so(tenant: Tenant) -> None:
    answered = await tenant.call(
        "POST", "/v1/search", headers={"Content-Type": "application/json"}, data=b'{"query": "Gr\xfc\xdfe"}'
    )
    assert assert_problem(answered, 400, "bad_request") == "The body cannot be read as JSON in UTF-8."


async def test_a_kind_of_problem_has_one_title(tenant: Tenant) -> None:
    """Whether the path, the method, the body's size or what it names is wrong: RFC 9457, section 3.1.3."""
    long = {"Content-Type": "application/json"}, b" " * (256 * 1024 + 1)
    unknown, nowhere, large, upload = (
        await tenant.call("GET", "/v1/documents/" + UNKNOWN),
        await tenant.call("GET", "/v1/nothing"),
        await tenant.call("POST", "/v1/search", headers=long[0], data=long[1]),
        await tenant.call("POST", "/v1/documents", headers=long[0], data=b'{"url": "' + long[1]),
    )
    assert assert_problem(unknown, 404, "not_found") != assert_problem(nowhere, 404, "not_found")
    assert unknown.json["title"] == nowhere.json["title"]
    assert assert_problem(large, 413, "too_large") != assert_problem(upload, 413, "too_large")
    assert large.json["title"] == upload.json["title"]


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("DELETE", "/v1/documents", "GET, HEAD, POST"),
        ("POST", "/v1/documents/" + UNKNOWN, "DELETE, GET, HEAD, PATCH"),
        ("POST", "/health/live", "GET, HEAD"),
    ],
)
async def test_a_wrong_method_is_told_the_right_ones(method: str, path: str, allowed: str, tenant: Tenant) -> None:
    answered = await tenant.call(method, path)
    assert assert_problem(answered, 405, "method_not_allowed") == f"This path takes {allowed}."
    assert answered.headers["Allow"] == allowed


async def test_an_unforeseen_error_gives_nothing_away(idle: Tenant) -> None:
    connection = await asyncpg.connect(idle.stack.settings.database_url.get_secret_value())
    await connection.execute("""update spaces set settings = '{"persona": {"secret-of-the-database": 1}}'""")
    await connection.close()
    with structlog.testing.capture_logs(processors=[structlog.contextvars.merge_contextvars]) as logged:
        answered = await idle.call("GET", f"/v1/spaces/{idle.id}")
    (raised,) = [line for line in logged if line["event"] == "request_raised"]
    assert raised["request"] == answered.headers["X-Request-ID"]
    metrics = (await send(idle.stack.http, "GET", "/metrics")).body.decode()
    assert 'method="GET",process="api",route="/v1/spaces/{space_id}",status="500"' in metrics
    detail = assert_problem(answered, 500, "internal")
    assert detail == "An unforeseen error; the log of the server has the details."
    assert b"secret" not in answered.body


async def test_without_the_object_store_uploads_wait_and_the_rest_works(idle: Tenant) -> None:
    document = (await idle.upload("a.md", b"# Text")).json
    folder = idle.stack.settings.data_dir / "objects"
    folder.rename(folder.with_name("away"))
    for method, path, options in (
        ("POST", "/v1/documents", {"params": {"filename": "b.md"}, "data": b"# Other"}),
        ("PUT", f"/v1/documents/{document['id']}/content", {"params": {"filename": "a.md"}, "data": b"# Other"}),
        ("GET", f"/v1/documents/{document['id']}/content", {}),
        ("POST", "/v1/documents", {"json": {"object_key": f"incoming/{idle.id}/a.md", "filename": "a.md"}}),
    ):
        assert_problem(await idle.call(method, path, **options), 503, "objects_unavailable")
    assert [(row["id"], row["version"]) for row in (await idle.get("/v1/documents"))["items"]] == [(document["id"], 1)]
    health = await send(idle.stack.http, "GET", "/health/ready")
    assert (health.status, health.json["status"], health.json["dependencies"]["objects"]) == (200, "degraded", "down")
    folder.with_name("away").rename(folder)
    assert (await idle.upload("b.md", b"# Other")).status == 202
    assert (await send(idle.stack.http, "GET", "/health/ready")).json["status"] == "ok"


async def test_without_the_database_everything_waits(postgres_url: str, template: str, tmp_path: Path) -> None:
    name = f"gone_{uuid4().hex[:8]}"
    await execute(postgres_url, f'create database "{name}" template "{TEMPLATE}"')
    settings = settings_for(named(postgres_url, name), None, tmp_path)
    async with idle_tenant(settings) as tenant:
        document = (await tenant.upload("a.md", b"# Text")).json
        before = tenant.objects()
        await execute(postgres_url, f'drop database "{name}" with (force)')
        for method, path, options in (
            ("GET", "/v1/documents", {}),
            ("GET", f"/v1/documents/{document['id']}/content", {}),
            ("POST", "/v1/documents", {"params": {"filename": "b.md"}, "data": b"# Other"}),
            ("POST", "/v1/search", {"json": {"query": "text"}}),
            ("POST", "/v1/answers", {"json": {"question": "text?"}}),
            ("GET", f"/v1/spaces/{tenant.id}", {}),
        ):
            assert_problem(await tenant.call(method, path, **options), 503, "database_unavailable")
        async with tenant.stack.client("sk_never_seen_before") as stranger:  # it may well be a good one
            assert_problem(await send(stranger, "GET", "/v1/documents"), 503, "database_unavailable")
        assert tenant.objects() == before

        ready = await send(tenant.stack.http, "GET", "/health/ready")
        assert (ready.status, ready.json["status"], ready.json["dependencies"]["postgres"]) == (503, "down", "down")
        assert int(ready.headers["Retry-After"]) >= 1
        assert (await send(tenant.stack.http, "GET", "/health/live")).status == 200
        assert (await send(tenant.stack.http, "GET", "/metrics")).status == 200


@pytest.mark.parametrize(
    "error", [ProtostarError(), Conflict("So it is."), RateLimited("Later.", retry_after=7), ModelUnavailable("Away.", reason="x")]
)
def test_an_error_that_was_told_is_told_again_as_it_was(error: ProtostarError) -> None:
    assert problem(error_of(problem(error))) == problem(error)
