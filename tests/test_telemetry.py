import subprocess
import sys
from types import SimpleNamespace

import pytest
import structlog

from protostar.telemetry import Trouble

LINE = """
import structlog
from protostar.telemetry import configure_logging
configure_logging("{form}", "info")
try:
    raise ValueError("bad \\x1b[31m \\x9b")
except ValueError:
    structlog.get_logger().exception("request", path="/\\x1b[31mred\\x00\\x9b\\u202e", count=1)
"""


@pytest.mark.parametrize(
    ("form", "path"), [("console", r"path=/\x1b[31mred\x00\x9b\u202e"), ("json", r'"/\u001b[31mred\u0000\u009b\u202e"')]
)
def test_what_a_terminal_would_obey_is_written_out(form: str, path: str) -> None:
    """Paths and the words of errors come from anybody."""
    command = [sys.executable, "-c", LINE.format(form=form)]
    printed = subprocess.run(command, capture_output=True, text=True, encoding="utf-8", check=True).stderr
    assert path in printed
    assert "ValueError: bad" in printed
    assert not set("\x00\x1b\x9b\u202e") & set(printed)


def test_what_goes_on_for_long_is_told_once_a_minute(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = [0.0]
    monkeypatch.setattr("protostar.telemetry.time", SimpleNamespace(monotonic=lambda: clock[0]))
    trouble = Trouble("claim_failed")
    with structlog.testing.capture_logs() as lines:
        for second in range(121):
            clock[0] = second
            trouble.met(second=second)
        trouble.ended()
        trouble.met(second=121)
    assert [line["second"] for line in lines] == [0, 60, 120, 121]
