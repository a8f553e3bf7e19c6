"""How the installation is doing: its dependencies, its workers, its queues, and what was done lately."""

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable, Collection, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict

from protostar.db.revision import is_migrated
from protostar.db.rights import check_rights, check_room
from protostar.db.session import Database
from protostar.errors import DatabaseUnavailable, ProtostarError
from protostar.jobs.models import JobRow
from protostar.jobs.repository import JobRepository
from protostar.knowledge.repository import KnowledgeRepository
from protostar.resources import Resources
from protostar.telemetry import samples_of

Health = Literal["ok", "degraded", "down", "off"]
_PATIENCE = 3.0  # seconds; whoever asks gives up soon after
_NAMES = {"postgres": "The database", "redis": "Redis", "objects": "The object store"}
_LISTED = 50  # ended jobs that the overview shows


class WorkerInfo(BaseModel):
    model_config = ConfigDict(from_attributes=True)

    name: str
    kinds: list[str]
    concurrency: int
    running: int
    version: str
    started_at: datetime
    seen_at: datetime


class Ready(BaseModel):
    """`reasons`: of the dependencies that are down, what was seen, as a sentence. `workers`: unknown while PostgreSQL is down.

    `kinds_without_worker`: kinds of jobs that no worker takes, so that they stay queued; not told where there is no worker at all.
    `now`: PostgreSQL's clock, which the workers' times are of.
    """

    status: Health
    dependencies: dict[str, Health]
    reasons: dict[str, str] = {}
    spaces_to_reindex: int = 0
    workers: list[WorkerInfo] = []
    kinds_without_worker: list[str] = []
    now: datetime | None = None


async def ready(resources: Resources, kinds: Collection[str] = ()) -> Ready:
    """Each dependency by itself. `kinds`: those of jobs that there should be workers for."""
    database = resources.database.at_once
    postgres, redis, objects, (now, workers), to_reindex = await asyncio.gather(
        _check("postgres", resources, lambda: _postgres(database), lambda: database.is_busy),
        _check("redis", resources, lambda: _redis(resources)),
        _check("objects", resources, lambda: _objects(resources)),
        _workers(database),
        _spaces_to_reindex(resources),
    )
    dependencies: dict[str, Health] = {
        "postgres": postgres[0],
        "redis": redis[0],
        "objects": objects[0],
        "chat": resources.chat.health if resources.chat is not None else "off",
        "embeddings": resources.embedding.health if resources.embedding is not None else "off",
    }
    for name, health in dependencies.items():
        resources.metrics.dependency_up.labels(name).set({"ok": 1, "degraded": 0.5, "down": 0, "off": 1}[health])
    worst: Health = "down" if postgres[0] == "down" else "ok" if set(dependencies.values()) <= {"ok", "off"} else "degraded"
    found = {"postgres": postgres[1], "redis": redis[1], "objects": objects[1]}
    taken = {kind for worker in workers for kind in worker.kinds}
    return Ready(
        status=worst,
        dependencies=dependencies,
        reasons={name: reason for name, reason in found.items() if reason is not None},
        spaces_to_reindex=to_reindex,
        workers=workers,
        kinds_without_worker=sorted(set(kinds) - taken) if workers else [],
        now=now,
    )


@dataclass(frozen=True, slots=True)
class Overview:
    """`queues`: kind → state → jobs. `ended`: (state, jobs within the last minute, within the last hour). `figures`: the counters
    of /metrics, summed over all processes.
    """

    ready: Ready
    queues: dict[str, dict[str, int]]
    ended: Sequence[tuple[str, int, int]]
    dead: Sequence[JobRow]
    failed: Sequence[JobRow]
    figures: Sequence[tuple[str, str, float]]


async def overview(resources: Resources) -> Overview:
    """Raises DatabaseUnavailable."""
    found = await ready(resources)
    queues: dict[str, dict[str, int]] = {}
    async with resources.database.transaction() as session:
        repository = JobRepository(session)
        for kind, state, jobs in await repository.counts():
            queues.setdefault(kind, {})[state] = jobs
        ended = await repository.ended()
        dead, failed = [
            await repository.page(space_id=None, state=state, kind=None, before=None, limit=_LISTED) for state in ("dead", "failed")
        ]
        workers = await repository.workers()
    samples = [*samples_of(resources.metrics.registry), *(sample for row in workers for sample in row.samples)]
    sums: defaultdict[tuple[str, str], float] = defaultdict(float)
    for name, labels, value in samples:
        if name.endswith("_total"):
            sums[name, ", ".join(str(label) for label in labels.values())] += value
    return Overview(found, queues, ended, dead, failed, [(name, labels, value) for (name, labels), value in sorted(sums.items())])


async def _check(
    dependency: str, resources: Resources, check: Callable[[], Awaitable[Health]], is_busy: Callable[[], bool] = lambda: False
) -> tuple[Health, str | None]:
    """How it is; where it is down, what was seen. The log gets the part's own words."""
    try:
        async with asyncio.timeout(_PATIENCE):
            health = await check()
    except ProtostarError as error:
        told, found = error.told, str(error)
    except TimeoutError:
        busy = "; all connections of this process (PROTOSTAR_DATABASE_POOL) are in use, and may be waiting for a lock"
        told = found = f"{_NAMES[dependency]} did not answer within {_PATIENCE:g} seconds{busy if is_busy() else ''}."
    else:
        resources.unready[dependency].ended()
        return health, None
    resources.unready[dependency].met(dependency=dependency, error=found)
    return "down", told


async def _postgres(database: Database) -> Health:
    if not await is_migrated(database):
        raise DatabaseUnavailable("The schema is missing, or older than this release: run «protostar migrate».")
    await check_rights(database)
    await check_room(database)
    return "ok"


async def _redis(resources: Resources) -> Health:
    if resources.redis is None:
        return "off"
    await resources.redis.ping()
    return "ok"


async def _objects(resources: Resources) -> Health:
    await resources.objects.ready()
    with suppress(DatabaseUnavailable):  # whose it is, it alone can tell
        await resources.ownership.verify()
    return "ok"


async def _workers(database: Database) -> tuple[datetime | None, list[WorkerInfo]]:
    try:
        async with asyncio.timeout(_PATIENCE), database.transaction() as session:
            repository = JobRepository(session)
            return await repository.now(), [WorkerInfo.model_validate(row) for row in await repository.workers()]
    except (DatabaseUnavailable, TimeoutError):
        return None, []


async def _spaces_to_reindex(resources: Resources) -> int:
    """Whose vectors are of another model than the configured one, or whose terms follow another rule than this build's."""
    embedder = resources.embedder
    name, dimensions = (embedder.name, embedder.dimensions) if embedder is not None else (None, None)
    try:
        async with asyncio.timeout(_PATIENCE), resources.database.at_once.transaction() as session:
            return await KnowledgeRepository(session).to_reindex(name, dimensions)
    except (DatabaseUnavailable, TimeoutError):
        return 0
