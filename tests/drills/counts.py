"""What a drill left: counted in the database, at the model server, at the clients, and in every place where something may leak."""

import asyncio
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

import asyncpg
from tests.drills import documents
from tests.drills.clients import Clients
from tests.drills.processes import SETTINGS, Installation
from tests.drills.servers import Valkey
from tests.support.waiting import wait_until

IN_FLIGHT = int(SETTINGS["EMBEDDING_BATCH_SIZE"]) * int(SETTINGS["EMBEDDING_CONCURRENCY"])
"""Texts that one process has sent to the model and not saved yet, at most."""

_VERSIONS = """
    select d.id, d.filename, v.status, v.error, v.chunk_count, count(c.*) as chunks, count(distinct c.text_hash) as texts,
        coalesce(max(c.ordinal) + 1, 0) as positions,
        count(c.*) filter (where not exists (
            select from embeddings e where e.space_id = c.space_id and e.text_hash = c.text_hash)) as unembedded
    from documents d
    join document_versions v on v.document_id = d.id and v.version = d.latest_version
    left join chunks c on c.document_id = d.id and c.version = v.version
    where d.filename = any($1) group by d.id, v.document_id, v.version"""

_ANSWERS = "select id, question, state, text, degraded from answers where question = any($1)"

_OTHER_CHUNKS = """
    select count(*) from chunks c join documents d on d.id = c.document_id where c.version <> d.current_version"""

_FREQUENCY = """
    select coalesce((select sum(count) from term_frequencies where term = 0), 0)
        + coalesce((select sum(sign * (select sum(n) from unnest(terms, counts) as t(term, n) where term = 0)) from term_deltas), 0)
        - (select count(*) from chunks c join documents d on d.id = c.document_id and d.current_version = c.version
           where d.deleted_at is null)"""

_UNFINISHED = """
    select from jobs where state in ('queued', 'running') and kind in ('document.index', 'document.embed', 'answer.write')"""

_UNSETTLED = "select kind, state, run_at, error from jobs where state in ('queued', 'running')"

_ENDED_BADLY = "select kind, error from jobs where state in ('failed', 'dead')"

_MISFITS = """
    select count(*) from embeddings e join embedding_models m on m.id = e.model_id where vector_dims(e.vector) <> m.dimensions"""

# The stand-in has another vector for each text: of two texts with the same one, one has got the other's.
_STRAY = "select count(*) - count(distinct vector) from embeddings"

_IDLE = """
    select count(*) from pg_stat_activity where datname = current_database() and application_name = 'protostar'
        and state like 'idle in transaction%' and state_change < now() - interval '2 seconds'"""

_ADVISORY = """
    select count(*) from pg_locks l join pg_database d on d.oid = l.database
    where l.locktype = 'advisory' and d.datname = current_database()"""


@dataclass
class Counts:
    """One row of the table. What must be zero is named in `FAULTS`."""

    ready: int = 0
    failed: int = 0
    stuck: int = 0
    lost: int = 0
    missing: int = 0
    doubled: int = 0
    whole: int = 0
    degraded: int = 0
    cut: int = 0
    twice: int = 0
    resets: int = 0
    refused: int = 0
    again: int = 0
    in_flight: int = 0
    paid_twice: int = 0
    chats_again: int = 0
    wrong: int = 0
    leaks: int = 0
    seconds: float = 0.0
    notes: list[str] = field(default_factory=list)

    def row(self) -> dict[str, Any]:
        return {each.name: getattr(self, each.name) for each in fields(self) if each.name != "notes"}

    def check(self, *allowed: str) -> None:
        """Raise AssertionError where something is not zero that must be; `allowed` may be what it is."""
        found = {name: getattr(self, name) for name in FAULTS if name not in allowed and getattr(self, name)}
        assert not found, "\n".join([f"{found}", *self.notes])


FAULTS = ("failed", "stuck", "lost", "missing", "doubled", "cut", "twice", "paid_twice", "wrong", "leaks")


@dataclass
class Inspector:
    """Looks everywhere, once everything has settled."""

    database_url: str
    installation: Installation
    clients: Clients
    redis: Valkey | None
    scratch: Path

    async def settle(self, within: float) -> float:
        """Wait until all that was accepted is finished, then until no job is left that is due within a minute.

        Returns the seconds of the former. Gives up after `within` seconds.
        """
        loop = asyncio.get_running_loop()
        started = loop.time()
        try:
            async with asyncio.timeout(within):
                await self.clients.finished()
                await wait_until(lambda: self._none(_UNFINISHED), within)
                seconds = loop.time() - started
                await wait_until(lambda: self._none(f"{_UNSETTLED} and run_at < now() + interval '1 minute'"), within)
        except (TimeoutError, AssertionError):
            return loop.time() - started
        return seconds

    async def _none(self, query: str) -> bool:
        try:
            connection = await asyncpg.connect(self.database_url, timeout=5)
            try:
                return await connection.fetchval(f"select not exists ({query})", timeout=5)
            finally:
                await connection.close(timeout=5)
        except (OSError, asyncpg.PostgresError):
            return False

    async def count(self, *, kills: int, models: dict[str, Any]) -> Counts:
        """`kills`: how often a process was stopped with batches in flight; `models`: the model server's counts."""
        counts = Counts()
        connection = await asyncpg.connect(self.database_url)
        try:
            await self._documents(connection, counts)
            await self._answers(connection, counts)
            await self._jobs(connection, counts)
        finally:
            await connection.close()
        self._paid(counts, models, kills)
        self._refusals(counts)
        return counts

    async def _documents(self, connection: asyncpg.Connection, counts: Counts) -> None:
        names = [documents.name(upload.number) for upload in self.clients.uploads]
        rows = await connection.fetch(_VERSIONS, names)
        by_id = {str(row["id"]): row for row in rows}
        for upload in self.clients.uploads:
            row = by_id.get(upload.id) if upload.id is not None else None
            if row is None:
                counts.lost += 1
                counts.notes.append(f"document {upload.number} was not kept (accepted: {upload.id is not None})")
                continue
            self._document(counts, row, documents.chunk_count(upload.number, self.scratch))
        unknown = by_id.keys() - {upload.id for upload in self.clients.uploads}
        counts.doubled += len(unknown) + await connection.fetchval(_OTHER_CHUNKS)
        for what, query in (("have another length than their model's", _MISFITS), ("are another text's", _STRAY)):
            if found := await connection.fetchval(query):
                counts.wrong += found
                counts.notes.append(f"{found} vectors {what}")
        off = await connection.fetchval(_FREQUENCY)
        if unknown or off:
            counts.doubled += abs(off)
            counts.notes.append(f"{len(unknown)} documents nobody knows; chunk frequency off by {off}")

    def _document(self, counts: Counts, row: asyncpg.Record, expected: int) -> None:
        match row["status"]:
            case "ready":
                counts.ready += 1
            case "failed":
                counts.failed += 1
                counts.notes.append(f"{row['filename']} failed: {row['error']}")
                return
            case other:
                counts.stuck += 1
                counts.notes.append(f"{row['filename']} is {other}")
                return
        counts.missing += max(0, expected - row["chunks"]) + row["unembedded"]
        counts.doubled += max(0, row["chunks"] - expected)
        if not expected == row["chunks"] == row["positions"] == row["texts"] == row["chunk_count"] or row["unembedded"]:
            counts.notes.append(f"{dict(row)} should have {expected} chunks")

    async def _answers(self, connection: asyncpg.Connection, counts: Counts) -> None:
        rows: dict[str, list[asyncpg.Record]] = {}
        asked = [documents.question(question.number) for question in self.clients.questions]
        for row in await connection.fetch(_ANSWERS, asked):
            rows.setdefault(row["question"], []).append(row)
        for question in self.clients.questions:
            kept = rows.get(documents.question(question.number), [])
            counts.resets += question.resets
            counts.twice += max(0, len(question.done) - 1) + max(0, len(kept) - 1)
            done = question.done[0] if question.done else {}
            stored = next((row for row in kept if str(row["id"]) == done.get("id")), None)
            if (
                stored is None
                or stored["state"] != "done"
                or not question.text
                or not question.text == done["text"] == stored["text"]
            ):
                counts.cut += 1
                counts.notes.append(f"{question.shown}; kept: {[(row['state'], len(row['text'])) for row in kept]}")
                continue
            counts.whole += 1
            counts.degraded += bool(stored["degraded"])

    async def _jobs(self, connection: asyncpg.Connection, counts: Counts) -> None:
        for row in await connection.fetch(_UNSETTLED):
            if row["kind"] in ("document.index", "document.embed", "answer.write"):
                counts.stuck += 1
            counts.notes.append(f"job left: {dict(row)}")
        for row in await connection.fetch(_ENDED_BADLY):
            if row["kind"] != "document.index":  # counted as documents
                counts.lost += 1
            counts.notes.append(f"job ended: {dict(row)}")
        for what, query in (("idle in transaction", _IDLE), ("advisory locks", _ADVISORY)):
            if found := await connection.fetchval(query):
                counts.leaks += found
                counts.notes.append(f"{found} {what}")

    def _paid(self, counts: Counts, models: dict[str, Any], kills: int) -> None:
        counts.again = sum(times - 1 for times in models["passages"].values())
        counts.in_flight = kills * IN_FLIGHT
        counts.paid_twice = max(0, counts.again - counts.in_flight)
        counts.chats_again = sum(times - 1 for times in models["questions"].values())

    def _refusals(self, counts: Counts) -> None:
        for client in (*self.clients.uploads, *self.clients.questions):
            counts.refused += client.refused
            counts.wrong += len(client.wrong)
            counts.notes += [f"{type(client).__name__} {client.number}: {wrong}" for wrong in client.wrong]
        faults = self.installation.faults()
        counts.wrong += len(faults)
        counts.notes += faults

    async def leaks(self, counts: Counts) -> None:
        """What is left once every process has ended in order."""
        found = [f"process {process.pid} {process.cmdline()}" for process in self.installation.strays()]
        found += [f"temporary {path.name}" for path in self.installation.scratch.iterdir()]
        found += [f"unfinished {path}" for path in self.installation.objects.rglob("*#*")]
        if self.redis is not None and self.redis.is_running:
            found += [f"no expiry: {key}" for key in await self.redis.keys_without_expiry()]
        counts.leaks += len(found)
        counts.notes += found
