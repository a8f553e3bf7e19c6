"""Start services in order, keep them running, and stop them in reverse."""

import asyncio
import os
import re
import signal
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self

import structlog

from protostar.embedded.parent import VARIABLE
from protostar.errors import ConfigurationError

log = structlog.get_logger()

FIRST_DELAY = 0.2
LONGEST_DELAY = 10.0
HEALTHY_AFTER = 60.0
"""Seconds of life after which a service's next end counts as its first."""

STOP_WITHIN = 5.0
"""Seconds for the stop of everything."""

KILL_WITHIN = 0.3
"""Seconds, of those, for a service to end once it is killed."""

LAST_LINES = 20
"""Of a service's log, those in which the reason of its end is looked for."""

_SEVERE = re.compile(r"\b(?:PANIC|FATAL|ERROR)\b")


async def _at_once(_pid: int) -> bool:
    return True


@dataclass(frozen=True)
class Service:
    """A process to keep running. Under a watchdog, the watchdog is that process."""

    name: str
    command: Sequence[str]
    environment: Mapping[str, str] = field(default_factory=dict[str, str])
    descriptors: Sequence[int] = ()
    """Open files that it inherits, and no other service."""
    ready: Callable[[int], Awaitable[bool]] = _at_once
    """Whether the service, started as process `pid`, can be used."""
    log: Path | None = None
    """Where it prints to; None: where we do."""
    starts: int = 1
    """How often it may end before it was ready for the first time."""
    stop_signal: signal.Signals = signal.SIGTERM
    stop_within: float = 1.2
    """Seconds to end in; it also gets what the services stopped before it left over."""
    kill_signal: signal.Signals = signal.SIGKILL


@dataclass
class _Child:
    service: Service
    process: asyncio.subprocess.Process
    started: float
    keeper: asyncio.Task[None] | None = None


class Supervisor:
    """Use as an async context manager: leaving it stops everything that was started.

    Children run in sessions of their own, so that only `serve` hears the terminal. All of them inherit the end of one pipe,
    which tells them when this process is gone.
    """

    def __init__(self, *, first_delay: float = FIRST_DELAY) -> None:
        self._first_delay = first_delay
        self._pipe, self._writer = os.pipe()
        self._inherited = [self._pipe]
        self._children: list[_Child] = []

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        await self.stop()

    def inherit(self, descriptor: int) -> None:
        """Pass an open file on to all that is started from now on."""
        self._inherited.append(descriptor)

    async def start(self, service: Service) -> None:
        """Start a service, return when it is ready, and restart it from then on.

        Raises ConfigurationError with its last words when it ends `service.starts` times before it is ready.
        """
        child = await self._first_start(service)
        child.keeper = asyncio.create_task(self._keep(child), name=f"keep-{service.name}")
        log.info("service_ready", service=service.name, pid=child.process.pid)

    async def run(self, service: Service) -> int:
        """Run a command to its end and return its exit status, negative after a signal."""
        child = await self._spawn(service)
        self._children.append(child)
        status = await child.process.wait()
        self._children.remove(child)
        return status

    async def wait(self) -> None:
        """Return when a service is not looked after any more, which is after a fault of ours. Usually cancelled."""
        await asyncio.gather(*(child.keeper for child in self._children if child.keeper is not None))

    async def stop(self, within: float = STOP_WITHIN) -> None:
        """Stop all services, the last one started first, in `within` seconds in all."""
        children = [*reversed(self._children)]
        await self._stop_keeping(children)
        deadline = asyncio.get_running_loop().time() + within - KILL_WITHIN
        reserved = sum(child.service.stop_within for child in children)
        for child in children:
            reserved -= child.service.stop_within
            await self._end(child, deadline - reserved)
            self._children.remove(child)
        self._close_pipe()

    def kill(self) -> None:
        """Stop all services at once. Watched servers end by themselves, with or without us."""
        for child in self._children:
            _send(child, child.service.kill_signal)
        self._close_pipe()

    def _close_pipe(self) -> None:
        """Whatever is left, an embedded server that needs longer for one, sees that nobody waits for it any more."""
        if self._writer >= 0:
            os.close(self._writer)
            os.close(self._pipe)
            self._writer = -1

    async def _spawn(self, service: Service) -> _Child:
        process = await asyncio.create_subprocess_exec(
            *service.command,
            stdin=asyncio.subprocess.DEVNULL,
            env={**service.environment, VARIABLE: str(self._pipe)},
            pass_fds=[*self._inherited, *service.descriptors],
            start_new_session=True,
        )
        return _Child(service, process, asyncio.get_running_loop().time())

    async def _first_start(self, service: Service) -> _Child:
        delay, left = self._first_delay, service.starts
        while True:
            child = await self._spawn(service)
            self._children.append(child)
            if await self._until_ready(child):
                return child
            self._children.remove(child)
            reason, left = _describe(child.process.returncode), left - 1
            if not left:
                raise ConfigurationError(f"{service.name} did not start: it {reason}.{_last_words(service)}")
            log.warning("service_failed_to_start", service=service.name, reason=reason, restart_in=delay)
            await asyncio.sleep(delay)
            delay = min(2 * delay, LONGEST_DELAY)

    async def _until_ready(self, child: _Child) -> bool:
        """False if the process ended before. There is no other limit: recovery after a crash may take long."""
        told = 0
        while child.process.returncode is None:
            if await self._answers(child):
                return True
            waited = asyncio.get_running_loop().time() - child.started
            await asyncio.sleep(max(0.02, min(1.0, waited / 50)))
            if waited >= told + 10:
                told = int(waited)
                log.info("service_starting", service=child.service.name, seconds=told)
        return False

    async def _answers(self, child: _Child) -> bool:
        """Whether it is ready; it may end meanwhile, and leave the question open."""
        asked = asyncio.ensure_future(child.service.ready(child.process.pid))
        ended = asyncio.create_task(child.process.wait())
        try:
            await asyncio.wait((asked, ended), return_when=asyncio.FIRST_COMPLETED)
            return asked.done() and asked.result()
        finally:
            asked.cancel()
            ended.cancel()

    async def _keep(self, child: _Child) -> None:
        loop = asyncio.get_running_loop()
        delay = self._first_delay
        reason = _describe(await child.process.wait())
        while True:
            if loop.time() - child.started > HEALTHY_AFTER:
                delay = self._first_delay
            log.warning("service_ended", service=child.service.name, reason=reason, restart_in=delay)
            await asyncio.sleep(delay)
            delay = min(2 * delay, LONGEST_DELAY)
            try:
                again = await self._spawn(child.service)
            except OSError as error:  # the machine is short of memory or processes, or the program is being replaced
                child.started, reason = loop.time(), f"could not be started ({error.strerror})"
                continue
            child.process, child.started = again.process, again.started
            if await self._until_ready(child):
                log.info("service_ready", service=child.service.name, pid=child.process.pid)
            reason = _describe(await child.process.wait())

    async def _stop_keeping(self, children: Sequence[_Child]) -> None:
        keepers = [child.keeper for child in children if child.keeper is not None]
        for keeper in keepers:
            keeper.cancel()
        for result in await asyncio.gather(*keepers, return_exceptions=True):
            if isinstance(result, Exception):
                log.error("supervision_failed", error=str(result), exc_info=result)

    async def _end(self, child: _Child, deadline: float) -> None:
        for number in (child.service.stop_signal, child.service.kill_signal):
            _send(child, number)
            with suppress(TimeoutError):
                async with asyncio.timeout_at(deadline):
                    status = await child.process.wait()
                    log.info("service_stopped", service=child.service.name, reason=_describe(status))
                    return
            log.warning("service_slow_to_stop", service=child.service.name)
            deadline = asyncio.get_running_loop().time() + KILL_WITHIN


def _send(child: _Child, number: signal.Signals) -> None:
    with suppress(ProcessLookupError):
        child.process.send_signal(number)


def _describe(status: int | None) -> str:
    """Exit status in words. A watchdog, like a shell, ends with 128 + n after signal n."""
    number = -(status or 0) if (status or 0) < 0 else (status or 0) - 128
    try:
        return f"was ended by {signal.Signals(number).name}"
    except ValueError:
        return f"ended with status {status}"


def _last_words(service: Service) -> str:
    if service.log is None:
        return " Its own message is above."
    try:
        lines = service.log.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        lines = []
    # What PostgreSQL says last is that it is shut down.
    reason = next((line for line in reversed(lines[-LAST_LINES:]) if _SEVERE.search(line)), lines[-1] if lines else None)
    said = f" It said: {reason}" if reason else ""
    return f"{said} (log: {service.log})"
