"""Tenants and their keys."""

import asyncio
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from pydantic import SecretStr
from tests.api.tenant import ORIGIN, Tenant, idle_tenant, new_tenant, send
from tests.support.databases import execute
from tests.support.model_server import StandIn
from tests.support.servers import redis_server
from tests.support.stack import Stack, running_worker, settings_for
from tests.support.waiting import wait_until

from protostar.redis.client import RedisClient
from protostar.telemetry import Metrics

UNSET: dict[str, Any] = {
    "persona": "",
    "greeting": "",
    "starter_questions": [],
    "title": "",
    "languages": [],
    "theme": {"accent": None, "accent_dark": None},
    "limits": dict.fromkeys(("asks_per_visitor", "asks_per_signed_in", "asks_per_address", "asks", "tokens")),
    "keep_conversations_days": None,
}
SETTINGS = {**UNSET, "persona": "친절한 점원", "greeting": "안녕하세요!", "starter_questions": ["몇 시에 열어요?"]}
NOWHERE = "00000000-0000-7000-8000-000000000000"


async def test_a_space_is_made_read_changed_and_listed(stack: Stack) -> None:
    created = await send(stack.http, "POST", "/v1/spaces", json={"name": " 가게 ", "settings": SETTINGS})
    assert (created.status, created.json["name"], created.json["settings"]) == (201, "가게", SETTINGS)
    path = f"/v1/spaces/{created.json['id']}"
    assert (await send(stack.http, "GET", path)).json == created.json
    renamed = await send(stack.http, "PATCH", path, json={"name": "서점"})
    assert (renamed.status, renamed.json["name"], renamed.json["settings"]) == (200, "서점", SETTINGS)
    changed = await send(stack.http, "PATCH", path, json={"settings": {"greeting": "네?"}})
    assert changed.json["settings"] == {**UNSET, "greeting": "네?"}
    assert changed.json["updated_at"] > created.json["updated_at"]
    newer = await send(stack.http, "POST", "/v1/spaces", json={"name": "Newer"})
    page = (await send(stack.http, "GET", "/v1/spaces", params={"limit": 1})).json
    assert [space["id"] for space in page["items"]] == [newer.json["id"]]
    page = (await send(stack.http, "GET", "/v1/spaces", params={"limit": 1, "cursor": page["next_cursor"]})).json
    assert [space["id"] for space in page["items"]] == [created.json["id"]]


async def test_blank_starter_questions_are_left_out(stack: Stack) -> None:
    """The widget would show a button without words, which asks nothing."""
    settings = {"starter_questions": ["", "몇 시에 열어요?", " \n"]}
    created = await send(stack.http, "POST", "/v1/spaces", json={"name": "가게", "settings": settings})
    assert (created.status, created.json["settings"]["starter_questions"]) == (201, ["몇 시에 열어요?"])


async def test_settings_of_a_newer_release_are_passed_over(idle: Tenant) -> None:
    newer = json.dumps({"greeting": "Hi", "voice": "low", "theme": {"font": "serif"}})
    url = idle.stack.settings.database_url
    assert url is not None
    await execute(url.get_secret_value(), f"update spaces set settings = '{newer}' where id = '{idle.id}'")
    assert (await idle.get(f"/v1/spaces/{idle.id}"))["settings"] == {**UNSET, "greeting": "Hi"}
    assert (await idle.call("POST", "/v1/answers", json={"question": "Hello?"})).status == 200


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"name": ""},
        {"name": "x" * 201},
        {"name": "a\0b"},
        {"name": "x", "nmae": "typo"},
        {"name": "x", "settings": {"colour": "red"}},
        {"name": "x", "settings": {"persona": "x" * 2001}},
        {"name": "x", "settings": {"starter_questions": ["?"] * 11}},
    ],
)
async def test_a_wrong_space_is_refused(body: dict[str, Any], stack: Stack) -> None:
    answered = await send(stack.http, "POST", "/v1/spaces", json=body)
    assert (answered.status, answered.json["code"]) == (422, "invalid_input")


async def test_the_admin_key_works_on_the_oldest_space_or_the_named_one(idle: Tenant) -> None:
    admin = idle.stack.http
    spaces = (await send(admin, "GET", "/v1/spaces")).json["items"]
    assert [space["name"] for space in spaces][1:] == ["Default"]  # the first migration made it
    default = spaces[-1]["id"]
    here, there = {"Protostar-Space": default}, {"Protostar-Space": idle.id}
    document = (await send(admin, "POST", "/v1/documents", params={"filename": "a.md"}, data=b"# Text")).json
    for headers, status in ((here, 200), ({}, 200), (there, 404)):
        assert (await send(admin, "GET", f"/v1/documents/{document['id']}", headers=headers)).status == status
    for named, status in ((NOWHERE, 404), ("default", 422)):
        assert (await send(admin, "GET", "/v1/documents", headers={"Protostar-Space": named})).status == status

    # Restored, it is the oldest again, also for a process that has found another one meanwhile.
    assert (await send(admin, "DELETE", f"/v1/spaces/{default}")).status == 204
    assert (await send(admin, "GET", "/v1/documents")).json["items"] == []
    assert (await send(admin, "POST", f"/v1/spaces/{default}/restore")).status == 200
    assert len((await send(admin, "GET", "/v1/documents")).json["items"]) == 1

    # With the oldest one gone it is the next one; with none left one can be made.
    assert (await send(admin, "DELETE", f"/v1/spaces/{default}")).status == 204
    assert (await send(admin, "GET", "/v1/documents", headers=here)).status == 404
    assert (await send(admin, "GET", "/v1/documents")).json["items"] == []
    await idle.upload("b.md", b"# Text")
    assert len((await send(admin, "GET", "/v1/documents")).json["items"]) == 1
    assert (await send(admin, "DELETE", f"/v1/spaces/{idle.id}")).status == 204
    none = await send(admin, "GET", "/v1/documents")
    assert (none.status, "POST /v1/spaces" in none.json["detail"]) == (404, True)
    assert (await send(admin, "GET", "/v1/spaces")).json["items"] == []
    assert (await send(admin, "POST", "/v1/spaces", json={"name": "Anew"})).status == 201
    assert (await send(admin, "GET", "/v1/documents")).status == 200


# -- keys


async def test_a_key_is_shown_once(tenant: Tenant) -> None:
    created = await tenant.make_key("manage", origins=[])
    key = created["key"]
    assert (created["role"], created["name"], key[:3]) == ("manage", "test", "sk_")
    listed = await tenant.call("GET", f"/v1/spaces/{tenant.id}/keys")
    assert key.encode() not in listed.body
    newest = listed.json["items"][0]
    assert newest == {name: value for name, value in created.items() if name != "key"}
    assert newest["last_used_at"] is None
    async with tenant.stack.client(key) as http:
        assert (await send(http, "GET", "/v1/documents")).status == 200
    assert (await tenant.get(f"/v1/spaces/{tenant.id}/keys"))["items"][0]["last_used_at"] is not None


async def test_a_key_is_kept_as_a_hash(tenant: Tenant) -> None:
    key = (await tenant.make_key("ask", origins=[ORIGIN]))["key"]
    connection = await asyncpg.connect(tenant.stack.settings.database_url.get_secret_value())
    try:
        rows = await connection.fetch("select to_jsonb(k)::text as row from space_keys k")
    finally:
        await connection.close()
    assert rows
    assert not any(key in row["row"] or key[10:30] in row["row"] for row in rows)


async def test_a_revoked_key_is_refused_at_once(tenant: Tenant) -> None:
    created = await tenant.make_key("manage")
    path = f"/v1/spaces/{tenant.id}/keys/{created['id']}"
    async with tenant.stack.client(created["key"]) as http:
        assert (await send(http, "GET", "/v1/documents")).status == 200
        assert (await tenant.call("DELETE", path)).status == 204
        refused = await send(http, "GET", "/v1/documents")
    assert (refused.status, refused.json["code"], refused.headers["WWW-Authenticate"]) == (401, "unauthorized", "Bearer")
    assert (await tenant.call("DELETE", path)).status == 404


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({"role": "ask", "name": "page"}, "origins"),
        ({"role": "ask", "name": "page", "origins": ["*"]}, "origins"),
        ({"role": "ask", "name": "page", "origins": ["https://shop.example/path"]}, "origins"),
        ({"role": "ask", "name": "page", "origins": ["https://shop.example/"]}, "without a «/» at its end"),
        ({"role": "ask", "name": "page", "origins": ["shop.example"]}, "origins"),
        ({"role": "ask", "name": "page", "origins": ["null"]}, "origins"),
        *(
            ({"role": "ask", "name": "page", "origins": [origin]}, "as browsers send them")
            for origin in (
                "https://:::",
                "https://..",
                "https://a..example",
                "https://a.example:99999",
                "https://a.example:0",
                "https://[:::]",
            )
        ),
        ({"role": "admin", "name": "root"}, "role"),
        ({"role": "manage"}, "name"),
        ({"role": "manage", "name": "x", "origin": ["https://shop.example"]}, "origin"),
    ],
)
async def test_a_wrong_key_is_refused(body: dict[str, Any], said: str, tenant: Tenant) -> None:
    answered = await tenant.call("POST", f"/v1/spaces/{tenant.id}/keys", json=body)
    assert answered.status == 422
    assert said in answered.json["detail"]


async def test_origins_are_kept_as_browsers_send_them(tenant: Tenant) -> None:
    sent = [
        "HTTPS://Shop.example:443",
        "http://shop.example:80",
        "http://shop.example:443",
        "http://localhost:03000",
        "https://[0:0::1]:8443",
    ]
    kept = ["https://shop.example", "http://shop.example", "http://shop.example:443", "http://localhost:3000", "https://[::1]:8443"]
    assert (await tenant.make_key("ask", origins=sent))["origins"] == kept


async def test_keys_are_unlike(tenant: Tenant) -> None:
    keys = {(await tenant.make_key("ask", origins=[ORIGIN]))["key"] for _ in range(5)}
    assert len(keys) == 5
    assert all(key.startswith("pk_") and len(key) == 46 for key in keys)


@pytest.mark.parametrize("authorization", ["", "Bearer", "Bearer ", "Basic YWRtaW46YWRtaW4=", "Bearer sk_wrong", "Bearer \u00e9"])
async def test_what_is_no_key_is_refused(authorization: str, stack: Stack) -> None:
    async with stack.client(None, Authorization=authorization) as http:
        answered = await send(http, "GET", "/v1/documents")
    assert (answered.status, answered.headers["WWW-Authenticate"]) == (401, "Bearer")


# -- deletion

COUNTS = """
    select count(*) from (
        select space_id from documents union all select space_id from chunks union all select space_id from conversations
        union all select space_id from answers union all select space_id from space_keys union all select space_id from term_deltas
        union all select space_id from term_frequencies union all select space_id from embeddings
        union all select space_id from idempotency_keys union all select id from spaces) held
    where space_id = $1"""


async def test_a_deleted_space_is_gone_at_once_and_erased_by_a_job(idle: Tenant) -> None:
    async with new_tenant(idle.stack) as tenant:
        async with running_worker(idle.stack.settings):
            document = await tenant.document("a.md", "# Kiwi\n\nThere are 27 kiwis.")
            headers = {"Idempotency-Key": "1"}
            asked = await tenant.call("POST", "/v1/answers", json={"question": "How many kiwis?"}, headers=headers)
            assert asked.status == 200
        assert (await tenant.call("DELETE", f"/v1/spaces/{tenant.id}")).status == 204
        assert (await tenant.call("GET", "/v1/documents")).status == 401
    named = {"Protostar-Space": tenant.id}
    for path in (f"/v1/spaces/{tenant.id}", f"/v1/spaces/{tenant.id}/keys", f"/v1/documents/{document['id']}", "/v1/documents"):
        assert (await send(idle.stack.http, "GET", path, headers=named)).status == 404, path
    assert tenant.id not in {space["id"] for space in (await send(idle.stack.http, "GET", "/v1/spaces")).json["items"]}

    connection = await asyncpg.connect(idle.stack.settings.database_url.get_secret_value())
    try:
        many = "insert into conversations (id, space_id) select gen_random_uuid(), $1 from generate_series(1, 2500)"
        await connection.execute(many, tenant.id)
        assert await connection.fetchval(COUNTS, tenant.id) > 2500
        async with running_worker(idle.stack.settings):

            async def erased() -> bool:
                return await connection.fetchval(COUNTS, tenant.id) == 0 and not idle.objects()

            await connection.execute("update spaces set erase_at = now() where id = $1", tenant.id)
            await connection.execute("update jobs set run_at = now() where kind = 'space.purge'")
            await wait_until(erased, 30, what="rows and objects are erased")
    finally:
        await connection.close()


async def test_a_deleted_space_is_restored_as_it_was(idle: Tenant) -> None:
    connection = await asyncpg.connect(idle.stack.settings.database_url.get_secret_value())
    try:
        async with new_tenant(idle.stack) as tenant:

            async def folded() -> bool:
                return await connection.fetchval("select not exists (select from term_deltas)")

            async with running_worker(idle.stack.settings):
                await tenant.document("a.md", "# Kiwi\n\nThere are 27 kiwis.")
                # What is counted below: a fold that is still to come turns one row into several.
                await wait_until(folded, 30)
            path, restore = f"/v1/spaces/{tenant.id}", f"/v1/spaces/{tenant.id}/restore"
            before = await connection.fetchval(COUNTS, tenant.id)
            for _ in range(2):
                assert (await tenant.call("DELETE", path)).status == 204
                deleted = (await send(idle.stack.http, "GET", "/v1/spaces", params={"deleted": "true"})).json["items"]
                assert [each["id"] for each in deleted] == [tenant.id]
                assert datetime.fromisoformat(deleted[0]["erase_at"]) > datetime.now(UTC)
                assert (await idle.call("GET", "/v1/spaces?deleted=true")).status == 403
                assert (await tenant.call("POST", restore)).status == 401  # its own keys are closed
                assert (await idle.call("POST", restore)).status == 403  # another space's
                restored = (await send(idle.stack.http, "POST", restore)).json
                assert (restored["id"], restored["erase_at"]) == (tenant.id, None)
                assert (await send(idle.stack.http, "GET", "/v1/spaces", params={"deleted": "true"})).json["items"] == []
                assert (await send(idle.stack.http, "POST", restore)).status == 200  # it is there already
            assert (await tenant.call("GET", "/v1/documents")).json["items"][0]["status"] == "ready"
            assert await connection.fetchval(COUNTS, tenant.id) == before
            assert await connection.fetchval("select count(*) from jobs where kind = 'space.purge'") == 0

            # A job that has begun before the space was given back leaves it alone, and one for a later deletion comes in time.
            await tenant.call("DELETE", path)
            await connection.execute("update jobs set run_at = now() where kind = 'space.purge'")
            async with running_worker(idle.stack.settings):

                async def later() -> bool:
                    again = "select count(*) from jobs where kind = 'space.purge' and state = 'queued' and run_at > now()"
                    return await connection.fetchval(again) == 1

                await wait_until(later, 30)
            assert await connection.fetchval(COUNTS, tenant.id) == before
            await connection.execute("update spaces set erase_at = now() where id = $1", tenant.id)
            assert (await send(idle.stack.http, "POST", restore)).status == 404
            assert (await send(idle.stack.http, "GET", "/v1/spaces", params={"deleted": "true"})).json["items"] == []
    finally:
        await connection.close()


async def test_restoring_waits_for_whoever_restores_the_space_at_its_last_moment(idle: Tenant) -> None:
    connection = await asyncpg.connect(idle.stack.settings.database_url.get_secret_value())
    try:
        async with new_tenant(idle.stack) as tenant:
            await tenant.call("DELETE", f"/v1/spaces/{tenant.id}")
            await connection.execute("update spaces set erase_at = now() where id = $1", tenant.id)
            async with connection.transaction():  # of another one, that came in time
                await connection.execute("update spaces set deleted_at = null, erase_at = null where id = $1", tenant.id)
                restored = asyncio.create_task(send(idle.stack.http, "POST", f"/v1/spaces/{tenant.id}/restore"))

                async def waiting() -> bool:
                    mine = "pg_backend_pid() = any(pg_blocking_pids(pid))"
                    return await connection.fetchval(f"select exists (select from pg_locks where not granted and {mine})")

                await wait_until(waiting, 10)
            assert (await restored).status == 200
    finally:
        await connection.close()


async def test_a_key_of_a_deleted_space_can_be_revoked(idle: Tenant) -> None:
    async with new_tenant(idle.stack) as tenant:
        path = f"/v1/spaces/{tenant.id}"
        (key,) = (await tenant.call("GET", f"{path}/keys")).json["items"]
        await tenant.call("DELETE", path)
        assert (await tenant.call("DELETE", f"{path}/keys/{key['id']}")).status == 401
        assert (await idle.call("DELETE", f"{path}/keys/{key['id']}")).status == 404
        assert (await send(idle.stack.http, "DELETE", f"{path}/keys/{key['id']}")).status == 204
        assert (await send(idle.stack.http, "DELETE", f"{path}/keys/{key['id']}")).status == 404
        await send(idle.stack.http, "POST", f"{path}/restore")
        assert (await tenant.call("GET", path)).status == 401


@pytest.mark.parametrize("away", [False, True])
async def test_erasing_a_space_drops_its_cached_answers_or_says_when_they_expire(
    database_url: str, tmp_path: Path, model_server: tuple[StandIn, str], stand_in: StandIn, away: bool
) -> None:
    async with redis_server() as redis_url:
        settings = settings_for(database_url, redis_url, tmp_path, chat={"base_url": model_server[1], "model": "m"}, delete_grace=0)
        async with idle_tenant(settings) as tenant:
            redis = RedisClient(redis_url, Metrics())

            async def cached() -> list[str]:
                return await redis.run(lambda client: client.keys("protostar:cache*"))

            async with running_worker(settings):
                await tenant.document("a.md", "# Kiwi\n\nThere are 27 kiwis.")
                await tenant.call("POST", "/v1/answers", json={"question": "How many kiwis?"})
            assert len(await cached()) == 2
            await send(tenant.stack.http, "DELETE", f"/v1/spaces/{tenant.id}")

            async def purged() -> Any:
                jobs = (await send(tenant.stack.http, "GET", "/v1/jobs?kind=space.purge")).json["items"]
                return jobs[0] if jobs[0]["state"] == "succeeded" else None

            without = settings.model_copy(update={"redis_url": SecretStr("redis://127.0.0.1:1")}) if away else settings
            async with running_worker(without):
                job = await wait_until(purged, 30)
            if away:
                assert job["error"] == "Redis was away: cached answers of the space expire by themselves within 3600 seconds."
            else:
                assert job["error"] is None
                assert await cached() == []
            await redis.close()
