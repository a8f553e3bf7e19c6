"""How the installation is doing: its dependencies, its workers, its queues, and what was done lately."""

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict

from protostar.db.revision import is_migrated
from protostar.errors import DatabaseUnavailable, ProtostarError, RedisUnavailable
from protostar.jobs.models import JobRow
from protostar.jobs.repository import JobRepository
from protostar.knowledge.repository import KnowledgeRepository
from protostar.resources import Resources
from protostar.telemetry import samples_of

Health = Literal["ok", "degraded", "down", "off"]
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
    status: Health
    dependencies: dict[str, Health]
    spaces_to_reindex: int = 0
    workers: list[WorkerInfo] = []


async def ready(resources: Resources) -> Ready:
    """Each dependency by itself."""
    postgres, redis, objects = await asyncio.gather(
        _check(lambda: _postgres(resources)), _check(lambda: _redis(resources)), _check(lambda: _objects(resources))
    )
    dependencies: dict[str, Health] = {
        "postgres": postgres,
        "redis": redis,
        "objects": objects,
        "chat": resources.chat.health if resources.chat is not None else "off",
        "embeddings": resources.embedding.health if resources.embedding is not None else "off",
    }
    for name, health in dependencies.items():
        resources.metrics.dependency_up.labels(name).set({"ok": 1, "degraded": 0.5, "down": 0, "off": 1}[health])
    worst: Health = "down" if postgres == "down" else "ok" if set(dependencies.values()) <= {"ok", "off"} else "degraded"
    workers, to_reindex = await asyncio.gather(_workers(resources), _spaces_to_reindex(resources))
    return Ready(status=worst, dependencies=dependencies, spaces_to_reindex=to_reindex, workers=workers)


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


async def _check(check: Callable[[], Awaitable[Health]]) -> Health:
    try:
        async with asyncio.timeout(4):
            return await check()
    except (ProtostarError, TimeoutError):
        return "down"


async def _postgres(resources: Resources) -> Health:
    return "ok" if await is_migrated(resources.database.at_once) else "down"


async def _redis(resources: Resources) -> Health:
    if resources.redis is None:
        return "off"
    try:
        await resources.redis.ping()
    except RedisUnavailable:
        return "down"
    return "ok"


async def _objects(resources: Resources) -> Health:
    await resources.objects.ready()
    return "ok"


async def _workers(resources: Resources) -> list[WorkerInfo]:
    try:
        async with asyncio.timeout(2), resources.database.at_once.transaction() as session:
            return [WorkerInfo.model_validate(row) for row in await JobRepository(session).workers()]
    except (DatabaseUnavailable, TimeoutError):
        return []


async def _spaces_to_reindex(resources: Resources) -> int:
    """Whose vectors are of another model than the configured one, or whose terms follow another rule than this build's."""
    embedder = resources.embedder
    name, dimensions = (embedder.name, embedder.dimensions) if embedder is not None else (None, None)
    try:
        async with asyncio.timeout(2), resources.database.at_once.transaction() as session:
            return await KnowledgeRepository(session).to_reindex(name, dimensions)
    except (DatabaseUnavailable, TimeoutError):
        return 0
