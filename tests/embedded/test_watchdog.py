"""The watchdog alone, with small servers that tell which signals they get."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Generator, Sequence
from pathlib import Path

import psutil
import pytest
from tests.support.waiting import wait_until

from protostar.embedded import watchdog

# Prints the signals that it gets, and ends at the last of those given as arguments. Not by print(), within which a signal that
# prints would raise.
SERVER = """
import os, signal, sys, time
numbers = [int(number) for number in sys.argv[1:]]
def got(number, _):
    os.write(1, f"got {signal.Signals(number).name}\\n".encode())
    if number == numbers[-1]:
        sys.exit(7)
for number in numbers:
    signal.signal(number, got)
os.write(1, b"started\\n")
while True:
    time.sleep(60)
"""


class Watched:
    def __init__(self, folder: Path, command: Sequence[str], stop: Sequence[tuple[int, float]], inherit: Sequence[int]) -> None:
        self.lock, self.log = folder / "server.lock", folder / "server.log"
        specification = {"lock": str(self.lock), "log": str(self.log), "folder": str(folder), "account": None, "stop": stop}
        reader, self.pipe = os.pipe()
        self.process = subprocess.Popen(
            [sys.executable, "-I", "-S", watchdog.__file__, json.dumps(specification), *command],
            env={watchdog.PARENT: str(reader)},
            pass_fds=[reader, *inherit],
            start_new_session=True,
        )
        os.close(reader)

    @property
    def server(self) -> int:
        return int(self.lock.read_text().split()[1])

    def printed(self) -> list[str]:
        return self.log.read_text().split("\n")[:-1] if self.log.exists() else []

    async def started(self) -> None:
        await wait_until(lambda: "started" in self.printed() and self.lock.read_text().startswith(f"{self.process.pid} "))

    def end(self) -> None:
        os.close(self.pipe)
        self.process.wait(20)


Start = Callable[..., Watched]


@pytest.fixture
def start(tmp_path: Path) -> Generator[Start]:
    started: list[Watched] = []

    def start(*ends_at: int, stop: Sequence[tuple[int, float]] = ((signal.SIGTERM, 5.0),), command: Sequence[str] = (),
              inherit: Sequence[int] = ()) -> Watched:  # fmt: skip
        server = [sys.executable, "-c", SERVER, *map(str, ends_at or [signal.SIGTERM])]
        started.append(Watched(tmp_path, command or server, stop, inherit))
        return started[-1]

    yield start
    for watched in started:
        watched.end()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGQUIT])
async def test_it_forwards_a_stop_and_ends_as_the_server_did(start: Start, number: signal.Signals) -> None:
    watched = start(number)
    await watched.started()
    watched.process.send_signal(number)
    assert watched.process.wait(10) == 7
    assert watched.printed() == ["started", f"got {number.name}"]


async def test_a_killed_server_is_told_like_a_shell_does(start: Start) -> None:
    watched = start()
    await watched.started()
    os.kill(watched.server, signal.SIGKILL)
    assert watched.process.wait(10) == 128 + signal.SIGKILL


async def test_the_end_of_the_pipe_stops_the_server_step_by_step(start: Start) -> None:
    watched = start(signal.SIGTERM, signal.SIGINT, stop=[(signal.SIGTERM, 0.2), (signal.SIGINT, 10.0)])
    await watched.started()
    watched.end()
    assert watched.process.returncode == 7
    assert watched.printed() == ["started", "got SIGTERM", "got SIGINT"]
    watched.pipe = os.open(os.devnull, os.O_RDONLY)  # ended twice


async def test_a_server_that_ignores_all_of_it_is_killed(start: Start) -> None:
    watched = start(signal.SIGTERM, signal.SIGINT, stop=[(signal.SIGTERM, 0.1)])
    await watched.started()
    watched.end()
    assert watched.process.returncode == 128 + signal.SIGKILL
    watched.pipe = os.open(os.devnull, os.O_RDONLY)


async def test_a_server_whose_watchdog_was_killed_is_taken_down_by_the_next(start: Start) -> None:
    first = start()
    await first.started()
    orphan = psutil.Process(first.server)
    first.process.kill()
    first.process.wait()
    assert orphan.is_running()
    second = start(stop=[(signal.SIGTERM, 10.0)])
    await wait_until(lambda: not orphan.is_running())
    await second.started()


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="needs /proc")
async def test_what_the_server_inherits(start: Start, tmp_path: Path) -> None:
    """Its lock, but neither the pipe of `serve` nor any other file: it would hold them after our end."""
    listing = (
        "import os; print(*(os.readlink(f'/proc/self/fd/{n}') for n in range(3, 99) if os.path.lexists(f'/proc/self/fd/{n}')))"
    )
    with (tmp_path / "other").open("w") as other:
        os.set_inheritable(other.fileno(), True)
        watched = start(command=[sys.executable, "-c", listing], inherit=[other.fileno()])
        watched.process.wait(10)
    assert watched.printed() == [str(watched.lock)]


async def test_a_program_that_is_not_there(start: Start) -> None:
    watched = start(command=["/nowhere/server"])
    assert watched.process.wait(10) == watchdog.CANNOT_RUN
    assert watched.printed() == ["cannot run /nowhere/server: No such file or directory"]


def test_the_log_is_bounded(tmp_path: Path) -> None:
    log = watchdog.Log(str(tmp_path / "log"))
    for _ in range(4):
        log.write(b"x" * (watchdog.LOG_BYTES // 2 + 1))
    sizes = sorted(file.stat().st_size for file in tmp_path.iterdir())
    assert len(sizes) == 2
    assert sum(sizes) == 4 * (watchdog.LOG_BYTES // 2 + 1)
    assert max(sizes) < 2 * watchdog.LOG_BYTES


def test_a_log_that_was_removed_is_begun_anew(tmp_path: Path) -> None:
    log = watchdog.Log(str(tmp_path / "log"))
    log.write(b"x" * (watchdog.LOG_BYTES + 1))
    (tmp_path / "log").unlink()
    log.write(b"here")
    assert (tmp_path / "log").read_bytes() == b"here"


def test_a_full_disk_does_not_stop_the_watchdog() -> None:
    if not Path("/dev/full").exists():
        pytest.skip("needs /dev/full")
    watchdog.Log("/dev/full").write(b"lost")
