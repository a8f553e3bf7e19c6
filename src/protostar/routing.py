"""Routers of the API and of the pages: what may be got may be asked for by HEAD too (RFC 9110, section 9.3.2)."""

from collections.abc import Callable, Coroutine
from typing import Any, ClassVar

from fastapi import APIRouter, Request, Response
from fastapi.routing import APIRoute

from protostar.db.patience import again
from protostar.sse import EventStream


class Route(APIRoute):
    """What only reads is begun anew where PostgreSQL broke off in the middle of it (RFC 9110, section 9.2.1)."""

    repeated: ClassVar[frozenset[str]] = frozenset({"GET", "HEAD"})

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()
        if not self.repeated.issuperset(self.methods or ()):
            return handle

        async def handle_again(request: Request) -> Response:
            return await again(lambda: handle(request))

        return handle_again


class Router(APIRouter):
    """Answers HEAD as GET, by the same endpoint; the server leaves out the body. A stream of events has no head to ask for: 405."""

    def __init__(self, *, route_class: type[Route] = Route, **options: Any) -> None:
        super().__init__(route_class=route_class, **options)

    def add_api_route(
        self, path: str, endpoint: Callable[..., Any], *, methods: set[str] | list[str] | None = None, **options: Any
    ) -> None:
        super().add_api_route(path, endpoint, methods=methods, **options)
        if methods == ["GET"] and options.get("response_class") is not EventStream:
            options["include_in_schema"] = False
            super().add_api_route(path, endpoint, methods=["HEAD"], **options)
