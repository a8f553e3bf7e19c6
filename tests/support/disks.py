"""Disks that are small enough to be filled."""

import subprocess
import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import pytest


@contextmanager
def small_disk(megabytes: int, *, files: int = 0) -> Generator[Path]:
    """`files`: how many there may be on it; 0: as many as fit."""
    with tempfile.TemporaryDirectory(prefix="protostar-disk-") as name:
        options = f"size={megabytes}m,mode=755,nr_inodes={files}"
        mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", name], check=False, capture_output=True)
        if mounted.returncode != 0:
            pytest.skip("no tmpfs can be mounted here")
        try:
            yield Path(name)
        finally:
            subprocess.run(["umount", "--lazy", name], check=True)


def fill(path: Path) -> None:
    """Write to a file until its disk is full."""
    for size in (1024 * 1024, 512):
        block = b"\0" * size
        with path.open("ab", buffering=0) as file:
            try:
                while True:
                    file.write(block)
            except OSError:
                continue
