"""The product as processes: APIs, workers and a model server, each of which can be killed, frozen and started again."""

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

import aiohttp
import psutil
from tests.support.stack import ADMIN_KEY
from tests.support.waiting import wait_until

ROOT = Path(__file__).parents[2]
PRODUCT = (sys.executable, "-m", "protostar")
START_SECONDS = 60  # of a machine that has other things to do
STOP_SECONDS = 30

SETTINGS = {
    "CHAT_MODEL": "chat",
    "CHAT_FIRST_TOKEN_TIMEOUT": "3",
    "CHAT_IDLE_TIMEOUT": "2",
    "EMBEDDING_MODEL": "embed",
    "EMBEDDING_BATCH_SIZE": "4",
    "EMBEDDING_CONCURRENCY": "2",
    "EMBEDDING_BATCH_TIMEOUT": "5",
    "WORKER_LEASE": "3",
    "WORKER_GRACE": "2",
    "ANSWER_LEASE": "3",
    "ANSWER_DEADLINE": "60",
    "LOG_FORMAT": "json",
}
"""Short leases and time-outs, so that what takes minutes in production takes seconds here."""


def free_port() -> int:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Process:
    """A command that is started any number of times; what it prints is kept in `<name>.log`."""

    def __init__(self, name: str, command: Sequence[str], environment: Mapping[str, str], folder: Path) -> None:
        self.name = name
        self._command = command
        self.environment = dict(environment)
        self._folder = folder
        self._log = folder / f"{name}.log"
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def is_alive(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def start(self) -> None:
        assert not self.is_alive
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                self._command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env={**os.environ, **self.environment},
                cwd=self._folder,
                start_new_session=True,
            )

    def signal(self, number: signal.Signals) -> None:
        assert self._process is not None
        self._process.send_signal(number)

    async def kill(self) -> None:
        """kill -9, of this process alone."""
        self.signal(signal.SIGKILL)
        await self.ended()

    async def terminate(self) -> int:
        self.signal(signal.SIGTERM)
        return await self.ended()

    def freeze(self) -> None:
        self.signal(signal.SIGSTOP)

    def thaw(self) -> None:
        self.signal(signal.SIGCONT)

    async def ended(self) -> int:
        """Its exit status, once it has ended."""
        assert self._process is not None
        await wait_until(lambda: not self.is_alive, STOP_SECONDS, what=f"{self.name} ends")
        return self._process.wait()

    async def stop(self) -> None:
        """End it in order, or at all."""
        if not self.is_alive:
            return
        self.thaw()
        try:
            await self.terminate()
        except AssertionError:
            await self.kill()
            raise

    def printed(self) -> str:
        return self._log.read_text(encoding="utf-8", errors="replace") if self._log.exists() else ""

    def events(self) -> list[dict[str, Any]]:
        """What it logged."""
        lines = [line for line in self.printed().splitlines() if line.startswith("{")]
        events = []
        for line in lines:
            with suppress(ValueError):  # the last words of a killed one
                events.append(json.loads(line))
        return events


class Api(Process):
    def __init__(self, name: str, environment: Mapping[str, str], folder: Path) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        super().__init__(name, (*PRODUCT, "api"), {**environment, "PROTOSTAR_PORT": str(self.port)}, folder)

    async def answers(self, path: str = "/health/live") -> bool:
        assert self.is_alive, self.printed()[-2000:]
        try:
            async with aiohttp.ClientSession() as http, http.get(self.url + path) as response:
                return response.status == 200
        except (aiohttp.ClientError, OSError):
            return False

    async def up(self, path: str = "/health/live") -> None:
        """Start it where it does not run, and wait until it answers."""
        if not self.is_alive:
            self.start()
        await wait_until(lambda: self.answers(path), START_SECONDS, what=f"{self.name} answers {path}")


class Worker(Process):
    def __init__(self, name: str, environment: Mapping[str, str], folder: Path) -> None:
        super().__init__(name, (*PRODUCT, "worker"), environment, folder)

    async def up(self) -> None:
        """Start it where it does not run, and wait until it claims jobs."""
        if self.is_alive:
            return
        before = self._starts()
        self.start()
        await wait_until(lambda: self.is_alive and self._starts() > before, START_SECONDS, what=f"{self.name} claims jobs")

    def _starts(self) -> int:
        return self.printed().count('"worker_started"')


class Models(Process):
    """The stand-in model server. `pace`: of a server that takes its time."""

    pace = {"tokens": 60, "delay": 0.05, "first_token_delay": 0.2, "embedding_delay": 0.2}  # noqa: RUF012 - nobody changes it

    def __init__(self, folder: Path) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}/v1"
        super().__init__("models", (sys.executable, str(ROOT / "tests/drills/model_server.py"), str(self.port)), {}, folder)

    async def behave(self, **fields: Any) -> dict[str, Any]:
        """At the usual pace, and with the faults that `fields` name; returns the counts."""
        async with aiohttp.ClientSession() as http, http.post(self._control, json={**self.pace, **fields}) as response:
            assert response.status == 200, await response.text()
            return await response.json()

    async def counts(self) -> dict[str, Any]:
        async with aiohttp.ClientSession() as http, http.get(self._control) as response:
            return await response.json()

    @property
    def _control(self) -> str:
        return f"http://127.0.0.1:{self.port}/control"

    async def up(self) -> None:
        self.start()

        async def answers() -> bool:
            try:
                return bool(await self.counts())
            except (aiohttp.ClientError, OSError):
                return False

        await wait_until(answers, START_SECONDS, what="the model server answers")


@dataclass
class Installation:
    """What one drill runs. `folder` is everybody's working folder; `scratch` their temporary one."""

    folder: Path
    environment: dict[str, str]
    apis: list[Api] = field(default_factory=list)
    workers: list[Worker] = field(default_factory=list)

    @property
    def urls(self) -> list[str]:
        return [api.url for api in self.apis]

    @property
    def processes(self) -> list[Api | Worker]:
        return [*self.apis, *self.workers]

    @property
    def objects(self) -> Path:
        return self.folder / "data" / "objects"

    @property
    def scratch(self) -> Path:
        return self.folder / "scratch"

    async def up(self) -> Self:
        async with asyncio.TaskGroup() as group:
            for process in self.processes:
                group.create_task(process.up())
        return self

    async def stop(self) -> None:
        """End what still runs; raises when something does not end by itself."""
        outcomes = await asyncio.gather(*(process.stop() for process in self.processes), return_exceptions=True)
        for outcome in outcomes:
            if outcome is not None:
                raise outcome

    async def migrate(self, source: Path | None = None) -> None:
        """Bring the schema to where this version has it, or the one whose `source` is given."""
        migrate = Process("migrate", (*PRODUCT, "migrate"), self.environment, self.folder)
        if source is not None:
            migrate.environment["PYTHONPATH"] = str(source)
        migrate.start()
        assert await migrate.ended() == 0, migrate.printed()

    async def a_day_later(self) -> None:
        """Start a worker when everything is a day older, and stop it."""
        for folder in (self.scratch, self.objects):
            for path in folder.rglob("*"):
                os.utime(path, times=(time.time() - 25 * 3600,) * 2)
        await self.workers[0].up()
        await self.workers[0].stop()

    async def kill(self) -> None:
        """End all at once, whatever state they are in."""
        await asyncio.gather(*(process.kill() for process in self.processes if process.is_alive))
        for process in self.strays():
            with suppress(psutil.NoSuchProcess):
                process.kill()

    def strays(self) -> list[psutil.Process]:
        """Processes that were started below ours and outlived them."""
        ours = {process._process.pid for process in self.processes if process._process is not None and process.is_alive}
        return [process for process in psutil.process_iter() if process.pid not in ours and _runs_in(process, self.folder)]

    def faults(self) -> list[str]:
        """What nobody foresaw: errors that were logged, and tracebacks."""
        found = [
            f"{process.name}: {event['event']} {str(event.get('exception', ''))[-500:]}"
            for process in self.processes
            for event in process.events()
            if event.get("level") in ("error", "critical")
        ]
        return found + [f"{process.name} printed a traceback" for process in self.processes if "\nTraceback" in process.printed()]

    def told(self) -> str:
        """What a drill that failed wants to know: warnings, errors, and the last words of each process."""
        lines: list[str] = []
        for process in self.processes:
            events = [event for event in process.events() if event.pop("level", "info") != "info"]
            lines += [f"== {process.name}", *map(str, events[-80:]), process.printed()[-1000:]]
        return "\n".join(lines)


def _runs_in(process: psutil.Process, folder: Path) -> bool:
    try:
        return Path(process.cwd()) == folder and process.status() != psutil.STATUS_ZOMBIE
    except (psutil.Error, FileNotFoundError):
        return False


@asynccontextmanager
async def installed(folder: Path, settings: Mapping[str, str], *, apis: int, workers: int) -> AsyncGenerator[Installation]:
    """An installation of which nothing runs yet, in an existing folder; at the end none of it runs any more."""
    (folder / "scratch").mkdir()
    chosen = {**SETTINGS, "DATA_DIR": str(folder / "data"), "ADMIN_KEY": ADMIN_KEY, **settings}
    environment = {f"PROTOSTAR_{name}": value for name, value in chosen.items()} | {"TMPDIR": str(folder / "scratch")}
    installation = Installation(folder, environment)
    installation.apis = [Api(f"api-{number}", environment, folder) for number in range(1, apis + 1)]
    installation.workers = [Worker(f"worker-{number}", environment, folder) for number in range(1, workers + 1)]
    try:
        yield installation
    finally:
        await installation.kill()
