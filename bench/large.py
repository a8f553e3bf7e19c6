"""One text file of 50 MB: until it is ready, what the largest process held, and how long the health check took meanwhile."""

import asyncio
import time
from collections.abc import AsyncGenerator
from typing import Any

from bench.corpus import documents
from bench.load import BenchError
from bench.measure import PRODUCT, costs, percentile
from bench.stack import Stack, until

SIZE = 50_000_000


async def measure(stack: Stack) -> dict[str, Any]:
    """Upload the file as a stream, and wait until it is searchable."""
    space = await stack.new_space("one large file")
    block = "".join(document.text for document in documents(20, 50 * 1024, "large")).encode()

    async def body() -> AsyncGenerator[bytes]:
        sent = number = 0
        while sent < SIZE:
            # Every repetition differs, so that no vector is known already.
            piece = (f"\n\nPart {number}\n\n".encode() + block.replace(b". ", b" in part %d. " % number))[: SIZE - sent]
            number, sent = number + 1, sent + len(piece)
            yield piece

    latencies: list[float] = []
    with costs(stack.processes, memory=True) as cost:
        watch = asyncio.create_task(_watch(stack, latencies))
        try:
            params = {"filename": "large.txt"}
            headers = {**space, "Content-Type": "text/plain"}
            document = await stack.ask("POST", "/v1/documents", params=params, data=body(), headers=headers)

            async def settled() -> bool:
                document.update(await stack.ask("GET", f"/v1/documents/{document['id']}", headers=space))
                return document["status"] in ("ready", "failed")

            await until(settled, 1200, "the large file is ready", interval=1.0)
        finally:
            watch.cancel()
            await asyncio.gather(watch, return_exceptions=True)
    if document["status"] != "ready":
        raise BenchError(f"The large file failed: {document['error']}")
    return {
        "seconds": cost.wall,
        "chunks": document["chunk_count"],
        "cpu_s": cost.product_cpu(),
        "health_p50_ms": percentile(latencies, 0.5) * 1000,
        "health_p99_ms": percentile(latencies, 0.99) * 1000,
        "health_max_ms": max(latencies) * 1000,
        "cpu_of_others": cost.others / cost.wall,
        **{f"peak_rss_mib_{role}": cost.rss[role] for role in PRODUCT if role in cost.rss},
    }


async def _watch(stack: Stack, latencies: list[float]) -> None:
    while True:
        began = time.perf_counter()
        await stack.ask("GET", "/health/live")
        latencies.append(time.perf_counter() - began)
        await asyncio.sleep(0.05)
