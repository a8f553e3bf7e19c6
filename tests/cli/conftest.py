"""The real command line in a process of its own, against a stand-in for the API."""

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from tests.cli.fake_api import KEY, FakeApi


@dataclass
class Result:
    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


class Cli:
    """`await cli("search", "x")` runs `python -m protostar search x` in an empty folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        kept = {name: value for name, value in os.environ.items() if not name.startswith("PROTOSTAR_")}
        self.env = {**kept, "PYTHONWARNINGS": "default"}

    async def start(self, *arguments: str, prefix: Sequence[str] = (), **options: Any) -> asyncio.subprocess.Process:
        pipes = dict.fromkeys(("stdin", "stdout", "stderr"), asyncio.subprocess.PIPE)
        return await asyncio.create_subprocess_exec(
            *prefix, sys.executable, "-m", "protostar", *arguments, cwd=self.folder, env=self.env, **pipes | options
        )

    async def __call__(self, *arguments: str, stdin: str = "") -> Result:
        process = await self.start(*arguments)
        out, err = await process.communicate(stdin.encode())
        assert process.returncode is not None
        return Result(process.returncode, out.decode(), err.decode())


@pytest.fixture
def cli(tmp_path: Path) -> Cli:
    folder = tmp_path / "cwd"
    folder.mkdir()
    return Cli(folder)


@pytest.fixture
async def api(cli: Cli) -> AsyncIterator[FakeApi]:
    """A running stand-in that `cli` knows."""
    fake = FakeApi()
    runner = web.AppRunner(fake.app(), shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    fake.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    cli.env |= {"PROTOSTAR_URL": fake.url, "PROTOSTAR_KEY": KEY}
    yield fake
    await runner.cleanup()
