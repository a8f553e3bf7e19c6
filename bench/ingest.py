"""Documents until they are searchable: so many a second, and what they cost."""

import time
from collections.abc import Sequence
from datetime import datetime
from typing import Any

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
    offset, before = stack.log.stat().st_size, await _documents(stack, space)
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
    documents = [document for document in await _documents(stack, space) if document not in before]
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
        "stage_shares": _stage_shares(stack, offset),
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


def _stage_shares(stack: Stack, offset: int) -> dict[str, float]:
    """How the time of the jobs divides, from the worker's log; empty where it does not tell."""
    seconds = dict.fromkeys(STAGES, 0.0)
    for event in stack.events("document_indexed", offset):
        for stage in STAGES:
            seconds[stage] += event["seconds"].get(stage, 0.0)
    whole = sum(seconds.values())
    return {stage: value / whole for stage, value in seconds.items()} if whole else {}
