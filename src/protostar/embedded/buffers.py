"""How much memory PostgreSQL takes for the pages of its tables: as much as they fill, within what the machine can spare.

A page that is not among these buffers is copied from the system's cache at each use, which takes longer than to score the chunks
on it: with 512 MiB a search among 100,000 chunks took 25 ms, with 128 MiB 59 (docs/performance.md).
"""

import os
import re
from contextlib import suppress
from pathlib import Path
from typing import Final

LEAST: Final = 128 << 20
_FIRST: Final = f"{LEAST >> 20}MB"
CHOSEN: Final = f"shared_buffers={_FIRST}"
"""Written to postgresql.conf at first. Where another line stands there it is somebody's choice, and holds."""

_SETTING = re.compile(r"^\s*shared_buffers\s*=?\s*'?([\w. ]+?)'?\s*(?:#.*)?$", re.MULTILINE | re.IGNORECASE)
_SHARE = 8  # of the memory, at the most one of these parts


def grown(cluster: Path) -> tuple[str, ...]:
    """The setting for this start, `name=value`; none where somebody has chosen one, or the first will do."""
    try:
        chosen = _SETTING.findall((cluster / "postgresql.conf").read_text(encoding="utf-8", errors="replace"))
    except OSError:  # PostgreSQL will say so
        return ()
    if chosen[-1:] != [_FIRST]:
        return ()
    size = buffers(_size(cluster / "base"), _memory())
    return (f"shared_buffers={size >> 20}MB",) if size > LEAST else ()


def buffers(data: int, memory: int) -> int:
    """The power of two that holds `data`, at most an eighth of `memory`. All in bytes."""
    return max(LEAST, min(1 << max(0, data - 1).bit_length(), memory // _SHARE))


def _size(folder: Path) -> int:
    size = 0
    for file in folder.rglob("*"):
        with suppress(FileNotFoundError):  # the server of before may be about to end
            size += file.stat().st_size
    return size


def _memory() -> int:
    """Of this machine, or what its container may use; 0 where the system does not tell."""
    memory = 0
    with suppress(OSError, ValueError):
        memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    with suppress(OSError, ValueError):  # no control group, or one without a limit
        memory = min(memory, int(Path("/sys/fs/cgroup/memory.max").read_bytes()))
    return memory
