"""What processes cost, read from Linux' /proc, summed by role.

A role is what a process does in the stack: `api`, `worker`, `parser` (the fork server and its children), `postgres`, `redis` and
`serve`; `models` is the stand-in model server, `client` this program. Watchdogs count with the server that they watch.
"""

import os
import threading
import time
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import dataclass, field
from pathlib import Path

PRODUCT = ("api", "worker", "parser", "postgres", "redis", "serve")
BESIDE = ("models", "client")

_PROC = Path("/proc")
_TICKS = os.sysconf("SC_CLK_TCK")
_SAMPLE_SECONDS = 1.0
_KIBIBYTE = 1 / 1024  # of a MiB
_SERVERS = {"postgres": "postgres", "valkey-server": "redis", "redis-server": "redis"}


@dataclass(frozen=True, slots=True)
class Process:
    """`seconds`: CPU of the process and of its children that have ended and were waited for. `began`: clock ticks after boot."""

    pid: int
    parent: int
    seconds: float
    began: int


@dataclass(slots=True)
class Cost:
    """What a block took: seconds of wall time, CPU seconds and peak MiB by role. `others`: CPU seconds of all other programs."""

    wall: float = 0.0
    cpu: dict[str, float] = field(default_factory=dict)
    others: float = 0.0
    pss: dict[str, float] = field(default_factory=dict)
    """Peak of the sum over a role's processes; `all` is the peak over the product."""
    rss: dict[str, float] = field(default_factory=dict)
    """Peak of a role's largest process."""

    def product_cpu(self) -> float:
        return sum(self.cpu.get(role, 0.0) for role in PRODUCT)


class Processes:
    """The processes below `roots` (pid → role); those of `serve` get their roles by their command lines."""

    def __init__(self, roots: Mapping[int, str]) -> None:
        self._roots = dict(roots)

    def beside(self, roots: Mapping[int, str]) -> "Processes":
        """These and more."""
        return Processes({**self._roots, **roots})

    def by_role(self) -> dict[str, list[Process]]:
        running = {process.pid: process for process in _running()}
        roles: dict[int, str | None] = {0: None, **self._roots}

        def role(pid: int) -> str | None:
            if pid not in roles:
                process = running.get(pid)
                inherited = role(process.parent) if process is not None else None
                roles[pid] = inherited and (_own_role(pid) or inherited)
            return roles[pid]

        found: dict[str, list[Process]] = {}
        for process in running.values():
            if (name := role(process.pid)) is not None:
                found.setdefault(name, []).append(process)
        return found

    def running(self) -> set[tuple[int, int]]:
        """(pid, began) of each: together they name a process for good."""
        return {(process.pid, process.began) for processes in self.by_role().values() for process in processes}

    def cpu(self) -> dict[str, float]:
        """Seconds by role since each role's first process began."""
        return {role: sum(process.seconds for process in processes) for role, processes in self.by_role().items()}

    def reset_peaks(self) -> None:
        """Let each process's peak memory begin at what it has now."""
        for processes in self.by_role().values():
            for process in processes:
                with suppress(OSError):
                    (_PROC / str(process.pid) / "clear_refs").write_text("5")

    def memory(self) -> tuple[dict[str, float], dict[str, float]]:
        """MiB by role: the proportional set size of all its processes, and the peak resident size of its largest."""
        pss: dict[str, float] = {}
        peak: dict[str, float] = {}
        for role, processes in self.by_role().items():
            pss[role] = sum(_mib(process.pid, "smaps_rollup", "Pss:") for process in processes)
            peak[role] = max(_mib(process.pid, "status", "VmHWM:") for process in processes)
        pss["all"] = sum(pss.get(role, 0.0) for role in PRODUCT)
        return pss, peak


@contextmanager
def costs(processes: Processes, *, memory: bool = False) -> Generator[Cost]:
    """What the block costs, filled in at its end. Memory is sampled from a thread, which costs some CPU of this process."""
    cost = Cost()
    sampler = _Sampler(processes, cost) if memory else None
    busy, cpu, started = _busy(), processes.cpu(), time.perf_counter()
    try:
        with sampler or nullcontext():
            yield cost
    finally:
        cost.wall = time.perf_counter() - started
        after = processes.cpu()
        cost.cpu = {role: seconds - cpu.get(role, 0.0) for role, seconds in after.items()}
        cost.others = max(0.0, _busy() - busy - sum(cost.cpu.values()))


class _Sampler:
    def __init__(self, processes: Processes, cost: Cost) -> None:
        self._processes = processes
        self._cost = cost
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="memory", daemon=True)

    def __enter__(self) -> None:
        self._processes.reset_peaks()
        self._thread.start()

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        ended = False
        while not ended:
            ended = self._stop.wait(_SAMPLE_SECONDS)
            pss, rss = self._processes.memory()
            for peaks, now in ((self._cost.pss, pss), (self._cost.rss, rss)):
                for role, mib in now.items():
                    peaks[role] = max(peaks.get(role, 0.0), mib)


def percentile(values: Sequence[float], share: float) -> float:
    """The smallest value that `share` of the values do not exceed."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def _running() -> Iterator[Process]:
    for entry in os.scandir(_PROC):
        if not entry.name.isdigit():
            continue
        with suppress(OSError):  # it has ended meanwhile
            # The name in parentheses may hold anything; fields 4, 14 to 17 and 22 of proc_pid_stat(5) come after it.
            fields = (_PROC / entry.name / "stat").read_bytes().rpartition(b")")[2].split()
            yield Process(int(entry.name), int(fields[1]), sum(map(int, fields[11:15])) / _TICKS, int(fields[19]))


def _own_role(pid: int) -> str | None:
    """What the command line of a process says it does; None for a child like its parent."""
    try:
        command = (_PROC / str(pid) / "cmdline").read_text(errors="replace").rstrip("\0").split("\0")
    except OSError:
        return None
    if "protostar.knowledge.parse.process.server" in command:
        return "parser"
    if command[-1] in ("api", "worker"):
        return command[-1]
    return next((_SERVERS[Path(part).name] for part in command if Path(part).name in _SERVERS), None)


def _mib(pid: int, file: str, name: str) -> float:
    """A line like `Pss:   1234 kB` of a process's file; 0 once it has ended."""
    with suppress(OSError, StopIteration):
        lines = (_PROC / str(pid) / file).read_text().splitlines()
        return int(next(line for line in lines if line.startswith(name)).split()[1]) * _KIBIBYTE
    return 0.0


def _busy() -> float:
    """CPU seconds that the machine has worked: user, nice, system, irq, softirq and steal of proc_stat(5)."""
    fields = [int(field) for field in (_PROC / "stat").read_text().split("\n", 1)[0].split()[1:]]
    return sum(fields[at] for at in (0, 1, 2, 5, 6, 7)) / _TICKS


def is_running(pid: int, began: int) -> bool:
    return any(process.pid == pid and process.began == began for process in _running())
