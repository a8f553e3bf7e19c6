"""`protostar reindex`: build anew what spaces are searched by."""

import asyncio
from collections.abc import Sequence
from typing import Any
from uuid import UUID

from protostar.cli.client import ApiClient, ApiError
from protostar.cli.display import complain, note, one_line, stdout
from protostar.cli.progress import bars

_POLL = 1.0  # seconds
_ENDED = frozenset({"succeeded", "failed", "dead", "cancelled"})


async def reindex(client: ApiClient, space_id: UUID | None, *, wait: bool) -> int:
    """Start it for one space, or for each that the key may see, and show how far it is; 1 where one does not succeed."""
    spaces: list[str | None] = [str(space_id)] if space_id is not None else await _spaces(client)
    started: list[tuple[str, str]] = []
    for space in spaces:
        job_id = (await client.post("/v1/reindex", headers={"Protostar-Space": space} if space else None))["job_id"]
        if job_id is None:
            note(f"{space or 'the space'} is being reindexed already; `protostar jobs list --kind space.reindex` shows it.")
        else:
            started.append((space or "the space", job_id))
    if wait:
        return await _follow(client, started)
    for space, job_id in started:
        stdout().print(f"{space}: job {job_id}")
    return 0


async def _spaces(client: ApiClient) -> list[str | None]:
    try:
        return [space["id"] for space in (await client.page("/v1/spaces", {}, 100_000))["items"]]
    except ApiError as error:
        if error.status != 403:
            raise
        return [None]  # a key of one space sees that one


async def _follow(client: ApiClient, started: Sequence[tuple[str, str]]) -> int:
    code = 0
    with bars() as progress:
        for space, job_id in started:
            line = progress.add_task(space, total=None, note="waiting for a worker")
            while (job := await client.get(f"/v1/jobs/{job_id}"))["state"] not in _ENDED:
                progress.update(line, **_shown(job))
                await asyncio.sleep(_POLL)
            progress.remove_task(line)
            if job["state"] == "succeeded":
                stdout().print(f"{space}: reindexed")
            else:
                complain(f"{space}: {job['state']}: {job['error']}")
                code = 1
    return code


def _shown(job: dict[str, Any]) -> dict[str, Any]:
    if job["state"] == "queued":
        return {"note": one_line(job["error"] or "waiting for a worker", 60)}
    at: dict[str, Any] = job["progress"] or {}
    done, total = at.get("done") or 0, at.get("total")
    return {"completed": done, "total": total, "note": f"{at.get('stage', 'begins')} {done} of {total}" if total else "begins"}
