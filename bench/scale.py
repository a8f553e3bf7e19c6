"""Search in large spaces: `python -m bench.scale --help`. Linux only: it reads /proc.

It loads one large space into a PostgreSQL of its own by COPY, straight into the tables and with the product's own terms and weights
(its pipeline would take its time for what is not measured here), has the product build its indexes, and searches through the
product's `Retriever` in this process: what is measured is PostgreSQL and Python, without HTTP and without a model.
"""

import argparse
import json
import os
import statistics
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg
import uvloop

from bench.load import at_once, latencies, timed
from bench.measure import Processes, costs
from bench.scale_corpus import Question, Source, folder, questions, records
from protostar.config import EmbeddingSettings
from protostar.db.migrate import migrate
from protostar.db.session import Database, create_engine
from protostar.db.vectors import register_codecs
from protostar.embedded.postgres import start_postgres
from protostar.embedded.supervisor import Supervisor
from protostar.ids import new_id
from protostar.knowledge.embeddings import Embedder
from protostar.knowledge.vector_index import VectorIndex
from protostar.llm.base import Health, InputType
from protostar.retrieval import service
from protostar.retrieval.model import Mode
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


async def load(url: str, source: Source, chunks: int, dimensions: int) -> tuple[UUID, dict[str, Any]]:
    """A space of so many chunks; its id and what it took."""
    connection = await asyncpg.connect(url)
    await register_codecs(connection)
    space = new_id()
    await connection.execute("insert into embedding_models (id, name, dimensions) values (1, $1, $2)", MODEL, dimensions)
    await connection.execute("insert into spaces (id, name, embedding_model_id) values ($1, 'large', 1)", space)
    for index in _SECONDARY:
        await connection.execute(f"drop index {index}")
    started = time.monotonic()
    frequencies: Counter[int] = Counter({0: chunks})
    for document, rows, vectors, counts in records(source, space, chunks, "large"):
        async with connection.transaction():
            await connection.execute(_DOCUMENT, document, space)
            await connection.execute(_VERSION, document, len(rows))
            await connection.copy_records_to_table("chunks", records=rows, columns=_CHUNKS)
            once = [(space, 1, hash_, vector) for hash_, vector in dict(vectors).items()]
            columns = ("space_id", "model_id", "text_hash", "vector")
            await connection.copy_records_to_table("embeddings", records=once, columns=columns)
        frequencies.update(counts)
    known = [(space, term, count) for term, count in sorted(frequencies.items())]
    await connection.copy_records_to_table("term_frequencies", records=known, columns=("space_id", "term", "count"))
    figures = {"copy_seconds": time.monotonic() - started}
    await connection.execute("set maintenance_work_mem = '1GB'")
    for index, statement in _SECONDARY.items():
        started = time.monotonic()
        await connection.execute(statement, timeout=24 * 3600)
        figures[f"{index}_seconds"] = time.monotonic() - started
    await connection.execute("vacuum analyze", timeout=24 * 3600)
    await connection.close()
    return space, figures


async def measure(
    retriever: Retriever, space: UUID, asked: Sequence[Question], processes: Processes, exact: dict[Mode, list[list[str]]]
) -> dict[str, Any]:
    """Of each mode: milliseconds and CPU of a search, and the share of the exact ten best passages that it finds."""
    figures: dict[str, Any] = {}
    for mode in MODES:
        found = await _found(retriever, space, asked, mode)
        shares = [len(set(one) & set(other)) / len(one) for one, other in zip(exact[mode], found, strict=True) if one]
        figures[f"{mode}_recall_at_10"] = statistics.mean(shares)
        for callers in CALLERS:

            async def search(question: Question, mode: Mode = mode) -> float:
                return await timed(retriever.search(space, question.text, top_k=TOP_K, mode=mode))

            rounds = [*asked] * (1 if callers == 1 else 2)
            with costs(processes) as cost:
                seconds = await at_once(callers, rounds, search)
            prefix = f"{mode}_c{callers}_"
            figures |= latencies(seconds, prefix)
            figures[f"{prefix}per_s"] = len(rounds) / cost.wall
            figures[f"{prefix}cpu_ms"] = {role: used / len(rounds) * 1000 for role, used in cost.cpu.items()}
            figures[f"{prefix}cpu_of_others"] = cost.others / cost.wall
    return figures


async def exactly(retriever: Retriever, space: UUID, asked: Sequence[Question], connection: Any) -> dict[Mode, list[list[str]]]:
    """The ten best of each question when every chunk and every vector is scored."""
    narrowing, service.EXACT_BELOW = service.EXACT_BELOW, 2**62
    await connection.execute("update spaces set vector_index_model_id = null where id = $1", space)
    try:
        return {mode: await _found(retriever, space, asked, mode) for mode in MODES}
    finally:
        service.EXACT_BELOW = narrowing


async def _found(retriever: Retriever, space: UUID, asked: Sequence[Question], mode: Mode) -> list[list[str]]:
    searches = [await retriever.search(space, question.text, top_k=TOP_K, mode=mode) for question in asked]
    # Where fewer than ten chunks hold a word of the question, a whole scan fills the ten up with any others: they are no miss.
    return [
        [str(passage.chunk_id) for passage in search.passages if mode != "keyword" or passage.keyword > 0] for search in searches
    ]


async def run(options: argparse.Namespace) -> dict[str, Any]:
    source = Source(folder(), options.dimensions)
    asked = questions(folder(), options.questions)
    with tempfile.TemporaryDirectory(prefix="protostar-scale-") as data:
        async with Supervisor() as supervisor:
            url = await start_postgres(supervisor, Path(data), settings=("max_wal_size=8GB",))
            await migrate(url)
            space, figures = await load(url, source, options.chunks, options.dimensions)
            settings = EmbeddingSettings()
            database = Database(create_engine(url, pool_size=CALLERS[-1]))
            connection = await asyncpg.connect(url)
            embedder = Embedder(database, Projected(source, asked, options.dimensions), settings, Metrics())
            retriever = Retriever(database, embedder, settings, Metrics())
            exact = await exactly(retriever, space, asked, connection)
            started = time.monotonic()
            index = await VectorIndex(database).ensure(space, 1)
            figures["hnsw_seconds"] = time.monotonic() - started
            await connection.execute("update spaces set vector_index_model_id = $2 where id = $1", space, index)
            figures["mib"] = {name: float(size) for name, size in await connection.fetch(_SIZES)}
            figures |= await measure(retriever, space, asked, Processes({os.getpid(): "client"}), exact)
            await connection.close()
            await database.close()
    return {"options": vars(options), **figures}


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m bench.scale", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--chunks", type=int, default=100_000)
    parser.add_argument("--dimensions", type=int, default=256, help="of the vectors (256)")
    parser.add_argument("--questions", type=int, default=60, help="of the public sets, each asked by every mode (60)")
    print(json.dumps(uvloop.run(run(parser.parse_args())), indent=2))


if __name__ == "__main__":
    main()
