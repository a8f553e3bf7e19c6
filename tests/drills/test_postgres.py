"""PostgreSQL is away at the start, restarts, dies, hangs, cuts connections, is full, or is held up by a lock."""

import asyncio
import signal
from typing import Any

import asyncpg
import pytest
from tests.drills import documents
from tests.drills.course import DOCUMENTS, QUESTIONS, Drill, Drills
from tests.drills.processes import SETTINGS
from tests.drills.servers import Postgres, running
from tests.drills.severing import Severing
from tests.support.databases import make_template, named
from tests.support.disks import fill, small_disk
from tests.support.relay import placed_before

pytestmark = [pytest.mark.drill, pytest.mark.timeout(400)]

PAST_THE_LEASE = 2.5 * float(SETTINGS["WORKER_LEASE"])


async def gone_on(drill: Drill) -> None:
    """Whoever worked goes on where it was: no text and no answer is paid for twice, nobody is taken for dead."""
    counts = await drill.heal()
    assert counts.again == counts.chats_again == 0, counts


async def test_postgres_absent_at_the_start(drills: Drills) -> None:
    """Every process starts, and goes on by itself once the database is there."""
    async with drills.drill() as drill:
        await drills.postgres.stop()
        (api,), (worker,) = drill.installation.apis, drill.installation.workers
        worker.start()
        await api.up()
        assert not await api.answers("/health/ready")
        drill.clients.ask([900])  # refused until then
        await asyncio.sleep(3)
        assert worker.is_alive
        await drills.postgres.start()
        await api.up("/health/ready")
        await drill.prepare()
        await drill.in_flight()
        await drill.heal()


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGQUIT, signal.SIGKILL], ids=["fast", "immediate", "kill 9"])
async def test_postgres_restarts(drills: Drills, how: signal.Signals) -> None:
    """Nobody hears of it: who comes meanwhile waits, and so does who uploads in the middle."""
    async with drills.drill(apis=2) as drill:
        await drill.ready()
        await drill.in_flight()
        refused = drill.clients.refused
        drills.postgres.signal(how)
        drill.clients.upload(range(DOCUMENTS, DOCUMENTS + 20), at_once=20)
        drill.clients.ask(range(QUESTIONS, QUESTIONS + 20))
        await gone_on(drill)
        assert drill.clients.refused == refused


async def test_postgres_away_for_15_seconds(drills: Drills) -> None:
    async with drills.drill() as drill:
        await drill.ready()
        await drill.in_flight()
        await drills.postgres.kill()
        await asyncio.sleep(15)
        await drills.postgres.start()
        await gone_on(drill)


@pytest.mark.parametrize("how", ["killed", "hangs"])
async def test_cached_answers_without_postgres(drills: Drills, how: str) -> None:
    """First questions that were answered before are answered all the same, say that they are stale, and are kept afterwards."""
    async with drills.drill() as drill:
        await drill.ready()
        asked = range(900, 905)
        before = [await answer(drill, number) for number in asked]
        await drill.answers_in_flight()
        await drills.postgres.kill() if how == "killed" else drills.postgres.freeze()
        drill.clients.upload(range(DOCUMENTS))
        stale = await asyncio.gather(*(answer(drill, number) for number in asked))
        assert {(tuple(each["degraded"]), each["cached"]) for each in stale} == {(("stale",), True)}
        assert [each["text"] for each in stale] == [each["text"] for each in before]
        await drills.postgres.start() if how == "killed" else drills.postgres.thaw()
        await drill.heal()
        connection = await asyncpg.connect(drill.inspector.database_url)
        kept = await connection.fetch("select id, text from answers where degraded = '{stale}'")
        await connection.close()
        assert {str(row["id"]): row["text"] for row in kept} == {each["id"]: each["text"] for each in stale}


async def answer(drill: Drill, number: int) -> dict[str, Any]:
    """The whole answer to a question, asked once."""
    body = {"question": documents.question(number)}
    async with drill.clients.http.post(f"{drill.clients.url()}/v1/answers", json=body) as response:
        assert response.status == 200, await response.text()
        return await response.json()


async def test_connections_cut(drills: Drills) -> None:
    """For less than a lease: who is cut off for longer is taken for dead."""
    async with drills.drill({"WORKER_LEASE": "10", "ANSWER_LEASE": "10"}) as drill:
        await drill.ready()
        await drill.in_flight()
        for _ in range(8):
            await drills.postgres.cut(drill.database)
            await asyncio.sleep(0.4)
        await gone_on(drill)


async def test_postgres_hangs_past_the_leases(drills: Drills) -> None:
    async with drills.drill() as drill:
        await drill.ready()
        await drill.in_flight()
        drills.postgres.freeze()
        await asyncio.sleep(PAST_THE_LEASE)
        drills.postgres.thaw()
        await gone_on(drill)


async def test_replies_to_commits_lost(drills: Drills) -> None:
    """Who hears nothing of its commit must take it for possible: bytes are kept, and a repeated request finds its document."""
    async with drills.drill() as drill:
        (api,) = drill.installation.apis
        async with placed_before(drill.inspector.database_url, drill.installation.folder, Severing) as (proxy, url):
            api.environment["PROTOSTAR_DATABASE_URL"] = url
            await drill.ready()
            proxy.every = 3
            await drill.in_flight()
            await drill.clients.finished()
            proxy.every = 0
            assert proxy.lost > 0
            await drill.heal()


@pytest.mark.parametrize("table", ["chunks", "embeddings", "answers"])
async def test_a_lock_held_past_the_leases(drills: Drills, table: str) -> None:
    """Leases are kept while statements wait for a lock: nobody is taken for dead."""
    async with drills.drill() as drill:
        await drill.ready()
        await drill.in_flight()
        connection = await asyncpg.connect(named(drills.postgres.url, drill.database))
        async with connection.transaction():
            await connection.execute(f"lock table {table} in access exclusive mode")
            await asyncio.sleep(PAST_THE_LEASE)
        await connection.close()
        await gone_on(drill)
        assert not [process.name for process in drill.installation.workers if '"job_lease_expired"' in process.printed()]


async def test_two_connections_for_everything(drills: Drills) -> None:
    """A pool that is always exhausted: it takes longer, and that is all."""
    async with drills.drill({"DATABASE_POOL": "2"}) as drill:
        await drill.ready()
        await drill.in_flight()
        await gone_on(drill)


async def test_a_schema_change_while_jobs_run(drills: Drills) -> None:
    """As a release expands the schema under the processes of the one before."""
    async with drills.drill() as drill:
        await drill.ready()
        await drill.in_flight()
        connection = await asyncpg.connect(named(drills.postgres.url, drill.database))
        for table in ("jobs", "documents", "document_versions", "chunks", "answers", "spaces"):
            await connection.execute(f"set lock_timeout = '5s'; alter table {table} add column drilled text")
            await asyncio.sleep(0.2)
        await connection.close()
        await drill.heal()


async def test_a_full_disk(drills: Drills) -> None:
    """Writes fail until there is room again; what was accepted is finished then."""
    with small_disk(400) as folder:
        async with running(Postgres(folder)) as server:
            assert isinstance(server, Postgres)
            await make_template(server.url)
            small = Drills(server, drills.redis, drills.models, drills.record)
            async with small.drill() as drill:
                await drill.ready()
                await drill.in_flight()
                ballast = folder / "ballast"
                fill(ballast)
                await asyncio.sleep(6)
                ballast.unlink()
                await server.start()
                await drill.heal()
