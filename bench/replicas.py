"""Two API processes and four workers on one set of servers, beside one of each in the same run: `python -m bench.replicas`.

The servers, the stand-in model and the callers share the machine's cores with them: on two cores this shows what more processes
cost, and that they do not stand in one another's way, not what they bring on a larger machine.
"""

import argparse
import asyncio
import json
import sys
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import replace
from itertools import cycle
from typing import Any

import aiohttp
import uvloop

from bench import answers, ingest, search
from bench.corpus import Document, documents
from bench.load import BenchError
from bench.report import median, write
from bench.stack import Stack, another, free_port, running_stack, until, until_open

WORKERS = 4


class InTurns:
    """Requests go to several servers, one after the other."""

    def __init__(self, sessions: Sequence[aiohttp.ClientSession]) -> None:
        self._sessions = cycle(sessions)

    def __getattr__(self, name: str) -> Any:
        return getattr(next(self._sessions), name)


async def measure(count: int, requests: int, rounds: int) -> dict[str, Any]:
    corpus = [*documents(count, 8 * 1024, "manual"), *documents(count // 20, 190 * 1024, "handbook")]
    found: list[dict[str, Any]] = []
    async with running_stack(max_upload_bytes=1 << 30) as stack:
        for number in range(rounds):
            one = await _round(stack, corpus, requests, f"one {number}")
            async with AsyncExitStack() as exits:
                many = await _more(stack, exits)
                found.append({"one": one, "many": await _round(many, corpus, requests, f"many {number}")})
    return {"medians": median(found), "rounds": found}


async def _more(stack: Stack, exits: AsyncExitStack) -> Stack:
    """The same stack with a second API and three more workers."""
    port = free_port()
    second = await exits.enter_async_context(another(stack, "api", "second-api", {"PORT": str(port)}))
    roots = {second.pid: "api"}
    for number in range(WORKERS - 1):
        worker = await exits.enter_async_context(another(stack, "worker", f"worker-{number}", {}))
        roots[worker.pid] = "worker"
    await until_open(port)
    http = aiohttp.ClientSession(f"http://127.0.0.1:{port}", headers=stack.http.headers, timeout=stack.http.timeout)
    await exits.enter_async_context(http)
    many = replace(stack, http=InTurns([stack.http, http]), processes=stack.processes.beside(roots))  # pyright: ignore[reportArgumentType]

    async def all_there() -> bool:
        return len((await many.ask("GET", "/health/ready"))["workers"]) >= WORKERS

    await until(all_there, 60, f"{WORKERS} workers have shown a heartbeat")
    return many


async def _round(stack: Stack, corpus: Sequence[Document], requests: int, name: str) -> dict[str, Any]:
    space = await stack.new_space(name)
    return {
        "ingest": await ingest.measure(stack, corpus, space),
        "search": await search.measure(stack, corpus, space, requests, name),
        "answers": await answers.measure(stack, corpus, space, requests // 2, name),
    }


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.replicas", description=__doc__)
    parser.add_argument("--documents", type=int, default=200, help="of 8 KiB, and a twentieth of them of 190 KiB (200)")
    parser.add_argument("--requests", type=int, default=200, help="searches by one caller; half as many answers (200)")
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    try:
        figures = uvloop.run(measure(options.documents, options.requests, options.rounds))
    except BenchError as error:
        sys.exit(str(error))
    except asyncio.CancelledError:
        sys.exit(130)
    print(json.dumps(figures["medians"], indent=2), f"Written to {write(figures, 'replicas')}", sep="\n")


if __name__ == "__main__":
    main()
