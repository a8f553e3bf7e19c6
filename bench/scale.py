"""Search in large spaces, and in small ones among many: `python -m bench.scale --help`. Linux only: it reads /proc.

It loads its spaces into a PostgreSQL of its own by COPY, straight into the tables and with the product's own terms and weights (its
pipeline would take its time for what is not measured here), has the product build its indexes, and searches through the product's
`Retriever` in this process: what is measured is PostgreSQL and Python, without HTTP and without a model.
"""

import argparse
import asyncio
import json
import os
import statistics
import sys
import tempfile
import time
from collections import Counter
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg
import uvloop

from bench.load import at_once, latencies, timed
from bench.measure import Processes, costs
from bench.report import write
from bench.scale_corpus import CHUNKS_PER_DOCUMENT, Question, Source, questions, records
from bench.sets import SetsMissing, folders
from protostar.config import EmbeddingSettings
from protostar.db.migrate import migrate
from protostar.db.session import Database
from protostar.db.vectors import register_codecs
from protostar.embedded.postgres import start_postgres
from protostar.embedded.supervisor import Supervisor
from protostar.ids import new_id
from protostar.knowledge.embeddings import Embedder
from protostar.knowledge.vector_index import VectorIndex
from protostar.llm.base import Health, InputType
from protostar.retrieval import service
from protostar.retrieval.model import Found, Mode
from protostar.retrieval.service import Retriever
from protostar.telemetry import Metrics

MODEL = "projected"
MODES: tuple[Mode, ...] = ("keyword", "vector", "hybrid")
CALLERS = (1, 16)
TOP_K = 10

_CHUNKS = (
    "document_id", "version", "ordinal", "space_id", "char_start", "char_end", "page", "heading_path", "text", "text_hash",
    "weights", "terms",
)  # fmt: skip
_DOCUMENT = "insert into documents (id, space_id, title, filename, current_version) values ($1, $2, 'Large', 'large.md', 1)"
_VERSION = """
    insert into document_versions (
        document_id, version, status, filename, media_type, object_key, size, sha256, job_id, chunk_count)
    values ($1, 1, 'ready', 'large.md', 'text/markdown', 'none', 1, 'none', $1, $2)"""
_SECONDARY = {
    "ix_chunks_terms": "create index ix_chunks_terms on chunks using gin (terms)",
    "ix_chunks_space_id": "create index ix_chunks_space_id on chunks (space_id, text_hash)",
}
# What the product's purge does, in one statement.
_FORGET = """
    with oldest as (select id from documents where space_id = $1 order by id limit 1),
        gone as (delete from chunks using oldest where document_id = oldest.id returning chunks.text_hash),
        version as (delete from document_versions using oldest where document_id = oldest.id),
        vectors as (delete from embeddings e using gone where e.space_id = $1 and e.text_hash = gone.text_hash)
    delete from documents using oldest where documents.id = oldest.id"""
_SIZES = """
    select c.relname, pg_relation_size(c.oid) / 1048576.0 from pg_class c
    where c.relkind in ('r', 'i') and (c.relname ~ '(chunks|embeddings)' or c.relname like 'hnsw_%')"""


class Projected:
    """The model of bench.scale_corpus: it knows the questions that will be asked."""

    name = MODEL
    health: Health = "ok"

    def __init__(self, source: Source, asked: Sequence[Question], dimensions: int) -> None:
        self.dimensions = dimensions
        self._vectors = {question.text: source.question_vector(question) for question in asked}

    async def embed(self, texts: Sequence[str], *, input_type: InputType, timeout: float) -> list[list[float]]:  # noqa: ARG002, ASYNC109
        return [self._vectors[text] for text in texts]


class Loader:
    """Writes documents of made-up chunks straight into the tables."""

    def __init__(self, connection: Any, source: Source) -> None:
        self._connection = connection
        self._source = source

    async def space(self, name: str, chunks: int) -> UUID:
        """A space of so many chunks."""
        space = new_id()
        await self._connection.execute("insert into spaces (id, name, embedding_model_id) values ($1, $2, 1)", space, name)
        frequencies: Counter[int] = Counter({0: chunks})
        async for counts in self.documents(space, chunks, name):
            frequencies.update(counts)
        known = [(space, term, count) for term, count in sorted(frequencies.items())]
        await self._connection.copy_records_to_table("term_frequencies", records=known, columns=("space_id", "term", "count"))
        return space

    async def documents(self, space: UUID, chunks: int, seed: str) -> AsyncGenerator[Mapping[int, int]]:
        """Add so many chunks, document by document; what is counted in how many chunks of each."""
        for document, rows, vectors, counts in records(self._source, space, chunks, seed):
            async with self._connection.transaction():
                await self._connection.execute(_DOCUMENT, document, space)
                await self._connection.execute(_VERSION, document, len(rows))
                await self._connection.copy_records_to_table("chunks", records=rows, columns=_CHUNKS)
                once = [(space, 1, hash_, vector) for hash_, vector in dict(vectors).items()]
                columns = ("space_id", "model_id", "text_hash", "vector")
                await self._connection.copy_records_to_table("embeddings", records=once, columns=columns)
            yield counts

    async def replace(self, space: UUID, documents: int, seed: str) -> None:
        """Add a document and delete the oldest one, with its vectors, as often as is said."""
        async for _counts in self.documents(space, documents * CHUNKS_PER_DOCUMENT, seed):
            async with self._connection.transaction():
                await self._connection.execute(_FORGET, space)


async def load(connection: Any, source: Source, spaces: int, chunks: int, dimensions: int) -> tuple[list[UUID], dict[str, Any]]:
    """`spaces` of so many chunks each, and what it took."""
    understands = "insert into embedding_models (id, name, dimensions, korean, english) values (1, $1, $2, 1, 1)"
    await connection.execute(understands, MODEL, dimensions)
    for index in _SECONDARY:
        await connection.execute(f"drop index {index}")
    started = time.monotonic()
    loader = Loader(connection, source)
    loaded = [await loader.space(f"space {number}", chunks) for number in range(spaces)]
    figures = {"copy_seconds": time.monotonic() - started}
    await connection.execute("set maintenance_work_mem = '1GB'")
    for index, statement in _SECONDARY.items():
        started = time.monotonic()
        await connection.execute(statement, timeout=24 * 3600)
        figures[f"{index}_seconds"] = time.monotonic() - started
    await connection.execute("vacuum analyze", timeout=24 * 3600)
    return loaded, figures


@dataclass(frozen=True, slots=True)
class Bench:
    """`asked`: each question with the space that it is put to."""

    retriever: Retriever
    asked: Sequence[tuple[UUID, Question]]
    processes: Processes

    async def search(self, asked: tuple[UUID, Question], mode: Mode) -> Found:
        space, question = asked
        return await self.retriever.search(space, question.text, top_k=TOP_K, mode=mode)

    async def found(self, mode: Mode) -> list[list[str]]:
        searches = [await self.search(asked, mode) for asked in self.asked]
        # Where fewer than ten chunks hold a word of the question, a whole scan fills the ten up with any others: they are no miss.
        return [
            [str(passage.chunk_id) for passage in search.passages if mode != "keyword" or passage.keyword > 0]
            for search in searches
        ]

    async def latencies(self, mode: Mode, callers: int, prefix: str) -> dict[str, Any]:
        async def search(asked: tuple[UUID, Question]) -> float:
            return await timed(self.search(asked, mode))

        rounds = [*self.asked] * (1 if callers == 1 else 2)
        with costs(self.processes) as cost:
            seconds = await at_once(callers, rounds, search)
        return {
            **latencies(seconds, prefix),
            f"{prefix}per_s": len(rounds) / cost.wall,
            f"{prefix}cpu_ms": {role: used / len(rounds) * 1000 for role, used in cost.cpu.items()},
            f"{prefix}cpu_of_others": cost.others / cost.wall,
        }

    async def measure(self, exact: dict[Mode, list[list[str]]]) -> dict[str, Any]:
        """Of each mode: milliseconds and CPU of a search, and the share of the exact ten best passages that it finds."""
        figures: dict[str, Any] = {}
        for mode in MODES:
            pairs = zip(exact[mode], await self.found(mode), strict=True)
            shares = [len(set(one) & set(other)) / len(one) for one, other in pairs if one]
            figures[f"{mode}_recall_at_10"] = statistics.mean(shares)
            for callers in CALLERS:
                figures |= await self.latencies(mode, callers, f"{mode}_c{callers}_")
        return figures

    async def exactly(self, connection: Any) -> dict[Mode, list[list[str]]]:
        """The ten best of each question when every chunk and every vector is scored."""
        narrowing, service.EXACT_BELOW = service.EXACT_BELOW, 2**62
        await connection.execute("update spaces set vector_index_model_id = null")
        try:
            return {mode: await self.found(mode) for mode in MODES}
        finally:
            service.EXACT_BELOW = narrowing

    async def while_changing(self, loader: Loader, space: UUID) -> dict[str, Any]:
        """Hybrid searches by one caller while documents of the same space are added and deleted as fast as one connection does."""
        changed = 0

        async def change() -> None:
            nonlocal changed
            while True:
                await loader.replace(space, 1, f"change {changed}")
                changed += 1

        changing = asyncio.create_task(change())
        started = time.monotonic()
        try:
            figures = await self.latencies("hybrid", 1, "changing_")
        finally:
            changing.cancel()
            await asyncio.gather(changing, return_exceptions=True)
        return {**figures, "changing_documents_per_s": changed / (time.monotonic() - started)}


@asynccontextmanager
async def driver(url: str) -> AsyncGenerator[Any]:
    connection = await asyncpg.connect(url, command_timeout=24 * 3600)
    await register_codecs(connection)
    try:
        yield connection
    finally:
        await connection.close()


async def build_indexes(database: Database, connection: Any, spaces: Sequence[UUID]) -> float:
    """Seconds that the product took for them."""
    started = time.monotonic()
    for space in spaces:
        index = await VectorIndex(database).ensure(space, 1)
        await connection.execute("update spaces set vector_index_model_id = $2 where id = $1", space, index)
    return time.monotonic() - started


async def sizes(connection: Any) -> dict[str, float]:
    """MiB of each table and index."""
    return {name: float(size) for name, size in await connection.fetch(_SIZES)}


async def replaced(bench: Bench, loader: Loader, connection: Any, space: UUID, chunks: int) -> dict[str, Any]:
    """Every document replaced once, while autovacuum does what it does; then a vacuum."""
    started = time.monotonic()
    await loader.replace(space, chunks // CHUNKS_PER_DOCUMENT, "replacement")
    figures: dict[str, Any] = {"replace_seconds": time.monotonic() - started, "replaced_mib": await sizes(connection)}
    figures |= await bench.latencies("hybrid", 1, "replaced_")
    started = time.monotonic()
    await connection.execute("vacuum", timeout=24 * 3600)
    figures |= {"vacuum_seconds": time.monotonic() - started, "vacuumed_mib": await sizes(connection)}
    return figures | await bench.latencies("hybrid", 1, "vacuumed_")


async def run(options: argparse.Namespace) -> dict[str, Any]:
    sets = folders()
    source = Source(sets, options.dimensions)
    asked = questions(sets, options.questions)
    async with AsyncExitStack() as stack:
        data = stack.enter_context(tempfile.TemporaryDirectory(prefix="protostar-scale-"))
        supervisor = await stack.enter_async_context(Supervisor())
        server = ("max_wal_size=8GB", f"shared_buffers={options.shared_buffers}")
        url = await start_postgres(supervisor, Path(data), settings=server)
        await migrate(url)
        connection = await stack.enter_async_context(driver(url))
        spaces, figures = await load(connection, source, options.spaces, options.chunks, options.dimensions)
        settings = EmbeddingSettings()
        database = Database(url, pool_size=CALLERS[-1])
        stack.push_async_callback(database.close)
        embedder = Embedder(database, Projected(source, asked, options.dimensions), settings, Metrics())
        step = max(1, len(spaces) // len(asked))
        put = [(spaces[number * step % len(spaces)], question) for number, question in enumerate(asked)]
        bench = Bench(Retriever(database, embedder, settings, Metrics()), put, Processes({os.getpid(): "client"}))
        exact = await bench.exactly(connection)
        figures["hnsw_seconds"] = await build_indexes(database, connection, spaces)
        figures["mib"] = await sizes(connection)
        figures |= await bench.measure(exact)
        loader = Loader(connection, source)
        figures |= await bench.while_changing(loader, put[0][0])
        if options.replace:
            figures |= await replaced(bench, loader, connection, spaces[0], options.chunks)
    return {"options": vars(options), **figures}


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m bench.scale", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--chunks", type=int, default=100_000, help="of each space (100000)")
    parser.add_argument("--spaces", type=int, default=1)
    parser.add_argument("--dimensions", type=int, default=256, help="of the vectors (256)")
    parser.add_argument("--questions", type=int, default=60, help="of the public sets, each asked by every mode (60)")
    parser.add_argument("--shared-buffers", default="128MB", help="of PostgreSQL (128MB, as the embedded server begins with)")
    parser.add_argument("--replace", action="store_true", help="in the end replace every document of the first space once")
    try:
        result = uvloop.run(run(parser.parse_args()))
    except SetsMissing as error:
        sys.exit(str(error))
    print(json.dumps(result, indent=2), f"Written to {write(result, 'scale')}", sep="\n")


if __name__ == "__main__":
    main()
