"""Documents until they are searchable: so many a second, and what they cost."""

import time
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from prometheus_client.parser import text_string_to_metric_families

from bench.corpus import Document
from bench.load import BenchError, at_once
from bench.measure import PRODUCT, costs
from bench.stack import Stack, until

UPLOADS = 8
"""At once."""

STAGES = ("parse", "chunk", "embed", "write")


async def measure(stack: Stack, corpus: Sequence[Document], space: dict[str, str]) -> dict[str, Any]:
    """Upload the corpus into the space, wait until all of it is ready, and on until no job is left.

    CPU is that of both: summaries and the folding of term frequencies follow the readiness. Raises BenchError where a document is
    refused or fails.
    """
    present = {document["id"] for document in await _documents(stack, space)}
    stages = await _stage_seconds(stack)
    with costs(stack.processes, memory=True) as cost:
        began = time.time()

        async def upload(document: Document) -> None:
            params = {"filename": document.filename}
            headers = {**space, "Content-Type": "text/markdown"}
            await stack.ask("POST", "/v1/documents", params=params, data=document.text.encode(), headers=headers)

        with costs(stack.processes) as until_ready:
            await at_once(UPLOADS, corpus, upload)
            uploaded = time.time() - began
            await until(lambda: _settled(stack, space), 600, "all documents are ready", interval=0.25)
        await stack.idle()
    await _heartbeat(stack)
    documents = [document for document in await _documents(stack, space) if document["id"] not in present]
    if failed := [document for document in documents if document["status"] != "ready"]:
        raise BenchError(f"{len(failed)} documents failed; the first one: {failed[0]['error']}")
    # Polls see the end late; the rows tell when it was.
    seconds = max(datetime.fromisoformat(document["updated_at"]).timestamp() for document in documents) - began
    chunks = sum(document["chunk_count"] for document in documents)
    thousands = chunks / 1000
    return {
        "documents": len(documents),
        "chunks": chunks,
        "upload_seconds": uploaded,
        "seconds": seconds,
        "documents_per_s": len(documents) / seconds,
        "chunks_per_s": chunks / seconds,
        "cpu_s_per_1000_chunks": cost.product_cpu() / thousands,
        "cpu_s_per_1000_chunks_until_ready": until_ready.product_cpu() / thousands,
        "cpu_s_per_1000_chunks_by_role": {role: cost.cpu.get(role, 0.0) / thousands for role in (*PRODUCT, "models", "client")},
        "cpu_of_others": cost.others / cost.wall,
        "peak_pss_mib": cost.pss,
        "peak_rss_mib": cost.rss,
        "stage_shares": _shares(stages, await _stage_seconds(stack)),
    }


async def _settled(stack: Stack, space: dict[str, str]) -> bool:
    for status in ("queued", "processing"):
        if (await stack.ask("GET", "/v1/documents", params={"status": status, "limit": 1}, headers=space))["items"]:
            return False
    return True


async def _documents(stack: Stack, space: dict[str, str]) -> list[dict[str, Any]]:
    documents: list[dict[str, Any]] = []
    cursor: dict[str, str] = {}
    while True:
        page = await stack.ask("GET", "/v1/documents", params={"limit": 200, **cursor}, headers=space)
        documents += page["items"]
        if page["next_cursor"] is None:
            return documents
        cursor = {"cursor": page["next_cursor"]}


async def _heartbeat(stack: Stack) -> None:
    """Until each worker has told its metrics as of now."""
    now = datetime.now(UTC)

    async def told() -> bool:
        workers = (await stack.ask("GET", "/health/ready"))["workers"]
        return all(datetime.fromisoformat(worker["seen_at"]) > now for worker in workers)

    await until(told, 60, "a heartbeat of every worker")


async def _stage_seconds(stack: Stack) -> dict[str, float]:
    """Seconds that all workers' jobs have spent in each stage, as of their last heartbeats."""
    async with stack.http.get("/metrics") as response:
        families = text_string_to_metric_families(await response.text())
    seconds = dict.fromkeys(STAGES, 0.0)
    for sample in (sample for family in families for sample in family.samples):
        if sample.name == "protostar_stage_seconds_total":
            seconds[sample.labels["stage"]] += sample.value
    return seconds


def _shares(before: dict[str, float], after: dict[str, float]) -> dict[str, float]:
    """How the time divides."""
    spent = {stage: after[stage] - before[stage] for stage in STAGES}
    return {stage: seconds / (sum(spent.values()) or 1) for stage, seconds in spent.items()}
