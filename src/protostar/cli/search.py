"""`protostar search`: the passages that a question would be answered from."""

from typing import Any

from protostar.cli.client import ApiClient
from protostar.cli.display import degradation, note, one_line, place, stdout, write_json


async def search(client: ApiClient, query: str, *, top_k: int, mode: str, as_json: bool) -> int:
    """Print the hits, best first; returns the exit code. No hit is no failure."""
    answer = await client.post("/v1/search", {"query": query, "top_k": top_k, "mode": mode})
    if as_json:
        write_json(answer)
        return 0
    hits: list[dict[str, Any]] = answer["hits"]
    for number, hit in enumerate(hits, start=1):
        stdout().print(f"{number}. {place(hit)}  ({hit['score']:.3f})", style="bold")
        stdout().print(f"   {one_line(hit['text'])}\n")
    if not hits:
        note("Nothing was found.")
    for reason in answer["degraded"]:
        note(degradation(reason))
    return 0
