"""Another embedding model, other dimensions, another rule for terms: nothing goes blank, and nothing is paid for twice."""

import signal
import subprocess
import sys
from collections.abc import AsyncGenerator, Callable
from hashlib import sha256
from pathlib import Path
from typing import Any
from uuid import UUID

import aiohttp
import pytest
from tests.support.chunks import store
from tests.support.databases import copied
from tests.support.model_server import StandIn
from tests.support.stack import ADMIN_KEY, Stack, running_api, running_stack, running_worker, settings_for
from tests.support.waiting import wait_until

from protostar.cli.client import ApiClient, Server
from protostar.cli.reindex import reindex as reindex_by_command
from protostar.config import Settings
from protostar.db.session import Database
from protostar.knowledge import tokens
from protostar.knowledge.kinds import REINDEX
from protostar.knowledge.vector_index import VectorIndex
from protostar.knowledge.vectors import Vectors
from protostar.resources import open_resources

Make = Callable[..., Settings]
QUESTION = "항목 31의 값"
ASKED = sha256(QUESTION.encode()).hexdigest()[:16]  # as the stand-in counts it


@pytest.fixture
async def make(
    postgres_url: str, template: str, redis_url: str, model_server: tuple[StandIn, str], stand_in: StandIn, tmp_path: Path
) -> AsyncGenerator[Make]:
    """Settings of an installation whose embedding model changes."""
    async with copied(postgres_url) as url:

        def settings(model: str, **more: Any) -> Settings:
            embedding = {"base_url": model_server[1], "model": model, "batch_size": 4, "concurrency": 1, **more}
            worker = {"poll": 0.1, "lease": 2}
            return settings_for(url, f"{redis_url}?db=5", tmp_path / "data", embedding=embedding, worker=worker)

        yield settings


@pytest.fixture
async def rows(make: Make) -> AsyncGenerator[Database]:
    database_url = make("any").database_url
    assert database_url is not None
    database = Database(database_url.get_secret_value())
    yield database
    await database.close()


async def upload(http: aiohttp.ClientSession, name: str, first: int = 0) -> None:
    parts = [f"## 절 {n}\n\n" + f"항목 {n}의 값은 {n * 7}입니다. " * 20 for n in range(first, first + 40)]
    async with http.post(f"/v1/documents?filename={name}", data="# 편람\n\n" + "\n\n".join(parts)) as response:
        id_ = (await response.json())["id"]
    await wait_for(http, f"/v1/documents/{id_}", status="ready")


async def wait_for(http: aiohttp.ClientSession, path: str, **wanted: Any) -> dict[str, Any]:
    async def there() -> Any:
        async with http.get(path) as response:
            found = await response.json()
        return all(found[name] == value for name, value in wanted.items()) and found

    return await wait_until(there, 60)


async def search(http: aiohttp.ClientSession, mode: str = "hybrid") -> dict[str, Any]:
    async with http.post("/v1/search", json={"query": QUESTION, "top_k": 3, "mode": mode}) as response:
        found = await response.json()
    assert "217" in found["hits"][0]["text"]
    return found


async def reindex(http: aiohttp.ClientSession) -> str:
    async with http.post("/v1/reindex") as response:
        assert response.status == 202
        return (await response.json())["job_id"]


async def count(rows: Database, sql: str, *values: Any) -> int:
    async with rows.driver() as connection:
        return await connection.fetchval(sql, *values)


VECTORS = "select count(*) from embeddings e join embedding_models m on m.id = e.model_id where m.name = $1"


async def to_reindex(stack: Stack) -> int:
    async with stack.http.get("/health/ready") as response:
        return (await response.json())["spaces_to_reindex"]


async def test_a_change_of_the_model(make: Make, rows: Database, stand_in: StandIn) -> None:
    async with running_stack(make("one")) as stack:
        await upload(stack.http, "first.md")
        assert (await search(stack.http))["degraded"] == []
        assert await to_reindex(stack) == 0

    stand_in.counts.texts.clear()
    async with running_stack(make("two")) as stack:
        assert await to_reindex(stack) == 1
        assert (await search(stack.http))["degraded"] == ["reindex"]
        assert (await search(stack.http, "vector"))["degraded"] == ["reindex"]
        await upload(stack.http, "second.md", first=100)  # gets the new model's vectors at once
        assert (await search(stack.http))["degraded"] == ["reindex"]

        await wait_for(stack.http, f"/v1/jobs/{await reindex(stack.http)}", state="succeeded")

        assert (await search(stack.http))["degraded"] == []
        assert (await search(stack.http, "vector"))["degraded"] == []
        assert await to_reindex(stack) == 0
        del stand_in.counts.texts[ASKED]
        assert set(stand_in.counts.texts.values()) == {1}

        async def purged() -> bool:
            return await count(rows, VECTORS, "one") == 0

        await wait_until(purged, 30)
        assert await count(rows, VECTORS, "two") >= 80


async def test_a_change_of_the_dimensions(make: Make, rows: Database) -> None:
    async with running_stack(make("one", dimensions=64)) as stack:
        await upload(stack.http, "first.md")
    async with running_stack(make("one", dimensions=32)) as stack:
        assert await to_reindex(stack) == 1
        assert (await search(stack.http))["degraded"] == ["reindex"]
        async with ApiClient(Server(stack.url, ADMIN_KEY), note=lambda _: None) as client:
            assert await reindex_by_command(client, None, wait=True) == 0
        assert (await search(stack.http))["degraded"] == []
        assert await count(rows, "select count(*) from embeddings where vector_dims(vector) = 32") >= 40


async def test_a_worker_killed_in_the_middle(make: Make, rows: Database, stand_in: StandIn) -> None:
    async with running_stack(make("one")) as stack:
        await upload(stack.http, "first.md")
    settings = make("two")
    stand_in.counts.texts.clear()
    async with rows.driver() as connection:
        text: str = await connection.fetchval("select text from chunks order by text_hash offset 20 limit 1")
    stand_in.behave(only="embeddings", hang="headers", about=text.splitlines()[-1])
    async with running_api(settings) as url, aiohttp.ClientSession(url, headers={"Authorization": f"Bearer {ADMIN_KEY}"}) as http:
        job_id = await reindex(http)
        with killed_later(settings) as process:

            async def half() -> bool:
                return await count(rows, VECTORS, "two") >= 12

            await wait_until(half, 60)
            process.send_signal(signal.SIGKILL)
        stored, paid = await count(rows, VECTORS, "two"), stand_in.counts.texts.total()
        assert stored < await count(rows, VECTORS, "one")
        assert (await search(http, "keyword"))["hits"]

        stand_in.behave()
        async with running_worker(settings):
            await wait_for(http, f"/v1/jobs/{job_id}", state="succeeded")
        assert (await search(http))["degraded"] == []
        twice = sum(times - 1 for text, times in stand_in.counts.texts.items() if text != ASKED)
        assert twice <= paid - stored <= 8  # the batches in flight at the kill


def killed_later(settings: Settings) -> subprocess.Popen[bytes]:
    """A worker process that runs reindexing alone."""
    assert settings.database_url is not None
    assert settings.redis_url is not None
    environment = {
        "PROTOSTAR_DATABASE_URL": settings.database_url.get_secret_value(),
        "PROTOSTAR_REDIS_URL": settings.redis_url.get_secret_value(),
        "PROTOSTAR_DATA_DIR": str(settings.data_dir),
        "PROTOSTAR_EMBEDDING_BASE_URL": str(settings.embedding.base_url),
        "PROTOSTAR_EMBEDDING_MODEL": "two",
        "PROTOSTAR_EMBEDDING_BATCH_SIZE": "4",
        "PROTOSTAR_EMBEDDING_CONCURRENCY": "1",
        "PROTOSTAR_WORKER_LEASE": "2",
        "PROTOSTAR_WORKER_POLL": "0.1",
    }
    command = [sys.executable, "-m", "protostar", "worker", "--kinds", REINDEX]
    return subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


async def test_a_change_of_the_rule_for_terms(make: Make, rows: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = make("one")
    async with running_stack(settings) as stack:
        await upload(stack.http, "first.md")
        before = await count(rows, "select sum(cardinality(terms)) from chunks")
        frequencies = f"select coalesce(sum(count), 0) from term_frequencies where term between 1 and {tokens.MAX_TERM_ID}"
        foreign = f"select count from term_frequencies where term = {tokens.LACKS_WORDS}"

        async def folded() -> bool:
            return await count(rows, "select count(*) from term_deltas") == 0

        await wait_until(folded, 30)
        assert await count(rows, frequencies) == before
        korean = await count(rows, foreign)
        words = tokens.terms
        monkeypatch.setattr(tokens, "VERSION", tokens.VERSION + 1)
        monkeypatch.setattr(tokens, "terms", lambda text: [*words(text), "everywhere"])
        assert await to_reindex(stack) == 1

        await wait_for(stack.http, f"/v1/jobs/{await reindex(stack.http)}", state="succeeded")

        assert await to_reindex(stack) == 0
        await wait_until(folded, 30)
        chunks = await count(rows, "select count(*) from chunks")
        assert await count(rows, "select sum(cardinality(terms)) from chunks") == before + chunks
        assert await count(rows, frequencies) == before + chunks
        assert await count(rows, foreign) == korean == chunks
        assert await count(rows, "select count from term_frequencies where term = $1", tokens.term_id("everywhere")) == chunks
        assert (await search(stack.http))["degraded"] == []


async def test_an_older_releases_terms_are_renewed_by_the_workers(
    make: Make, rows: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = make("one")
    async with running_stack(settings) as stack:
        await upload(stack.http, "first.md")
    before = await count(rows, "select sum(cardinality(terms)) from chunks")
    words = tokens.terms

    async def updated(scheme: int, *added: str) -> None:
        """The release is replaced, and its worker looks at the terms once."""
        monkeypatch.setattr(tokens, "VERSION", scheme)
        monkeypatch.setattr(tokens, "terms", lambda text: [*words(text), *added])
        async with rows.driver() as connection:
            await connection.execute("delete from job_slots")
        async with running_stack(settings) as stack:

            async def looked() -> bool:
                unsettled = (
                    "select count(*) from jobs where kind in ('terms.check', 'terms.renew') and state in ('queued', 'running')"
                )
                slots = await count(rows, "select count(*) from job_slots where name = 'terms.check'")
                return slots > 0 and await count(rows, unsettled) == 0

            await wait_until(looked, 30)
            assert (await search(stack.http, "keyword"))["hits"]

    await updated(tokens.VERSION + 1, "everywhere")
    chunks = await count(rows, "select count(*) from chunks")
    assert await count(rows, "select sum(cardinality(terms)) from chunks") == before + chunks
    assert await count(rows, "select min(scheme) from version_terms") == tokens.VERSION

    await updated(tokens.VERSION - 1)  # a step back
    assert await count(rows, "select sum(cardinality(terms)) from chunks") == before + chunks


async def test_a_large_space_is_searched_by_an_index_of_its_own(make: Make, rows: Database) -> None:
    async with rows.driver() as connection:
        space_id: UUID = await connection.fetchval("select id from spaces")
    texts = [f"항목 {number}의 값은 {number * 7}입니다." for number in range(300)]
    document = await store(rows, space_id, texts)
    async with open_resources(make("one")) as resources:
        assert resources.embedder is not None

        async def show(_done: int, _total: int) -> None:
            return None

        await resources.embedder.fill(space_id, document, 1, show)
        exact = await resources.retriever.search(space_id, QUESTION, top_k=10, mode="vector")
        index = VectorIndex(rows, above=300)
        model_id = await count(rows, "select embedding_model_id from spaces")
        assert await VectorIndex(rows, above=301).ensure(space_id, model_id) is None

        assert await index.ensure(space_id, model_id) == model_id
        assert await index.ensure(space_id, model_id) == model_id
        async with rows.driver() as connection:
            await connection.execute("update spaces set vector_index_model_id = embedding_model_id")
        found = await resources.retriever.search(space_id, QUESTION, top_k=10, mode="vector")

        assert [passage.text for passage in found.passages] == [passage.text for passage in exact.passages]
        await Vectors(rows).drop_index(space_id, model_id)
        assert await count(rows, "select count(*) from pg_indexes where indexname like 'hnsw_%'") == 0
