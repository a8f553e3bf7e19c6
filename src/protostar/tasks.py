"""Every feature's tasks in one registry, and the process that runs them."""

import asyncio
import signal
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import timedelta

import structlog
import uvloop

from protostar import __version__
from protostar.answers import tasks as answers
from protostar.answers.erasure import EXPIRE
from protostar.config import Settings
from protostar.db.revision import wait_until_migrated
from protostar.documents import tasks as documents
from protostar.embedded.parent import parent_gone
from protostar.errors import ConfigurationError
from protostar.garbage import settle
from protostar.jobs import tasks as jobs
from protostar.jobs.registry import Periodic, Registry
from protostar.jobs.worker import Worker
from protostar.knowledge import tasks as knowledge
from protostar.knowledge.kinds import CHECK_TERMS
from protostar.knowledge.parse.process.client import ParseServer
from protostar.resources import Resources, open_resources
from protostar.summaries import tasks as summaries
from protostar.telemetry import configure_logging
from protostar.webhooks import tasks as webhooks

log = structlog.get_logger()

_PERIODICS = (
    Periodic(documents.SWEEP, timedelta(hours=6)),
    Periodic(jobs.PRUNE, timedelta(hours=1)),
    Periodic(CHECK_TERMS, timedelta(minutes=10)),
    Periodic(EXPIRE, timedelta(hours=1)),
)


def registry(resources: Resources, parser: ParseServer) -> Registry:
    """All kinds of jobs that this build knows. `parser` is started when it is first needed, so that the API may know them too."""
    return Registry.of(
        *knowledge.tasks(
            resources.pipeline(parser), resources.purge(), resources.reindex(), resources.vector_index(), resources.jobs
        ),
        *documents.tasks(resources.database, resources.objects, resources.ownership, resources.fetcher(), resources.jobs),
        *summaries.tasks(resources.database, resources.chat, room=resources.settings.chat.context_chars),
        *answers.tasks(resources.database, resources.writer, resources.recorder, resources.erasure()),
        *webhooks.tasks(resources.database, resources.outbound),
        *jobs.tasks(resources.settings.worker.retention),
        periodics=_PERIODICS,
    )


def open_parser(settings: Settings) -> ParseServer:
    return ParseServer(settings.parse, max_text_chars=settings.max_text_chars)


@asynccontextmanager
async def open_registry(resources: Resources) -> AsyncGenerator[Registry]:
    async with open_parser(resources.settings) as parser:
        yield registry(resources, parser)


def run_worker(settings: Settings, kinds: frozenset[str] = frozenset()) -> None:
    """Run jobs until SIGTERM or SIGINT. `kinds`: only these; all where empty."""
    configure_logging(settings.log_format, settings.log_level)
    settle()
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_work(settings, kinds))


async def _work(settings: Settings, kinds: frozenset[str]) -> None:
    async with open_resources(settings) as resources, open_registry(resources) as known:
        if unknown := kinds - known.tasks.keys():
            raise ConfigurationError(
                f"There are no jobs of the kind {', '.join(sorted(unknown))}; there are {', '.join(known.tasks)}."
            )
        worker = Worker(
            resources.database, resources.redis, known, settings.worker, resources.metrics, kinds=kinds, version=__version__
        )
        loop = asyncio.get_running_loop()
        for signal_ in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(signal_, worker.stop.set)
        beside = [asyncio.create_task(_stop_with_parent(worker))]
        try:
            if await wait_until_migrated(resources.database, worker.stop):
                beside.append(asyncio.create_task(resources.look_at_store()))  # one that is away keeps nobody from other jobs
                await worker.run()
        finally:
            for task in beside:
                task.cancel()
            await asyncio.gather(*beside, return_exceptions=True)


async def _stop_with_parent(worker: Worker) -> None:
    await parent_gone()
    log.warning("parent_gone")
    worker.stop.set()
