"""A stand-in for `protostar serve` and its children, with the real servers: `standin.py serve | api | worker | migrate`.

`serve` is the real one apart from the command that it runs for the others. The API answers `/health/ready`.
"""

import asyncio
import sys
from contextlib import AsyncExitStack

from protostar.embedded.listening import inherited
from protostar.embedded.parent import parent_gone


async def _answer(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
    await writer.drain()
    writer.close()


async def _api() -> None:
    async with AsyncExitStack() as stack:
        for each in inherited() or []:
            await stack.enter_async_context(await asyncio.start_server(_answer, sock=each))
        await parent_gone()


def _serve() -> None:
    from protostar.cli import main, serve  # noqa: PLC0415 - the other processes are small

    serve.PROGRAM = (sys.executable, __file__)
    main.app()


if __name__ == "__main__":
    what = sys.argv[1]
    if what == "serve":
        _serve()
    elif what == "api":
        asyncio.run(_api())
    elif what == "worker":
        asyncio.run(parent_gone())
