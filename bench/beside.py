"""The alternatives: small apps as tutorials of other frameworks build them, on the PostgreSQL and the stand-in of the same run.

`make bench-alternatives` installs them, each into an environment of its own. They are measured while the product is idle.
"""

import os
import time
from collections.abc import AsyncGenerator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import asyncpg

from bench import answers, search
from bench.corpus import Document, questions
from bench.ingest import UPLOADS
from bench.load import BenchError, at_once, latencies, percentile
from bench.measure import Processes, costs
from bench.stack import REPOSITORY, Stack, environment, free_port, process, until_answers

FOLDER = REPOSITORY / "bench" / "alternatives"
NAMES = ("langchain", "llamaindex")


@dataclass(frozen=True, slots=True)
class App:
    http: aiohttp.ClientSession
    processes: Processes
    started: dict[str, Any]

    async def ask(self, path: str, **request: Any) -> None:
        async with self.http.post(path, **request) as response:
            body = await response.read()
            if not response.ok:
                raise BenchError(f"POST {path} of the app: {response.status} {body.decode(errors='replace')[:300]}")


def installed() -> list[str]:
    return [name for name in NAMES if _python(name).exists()]


async def measure(name: str, stack: Stack, corpus: Sequence[Document], requests: int, number: int) -> dict[str, Any]:
    """What is measured of the product, of one alternative with a database of its own."""
    async with _running(name, stack, number) as app:
        figures: dict[str, Any] = {"start": app.started, "ingest": await _ingest(app, corpus)}
        figures["search"] = await _search(app, corpus, requests, f"search-{number}")
        figures["answers"] = await _answers(app, stack, corpus, requests // 2, f"answers-{number}")
    return figures


async def _ingest(app: App, corpus: Sequence[Document]) -> dict[str, Any]:
    async def upload(document: Document) -> None:
        await app.ask("/documents", params={"filename": document.filename}, data=document.text.encode())

    with costs(app.processes, memory=True) as cost:
        await at_once(UPLOADS, corpus, upload)
    return {
        "documents": len(corpus),
        "seconds": cost.wall,
        "documents_per_s": len(corpus) / cost.wall,
        "cpu_s": cost.cpu["app"] + cost.cpu["postgres"],
        "app_cpu_s": cost.cpu["app"],
        "postgres_cpu_s": cost.cpu["postgres"],
        "cpu_of_others": cost.others / cost.wall,
        "peak_pss_mib": cost.pss["app"],
    }


async def _search(app: App, corpus: Sequence[Document], count: int, seed: str) -> dict[str, Any]:
    figures: dict[str, Any] = {}
    for callers in search.CALLERS:
        asked = questions(corpus, count, f"{seed}-{callers}")

        async def ask(question: tuple[str, Document]) -> float:
            started = time.perf_counter()
            await app.ask("/search", json={"query": question[0], "top_k": search.TOP_K})
            return time.perf_counter() - started

        with costs(app.processes) as cost:
            seconds = await at_once(callers, asked, ask)
        figures |= latencies(seconds, f"c{callers}_")
        figures[f"c{callers}_per_s"] = len(asked) / cost.wall
    return figures


async def _answers(app: App, stack: Stack, corpus: Sequence[Document], count: int, seed: str) -> dict[str, Any]:
    await stack.ask("POST", f"{stack.models}/control", json={"tokens": answers.ANSWER_TOKENS})
    figures: dict[str, Any] = {}
    for callers in answers.CALLERS:
        asked = questions(corpus, count, f"{seed}-{callers}")

        async def ask(question: tuple[str, Document]) -> float:
            request = app.http.post("/answers", json={"question": question[0]})
            return await answers.first_token(request, b"event: delta", b"event: done")

        first = await at_once(1, asked[:4], ask)
        prompt = (await stack.ask("GET", f"{stack.models}/control"))["last_chat"]
        alone = percentile(await answers.model_alone(stack, prompt, len(asked), callers), 0.5) * 1000
        with costs(app.processes) as cost:
            first = await at_once(callers, asked, ask)
        prefix = f"c{callers}_"
        figures |= latencies(first, f"{prefix}first_token_")
        figures[f"{prefix}overhead_ms"] = figures[f"{prefix}first_token_p50_ms"] - alone
        figures[f"{prefix}per_s"] = len(asked) / cost.wall
        figures[f"{prefix}cpu_ms"] = (cost.cpu["app"] + cost.cpu["postgres"]) / len(asked) * 1000
    await stack.ask("POST", f"{stack.models}/control", json={})
    return figures


@asynccontextmanager
async def _running(name: str, stack: Stack, number: int) -> AsyncGenerator[App]:
    async with AsyncExitStack() as exits:
        database = await _new_database(stack.database_url, f"{name}_{number}")
        port = free_port()
        url = f"http://127.0.0.1:{port}"
        given = environment({"DATABASE_URL": database, "MODELS_URL": f"{stack.models}/v1", "OPENAI_API_KEY": "none"})
        command = [str(_python(name)), str(FOLDER / f"{name}_app.py"), str(port)]
        began = time.perf_counter()
        server = await exits.enter_async_context(process(command, stack.folder, given, stack.folder / f"{name}.log"))
        await until_answers(f"{url}/health", server)
        ready = time.perf_counter() - began
        processes = stack.processes.beside({server.pid: "app"})
        timeout = aiohttp.ClientTimeout(total=600)
        http = await exits.enter_async_context(aiohttp.ClientSession(url, timeout=timeout))
        yield App(http, processes, {"ready_seconds": ready, "idle_pss_mib": processes.memory()[0]["app"]})


async def _new_database(url: str, name: str) -> str:
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(f"create database {name}")
    finally:
        await connection.close()
    before, _, after = url.partition("/protostar?")
    changed = f"{before}/{name}?{after}"
    connection = await asyncpg.connect(changed)
    try:
        await connection.execute("create extension vector")
    finally:
        await connection.close()
    return changed


def _python(name: str) -> Path:
    return FOLDER / ".venvs" / name / "bin" / "python"


if __name__ == "__main__":
    print(*installed(), sep=os.linesep)
