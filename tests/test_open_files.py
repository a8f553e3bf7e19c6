"""How many files a process may have open, with limits set by a shell."""

import subprocess
import sys

import pytest

TELL = (
    "import resource, protostar.open_files as o\n"
    "before = o.obtainable()\n"
    "o.raise_limit()\n"
    "print(before, *resource.getrlimit(resource.RLIMIT_NOFILE))"
)


def limits(soft: int, hard: int, code: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    shell = ("sh", "-c", f'ulimit -Sn {soft} && ulimit -Hn {hard} && exec "$@"', "sh")
    return subprocess.run([*shell, sys.executable, "-c", code, *arguments], capture_output=True, text=True, timeout=60, check=False)


@pytest.mark.parametrize("soft", [256, 4096])
def test_a_process_may_open_as_many_as_it_can_be_given(soft: int) -> None:
    assert limits(soft, 4096, TELL).stdout == "4096 4096 4096\n"


@pytest.mark.parametrize("command", ["serve", "api", "worker"])
def test_each_process_takes_them(command: str) -> None:
    code = "import os, protostar.open_files as o, protostar.__main__ as m; o.raise_limit = lambda: os._exit(7); m.main()"
    assert limits(256, 4096, code, command).returncode == 7


def test_doctor_warns_of_a_hard_limit_that_is_low() -> None:
    code = "from protostar.cli.checks.machine import open_files as check; print(check().state, check().advice is not None)"
    assert [limits(256, hard, code).stdout for hard in (512, 4096)] == ["warning True\n", "ok False\n"]
