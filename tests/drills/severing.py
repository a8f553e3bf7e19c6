"""A proxy before PostgreSQL's socket that lets commits through and loses what the server says to them."""

import asyncio
from dataclasses import dataclass
from itertools import count
from pathlib import Path

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
