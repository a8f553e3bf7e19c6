"""What a folder needs beside obstore's LocalStore: borders, durability, and no litter. Blocking: call it in a thread."""

import os
import re
import shutil
import time
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Final

from protostar.errors import ObjectsUnavailable
from protostar.objects.failures import translated
from protostar.objects.keys import INCOMING, is_ours

_LEAST_FREE: Final = 2**20  # bytes; with less nothing of use can be stored
LEFTOVER_AGE: Final = 24 * 3600  # seconds; no upload takes longer
_LEFTOVER: Final = re.compile(r"(.+)#[0-9]+")  # what a killed process was writing beside its target


class Folder:
    """The folder of a local object store."""

    def __init__(self, root: Path) -> None:
        """Create the folder where it is missing, and remove what killed processes left in it."""
        with translated():
            root.mkdir(mode=0o700, parents=True, exist_ok=True)
            self.root = Path(os.path.realpath(root))
            self._sweep(time.time() - LEFTOVER_AGE)

    def check(self) -> None:
        """Raise ObjectsUnavailable unless the folder is there: obstore would make a new, empty one."""
        if not self.root.is_dir():
            raise ObjectsUnavailable(f"The folder of the object store is gone: {self.root}")

    def check_writable(self) -> None:
        """Raise ObjectsUnavailable unless this process can store something."""
        self.check()
        if not os.access(self.root, os.W_OK | os.X_OK):
            raise ObjectsUnavailable(f"The folder of the object store cannot be written to: {self.root}")
        if shutil.disk_usage(self.root).free < _LEAST_FREE:
            raise ObjectsUnavailable("The disk of the object store is full.")

    def contains(self, key: str) -> bool:
        """Whether the key leads to a place inside the folder: LocalStore follows symbolic links out of it."""
        self.check()
        return Path(os.path.realpath(self.root / key)).is_relative_to(self.root)

    def inside(self, keys: Iterable[str]) -> set[str]:
        """The keys that `contains` is true for."""
        return {key for key in keys if self.contains(key)}

    def sync(self, key: str) -> None:
        """Flush the file and its folders to disk, which obstore cannot: a row must not outlive its file."""
        path = self.root / key
        with translated():
            for entry in (path, *path.parents):
                _fsync(entry)
                if entry == self.root:
                    break

    def _sweep(self, before: float) -> None:
        for parent, _, names in os.walk(self.root):
            for path in (Path(parent, name) for name in names):
                with suppress(FileNotFoundError):  # several processes may start, and sweep, at once
                    if _is_leftover(path.relative_to(self.root).as_posix()) and path.lstat().st_mtime < before:
                        path.unlink()


def _is_leftover(key: str) -> bool:
    target = _LEFTOVER.fullmatch(key)
    return target is not None and is_ours(target[1]) and not key.startswith(INCOMING)


def _fsync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
