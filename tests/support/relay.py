"""A way to PostgreSQL that can be closed and opened again, as a server that restarts: who was connected is cut off."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Protocol, TypeVar

from sqlalchemy import make_url


class Serving(Protocol):
    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None: ...


Proxy = TypeVar("Proxy", bound=Serving)


class Relay:
    """`knocks` counts the connections that were asked for, also while it is closed: then they are cut at once."""

    def __init__(self, target: Path) -> None:
        self.knocks = 0
        self._target = target
        self._open = True
        self._through: set[asyncio.StreamWriter] = set()

    def close(self) -> None:
        """Cut all connections off, and let nobody through."""
        self._open = False
        for writer in self._through:
            writer.transport.abort()

    def open(self) -> None:
        self._open = True

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.knocks += 1
        if not self._open:
            writer.transport.abort()
            return
        server_reader, server_writer = await asyncio.open_unix_connection(self._target)
        ends = {writer, server_writer}
        self._through |= ends
        try:
            await asyncio.gather(_pass(reader, server_writer), _pass(server_reader, writer))
        except ConnectionError:
            pass
        finally:
            self._through -= ends
            for end in ends:
                end.close()


async def _pass(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while passed := await reader.read(65536):
        writer.write(passed)
        await writer.drain()
    raise ConnectionResetError  # one side has left: so does the other


@asynccontextmanager
async def placed_before(url: str, folder: Path, make: Callable[[Path], Proxy]) -> AsyncGenerator[tuple[Proxy, str]]:
    """What `make` makes of the socket of the server at `url`, and its own URL.

    Its own socket lies in `folder`, whose path must be short.
    """
    place = make_url(url)
    name = f".s.PGSQL.{place.query['port']}"
    proxy = make(Path(str(place.query["host"])) / name)
    server = await asyncio.start_unix_server(proxy.serve, folder / name)
    try:
        yield proxy, place.update_query_dict({"host": str(folder)}).render_as_string(hide_password=False)
    finally:
        server.close()
        with suppress(TimeoutError):
            async with asyncio.timeout(5):
                await server.wait_closed()
