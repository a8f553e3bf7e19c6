"""What killed processes left in the temporary folder."""

import os
import re
import shutil
import time
from contextlib import suppress
from pathlib import Path
from typing import Final

from protostar.temporary import temporary_folder

LEFTOVER_AGE: Final = 24 * 3600  # seconds; nothing is read for as long
_OURS: Final = re.compile(r"protostar-[a-z0-9_]{8}")  # as tempfile completes the prefix; the sockets' folders have other names


def remove_leftovers() -> None:
    """Remove this account's old copies of documents and what parsers made of them. Blocking."""
    before = time.time() - LEFTOVER_AGE
    for path in temporary_folder().glob("protostar-*"):
        with suppress(OSError):  # another process may remove the same
            found = path.lstat()
            if _OURS.fullmatch(path.name) and found.st_uid == os.geteuid() and found.st_mtime < before:
                _remove(path)


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink()
