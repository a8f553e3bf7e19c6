"""`protostar jobs`: what the workers do, did and could not do."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from protostar.cli.client import ApiClient
from protostar.cli.display import Column, moment
from protostar.cli.items import for_each, show_item, show_list

_COLUMNS = (
    Column("id", 36),
    Column("kind", 18),
    Column("state", 9),
    Column("attempt", 7, right=True),
    Column("created", 16),
    Column("error", 16),
)


async def list_jobs(client: ApiClient, *, state: str | None, kind: str | None, limit: int, as_json: bool) -> int:
    filters = {"state": state, "kind": kind}
    return await show_list(client, "/v1/jobs", filters, _COLUMNS, _row, limit=limit, as_json=as_json)


async def show(client: ApiClient, job_id: UUID, *, as_json: bool) -> int:
    return await show_item(client, f"/v1/jobs/{job_id}", as_json=as_json)


async def act(client: ApiClient, action: str, job_ids: Sequence[UUID]) -> int:
    """`retry` or `cancel` each job."""

    async def one(job_id: str) -> str:
        job = await client.post(f"/v1/jobs/{job_id}/{action}")
        return f"{job_id}: {job.get('state', 'done')}"

    return await for_each(job_ids, one)


def _row(job: dict[str, Any]) -> tuple[object, ...]:
    return job["id"], job["kind"], job["state"], job.get("attempt"), moment(job["created_at"]), job.get("error")
