"""The ASGI application."""

import asyncio
from collections.abc import AsyncGenerator, Iterator
from contextlib import asynccontextmanager
from functools import cache
from typing import Any

from fastapi import FastAPI
from fastapi.routing import APIRoute
from fastapi_offline import FastAPIOffline

from protostar import __version__
from protostar.access.sessions import Sessions
from protostar.answers import endpoints as answers
from protostar.api import errors, operations
from protostar.api.middleware import Crowded, LastResort, Observe, Silence, SmallBodies, VisitorCors
from protostar.archive import endpoints as archive
from protostar.config import Settings
from protostar.db.revision import wait_until_migrated
from protostar.documents import endpoints as documents
from protostar.insights import endpoints as insights
from protostar.knowledge import endpoints as knowledge
from protostar.objects.copies import Copies
from protostar.openapi import RESPONSES, complete, operation_id
from protostar.resources import Resources, open_resources
from protostar.retrieval import endpoints as retrieval
from protostar.spaces import endpoints as spaces
from protostar.sse import Outlast
from protostar.tasks import open_parser, registry
from protostar.telemetry import Metrics
from protostar.visitors import endpoints as visitors
from protostar.web import endpoints as web
from protostar.webhooks import endpoints as webhooks

_FEATURES = (documents, knowledge, retrieval, visitors, answers, insights, spaces, webhooks, archive, operations)
_DESCRIPTION = """Upload documents, ask questions, get streamed answers whose every claim cites its passage.

Errors are problem documents (RFC 9457). Lists are newest first: `{items, next_cursor}`."""


def create_app(settings: Settings, stopping: asyncio.Event | None = None) -> FastAPI:
    """`stopping`: set by the server when it takes nothing more; None: it is over when the lifespan is."""
    metrics = Metrics()

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncGenerator[dict[str, Any]]:
        async with _opened(settings, metrics, stopping or asyncio.Event()) as parts:
            yield {**parts, "pages": pages}

    # The documentation's scripts come from the installed package: no other origin is asked.
    app = FastAPIOffline(
        title="Protostar",
        description=_DESCRIPTION,
        version=__version__,
        lifespan=lifespan,
        docs_url="/docs",
        redoc_url=None,
        responses=RESPONSES,
        generate_unique_id_function=operation_id,
        static_url="/docs/static",
    )
    described = app.openapi
    app.openapi = cache(lambda: complete(described()))
    for route in app.routes:
        if isinstance(route, APIRoute):  # the pages of the documentation
            route.methods = {"GET", "HEAD"}
    for feature in _FEATURES:
        app.include_router(feature.router)
    pages = web.install(app)
    errors.install(app)
    for middleware in (LastResort, SmallBodies, Silence, Outlast):
        app.add_middleware(middleware)
    app.add_middleware(Crowded, settings=settings.limit, features=set(_segments()))
    app.add_middleware(VisitorCors)
    app.add_middleware(Observe, metrics=metrics)
    return app


@asynccontextmanager
async def _opened(settings: Settings, metrics: Metrics, stopping: asyncio.Event) -> AsyncGenerator[dict[str, Any]]:
    """What endpoints work with, by the names that `dependencies.opened` knows it under."""
    async with (
        open_resources(settings, metrics) as resources,
        open_parser(settings) as parser,
        Copies(resources.objects) as copies,
    ):
        access = resources.access()
        stop = asyncio.Event()
        # Nothing waits for it here: until the schema is there, requests are answered with 503.
        migrated = asyncio.create_task(_migrated(resources, stop))
        following = asyncio.create_task(resources.follow_changes(access))
        async with resources.answers(access).running(settings.worker.grace, stopping) as answering:
            yield {
                "resources": resources,
                "registry": registry(resources, parser),
                "database": resources.database,
                "jobs": resources.jobs,
                "objects": resources.objects,
                "settings": settings,
                "access": access,
                "sessions": Sessions(resources.database, access),
                "visitors": resources.visitors(access),
                "spaces": resources.spaces(access),
                "documents": resources.documents(),
                "page_images": resources.page_images(copies, parser),
                "webhooks": resources.webhooks(),
                "exports": resources.exports(access),
                "imports": resources.imports(),
                "retriever": resources.retriever,
                "answers": answering,
                "corrections": resources.corrections(),
                "erasure": resources.erasure(),
                "insights": resources.insights(),
            }
        stop.set()
        migrated.cancel()  # it may be waiting for a store that hangs
        following.cancel()
        await asyncio.gather(migrated, following, return_exceptions=True)


def _segments() -> Iterator[str]:
    """What stands behind `/v1/` in the paths of the API."""
    for feature in _FEATURES:
        for route in feature.router.routes:
            if isinstance(route, APIRoute) and route.path.startswith("/v1/"):
                yield route.path.split("/")[2]


async def _migrated(resources: Resources, stop: asyncio.Event) -> None:
    if await wait_until_migrated(resources.database, stop):
        await resources.look_at_store()
