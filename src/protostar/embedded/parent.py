"""How a child process of `serve` learns that its parent is gone."""

import asyncio
import os
import threading
import time

VARIABLE = "PROTOSTAR_PARENT_PIPE"
"""Names the descriptor of a pipe that nobody writes to: it ends with the parent, even after kill -9."""

GRACE = 8.0
"""Seconds to shut down in once the parent is gone; then the process is ended whatever it does."""


async def parent_gone() -> None:
    """Return when the parent is gone; never, for a process that was not started by `serve`. Await it once.

    The caller shuts down then. It has `GRACE` seconds: the watching thread works for a blocked event loop too.
    """
    loop = asyncio.get_running_loop()
    gone = asyncio.Event()
    number = os.environ.get(VARIABLE)
    if number is not None:
        os.set_inheritable(int(number), False)
        arguments = (int(number), loop, gone)
        threading.Thread(target=_watch, args=arguments, name="parent", daemon=True).start()
    await gone.wait()


def _watch(pipe: int, loop: asyncio.AbstractEventLoop, gone: asyncio.Event) -> None:
    os.read(pipe, 1)
    if not loop.is_closed():
        loop.call_soon_threadsafe(gone.set)
    time.sleep(GRACE)
    os._exit(1)
