"""`protostar serve`: the whole service on one machine. Settings without a URL get an embedded server.

This process only starts and watches the others, so it imports none of what they need.
"""

import asyncio
import json
import os
import secrets
import socket
import sys
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from signal import SIGHUP, SIGINT, SIGTERM, Signals

import structlog
import typer

from protostar.access.keys import hash_key
from protostar.access.tickets import TICKET_TTL, make_ticket
from protostar.cli.display import complain, stdout
from protostar.config import PREFIX, Settings, load_settings
from protostar.embedded import listening
from protostar.embedded.folder import hold, make_folder, write_private
from protostar.embedded.postgres import start_postgres
from protostar.embedded.redis import start_redis
from protostar.embedded.supervisor import Service, Supervisor
from protostar.errors import ConfigurationError
from protostar.telemetry import configure_logging

log = structlog.get_logger()

PROGRAM = (sys.executable, "-P", "-m", "protostar")

_SAME_SIGNAL = 0.5  # seconds; `make` passes on the SIGTERM that its whole group got

KEY_LENGTH = 16
"""Shortest admin key, as the settings have it."""


def serve(host: str | None, port: int | None, data_dir: Path | None) -> None:
    """Run the whole service until it is stopped. What is not None stands in place of the setting."""
    given = {"host": host, "port": port, "data_dir": data_dir}
    settings = load_settings(**{name: value for name, value in given.items() if value is not None})
    configure_logging(settings.log_format, settings.log_level)
    try:
        asyncio.run(run_stack(settings, PROGRAM))
    except asyncio.CancelledError:
        return
    except ConfigurationError as error:
        complain(str(error))
        raise typer.Exit(1) from None


async def run_stack(settings: Settings, program: Sequence[str]) -> None:
    """Run everything until SIGINT, SIGTERM or SIGHUP, then raise CancelledError; a second one kills at once.

    `program` is a command that knows `migrate`, `worker` and `api`. Raises ConfigurationError when the stack cannot start.
    """
    supervisor = Supervisor()
    _stop_on_signals(supervisor)
    data = make_folder(settings.data_dir)
    async with hold(data) as lock, supervisor, AsyncExitStack() as stack:
        supervisor.inherit(lock.descriptor)
        sockets = _listen(settings)
        for each in sockets:
            stack.callback(each.close)  # before anything is stopped: who comes then is refused instead of waiting for nobody
        address = Address(settings.host, sockets[0].getsockname()[1])
        lock.announce(address.url)
        local = data / "local.json"
        local.unlink(missing_ok=True)  # of a killed one
        key = _admin_key(settings, data)
        environment = await _environment(supervisor, settings, data, address, key)
        await _start_processes(supervisor, program, environment, address, sockets)
        write_private(local, json.dumps({"url": address.url, "key": key.text}))
        _welcome(address, data, key)
        try:
            await supervisor.wait()
        finally:
            local.unlink(missing_ok=True)


def _stop_on_signals(supervisor: Supervisor) -> None:
    task = asyncio.current_task()
    assert task is not None  # noqa: S101 - always called in one
    loop = asyncio.get_running_loop()
    began = 0.0

    def stop(number: Signals) -> None:
        nonlocal began
        if not task.cancelling():
            began = loop.time()
            log.info("stopping", reason=number.name)
            task.cancel()
        elif number is not SIGTERM or loop.time() - began > _SAME_SIGNAL:
            supervisor.kill()
            os._exit(1)

    for number in (SIGINT, SIGTERM, SIGHUP):
        loop.add_signal_handler(number, stop, number)


@dataclass(frozen=True)
class Address:
    """Where the API listens."""

    host: str
    port: int

    @property
    def reachable(self) -> str:
        """The host for a client on this machine: nobody connects to «all addresses»."""
        return {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}.get(self.host, self.host)  # noqa: S104 - not listening

    @property
    def url(self) -> str:
        host = f"[{self.reachable}]" if ":" in self.reachable else self.reachable
        return f"http://{host}:{self.port}"

    async def is_ready(self, _pid: int) -> bool:
        """Whether `/health/ready` answers 200."""
        with suppress(OSError, TimeoutError):
            async with asyncio.timeout(5):
                reader, writer = await asyncio.open_connection(self.reachable, self.port)
                try:
                    writer.write(b"GET /health/ready HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
                    return b" 200 " in await reader.readline()
                finally:
                    writer.close()
        return False


async def _start_processes(
    supervisor: Supervisor,
    program: Sequence[str],
    environment: Mapping[str, str],
    address: Address,
    sockets: Sequence[socket.socket],
) -> None:
    """All at once: most of a start is spent on imports, and whoever is early waits for the migration."""
    api = Service(
        "api",
        [*program, "api"],
        {**environment, **listening.environment(sockets)},
        descriptors=listening.descriptors(sockets),
        ready=address.is_ready,
    )

    async def migrate() -> None:
        if await supervisor.run(Service("migrate", [*program, "migrate", "--wait"], environment)) != 0:
            raise ConfigurationError("The database could not be migrated; the reason is above.")

    try:
        async with asyncio.TaskGroup() as group:
            group.create_task(migrate())
            group.create_task(supervisor.start(Service("worker", [*program, "worker"], environment)))
            group.create_task(supervisor.start(api))
    except ExceptionGroup as errors:  # up to Python 3.11.3, what a block of `except*` raises is wrapped once more
        raise next((error for error in errors.exceptions if isinstance(error, ConfigurationError)), errors) from None


def _listen(settings: Settings) -> list[socket.socket]:
    """What the API listens on, from now on and whether or not it runs; port 0 becomes a free one.

    Raises ConfigurationError that names the setting.
    """
    try:
        return listening.listen(settings.host, settings.port)
    except OSError as error:
        raise ConfigurationError(
            f"Nothing can listen on port {settings.port} of {settings.host} ({error.strerror}): stop what does, or set "
            "PROTOSTAR_PORT to another port (0 picks a free one) or PROTOSTAR_HOST to an address of this machine."
        ) from error


@dataclass(frozen=True)
class AdminKey:
    text: str
    file: Path | None
    """Where it is kept; None if a setting gives it."""
    new: bool = False


def _admin_key(settings: Settings, data: Path) -> AdminKey:
    if settings.admin_key is not None:
        return AdminKey(settings.admin_key.get_secret_value(), None)
    file = data / "admin.key"
    if not file.exists():
        write_private(file, secrets.token_hex(24) + "\n")
        return AdminKey(file.read_text(encoding="ascii").strip(), file, new=True)
    text = file.read_text(encoding="utf-8", errors="replace").strip()
    if len(text) < KEY_LENGTH:
        raise ConfigurationError(f"{file} holds no key of at least {KEY_LENGTH} characters: remove it to get a new one.")
    return AdminKey(text, file)


async def _environment(
    supervisor: Supervisor, settings: Settings, data: Path, address: Address, key: AdminKey
) -> Mapping[str, str]:
    """Start the embedded servers that are needed; what the other processes are to know."""
    chosen = {
        "DATA_DIR": str(data),
        "HOST": settings.host,
        "PORT": str(address.port),
        "ADMIN_KEY": key.text,
        "WORKER_GRACE": "0.6",  # Ctrl-C stops everything within five seconds; unfinished jobs are given back
    }
    if settings.database_url is None:
        chosen["DATABASE_URL"] = await start_postgres(supervisor, data)
    if settings.redis_url is None and (url := await start_redis(supervisor, data)) is not None:
        chosen["REDIS_URL"] = url
    return {**os.environ, **{PREFIX + name: value for name, value in chosen.items()}}


def _welcome(address: Address, data: Path, key: AdminKey) -> None:
    ticket = make_ticket(hash_key(key.text))
    minutes = round(TICKET_TTL.total_seconds() / 60)
    lines = [
        f"Protostar is at {address.url}",
        f"Sign in, once within {minutes} minutes: {address.url}/login?ticket={ticket}",
        f"API and its documentation: {address.url}/docs",
        f"Data folder: {data}",
    ]
    if key.new:
        lines.append(f"Admin key, shown this once: {key.text}")
    lines.append(f"The admin key is kept in {key.file}" if key.file else "The admin key is the one of PROTOSTAR_ADMIN_KEY")
    stdout().print("\n".join(lines), soft_wrap=True)
