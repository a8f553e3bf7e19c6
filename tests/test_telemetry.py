import subprocess
import sys

LINE = """
import structlog
from protostar.telemetry import configure_logging
configure_logging("console", "info")
structlog.get_logger().info("request", path="/\\x1b[31mred\\x00\\x9b\\u202e", count=1)
"""


def test_what_a_terminal_would_obey_is_written_out() -> None:
    """Paths come from anybody."""
    printed = subprocess.run([sys.executable, "-c", LINE], capture_output=True, text=True, encoding="utf-8", check=True).stderr
    assert r"path=/\x1b[31mred\x00\x9b\u202e" in printed
    assert "count=1" in printed
