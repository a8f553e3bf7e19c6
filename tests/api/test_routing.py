"""What is only read is read again where PostgreSQL broke off in the middle."""

from contextlib import suppress
from typing import Any

import asyncpg
import pytest
from fastapi import FastAPI

from protostar.errors import DatabaseUnavailable
from protostar.routing import Router


@pytest.mark.parametrize(("method", "calls"), [("GET", 2), ("HEAD", 2), ("POST", 1), ("DELETE", 1)])
async def test_reading_is_repeated_and_nothing_else(method: str, calls: int) -> None:
    app, router = FastAPI(), Router()
    called = 0

    @router.get("/it")
    @router.post("/it")
    @router.delete("/it")
    async def it() -> int:  # pyright: ignore[reportUnusedFunction]
        nonlocal called
        called += 1
        if called == 1:
            raise DatabaseUnavailable from asyncpg.ConnectionDoesNotExistError()
        return called

    app.include_router(router)
    scope = {"type": "http", "method": method, "path": "/it", "raw_path": b"/it", "query_string": b"", "headers": []}

    async def receive() -> Any:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(_message: Any) -> None:
        pass

    with suppress(DatabaseUnavailable):
        await app(scope, receive, send)
    assert called == calls
