"""The API process."""

import asyncio
import contextlib

import structlog
import uvicorn

from protostar.api.app import create_app
from protostar.config import Settings
from protostar.embedded.parent import parent_gone
from protostar.garbage import settle
from protostar.telemetry import configure_logging

log = structlog.get_logger()


def run_api(settings: Settings) -> None:
    """Serve until SIGTERM or SIGINT; open answers get the grace time."""
    configure_logging(settings.log_format, settings.log_level)
    config = uvicorn.Config(
        create_app(settings),
        host=settings.host,
        port=settings.port,
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_keep_alive=75,
        timeout_graceful_shutdown=int(settings.worker.grace.total_seconds()),
        # Who is behind a proxy is decided by our own setting, PROTOSTAR_TRUSTED_PROXIES.
        proxy_headers=False,
    )
    settle()
    with asyncio.Runner(loop_factory=config.get_loop_factory()) as runner:
        runner.run(_serve(uvicorn.Server(config)))


async def _serve(server: uvicorn.Server) -> None:
    orphaned = asyncio.create_task(_stop_with_parent(server))
    try:
        await server.serve()
    finally:
        orphaned.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await orphaned


async def _stop_with_parent(server: uvicorn.Server) -> None:
    await parent_gone()
    log.warning("parent_gone")
    server.should_exit = True
