"""A proxy before PostgreSQL's socket that lets commits through and loses what the server says to them."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from itertools import count
from pathlib import Path

from sqlalchemy import make_url

COMMIT = b"COMMIT;\0"


@dataclass
class Severing:
    """`every`: which commits lose their reply, the third, sixth, … for 3; 0 for none. `lost` counts them."""

    target: Path
    every: int = 0
    lost: int = 0

    def __post_init__(self) -> None:
        self._commits = count(1)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        server_reader, server_writer = await asyncio.open_unix_connection(self.target)
        losing = asyncio.Event()
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._ask(reader, server_writer, losing))
                group.create_task(self._answer(server_reader, writer, losing))
        except* (ConnectionError, EOFError):
            pass
        finally:
            for end in (writer, server_writer):
                end.close()

    async def _ask(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, losing: asyncio.Event) -> None:
        while asked := await reader.read(65536):
            if COMMIT in asked and self.every and next(self._commits) % self.every == 0:
                losing.set()
            writer.write(asked)
            await writer.drain()
        raise EOFError

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, losing: asyncio.Event) -> None:
        while answered := await reader.read(65536):
            if losing.is_set():
                self.lost += 1
                raise ConnectionAbortedError
            writer.write(answered)
            await writer.drain()
        raise EOFError


@asynccontextmanager
async def severing(url: str, folder: Path) -> AsyncGenerator[tuple[Severing, str]]:
    """The proxy before the server at `url`, and the URL of the proxy, whose socket lies in `folder`."""
    place = make_url(url)
    name = f".s.PGSQL.{place.query['port']}"
    proxy = Severing(Path(str(place.query["host"])) / name)
    server = await asyncio.start_unix_server(proxy.serve, folder / name)
    try:
        yield proxy, place.update_query_dict({"host": str(folder)}).render_as_string(hide_password=False)
    finally:
        server.close()
        with suppress(TimeoutError):
            async with asyncio.timeout(5):
                await server.wait_closed()
