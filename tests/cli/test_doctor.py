"""`protostar doctor` finds what is wrong, names it, and says what to do."""

import json
import socket
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import asyncpg
import pytest
from tests.cli.conftest import Cli, Result
from tests.cli.fake_api import FakeApi
from tests.support.databases import execute, named
from tests.support.disks import fill, small_disk
from tests.support.model_server import StandIn
from tests.support.poolers import pgbouncer
from tests.support.servers import redis_server

from protostar.cli.checks import machine, models, objects, postgres, redis
from protostar.config import load_settings
from protostar.db.migrate import migrate
from protostar.documents.ownership import MARK
from protostar.errors import ConfigurationError, ObjectsUnavailable, RedisUnavailable
from protostar.objects.store import ObjectStore
from protostar.redis.client import RedisClient
from protostar.telemetry import Metrics


def parts(result: Result) -> dict[str, list[Any]]:
    found: dict[str, list[Any]] = {}
    for check in result.json["checks"]:
        found.setdefault(check["name"], []).append(check)
    return found


async def test_a_fresh_folder_is_fine(cli: Cli) -> None:
    result = await cli("doctor", "--json")

    assert result.code == 0, result.out
    found = parts(result)
    assert result.json["ok"] is True
    assert {name: found[name][0]["found"] for name in ("postgres", "objects")} == {
        "postgres": "embedded: started by serve",
        "objects": "embedded: started by serve",
    }
    assert found["server"][0]["state"] == found["chat"][0]["state"] == "off"
    assert not (cli.folder / "data").exists()


async def test_misspelt_settings_are_named_with_the_likeliest_meaning(cli: Cli) -> None:
    cli.env["PROTOSTAR_CHAT_MODLE"] = "x"
    cli.env["PROTOSTAR_COFFEE"] = "x"
    (cli.folder / ".env").write_text("PROTOSTAR_EMBEDDINGS_BASE_URL=http://x\nOTHER=1\n")

    result = await cli("doctor")

    assert result.code == 0
    out = " ".join(result.out.split())
    assert "PROTOSTAR_CHAT_MODLE is not a setting" in out
    assert "Did you mean PROTOSTAR_CHAT_MODEL instead of PROTOSTAR_CHAT_MODLE?" in out
    assert "Did you mean PROTOSTAR_EMBEDDING_BASE_URL instead of PROTOSTAR_EMBEDDINGS_BASE_URL?" in out
    assert "Remove PROTOSTAR_COFFEE" in out
    assert "OTHER" not in out


async def test_wrong_settings_are_named_with_what_is_allowed(cli: Cli) -> None:
    cli.env |= {"PROTOSTAR_PORT": "99999", "PROTOSTAR_OBJECTS_URL": "ftp://x"}

    result = await cli("doctor")

    assert result.code == 1
    assert "PROTOSTAR_PORT: Input should be less than or equal to 65535" in result.out
    assert "PROTOSTAR_OBJECTS_URL: must be file:///folder or s3://bucket" in result.out


async def test_what_is_away_is_broken_and_no_password_is_shown(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    cli.env |= {
        "PROTOSTAR_DATA_DIR": str(tmp_path / "file" / "data"),
        "PROTOSTAR_DATABASE_URL": "postgresql://user:hidden@127.0.0.1:1/db",
        "PROTOSTAR_REDIS_URL": "redis://:hidden@127.0.0.1:1/0",
        "PROTOSTAR_OBJECTS_URL": f"file://{tmp_path}/file/objects",
        "PROTOSTAR_CHAT_BASE_URL": "http://127.0.0.1:1/v1",
        "PROTOSTAR_CHAT_MODEL": "m",
        "PROTOSTAR_URL": "http://127.0.0.1:1",
        "PROTOSTAR_KEY": "hidden",
    }

    result = await cli("doctor", "--json")

    assert result.code == 1
    assert result.json["ok"] is False
    broken = {name for name, [check, *_] in parts(result).items() if check["state"] == "broken"}
    assert broken == {"data folder", "postgres", "redis", "objects", "chat", "server"}
    assert all(check["advice"] for check in result.json["checks"] if check["state"] == "broken")
    assert "hidden" not in result.out


async def test_models_are_asked_for_by_name(cli: Cli, api: FakeApi) -> None:
    cli.env |= {
        "PROTOSTAR_CHAT_BASE_URL": f"{api.url}/models",
        "PROTOSTAR_CHAT_API_KEY": "k",
        "PROTOSTAR_CHAT_MODEL": "small",
        "PROTOSTAR_CHAT_FALLBACKS": "large",
        "PROTOSTAR_EMBEDDING_BASE_URL": f"{api.url}/models",
        "PROTOSTAR_EMBEDDING_MODEL": "small",
    }

    result = await cli("doctor", "--json")

    found = parts(result)
    assert found["chat"][0]["state"] == "warning"
    assert found["chat"][0]["found"] == "large is not among the models of the server"
    assert found["embeddings"][0]["state"] == "broken"
    assert found["embeddings"][0]["advice"] == "Check PROTOSTAR_EMBEDDING_API_KEY."
    assert found["server"][0] == {
        "name": "server", "state": "warning", "found": f"{api.url}: redis down",
        "advice": "Read its log; what is away is asked again and again.",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("fault", "state", "says"),
    [
        ({}, "ok", ", which understands English and Korean"),
        ({"blind": True}, "warning", ", which understands neither Korean nor English"),
        ({"vector_count": 3}, "broken", "returned 3 vectors for 32 texts"),
    ],
    ids=str,
)
async def test_an_embedding_model_is_asked_what_it_understands(
    stand_in: StandIn, model_server: tuple[StandIn, str], fault: dict[str, Any], state: str, says: str
) -> None:
    stand_in.behave(only="embeddings", **fault)
    settings = load_settings(embedding={"base_url": model_server[1], "model": "embed", "dimensions": 64})
    embeddings = await models.embeddings(settings.embedding)
    assert embeddings.state == state
    assert says in embeddings.found


async def test_workers_are_shown_by_their_heartbeats(cli: Cli, api: FakeApi) -> None:
    result = await cli("doctor", "--json")
    assert parts(result)["worker"] == [
        {
            "name": "worker",
            "state": "warning",
            "found": "none runs, so documents stay queued",
            "advice": "Start `protostar worker`.",
        }
    ]

    now = datetime.now(UTC)
    api.workers = [
        {"name": "here:1", "running": 2, "concurrency": 8, "seen_at": (now - timedelta(seconds=3)).isoformat()},
        {"name": "there:2", "running": 0, "concurrency": 4, "seen_at": (now - timedelta(seconds=40)).isoformat()},
    ]
    here, there = parts(await cli("doctor", "--json"))["worker"]
    assert here["state"] == "ok"
    assert here["found"].startswith("here:1 runs 2 of 8 jobs, seen ")
    assert there["state"] == "warning"
    assert there["advice"]


async def test_a_port_that_another_program_has(cli: Cli) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        cli.env["PROTOSTAR_PORT"] = str(other.getsockname()[1])
        result = await cli("doctor", "--json")

    assert result.code == 1
    [server] = parts(result)["server"]
    assert server["state"] == "broken"
    assert "PROTOSTAR_PORT" in server["advice"]


async def test_postgres_before_and_after_its_migration(postgres_url: str) -> None:
    connection = await asyncpg.connect(postgres_url)
    await connection.execute("create database doctor")
    await connection.close()
    url = urlsplit(postgres_url)._replace(path="/doctor").geturl()
    settings = load_settings(database_url=url)

    before = await postgres.check(settings)
    await migrate(url)
    after = await postgres.check(settings)
    connection = await asyncpg.connect(url)
    await connection.execute("update alembic_version set version_num = '9999'")
    newer = await postgres.check(settings)
    await connection.close()
    assert await migrate(url) == "9999", "what is there, and not what this release knows"

    assert (before.state, before.advice) == ("warning", "Run `protostar migrate`; `protostar serve` does it too.")
    assert after.state == "ok", after
    assert "with pgvector 0." in after.found
    assert newer.state == "ok"
    assert newer.found.endswith("schema 9999 of a later release")


@pytest.mark.parametrize(
    ("grant", "lacks", "advice"),
    [("select 1", "extension", "create extension vector"), ("create extension vector", "tables", "grant create on schema public")],
)
async def test_a_user_who_may_not_migrate(postgres_url: str, grant: str, lacks: str, advice: str) -> None:
    name = f"poor_{lacks}"
    await execute(postgres_url, f"create role {name} login")
    await execute(postgres_url, f"create database {name}")
    await execute(named(postgres_url, name), grant)
    url = named(postgres_url, name).replace("postgres@", f"{name}@")

    found = await postgres.check(load_settings(database_url=url))

    assert found.state == "broken"
    assert found.found.endswith(f"its user may not create {'the ' if lacks == 'extension' else ''}{lacks}")
    assert advice in (found.advice or "")
    with pytest.raises(ConfigurationError, match="lacks a right"):
        await migrate(url)


@pytest.mark.parametrize("encoding", ["LATIN1", "SQL_ASCII", "EUC_KR"])
async def test_a_database_that_cannot_hold_every_text(postgres_url: str, encoding: str) -> None:
    name = encoding.lower()
    await execute(postgres_url, f"create database {name} encoding '{encoding}' locale 'C' template template0")
    url = named(postgres_url, name)

    found = await postgres.check(load_settings(database_url=url))

    assert found.state == "broken"
    assert found.found.endswith(f"has the encoding {encoding}, which cannot hold every text")
    with pytest.raises(ConfigurationError, match="encoding 'UTF8' template template0"):
        await migrate(url)


async def test_a_search_path_that_leads_nowhere(postgres_url: str) -> None:
    await execute(postgres_url, "create database nowhere")
    url = named(postgres_url, "nowhere")
    await execute(url, "create extension vector; alter database nowhere set search_path = gone")

    found = await postgres.check(load_settings(database_url=url))

    assert found.state == "broken"
    assert "search_path names no schema" in found.found
    with pytest.raises(ConfigurationError, match="search_path"):
        await migrate(url)


async def test_what_doctor_says_of_an_owner_is_what_the_migration_finds(postgres_url: str) -> None:
    """Whether the owner of a database may create the extension depends on how that was installed."""
    await execute(postgres_url, "create role landlord login")
    await execute(postgres_url, "create database landlord owner landlord")
    url = named(postgres_url, "landlord").replace("postgres@", "landlord@")

    found = await postgres.check(load_settings(database_url=url))

    if found.state == "warning":
        await migrate(url)
    else:
        assert "create extension vector" in (found.advice or "")
        with pytest.raises(ConfigurationError, match="lacks a right"):
            await migrate(url)


async def test_redis_tells_its_version(redis_url: str) -> None:
    found = await redis.check(load_settings(redis_url=redis_url))

    assert found.state == "ok", found
    assert "valkey" in found.found


@pytest.mark.parametrize(
    ("setting", "words"),
    [
        ("config set maxmemory 1", "cannot be written to"),
        ("replicaof 127.0.0.1 1", "cannot be written to"),
        ("config set requirepass secret", "asks for a password"),
    ],
)
async def test_a_redis_that_answers_but_is_of_no_use(setting: str, words: str) -> None:
    async with redis_server() as url:
        client = RedisClient(url, Metrics())
        await client.run(lambda server: server.execute_command(*setting.split()))
        found = await redis.check(load_settings(redis_url=url))
        if "requirepass" not in setting:
            with pytest.raises(RedisUnavailable):
                await client.ping()
        await client.close()
    assert found.state == "broken"
    assert words in found.found
    assert "secret" not in found.found


@pytest.mark.parametrize(
    ("rights", "state", "words"),
    [
        ("~protostar:* +@all -@dangerous", "ok", "a version that its user may not see"),
        ("~protostar:* +@all -@scripting", "broken", "no permissions to run the 'evalsha'"),
        ("~other:* +@all", "broken", "permissions to access"),
    ],
)
async def test_a_user_of_redis_with_few_rights(redis_url: str, rights: str, state: str, words: str) -> None:
    """What doctor asks for is what a server needs, and no more."""
    admin, few = RedisClient(redis_url, Metrics()), redis_url.replace("unix://", "unix://few:secret@")
    await admin.run(lambda client: client.execute_command("acl", "setuser", "few", "reset", "on", ">secret", *rights.split()))
    client = RedisClient(few, Metrics())
    try:
        found = await redis.check(load_settings(redis_url=few))
        if state == "broken":
            with pytest.raises(RedisUnavailable, match="refuses"):
                await client.ping()
        else:
            await client.ping()
    finally:
        await client.close()
        await admin.run(lambda client: client.execute_command("acl", "deluser", "few"))
        await admin.close()
    assert found.state == state
    assert words in found.found


async def test_s3_without_a_store(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = load_settings(objects_url="s3://bucket", s3={"endpoint": "http://127.0.0.1:1", "secret_access_key": "hidden"})

    found = await objects.check(settings)

    assert found.state == "broken"
    assert found.advice == "Check PROTOSTAR_OBJECTS_URL and PROTOSTAR_S3_…."
    assert "hidden" not in json.dumps(found.found)


async def test_a_database_that_takes_no_changes(database_url: str) -> None:
    name = urlsplit(database_url).path[1:]
    await execute(database_url, f'alter database "{name}" set default_transaction_read_only = on')

    found = await postgres.check(load_settings(database_url=database_url))

    assert (found.state, "read-only" in found.found) == ("broken", True)
    assert "default_transaction_read_only" in (found.advice or "")


async def test_a_database_whose_tables_are_anothers(database_url: str) -> None:
    await execute(database_url, "create role late login; grant select on all tables in schema public to late")
    try:
        found = await postgres.check(load_settings(database_url=database_url.replace("postgres@", "late@")))
    finally:
        await execute(database_url, "drop owned by late; drop role late")

    assert found.state == "broken"
    assert "belong to postgres, and late may not use" in found.found
    assert "alter table %I owner to %I" in (found.advice or "")


async def test_a_database_without_a_connection_left(database_url: str) -> None:
    await execute(database_url, "create role crowded login connection limit 0")
    try:
        found = await postgres.check(load_settings(database_url=database_url.replace("postgres@", "crowded@")))
    finally:
        await execute(database_url, "drop role crowded")

    assert found.state == "broken"
    assert "max_connections" in (found.advice or "")
    assert "PROTOSTAR_DATABASE_POOL" in (found.advice or "")


def test_a_machine_without_a_temporary_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = load_settings()
    assert machine.temporary(settings).state == "ok"
    monkeypatch.setattr("tempfile.tempdir", None)
    monkeypatch.setattr("tempfile._candidate_tempdir_list", list)

    found = machine.temporary(settings)

    assert found.state == "broken"
    assert "TMPDIR" in (found.advice or "")


def test_a_data_folder_that_others_may_write_to(tmp_path: Path) -> None:
    settings = load_settings(data_dir=tmp_path)
    states = {}
    for mode in (0o700, 0o755, 0o775, 0o757):
        tmp_path.chmod(mode)
        states[mode] = machine.data_folder(settings).state
    assert states == {0o700: "ok", 0o755: "ok", 0o775: "warning", 0o757: "warning"}


def test_a_temporary_folder_without_room(monkeypatch: pytest.MonkeyPatch) -> None:
    with small_disk(1) as folder:
        monkeypatch.setenv("TMPDIR", str(folder))
        monkeypatch.setattr("tempfile.tempdir", None)
        small = machine.temporary(load_settings())
        fill(folder / "ballast")
        monkeypatch.setattr("tempfile.tempdir", None)  # another folder is taken then
        full = machine.temporary(load_settings())

    assert (small.state, full.state) == ("warning", "warning")
    assert "an upload may be larger" in small.found
    assert "TMPDIR cannot be written to" in full.found


def test_a_disk_that_takes_no_more_files() -> None:
    """Where `df` shows room."""
    with small_disk(4096, files=2) as folder:
        settings = load_settings(data_dir=folder)
        (folder / "file").touch()
        found = machine.disk(settings)
        writable = machine.data_folder(settings)

    assert (found.state, found.found) == ("broken", "room for 0 more files (inodes)")
    assert writable.state == "ok"


@pytest.mark.parametrize("mode", ["session", "transaction", "statement"])
async def test_a_pooler_that_mixes_sessions(database_url: str, mode: str) -> None:
    async with pgbouncer(database_url, mode) as pooled:
        found = await postgres.check(load_settings(database_url=pooled))

    assert found.state == ("ok" if mode == "session" else "broken")
    assert ("pool_mode = session" in (found.advice or "")) is (mode != "session")


async def test_a_pooler_that_refuses_parameters_of_connections(database_url: str) -> None:
    async with pgbouncer(database_url, "session", ignored="") as pooled:
        found = await postgres.check(load_settings(database_url=pooled))

    assert found.state == "broken"
    assert "unsupported startup parameter" in found.found
    assert "ignore_startup_parameters" in (found.advice or "")


async def test_a_store_of_another_database(database_url: str, tmp_path: Path) -> None:
    settings = load_settings(database_url=database_url, objects_url=tmp_path.as_uri())

    assert (await objects.check(settings)).state == "ok"
    assert not list(tmp_path.rglob("*.*")), "nothing is left there"
    (tmp_path / MARK).write_bytes(b"0" * 64)
    found = await objects.check(settings)

    assert found.state == "broken"
    assert "is not this database's" in found.found
    assert (tmp_path / MARK).read_bytes() == b"0" * 64


async def test_a_store_that_may_only_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def refused(self: ObjectStore) -> None:
        raise ObjectsUnavailable("The object store refused the access key.")

    monkeypatch.setattr(ObjectStore, "_write_and_delete", refused)

    found = await objects.check(load_settings(objects_url=tmp_path.as_uri()))

    assert found.state == "broken"
    assert "can be read, but not written to" in found.found


async def test_what_no_worker_takes_and_the_servers_own_clock(cli: Cli, api: FakeApi) -> None:
    now = datetime.now(UTC) + timedelta(hours=1)
    api.workers = [{"name": "here:1", "running": 0, "concurrency": 8, "seen_at": now.isoformat()}]
    api.ready = {"now": (now + timedelta(seconds=4)).isoformat(), "kinds_without_worker": ["document.index"]}
    api.ready["reasons"] = {"redis": "Redis does not answer."}

    found = parts(await cli("doctor", "--json"))

    worker, without = found["worker"]
    assert (worker["state"], worker["found"]) == ("ok", "here:1 runs 0 of 8 jobs, seen 4 s ago")
    assert (without["state"], without["found"]) == ("warning", "none takes document.index: such jobs stay queued")
    assert "redis down (Redis does not answer)" in found["server"][0]["found"]
