"""Waiting for something to become true, instead of sleeping."""

import asyncio
import inspect
from collections.abc import Awaitable, Callable
from typing import Any

import psutil


async def wait_until(
    predicate: Callable[[], Any | Awaitable[Any]],
    timeout: float = 10,
    *,
    what: str = "",
) -> Any:
    """Poll until `predicate` (a function, also an async one) returns something true, and return that.

    Raises AssertionError that says what did not happen in `timeout` seconds.
    """
    loop = asyncio.get_running_loop()
    deadline = loop.time() + timeout
    while True:
        found = predicate()
        if inspect.isawaitable(found):
            found = await found
        if found:
            return found
        if loop.time() > deadline:
            raise AssertionError(f"not within {timeout:g} s: {what or inspect.getsource(predicate).strip()}")
        await asyncio.sleep(0.02)


def is_gone(process: psutil.Process) -> bool:
    """Whether it has ended; a zombie has. It may vanish while it is asked."""
    try:
        return not process.is_running() or process.status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True
