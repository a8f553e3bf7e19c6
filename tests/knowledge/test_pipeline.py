"""From upload to searchable and back, with the stand-in for an embedding model."""

from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text
from tests.support.asking import Asking
from tests.support.databases import copied
from tests.support.model_server import StandIn
from tests.support.stack import ADMIN_KEY, Stack, running_stack, settings_for
from tests.support.waiting import wait_until

from protostar.db.session import Database
from protostar.knowledge.tokens import CHUNKS, MAX_TERM_ID


@pytest.fixture(scope="module")
async def embedding(
    postgres_url: str,
    template: str,
    redis_url: str,
    model_server: tuple[StandIn, str],
    tmp_path_factory: pytest.TempPathFactory,
) -> AsyncGenerator[Stack]:
    """A stack with an embedding model and without a chat model."""
    async with copied(postgres_url) as url:
        settings = settings_for(
            url,
            f"{redis_url}?db=3",
            tmp_path_factory.mktemp("embedding"),
            embedding={"base_url": model_server[1], "model": "e", "batch_size": 4},
            worker={"poll": 0.1},
        )
        async with running_stack(settings) as stack:
            yield stack


@pytest.fixture
async def rows(embedding: Stack) -> AsyncGenerator[Database]:
    assert embedding.settings.database_url is not None
    database = Database(embedding.settings.database_url.get_secret_value())
    yield database
    await database.close()


@pytest.fixture
async def space(embedding: Stack, stand_in: StandIn) -> AsyncGenerator[Asking]:
    async with embedding.http.post("/v1/spaces", json={"name": "pipeline"}) as response:
        created = await response.json()
    async with embedding.client(ADMIN_KEY, **{"Protostar-Space": created["id"]}) as http:
        yield Asking(http, created["id"])


def handbook(path: Path, changed: str = "", sections: int = 40) -> Path:
    """A document of about one chunk a section."""
    parts = [f"## 절 {n}\n\n{n}번째 절의 본문입니다. " + f"항목 {n}의 값은 {n * 7}입니다. " * 20 for n in range(sections)]
    if changed:
        parts[sections // 2] += f"\n\n{changed}"
    path.write_text("# 편람\n\n" + "\n\n".join(parts) + "\n")
    return path


async def replace(space: Asking, document_id: str, path: Path) -> dict[str, Any]:
    """Upload a next version and wait until it answers."""
    async with space.http.put(f"/v1/documents/{document_id}/content?filename={path.name}", data=path.read_bytes()) as response:
        version = (await response.json())["version"]
        assert response.status == 202

    async def ready() -> Any:
        async with space.http.get(f"/v1/documents/{document_id}") as polled:
            found = await polled.json()
        return found["status"] == "ready" and found["version"] == version and found["summary"] is not None and found

    return await wait_until(ready, 30)


async def count(rows: Database, sql: str, **values: Any) -> int:
    async with rows.transaction() as session:
        return (await session.execute(text(sql), values)).scalar_one()


UNEMBEDDED = """
    select count(*) from chunks c where c.space_id = :space and not exists (
        select from embeddings e where e.space_id = c.space_id and e.text_hash = c.text_hash)"""


async def test_a_changed_paragraph_is_all_that_a_new_version_pays_for(space: Asking, stand_in: StandIn, tmp_path: Path) -> None:
    document = await space.upload(handbook(tmp_path / "handbook.md"))
    assert stand_in.counts.texts.total() >= document["chunk_count"] >= 40
    before = stand_in.counts.texts.total()
    await replace(space, document["id"], handbook(tmp_path / "handbook.md", changed="이 문단만 새것입니다."))
    assert 1 <= stand_in.counts.texts.total() - before <= 3


async def test_the_same_text_in_another_document_of_the_space_is_paid_for_already(
    space: Asking,
    stand_in: StandIn,
    tmp_path: Path,
) -> None:
    await space.upload(handbook(tmp_path / "one.md"))
    before = stand_in.counts.texts.total()
    await space.upload(handbook(tmp_path / "two.md"))
    assert stand_in.counts.texts.total() == before


async def test_without_the_model_a_document_is_found_by_keywords_and_its_vectors_follow(
    space: Asking,
    stand_in: StandIn,
    rows: Database,
    tmp_path: Path,
) -> None:
    stand_in.behave(only="embeddings", status=503)
    await space.upload(handbook(tmp_path / "late.md"))
    async with space.http.post("/v1/search", json={"query": "항목 31의 값", "top_k": 3}) as response:
        found = await response.json()
    assert "217" in found["hits"][0]["text"]
    assert found["degraded"] == ["no_embeddings"]
    assert await count(rows, UNEMBEDDED, space=UUID(space.space_id)) >= 40
    stand_in.behave()

    async def complete() -> bool:
        return await count(rows, UNEMBEDDED, space=UUID(space.space_id)) == 0

    await wait_until(complete, 60)


async def test_what_only_an_old_version_had_is_purged(space: Asking, rows: Database, tmp_path: Path) -> None:
    document = await space.upload(handbook(tmp_path / "a.md"))
    await replace(space, document["id"], handbook(tmp_path / "a.md", sections=10))
    space_id = UUID(space.space_id)

    async def purged() -> bool:
        old = await count(rows, "select count(*) from chunks where space_id = :space and version = 1", space=space_id)
        stray = await count(
            rows,
            """select count(*) from embeddings e where e.space_id = :space and not exists (
                select from chunks c where c.space_id = e.space_id and c.text_hash = e.text_hash)""",
            space=space_id,
        )
        return old == 0 and stray == 0

    await wait_until(purged, 30)
    async with space.http.get(f"/v1/documents/{document['id']}/text?version=1") as response:
        assert "편람" in await response.text()  # old citations stay true


async def test_the_folded_frequencies_are_those_of_the_searchable_chunks(space: Asking, rows: Database, tmp_path: Path) -> None:
    document = await space.upload(handbook(tmp_path / "a.md"))
    await space.upload(handbook(tmp_path / "b.md", changed="다른 문서입니다."))
    await replace(space, document["id"], handbook(tmp_path / "a.md", sections=15))
    space_id = UUID(space.space_id)

    async def folded() -> bool:
        return await count(rows, "select count(*) from term_deltas where space_id = :space", space=space_id) == 0

    await wait_until(folded, 30)
    searchable = (
        "from chunks c join documents d on d.id = c.document_id and d.current_version = c.version where c.space_id = :space"
    )
    chunks = await count(rows, f"select count(*) {searchable}", space=space_id)
    assert chunks == await count(
        rows, "select count from term_frequencies where space_id = :space and term = :term", space=space_id, term=CHUNKS
    )
    terms = await count(rows, f"select sum(cardinality(c.terms)) {searchable}", space=space_id)
    assert terms == await count(
        rows,
        "select sum(count) from term_frequencies where space_id = :space and term between 1 and :last",
        space=space_id,
        last=MAX_TERM_ID,
    )


async def test_an_older_version_never_replaces_a_newer_one(space: Asking, rows: Database, tmp_path: Path) -> None:
    """Two versions at once, finished in either order: the newer one answers."""
    document = await space.upload(handbook(tmp_path / "a.md", sections=3))
    path = f"/v1/documents/{document['id']}/content?filename=a.md"
    for sections in (60, 5):
        async with space.http.put(path, data=handbook(tmp_path / "a.md", sections=sections).read_bytes()) as response:
            assert response.status == 202

    async def settled() -> bool:
        return not await count(
            rows,
            "select count(*) from jobs where space_id = :space and kind = 'document.index' and state in ('queued', 'running')",
            space=UUID(space.space_id),
        )

    await wait_until(settled, 30)
    assert await count(rows, "select current_version from documents where id = :id", id=UUID(document["id"])) == 3
    async with space.http.get(f"/v1/documents/{document['id']}") as response:
        assert (await response.json())["status"] == "ready"


async def test_chunks_are_exactly_the_stored_text(space: Asking, tmp_path: Path) -> None:
    document = await space.upload(handbook(tmp_path / "a.md"))
    async with space.http.get(f"/v1/documents/{document['id']}/text") as response:
        stored = (await response.read()).decode()
    seen, cursor = 0, None
    while True:
        async with space.http.get(
            f"/v1/documents/{document['id']}/chunks", params={"cursor": cursor} if cursor else {}
        ) as response:
            page = await response.json()
        for chunk in page["items"]:
            assert chunk["text"] == stored[chunk["start"] : chunk["end"]]
            assert chunk["ordinal"] == seen
            seen += 1
        if (cursor := page["next_cursor"]) is None:
            break
    assert seen == document["chunk_count"]
