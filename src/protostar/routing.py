"""Routers of the API and of the pages: what may be got may be asked for by HEAD too (RFC 9110, section 9.3.2)."""

from collections.abc import Callable, Coroutine, Iterator, Mapping
from typing import Any, ClassVar

from fastapi import APIRouter, Request, Response
from fastapi.dependencies.models import Dependant
from fastapi.params import Param
from fastapi.routing import APIRoute

from protostar.db.patience import again
from protostar.errors import InvalidInput
from protostar.sse import EventStream

Handler = Callable[[Request], Coroutine[Any, Any, Response]]


class Route(APIRoute):
    """What only reads is begun anew where PostgreSQL broke off in the middle of it (RFC 9110, section 9.2.1).

    Programs are told of a query parameter that is not known: a misspelt one would narrow nothing. Links to pages may carry what
    others hang on them.
    """

    repeated: ClassVar[frozenset[str]] = frozenset({"GET", "HEAD"})

    def get_route_handler(self) -> Handler:
        handle = super().get_route_handler()
        if self.path.startswith("/v1/"):
            handle = _strict(handle, dict(_query_parameters(self.dependant)))
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


def _strict(handle: Handler, known: Mapping[str, bool]) -> Handler:
    """`known`: whether a parameter is one that the documentation names."""
    shown = sorted(name for name, is_named in known.items() if is_named)
    advice = f"Known are: {', '.join(shown)}." if shown else "None is known."

    async def handle_known(request: Request) -> Response:
        for name in request.query_params:
            if name not in known:
                raise InvalidInput(f"{name}: there is no such query parameter here. {advice}")
        return await handle(request)

    return handle_known


def _query_parameters(dependant: Dependant) -> Iterator[tuple[str, bool]]:
    for field in dependant.query_params:
        yield field.alias, isinstance(field.field_info, Param) and field.field_info.include_in_schema
    for each in dependant.dependencies:
        yield from _query_parameters(each)
