"""Run one server for as long as its parent lives. A script of the standard library alone, to stay small.

    python -I -S watchdog.py SPECIFICATION COMMAND…

Started in a session of its own, so that neither the terminal nor a signal to the foreground group reaches it. It forwards
SIGTERM, SIGINT and SIGQUIT to the server and ends with the server's exit status (128 + n after signal n). When the pipe
`PROTOSTAR_PARENT_PIPE` ends, the parent is gone: the server gets the signals of `stop`, one after the other, then SIGKILL.

The server and everything that it forks inherit a lock. Whoever gets that lock knows that no process of the server is left, so
a server whose watchdog was killed is found and taken down by the next one, without guessing from process numbers.
"""

import errno
import fcntl
import json
import os
import select
import signal
import sys
import time
from contextlib import suppress
from types import FrameType
from typing import TypedDict, cast

LOG_BYTES = 5 * 1024 * 1024
FORWARDED = (signal.SIGTERM, signal.SIGINT, signal.SIGQUIT)
CANNOT_RUN = 126
PARENT = "PROTOSTAR_PARENT_PIPE"


class Specification(TypedDict):
    """How to run a server; travels as JSON."""

    lock: str
    """File to lock; holds `<watchdog's pid> <server's pid>`."""
    log: str
    """File for what the server prints; becomes `<log>.1` when it is full."""
    folder: str
    """Working folder."""
    account: tuple[int, int] | None
    """User and group to become, for a server that refuses to run as root."""
    stop: list[tuple[int, float]]
    """(signal, seconds to wait for its effect), in order."""


class Log:
    """A file that is moved aside when it is full. A full disk loses lines, never the server."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._open()

    def _open(self) -> None:
        self._file = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        self._size = os.fstat(self._file).st_size

    def write(self, printed: bytes) -> None:
        with suppress(OSError):
            if self._size > LOG_BYTES:
                with suppress(FileNotFoundError):  # somebody has made room
                    os.replace(self._path, self._path + ".1")  # noqa: PTH105 - pathlib would double this process's imports
                os.close(self._file)
                self._open()
            self._size += os.write(self._file, printed)


def main() -> int:
    specification = cast("Specification", json.loads(sys.argv[1]))
    command = sys.argv[2:]
    parent = int(os.environ.pop(PARENT))
    signals = _signal_pipe()
    lock = _take_lock(specification)
    if lock is None:
        return CANNOT_RUN
    server, output = _spawn(specification, command, lock)
    os.ftruncate(lock, 0)
    os.pwrite(lock, f"{os.getpid()} {server}".encode(), 0)
    status = _watch(server, parent, output, signals, specification)
    return status if status >= 0 else 128 - status


def _signal_pipe() -> int:
    """A descriptor from which the numbers of received signals can be read."""
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    signal.set_wakeup_fd(writer)
    for number in (*FORWARDED, signal.SIGCHLD):
        signal.signal(number, _note)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    return reader


def _note(_number: int, _frame: FrameType | None) -> None:
    """A signal that has a handler is written to the pipe."""


def _take_lock(specification: Specification) -> int | None:
    """The locked file; a server that still runs without its watchdog is stopped first. None if it does not end."""
    lock = os.open(specification["lock"], os.O_RDWR | os.O_CREAT, 0o600)
    for number, seconds in [*specification["stop"], (signal.SIGKILL, 1.0)]:
        if _locked_within(lock, 0):
            return lock
        orphan = os.pread(lock, 64, 0).split()
        if len(orphan) == 2:
            with suppress(ProcessLookupError):
                os.kill(int(orphan[1]), number)
        if _locked_within(lock, seconds):
            return lock
    return None


def _locked_within(lock: int, seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while True:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() >= deadline:
                return False
            time.sleep(0.02)
        else:
            return True


def _spawn(specification: Specification, command: list[str], lock: int) -> tuple[int, int]:
    """Start the server; its process number and the pipe with its output."""
    output, writer = os.pipe()
    server = os.fork()
    if server == 0:
        try:
            _become(specification, command, lock, writer)
        except OSError as error:
            os.write(2, f"cannot run {command[0]}: {error.strerror}\n".encode())
        finally:
            os._exit(CANNOT_RUN)
    os.close(writer)
    return server, output


def _become(specification: Specification, command: list[str], lock: int, writer: int) -> None:
    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(writer, 1)
    os.dup2(writer, 2)
    os.set_inheritable(lock, True)
    os.closerange(3, lock)  # what we inherited ourselves is not the server's: the pipe, the lock of the data folder
    os.closerange(lock + 1, 256)
    os.chdir(specification["folder"])
    if specification["account"] is not None:
        _drop_privileges(*specification["account"])
    os.execve(command[0], command, dict(os.environ))  # noqa: S606 - a shell is not wanted


def _drop_privileges(user: int, group: int) -> None:
    """Become `user`, who may still enter every folder.

    The data folder and the installation often lie below a folder that only root may enter (/root, a temporary folder). Making
    those readable for everyone is not ours to do, so the server keeps one capability: to enter and read. Where there is none
    (macOS, a container without it), the folders must be open to `user`.
    """
    keeps = sys.platform == "linux" and _keep_capabilities()
    os.setgroups([])
    os.setgid(group)
    os.setuid(user)
    if keeps:
        _only_traverse()


def _keep_capabilities() -> bool:
    """Let setuid() leave the capabilities alone, and access() count them: PostgreSQL looks for its own files with it."""
    try:
        import ctypes  # noqa: PLC0415 - in the child only, as root only
    except ImportError:
        return False
    pr_set_securebits, no_setuid_fixup = 28, 1 << 2
    return ctypes.CDLL(None).prctl(pr_set_securebits, no_setuid_fixup, 0, 0, 0) == 0


def _only_traverse() -> None:
    """Give up all capabilities but the weakest one that there is to enter folders; programs that are run inherit it."""
    import ctypes  # noqa: PLC0415 - as above

    libc = ctypes.CDLL(None)
    pr_cap_ambient, raise_it, version_3 = 47, 2, 0x20080522
    header = (ctypes.c_uint32 * 2)(version_3, 0)
    sets = (ctypes.c_uint32 * 6)()  # effective, permitted, inheritable; twice 32 bits
    libc.capget(header, sets)
    dac_read_search, dac_override = 2, 1  # containers often have the second alone
    kept = next((number for number in (dac_read_search, dac_override) if sets[1] & 1 << number), None)
    mask = 0 if kept is None else 1 << kept
    if libc.capset(header, (ctypes.c_uint32 * 6)(mask, mask, mask, 0, 0, 0)) != 0:
        raise PermissionError(errno.EPERM, "the capabilities of root cannot be given up")
    if kept is not None:
        libc.prctl(pr_cap_ambient, raise_it, kept, 0, 0)


def _watch(server: int, parent: int, output: int, signals: int, specification: Specification) -> int:
    """Forward signals and output until the server ends; its exit status, negative after a signal."""
    log = Log(specification["log"])
    steps = iter([*specification["stop"], (signal.SIGKILL, 60.0)])
    waited = {parent, output, signals}
    deadline: float | None = None
    while True:
        timeout = None if deadline is None else max(0.0, deadline - time.monotonic())
        readable, _, _ = select.select(waited, [], [], timeout)
        if output in readable and not _copy(output, log):
            waited.remove(output)
        if parent in readable:
            waited.remove(parent)
            deadline = time.monotonic()
        if signals in readable:
            _forward(os.read(signals, 64), server)
        ended, status = os.waitpid(server, os.WNOHANG)
        if ended:
            _copy_rest(output, log)
            return os.waitstatus_to_exitcode(status)
        if deadline is not None and time.monotonic() >= deadline:
            number, seconds = next(steps, (signal.SIGKILL, 60.0))
            os.kill(server, number)
            deadline = time.monotonic() + seconds


def _forward(numbers: bytes, server: int) -> None:
    for number in numbers:
        if number in FORWARDED:
            os.kill(server, number)


def _copy(output: int, log: Log) -> bool:
    """Move what is there into the log; False at its end."""
    printed = os.read(output, 65536)
    log.write(printed)
    return bool(printed)


def _copy_rest(output: int, log: Log) -> None:
    os.set_blocking(output, False)
    with suppress(BlockingIOError):
        while _copy(output, log):
            pass


if __name__ == "__main__":
    sys.exit(main())
