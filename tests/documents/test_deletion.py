"""Deleting a document, taking that back, and what may happen in between."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg
import pytest
from tests.api.tenant import Tenant, idle_tenant
from tests.support.chunks import store
from tests.support.stack import running_worker, settings_for
from tests.support.waiting import wait_until
from tests.support.website import website

from protostar.db.session import Database
from protostar.documents.deletion import end_unless_pending, hide
from protostar.documents.deletion import restore as give_back
from protostar.documents.holdings import existing
from protostar.documents.kinds import fold
from protostar.errors import Unavailable
from protostar.jobs.bell import Bell
from protostar.jobs.context import JobContext
from protostar.jobs.repository import Enqueue, JobRepository
from protostar.jobs.service import Jobs
from protostar.redis.announcements import Announcements
from protostar.resources import open_resources
from protostar.spaces.repository import SpaceRepository

KIWI = "# Kiwi\n\nThere are 27 kiwis in the orchard."
# In this database alone: the worker that other tests share has one of its own on the same server.
IS_WAITING = "select exists (select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock')"
FREQUENCIES = """
    select term, sum(count)::int from (
        select term, count from term_frequencies where space_id = $1
        union all select each.term, each.count * sign from term_deltas, unnest(terms, counts) as each(term, count)
        where space_id = $1
    ) known group by term having sum(count) <> 0 order by term"""

Connection = asyncpg.Connection


@pytest.fixture
async def idle(database_url: str, redis_url: str, tmp_path: Path) -> AsyncGenerator[Tenant]:
    """A tenant whose jobs run only when the test says so."""
    settings = settings_for(database_url, f"{redis_url}?db=2", tmp_path, allow_private_networks=True)
    async with idle_tenant(settings) as tenant:
        yield tenant


@pytest.fixture
async def rows(database_url: str) -> AsyncGenerator[Connection]:
    connection = await asyncpg.connect(database_url)
    yield connection
    await connection.close()


async def read(idle: Tenant, name: str, content: str = KIWI) -> Any:
    async with running_worker(idle.stack.settings):
        return await idle.document(name, content)


async def delete(idle: Tenant, document: Any) -> None:
    assert (await idle.call("DELETE", f"/v1/documents/{document['id']}")).status == 204


async def restore(idle: Tenant, document: Any) -> Any:
    return await idle.call("POST", f"/v1/documents/{document['id']}/restore")


async def run_jobs(idle: Tenant, rows: Connection) -> None:
    """Until nothing is left that may begin now."""

    async def idle_now() -> bool:
        return not await rows.fetchval(
            "select count(*) from jobs where state = 'running' or (state = 'queued' and run_at <= now())"
        )

    async with running_worker(idle.stack.settings):
        await wait_until(idle_now, 30)


async def past(rows: Connection, document: Any) -> None:
    """Let the time within which it can be restored be over."""
    await rows.execute("update documents set erase_at = now() where id = $1", UUID(document["id"]))
    await rows.execute(
        "update jobs set run_at = now() where dedupe_key = $1 and state = 'queued'", f"document.purge:{document['id']}:deleted"
    )


async def test_a_restored_document_is_what_it_was(idle: Tenant, rows: Connection) -> None:
    async with running_worker(idle.stack.settings):
        await idle.document("other.md", "# Pears\n\nThere are 3 pears in the orchard.")
        document = await idle.document("a.md", "# Kiwi\n\nThere were 26 kiwis.")
        path = f"/v1/documents/{document['id']}"
        await idle.call("PUT", f"{path}/content", params={"filename": "a.md"}, data=KIWI.encode())
        await idle.settled(document["id"], version=2)
    await run_jobs(idle, rows)
    question = {"question": "How many kiwis are in the orchard?"}
    parts = ("", "/versions", "/chunks", "/text")

    async def state() -> Any:
        shown = [(await idle.call("GET", path + part)).body for part in parts]
        hits = [(hit["document_id"], hit["version"], hit["keyword"]) for hit in await idle.search("kiwis orchard")]
        return shown, hits, await rows.fetch(FREQUENCIES, UUID(idle.id)), await idle.get("/v1/documents")

    before = await state()
    answered = (await idle.call("POST", "/v1/answers", json=question)).json
    assert answered["citations"][0]["document_id"] == document["id"]
    await delete(idle, document)
    assert (await idle.call("GET", path)).status == 404
    hidden = (await idle.call("POST", "/v1/answers", json=question)).json
    assert document["id"] not in {citation["document_id"] for citation in hidden["citations"]}
    await run_jobs(idle, rows)

    restored = await restore(idle, document)
    assert restored.status == 200
    assert await state() == before  # by the changes of frequencies …
    await run_jobs(idle, rows)
    assert await state() == before  # … and once they are folded
    again = (await idle.call("POST", "/v1/answers", json=question)).json
    assert (again["cached"], again["citations"]) == (False, answered["citations"])  # not what was cached while it was away
    assert (await restore(idle, document)).json == restored.json  # once more is nothing more
    assert await rows.fetchval("select count(*) from jobs where kind = 'document.purge' and state = 'queued'") == 0


async def test_after_its_time_a_document_is_erased_and_cannot_be_restored(idle: Tenant, rows: Connection) -> None:
    document = await read(idle, "a.md")
    await delete(idle, document)
    await run_jobs(idle, rows)
    assert await rows.fetchval("select count(*) from chunks") == 1
    assert idle.objects("documents/")
    await past(rows, document)
    refused = await restore(idle, document)
    assert (refused.status, refused.json["detail"]) == (
        404,
        "There is no document with that id; if there was one, it is erased by now.",
    )
    await run_jobs(idle, rows)
    assert await rows.fetchval("select count(*) from documents") == 0
    assert not idle.objects("documents/")
    assert not idle.objects("texts/")
    assert (await restore(idle, document)).status == 404


async def test_a_document_that_is_deleted_again_has_its_whole_time_again(idle: Tenant, rows: Connection) -> None:
    document = await read(idle, "a.md")
    await delete(idle, document)
    first = await rows.fetchval("select run_at from jobs where kind = 'document.purge'")
    await restore(idle, document)
    await delete(idle, document)
    assert await rows.fetchval("select run_at from jobs where kind = 'document.purge'") > first
    await past(rows, document)
    await run_jobs(idle, rows)
    assert await rows.fetchval("select count(*) from documents") == 0


async def test_a_purge_that_comes_too_early_leaves_the_document_whole(idle: Tenant, rows: Connection) -> None:
    """That of an old version; or one that somebody cancelled and ran again by hand."""
    document = await read(idle, "a.md")
    await delete(idle, document)
    async with open_resources(idle.stack.settings) as resources, resources.database.transaction() as session:
        await resources.jobs.enqueue(session, Enqueue("document.purge", UUID(idle.id), {"document_id": document["id"]}))
    await rows.execute("update jobs set run_at = now() where dedupe_key like 'document.purge:%:deleted'")
    await run_jobs(idle, rows)
    assert (
        await rows.fetchval("select count(*) from jobs where kind = 'document.purge' and state = 'queued' and run_at > now()") == 1
    )
    assert (await restore(idle, document)).status == 200
    assert [hit["document_id"] for hit in await idle.search("kiwis")] == [document["id"]]


async def test_a_purge_waits_for_whoever_restores_at_this_moment(idle: Tenant, rows: Connection) -> None:
    document = await read(idle, "a.md")
    await delete(idle, document)
    await past(rows, document)
    restoring = await asyncpg.connect(idle.stack.settings.database_url.get_secret_value())
    moment = restoring.transaction()
    await moment.start()
    await restoring.execute("select from documents where id = $1 for update", UUID(document["id"]))
    async with running_worker(idle.stack.settings):

        async def waits() -> bool:
            return await rows.fetchval(IS_WAITING)

        await wait_until(waits, 20)
        await restoring.execute("update documents set deleted_at = null, erase_at = null where id = $1", UUID(document["id"]))
        await moment.commit()
    await restoring.close()
    await run_jobs(idle, rows)
    assert (await idle.get(f"/v1/documents/{document['id']}"))["status"] == "ready"
    assert await rows.fetchval("select count(*) from chunks") == 1


async def test_the_same_file_or_url_that_came_meanwhile_is_not_doubled(idle: Tenant, rows: Connection) -> None:
    document = await read(idle, "a.md")
    await delete(idle, document)
    other = await read(idle, "a.md", "# Kiwi\n\nAnother file of the same name.")
    anew = await read(idle, "a.md")
    assert anew["id"] != document["id"]
    refused = await restore(idle, document)
    assert (refused.status, refused.json["code"]) == (409, "conflict")
    assert "taken in again meanwhile" in refused.json["detail"]
    await delete(idle, anew)
    assert (await restore(idle, document)).status == 200
    assert {row["id"] for row in (await idle.get("/v1/documents"))["items"]} == {document["id"], other["id"]}
    await idle.call("PUT", f"/v1/documents/{other['id']}/content", params={"filename": "a.md"}, data=KIWI.encode())
    await delete(idle, document)  # beside it stood the same file already
    assert (await restore(idle, document)).status == 200

    async with website() as site:
        site.pages = {"/a.txt": b"Some kiwis."}
        fetched = (await idle.call("POST", "/v1/documents", json={"url": f"{site.url}/a.txt"})).json
        await delete(idle, fetched)
        await idle.call("POST", "/v1/documents", json={"url": f"{site.url}/a.txt"})
        assert (await restore(idle, fetched)).status == 409


async def test_what_was_not_read_yet_is_read_after_all(idle: Tenant, rows: Connection) -> None:
    async with website() as site:
        site.pages = {"/b.txt": b"Some pears."}
        documents = [
            (await idle.upload("a.md", KIWI.encode())).json,
            (await idle.call("POST", "/v1/documents", json={"url": f"{site.url}/b.txt"})).json,
        ]
        for document in documents:
            await delete(idle, document)
        await run_jobs(idle, rows)
        assert await rows.fetchval("select count(*) from chunks") == 0
        assert site.asked == []
        for document in documents:
            restored = await restore(idle, document)
            assert (restored.status, restored.json["status"]) == (200, "queued")
        async with running_worker(idle.stack.settings):
            for document in documents:
                assert (await idle.settled(document["id"]))["job_id"] != document["job_id"]


async def test_a_job_that_saw_the_document_deleted_sees_it_restored(idle: Tenant, rows: Connection) -> None:
    document = (await idle.upload("a.md", KIWI.encode())).json
    async with open_resources(idle.stack.settings) as resources:
        async with resources.database.transaction() as session:
            kinds, lease = ["document.index"], resources.settings.worker.lease
            (job,) = await JobRepository(session).claim(kinds, limit=1, owner="test", lease=lease)
        context = JobContext(job, resources.database, None)
        await delete(idle, document)
        restored = (await restore(idle, document)).json
        assert restored["job_id"] == document["job_id"]  # it runs still
        with pytest.raises(Unavailable):
            await end_unless_pending(context, UUID(document["id"]), 1)
        await delete(idle, document)
        await end_unless_pending(context, UUID(document["id"]), 1)
        assert context.finished


async def test_erasing_the_space_waits_for_nothing(idle: Tenant, rows: Connection) -> None:
    document = await read(idle, "a.md")
    await delete(idle, document)
    assert (await idle.stack.http.delete(f"/v1/spaces/{idle.id}")).status == 204
    await rows.execute("update spaces set erase_at = now()")
    await rows.execute("update jobs set run_at = now() where kind = 'space.purge'")
    await run_jobs(idle, rows)
    assert await rows.fetchval("select count(*) from documents") == 0
    assert not idle.objects()


async def old_api(rows: Connection, id_: UUID) -> None:
    await rows.execute("update documents set deleted_at = now(), erase_at = null where id = $1", id_)


async def old_worker(rows: Connection, id_: UUID) -> None:
    await rows.execute("delete from chunks where document_id = $1", id_)


@pytest.mark.parametrize(("release", "status"), [(old_api, 404), (old_worker, 409)])
async def test_what_a_process_of_an_older_release_erases_is_not_restored_by_halves(
    idle: Tenant, rows: Connection, release: Callable[[Connection, UUID], Awaitable[None]], status: int
) -> None:
    document = await read(idle, "a.md")
    await delete(idle, document)
    await release(rows, UUID(document["id"]))
    assert (await restore(idle, document)).status == status


async def test_many_who_restore_and_delete_at_once_leave_the_frequencies_right(idle: Tenant, rows: Connection) -> None:
    document = await read(idle, "a.md")
    before = await rows.fetch(FREQUENCIES, UUID(idle.id))
    for _round in range(5):
        await asyncio.gather(
            *(restore(idle, document) for _ in range(3)),
            *(idle.call("DELETE", f"/v1/documents/{document['id']}") for _ in range(3)),
        )
    await restore(idle, document)
    assert await rows.fetch(FREQUENCIES, UUID(idle.id)) == before
    await delete(idle, document)
    assert await rows.fetch(FREQUENCIES, UUID(idle.id)) == []


@pytest.mark.parametrize("is_taken_back", [False, True])
async def test_a_deletion_and_another_document_s_switch_do_not_wait_for_one_another(
    database: Database, rows: Connection, space_id: UUID, is_taken_back: bool
) -> None:
    """Both enqueue the space's fold, whose key is taken until the other's transaction ends, and both make its knowledge new."""
    jobs, id_ = Jobs(Bell(None), max_attempts=5), await store(database, space_id, [])

    async def remove() -> None:
        async with database.transaction() as session:
            document, _version = await existing(session, space_id, id_, lock=True)
            await hide(session, jobs, Announcements(None), document, timedelta(hours=1))

    async def take_back() -> None:
        async with database.transaction() as session:
            await give_back(session, jobs, Announcements(None), space_id, id_)

    async def is_waiting() -> bool:
        return await rows.fetchval(IS_WAITING)

    if is_taken_back:
        await remove()
        await rows.execute("delete from jobs where kind = 'terms.fold'")
    async with database.transaction() as session:
        await jobs.enqueue(session, fold(space_id))
        other = asyncio.create_task(take_back() if is_taken_back else remove())
        await wait_until(is_waiting)
        await SpaceRepository(session).new_knowledge(space_id)
    await other
