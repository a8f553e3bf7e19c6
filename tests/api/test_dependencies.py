"""What stands before an endpoint runs on the event loop."""

import importlib
import inspect
import pkgutil
from collections.abc import Iterator

from fastapi import APIRouter
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute

import protostar


def _routers() -> Iterator[APIRouter]:
    for module in pkgutil.walk_packages(protostar.__path__, "protostar."):
        if ".migrations" not in module.name and module.name != "protostar.__main__":
            yield from (value for value in vars(importlib.import_module(module.name)).values() if isinstance(value, APIRouter))


def _calls(dependant: Dependant) -> Iterator[object]:
    yield dependant.call
    for each in dependant.dependencies:
        yield from _calls(each)


def test_nothing_is_handed_to_a_thread_to_be_looked_up() -> None:
    """FastAPI runs a plain function in a thread: under load each hop waited for the interpreter's lock."""
    routes = {id(route): route for router in _routers() for route in router.routes if isinstance(route, APIRoute)}
    assert len(routes) > 60
    called = {call for route in routes.values() for call in _calls(route.dependant)}
    plain = [call for call in called if not any(map(inspect.iscoroutinefunction, (call, type(call).__call__)))]
    assert plain == []
