"""The data folder: its lock, its private files, and a place for sockets."""

import asyncio
import errno
import fcntl
import hashlib
import json
import os
import re
import stat
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

import structlog

from protostar.errors import ConfigurationError
from protostar.temporary import temporary_folder

log = structlog.get_logger()

PATIENCE = 15.0
"""Seconds to wait for the lock: the stack that holds it may be dying, which takes ten at most."""

SOCKET_NAME_BYTES = 103
"""Longest name of a socket on macOS; 107 on Linux."""

LONGEST_SOCKET = "/.s.PGSQL.5432"


class Lock:
    """The held lock of a data folder. Every process that inherits `descriptor` holds it too, until the last one is gone."""

    def __init__(self, descriptor: int) -> None:
        self.descriptor = descriptor

    def announce(self, url: str | None = None) -> None:
        """Tell whoever waits for the lock which process holds it, since when, and where it listens."""
        holder = {"pid": os.getpid(), "since": datetime.now(UTC).astimezone().isoformat(timespec="seconds"), "url": url}
        os.ftruncate(self.descriptor, 0)
        os.pwrite(self.descriptor, json.dumps(holder).encode(), 0)


def make_folder(path: Path) -> Path:
    """Make a folder for this account alone (mode 0700), if it is not there, and return its absolute path."""
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not os.access(path, os.R_OK | os.W_OK | os.X_OK):
            raise PermissionError(errno.EACCES, "it belongs to another account, or its disk may only be read")
    except OSError as error:
        raise ConfigurationError(f"The folder {path} cannot be used: {error.strerror}.") from error
    return path.resolve()


def hand_over(folder: Path, user: int, group: int = -1) -> None:
    """Give root's folder to the account of a server that does not run as root."""
    try:
        os.chown(folder, user, group)
    except OSError as error:
        raise ConfigurationError(
            f"{folder} cannot be given to the account of PostgreSQL, which does not run as root ({error.strerror}): start "
            "Protostar as an ordinary user."
        ) from error


@asynccontextmanager
async def hold(data: Path, patience: float = PATIENCE) -> AsyncGenerator[Lock]:
    """Lock the data folder; the lock outlives this block in the processes that inherited it.

    Raises ConfigurationError that says who holds it, after `patience` seconds.
    """
    try:
        descriptor = os.open(data / "lock", os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise ConfigurationError(f"The lock of {data} cannot be opened: {error.strerror}.") from error
    try:
        await _acquire(descriptor, data, patience)
        lock = Lock(descriptor)
        lock.announce()
        yield lock
    finally:
        os.close(descriptor)


async def _acquire(descriptor: int, data: Path, patience: float) -> None:
    loop = asyncio.get_running_loop()
    deadline = loop.time() + patience
    waits = False
    while not _try_lock(descriptor):
        if loop.time() >= deadline:
            raise ConfigurationError(_held_by(descriptor, data))
        if not waits:
            log.info("data_folder_in_use", folder=str(data), waiting_seconds=patience)
            waits = True
        await asyncio.sleep(0.1)


def _try_lock(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _held_by(descriptor: int, data: Path) -> str:
    try:
        holder = json.loads(os.pread(descriptor, 4096, 0))
        who = f"process {holder['pid']}, since {holder['since']}, at {holder['url'] or 'no address yet'}"
    except (ValueError, KeyError, TypeError):
        who = "its holder has not said who it is"
    return f"Another Protostar holds the data folder {data} ({who}). Stop it, or set PROTOSTAR_DATA_DIR to a folder of its own."


def socket_folder(data: Path, name: str, owner: int | None = None) -> Path:
    """A folder that only one account may enter, whose path is plain and short enough to name sockets in.

    That is `<name>.run` in the data folder where possible, else one in the temporary folder. $XDG_RUNTIME_DIR is no choice: it
    goes at log-out, and `serve` may live longer. `owner` is another account's number, where root hands the folder over.
    """
    folder = data / f"{name}.run"
    if not _can_name_sockets(folder):
        digest = hashlib.sha256(os.fsencode(data)).hexdigest()[:12]
        folder = temporary_folder() / f"protostar-{digest}.{name}"
    if not _can_name_sockets(folder):
        raise ConfigurationError(f"The path {folder} is too long for sockets: set TMPDIR to a folder with a short, plain path.")
    make_folder(folder)
    found = folder.lstat()
    # In a shared temporary folder, somebody else may have been first.
    if not stat.S_ISDIR(found.st_mode) or found.st_mode & 0o077 or found.st_uid not in {os.geteuid(), owner}:
        raise ConfigurationError(f"The folder {folder} is not private: remove it, and start again.")
    if owner is not None:
        hand_over(folder, owner)
    return folder


def _can_name_sockets(folder: Path) -> bool:
    """Short enough, and without anything that PostgreSQL's settings or a URL would want quoted."""
    name = str(folder) + LONGEST_SOCKET
    return len(name) <= SOCKET_NAME_BYTES and re.fullmatch(r"[A-Za-z0-9/._+-]+", name) is not None


def write_private(path: Path, text: str) -> None:
    """Replace a file by one that only this account may read (mode 0600), at once."""
    draft = path.with_name(f".{path.name}.new")
    draft.unlink(missing_ok=True)
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
    draft.replace(path)
