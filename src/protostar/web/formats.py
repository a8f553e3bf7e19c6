"""How templates write sizes, numbers and times."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, Final


def size(count: int) -> str:
    """Bytes, with three digits at most: `512 B`, `1.5 MB`, `120 MB`."""
    value, unit = float(count), "B"
    for larger in ("KB", "MB", "GB", "TB"):
        if value < 1000:
            break
        value, unit = value / 1024, larger
    return f"{value:.0f} {unit}" if unit == "B" or value >= 10 else f"{value:.1f} {unit}"


def number(count: int) -> str:
    return f"{count:,}"


def seconds(milliseconds: int) -> str:
    """`40 ms`, `1.2 s`."""
    return f"{milliseconds} ms" if milliseconds < 1000 else f"{milliseconds / 1000:.1f} s"


def iso(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def utc(at: datetime) -> str:
    """Until a script has put the reader's own time in its place."""
    return at.astimezone(UTC).strftime("%Y-%m-%d %H:%M UTC")


FILTERS: Final[dict[str, Callable[..., Any]]] = {"size": size, "number": number, "seconds": seconds, "iso": iso, "utc": utc}
