"""A server under its watchdog, as a service."""

import json
import os
import sys
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from signal import SIGQUIT, SIGTERM, Signals

from protostar.embedded import watchdog
from protostar.embedded.supervisor import Service

Steps = Sequence[tuple[Signals, float]]
"""Signals, and the seconds to wait for the effect of each."""


@dataclass(frozen=True)
class Server:
    """Where a server of the data folder keeps its lock and its log, and whose processes it has."""

    name: str
    data: Path
    account: tuple[int, int] | None = None
    """User and group to run as, where root starts it and it refuses to be root."""

    @property
    def lock(self) -> Path:
        return self.data / f"{self.name}.lock"

    @property
    def log(self) -> Path:
        return self.data / "logs" / f"{self.name}.log"

    def pid(self, watchdog_pid: int) -> int | None:
        """The server's process number, once this very watchdog has started it."""
        try:
            numbers = [int(number) for number in self.lock.read_text(encoding="ascii").split()]
        except (OSError, ValueError):
            return None
        return numbers[1] if len(numbers) == 2 and numbers[0] == watchdog_pid else None

    def service(
        self,
        command: Sequence[str],
        ready: Callable[[int], Awaitable[bool]],
        *,
        orphaned: Steps,
        starts: int = 1,
        stop_signal: Signals = SIGTERM,
        stop_within: float = 1.2,
    ) -> Service:
        """`orphaned`: how to stop it when `serve` is gone; nine seconds in all at most."""
        specification: watchdog.Specification = {
            "lock": str(self.lock),
            "log": str(self.log),
            "folder": str(self.data),
            "account": self.account,
            "stop": [(int(number), seconds) for number, seconds in orphaned],
        }
        return Service(
            name=self.name,
            command=[sys.executable, "-I", "-S", watchdog.__file__, json.dumps(specification), *command],
            environment=environment(),
            ready=ready,
            log=self.log,
            starts=starts,
            stop_signal=stop_signal,
            stop_within=stop_within,
            kill_signal=SIGQUIT,  # never SIGKILL: it would spare the server
        )


def environment() -> dict[str, str]:
    """What a bundled program needs: none of our keys, and no variable that would change where it listens or connects."""
    return {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C"}
