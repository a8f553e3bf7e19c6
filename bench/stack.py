"""The product as a user runs it: `protostar serve` in a temporary folder, and the stand-in model server, each a process."""

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import aiohttp

from bench.load import BenchError
from bench.measure import Processes, costs, is_running
from protostar.embedded.parent import VARIABLE

REPOSITORY = Path(__file__).parent.parent
DIMENSIONS = 1536
ANSWER_TOKENS = 40

_START_SECONDS = 120.0
_STOP_SECONDS = 15.0


@dataclass(frozen=True, slots=True)
class Stack:
    """`http` sends the admin key; `models` is the base URL of the stand-in."""

    http: aiohttp.ClientSession
    models: str
    processes: Processes
    started: dict[str, Any]
    folder: Path
    database_url: str

    async def new_space(self, name: str) -> dict[str, str]:
        """Headers for requests to a fresh, empty space, with a key of its own as its owner would use."""
        space = await self.ask("POST", "/v1/spaces", json={"name": name})
        key = await self.ask("POST", f"/v1/spaces/{space['id']}/keys", json={"name": "bench", "role": "manage"})
        return {"Authorization": f"Bearer {key['key']}"}

    async def ask(self, method: str, path: str, **request: Any) -> Any:
        """The JSON of a response. Raises BenchError for anything but success."""
        async with self.http.request(method, path, **request) as response:
            body = await response.read()
            if not response.ok:
                raise BenchError(f"{method} {path}: {response.status} {body.decode(errors='replace')[:300]}")
            return json.loads(body) if body else None

    async def idle(self, seconds: float = 600) -> None:
        """Until no job waits or runs."""

        await until(partial(is_idle, self.ask), seconds, "the last job ends", interval=0.5)


async def is_idle(ask: Callable[..., Awaitable[Any]]) -> bool:
    """Whether no job waits or runs, as a server tells whom `ask` asks with a method, a path and `params`."""
    for state in ("running", "queued"):
        if (await ask("GET", "/v1/jobs", params={"state": state, "limit": 1}))["items"]:
            return False
    return True


async def until(predicate: Callable[[], Any], seconds: float, what: str, interval: float = 0.2) -> None:
    """Poll an async predicate. Raises BenchError after `seconds`."""
    deadline = asyncio.get_running_loop().time() + seconds
    while not await predicate():
        if asyncio.get_running_loop().time() > deadline:
            raise BenchError(f"Not within {seconds:g} s: {what}.")
        await asyncio.sleep(interval)


@asynccontextmanager
async def running_stack(*, max_upload_bytes: int, more: Mapping[str, str] | None = None) -> AsyncGenerator[Stack]:
    """Everything started; all of it stopped, and the folder removed, at the end of the block. `more`: settings of the product.

    A signal to end cancels the caller's task.
    """
    task = asyncio.current_task()
    assert task is not None
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, task.cancel)
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="protostar-bench-")))
        port = free_port()
        models = f"http://127.0.0.1:{port}"
        command = [sys.executable, "-m", "bench.models", str(port), str(DIMENSIONS)]
        path = environment({"PYTHONPATH": str(REPOSITORY)})
        server = await stack.enter_async_context(process(command, folder, path, folder / "models.log"))
        await until_answers(f"{models}/control", server)
        settings = _settings(folder / "data", models, max_upload_bytes, more or {})
        command = [sys.executable, "-P", "-m", "protostar", "serve"]
        with costs(Processes({os.getpid(): "client"})) as start:
            serve = await stack.enter_async_context(process(command, folder, settings, folder / "serve.log"))
            local = await _local(folder / "data" / "local.json", serve)
        processes = Processes({serve.pid: "serve", server.pid: "models", os.getpid(): "client"})
        headers = {"Authorization": f"Bearer {local['key']}"}
        timeout = aiohttp.ClientTimeout(total=900)
        http = await stack.enter_async_context(aiohttp.ClientSession(local["url"], headers=headers, timeout=timeout))
        started = {"ready_seconds": start.wall, "idle_pss_mib": processes.memory()[0]}
        yield Stack(http, models, processes, started, folder, _database_url(processes))


@asynccontextmanager
async def another(stack: Stack, command: str, name: str, changed: Mapping[str, str]) -> AsyncGenerator[subprocess.Popen[bytes]]:
    """A further `protostar api` or `worker` on the servers of the running stack. `changed`: settings that differ."""
    given = _environment_of(stack.processes.by_role()["api"][0].pid)
    settings = given | {f"PROTOSTAR_{setting}": value for setting, value in changed.items()}
    program = [sys.executable, "-P", "-m", "protostar", command]
    async with process(program, stack.folder, settings, stack.folder / f"{name}.log") as started:
        yield started


async def until_open(port: int) -> None:
    """Until something listens there."""

    async def listens() -> bool:
        with suppress(OSError):
            _, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.close()
            return True
        return False

    await until(listens, _START_SECONDS, f"port {port} is open")


def _environment_of(pid: int) -> dict[str, str]:
    """Less what would make a process end with that one's parent."""
    lines = Path(f"/proc/{pid}/environ").read_text(errors="replace").split("\0")
    return {name: value for name, found, value in (line.partition("=") for line in lines) if found and name != VARIABLE}


def _settings(data: Path, models: str, max_upload_bytes: int, more: Mapping[str, str]) -> dict[str, str]:
    chosen = {
        "DATA_DIR": str(data),
        "PORT": "0",
        "LOG_FORMAT": "json",
        "MAX_UPLOAD_BYTES": str(max_upload_bytes),
        "CHAT_BASE_URL": f"{models}/v1",
        "CHAT_MODEL": "chat",
        "EMBEDDING_BASE_URL": f"{models}/v1",
        "EMBEDDING_MODEL": "embed",
        "EMBEDDING_DIMENSIONS": str(DIMENSIONS),
        **more,
    }
    return environment({f"PROTOSTAR_{name}": value for name, value in chosen.items()})


def environment(more: Mapping[str, str]) -> dict[str, str]:
    """Ours without anybody's settings of the product; the working folder has no `.env` either."""
    return {name: value for name, value in os.environ.items() if not name.startswith("PROTOSTAR_")} | dict(more)


@asynccontextmanager
async def process(
    command: list[str], folder: Path, environment: Mapping[str, str], log: Path
) -> AsyncGenerator[subprocess.Popen[bytes]]:
    """A process in a session of its own, so that Ctrl-C reaches this program alone, which then stops it in order."""
    with log.open("wb") as output:
        process = subprocess.Popen(  # noqa: ASYNC220 - it only forks
            command, cwd=folder, env=environment, stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True
        )
    try:
        yield process
    except BenchError as error:
        error.add_note(_last_words(log))
        raise
    finally:
        family = Processes({process.pid: log.stem}).running()
        process.send_signal(signal.SIGTERM)
        try:
            await asyncio.to_thread(process.wait, _STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            await asyncio.to_thread(process.wait)
        await _end(family)


async def until_answers(url: str, process: subprocess.Popen[bytes]) -> None:
    async with aiohttp.ClientSession() as http:

        async def answers() -> bool:
            _check_runs(process)
            with suppress(aiohttp.ClientError):
                async with http.get(url) as response:
                    return response.ok
            return False

        await until(answers, _START_SECONDS, f"{url} answers", interval=0.05)


async def _local(path: Path, process: subprocess.Popen[bytes]) -> dict[str, str]:
    """Address and key, which `serve` writes when everything is ready."""

    local: dict[str, str] = {}

    async def written() -> bool:
        _check_runs(process)
        with suppress(FileNotFoundError):
            local.update(_read_json(path))
        return bool(local)

    await until(written, _START_SECONDS, "«protostar serve» is ready", interval=0.02)
    return local


def _read_json(path: Path) -> dict[str, str]:
    return json.loads(path.read_text(encoding="utf-8"))


def _last_words(log: Path) -> str:
    return "\n".join(log.read_text(errors="replace").splitlines()[-15:])


def _check_runs(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is not None:
        raise BenchError(f"{process.args} ended with status {process.returncode}.")


async def _end(family: set[tuple[int, int]]) -> None:
    """Whatever outlived its parent gets a moment, and is then killed."""
    for _ in range(100):
        family = {process for process in family if is_running(*process)}
        if not family:
            return
        await asyncio.sleep(0.1)
    for pid, _began in family:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def _database_url(processes: Processes) -> str:
    """Of the embedded PostgreSQL, as its command line tells its socket."""
    for process in processes.by_role()["postgres"]:
        words = Path(f"/proc/{process.pid}/cmdline").read_text(errors="replace").split("\0")
        for word in words:
            if word.startswith("unix_socket_directories="):
                return f"postgresql://postgres@/protostar?host={word.partition('=')[2]}&port=5432"
    raise BenchError("PostgreSQL does not tell its socket.")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
