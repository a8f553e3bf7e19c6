"""What an operator looks at: health, metrics, jobs."""

from contextlib import suppress
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import Query, Response
from fastapi.responses import PlainTextResponse
from prometheus_client import CONTENT_TYPE_LATEST
from pydantic import BaseModel, ConfigDict

from protostar import health
from protostar.access.model import Principal
from protostar.dependencies import Admin, Cursor, Limit, Manager, opened
from protostar.errors import DatabaseUnavailable, NotFound
from protostar.jobs.model import State
from protostar.jobs.models import JobRow
from protostar.jobs.progress import LiveProgress
from protostar.jobs.registry import Registry
from protostar.jobs.repository import JobRepository
from protostar.paging import Page, before, page_of
from protostar.resources import Resources
from protostar.routing import Router
from protostar.telemetry import Samples, exposition

router = Router()

Parts = Annotated[Resources, opened("resources")]
Known = Annotated[Registry, opened("registry")]


# -- health


@router.get("/health/live", tags=["operations"])
async def get_live() -> dict[str, str]:
    """The process runs. Says nothing about what it depends on."""
    return {"status": "ok"}


@router.get(
    "/health/ready",
    tags=["operations"],
    responses={503: {"model": health.Ready, "description": "PostgreSQL is down, read-only or not migrated"}},
)
async def get_ready(resources: Parts, known: Known, response: Response) -> health.Ready:
    """Each dependency by itself. 503 only where PostgreSQL is down, read-only or not migrated; the others can be done without."""
    found = await health.ready(resources, known.tasks)
    response.status_code = 503 if found.status == "down" else 200
    if found.status == "down":
        response.headers["Retry-After"] = "2"
    return found


# -- metrics


@router.get("/metrics", tags=["operations"], response_class=PlainTextResponse)
async def get_metrics(resources: Parts, _principal: Admin) -> Response:
    """In Prometheus' text format: this process's, and every worker's as of its last heartbeat."""
    workers: dict[str, Samples] = {}
    resources.metrics.queue.clear()
    # While PostgreSQL is away the rest is wanted most.
    with suppress(DatabaseUnavailable):
        async with resources.database.at_once.transaction() as session:
            repository = JobRepository(session)
            workers = {row.name: row.samples for row in await repository.workers()}
            for kind, state, jobs in await repository.counts():
                resources.metrics.queue.labels(kind, state).set(jobs)
    return Response(exposition(resources.metrics.registry, workers), media_type=CONTENT_TYPE_LATEST)


# -- jobs


class Job(BaseModel):
    """`progress`: of a running job, live. `run_at`: when a queued job may start; later than now while it waits to try again."""

    id: UUID
    space_id: UUID | None
    kind: str
    state: State
    args: dict[str, Any]
    attempt: int
    max_attempts: int
    progress: dict[str, Any] | None
    error: str | None
    error_code: str | None
    run_at: datetime
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None

    model_config = ConfigDict(from_attributes=True)


@router.get("/v1/jobs", tags=["jobs"])
async def list_jobs(
    principal: Manager,
    resources: Parts,
    state: Annotated[State | None, Query()] = None,
    kind: Annotated[str | None, Query(max_length=100)] = None,
    cursor: Cursor = None,
    limit: Limit = 50,
) -> Page[Job]:
    """Of the key's space; with the admin key of the whole installation."""
    space_id = principal.key.space_id
    async with resources.database.transaction() as session:
        rows = await JobRepository(session).page(
            space_id=space_id, state=state, kind=kind, before=before(cursor, space_id), limit=limit + 1
        )
    return page_of([Job.model_validate(row) for row in rows], limit, space_id)


@router.get("/v1/jobs/{job_id}", tags=["jobs"])
async def get_job(job_id: UUID, principal: Manager, resources: Parts) -> Job:
    async with resources.database.transaction() as session:
        row = await _visible(JobRepository(session), job_id, principal)
    job = Job.model_validate(row)
    if job.state == "running" and (progress := await LiveProgress(resources.redis).of(job_id)) is not None:
        job.progress = progress
    return job


@router.post("/v1/jobs/{job_id}/retry", tags=["jobs"])
async def retry_job(job_id: UUID, principal: Manager, resources: Parts, registry: Known) -> Job:
    """Queues a failed, dead or cancelled job again, with all its attempts."""
    async with resources.database.transaction() as session:
        row = await _visible(JobRepository(session), job_id, principal)
        await resources.jobs.retry(session, job_id, registry)
        await session.refresh(row)
        return Job.model_validate(row)


@router.post("/v1/jobs/{job_id}/cancel", tags=["jobs"])
async def cancel_job(job_id: UUID, principal: Manager, resources: Parts, registry: Known) -> Job:
    """Ends a queued job at once and a running one within a few seconds."""
    async with resources.database.transaction() as session:
        row = await _visible(JobRepository(session), job_id, principal)
        await resources.jobs.cancel(session, job_id, registry)
        await session.refresh(row)
        return Job.model_validate(row)


async def _visible(repository: JobRepository, job_id: UUID, principal: Principal) -> JobRow:
    row = await repository.get(job_id)
    if row is None or principal.key.space_id not in (None, row.space_id):
        raise NotFound("There is no job with that id.")
    return row
