"""The supervisor with small stand-ins for services."""

import asyncio
import os
import signal
import sys
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path

import psutil
import pytest
from structlog.testing import capture_logs
from tests.support.waiting import is_gone, wait_until

from protostar.embedded.supervisor import Service, Supervisor
from protostar.errors import ConfigurationError

SLEEPS = "import time; print('up', flush=True); time.sleep(600)"
IGNORES_STOP = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); open({ready!r}, 'w').close(); time.sleep(600)"


def python(name: str, code: str, **more: object) -> Service:
    return replace(Service(name, [sys.executable, "-c", code], dict(os.environ)), **more)


def exists(file: Path) -> Callable[[int], Awaitable[bool]]:
    async def ready(_pid: int) -> bool:
        return await asyncio.to_thread(file.exists)

    return ready


async def test_services_are_stopped_in_reverse() -> None:
    with capture_logs() as logs:
        async with Supervisor() as supervisor:
            for name in ("postgres", "redis", "worker", "api"):
                await supervisor.start(python(name, SLEEPS))
    stopped = [entry["service"] for entry in logs if entry["event"] == "service_stopped"]
    assert stopped == ["api", "worker", "redis", "postgres"]


async def test_a_dead_service_is_started_again_with_back_off() -> None:
    with capture_logs() as logs:
        async with Supervisor(first_delay=0.01) as supervisor:
            await supervisor.start(python("worker", "raise SystemExit(3)"))
            await wait_until(lambda: len([entry for entry in logs if entry["event"] == "service_ended"]) >= 4, 30)
    ended = [entry for entry in logs if entry["event"] == "service_ended"]
    assert [entry["restart_in"] for entry in ended[:4]] == [0.01, 0.02, 0.04, 0.08]
    assert ended[0]["reason"] == "ended with status 3"


async def test_a_service_that_cannot_be_started_again_yet_is_later(tmp_path: Path) -> None:
    program, done = tmp_path / "program", tmp_path / "done"

    def install(script: str) -> None:
        program.write_text(f"#!/bin/sh\n{script}\n")
        program.chmod(0o700)

    install("exit 3")
    with capture_logs() as logs:
        async with Supervisor(first_delay=0.01) as supervisor:
            await supervisor.start(Service("worker", [str(program)]))
            program.unlink()
            await wait_until(lambda: any("No such file" in str(entry.get("reason")) for entry in logs), 30)
            install(f"touch {done}; exec sleep 600")
            await wait_until(done.exists, 30)


async def test_a_health_of_a_minute_resets_the_back_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("protostar.embedded.supervisor.HEALTHY_AFTER", 0.0)
    with capture_logs() as logs:
        async with Supervisor(first_delay=0.01) as supervisor:
            await supervisor.start(python("worker", ""))
            await wait_until(lambda: len([entry for entry in logs if entry["event"] == "service_ended"]) >= 3, 30)
    assert {entry["restart_in"] for entry in logs if entry["event"] == "service_ended"} == {0.01}


async def test_start_returns_when_the_service_is_ready(tmp_path: Path) -> None:
    file = tmp_path / "ready"
    async with Supervisor() as supervisor:
        await supervisor.start(python("api", f"open({str(file)!r}, 'w').close(); {SLEEPS}", ready=exists(file)))
        assert file.exists()


async def test_a_service_that_never_becomes_ready_fails_with_its_last_words(tmp_path: Path) -> None:
    log = tmp_path / "api.log"
    code = f"print('cannot bind', file=open({str(log)!r}, 'a')); raise SystemExit(9)"
    async with Supervisor(first_delay=0.01) as supervisor:
        with pytest.raises(ConfigurationError, match=r"api did not start: it ended with status 9\. It said: cannot bind"):
            await supervisor.start(python("api", code, ready=exists(tmp_path / "never"), starts=2, log=log))
    assert log.read_text() == "cannot bind\n" * 2


async def test_the_last_words_are_those_that_tell_why(tmp_path: Path) -> None:
    log = tmp_path / "api.log"
    log.write_text("FATAL: something of long ago\n" + "LOG: quiet\n" * 30)
    said = "FATAL: No space left on device\nLOG: database system is shut down\n"
    code = f"open({str(log)!r}, 'a').write({said!r}); raise SystemExit(1)"
    async with Supervisor(first_delay=0.01) as supervisor:
        with pytest.raises(ConfigurationError, match=r"It said: FATAL: No space left on device \(log"):
            await supervisor.start(python("api", code, ready=exists(tmp_path / "never"), log=log))


async def test_a_service_that_ignores_the_stop_is_killed(tmp_path: Path) -> None:
    file = tmp_path / "ready"
    with capture_logs() as logs:
        async with Supervisor() as supervisor:
            code = IGNORES_STOP.format(ready=str(file))
            await supervisor.start(python("api", code, ready=exists(file), stop_within=0.1))
            await supervisor.stop(within=0.5)
    assert [entry["reason"] for entry in logs if entry["event"] == "service_stopped"] == ["was ended by SIGKILL"]


async def test_children_hear_neither_the_terminal_nor_the_foreground_group() -> None:
    with capture_logs() as logs:
        async with Supervisor() as supervisor:
            await supervisor.start(python("api", SLEEPS))
            pid = next(entry["pid"] for entry in logs if entry["event"] == "service_ready")
            assert os.getsid(pid) == pid


async def test_kill_ends_a_frozen_service_while_others_wait_for_it() -> None:
    with capture_logs() as logs:
        supervisor = Supervisor()
        await supervisor.start(python("worker", SLEEPS))
        await supervisor.start(python("api", SLEEPS, stop_within=600))
        processes = [psutil.Process(entry["pid"]) for entry in logs if entry["event"] == "service_ready"]
        processes[1].send_signal(signal.SIGSTOP)
        stop = asyncio.create_task(supervisor.stop(within=600))
        await asyncio.sleep(0)  # it has begun, and waits for the frozen one
        supervisor.kill()
        await wait_until(lambda: all(map(is_gone, processes)))
        await stop


async def test_run_returns_the_exit_status() -> None:
    async with Supervisor() as supervisor:
        assert await supervisor.run(python("migrate", "raise SystemExit(4)")) == 4
        assert await supervisor.run(python("migrate", "")) == 0


async def test_a_command_that_runs_is_ended_with_the_rest() -> None:
    with capture_logs() as logs:
        async with Supervisor() as supervisor:
            task = asyncio.create_task(supervisor.run(python("migrate", SLEEPS)))
            await wait_until(lambda: [child for child in psutil.Process().children() if SLEEPS in child.cmdline()])
            task.cancel()
            await asyncio.wait([task])
    assert [entry["service"] for entry in logs if entry["event"] == "service_stopped"] == ["migrate"]


GRACE = """
import asyncio, sys, time
from protostar.embedded import parent
parent.GRACE = 0.2
async def main():
    gone = asyncio.create_task(parent.parent_gone())
    await asyncio.sleep(0)
    open(sys.argv[1], "w").close()
    {then}
    await gone
asyncio.run(main())
"""


@pytest.mark.parametrize(("then", "status"), [("", 0), ("time.sleep(600)", 1)], ids=["graceful", "blocked event loop"])
async def test_a_child_ends_with_its_parent(tmp_path: Path, then: str, status: int) -> None:
    ready, writer = tmp_path / "ready", os.pipe()
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", GRACE.format(then=then), str(ready), env={**os.environ, "PROTOSTAR_PARENT_PIPE": str(writer[0])},
        pass_fds=[writer[0]],
    )  # fmt: skip
    os.close(writer[0])
    await wait_until(ready.exists, 20)
    assert process.returncode is None
    os.close(writer[1])
    assert await process.wait() == status
