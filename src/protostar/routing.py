"""Routers of the API and of the pages: what may be got may be asked for by HEAD too (RFC 9110, section 9.3.2)."""

from collections.abc import Callable
from typing import Any

from fastapi import APIRouter

from protostar.sse import EventStream


class Router(APIRouter):
    """Answers HEAD as GET, by the same endpoint; the server leaves out the body. A stream of events has no head to ask for: 405."""

    def add_api_route(
        self, path: str, endpoint: Callable[..., Any], *, methods: set[str] | list[str] | None = None, **options: Any
    ) -> None:
        super().add_api_route(path, endpoint, methods=methods, **options)
        if methods == ["GET"] and options.get("response_class") is not EventStream:
            options["include_in_schema"] = False
            super().add_api_route(path, endpoint, methods=["HEAD"], **options)
