"""Folders, room on the disk, and open files."""

import shutil
import tempfile
from pathlib import Path

from protostar.cli.checks.check import Check, State
from protostar.config import PREFIX, Settings
from protostar.errors import ConfigurationError
from protostar.open_files import obtainable
from protostar.temporary import temporary_folder

_GiB = 1024**3
_OPEN_FILES = 1024


def check(settings: Settings) -> list[Check]:
    return [data_folder(settings), disk(settings), temporary(), open_files()]


def data_folder(settings: Settings) -> Check:
    folder = settings.data_dir.absolute()
    problem = _unwritable(folder)
    if problem:
        return Check("data folder", "broken", f"{folder}: {problem}", f"Make it writable, or set {PREFIX}DATA_DIR.")
    return Check("data folder", "ok", str(folder) if folder.exists() else f"{folder} (made by the first start)")


def disk(settings: Settings) -> Check:
    free = shutil.disk_usage(_existing(settings.data_dir.absolute())).free / _GiB
    if free >= 2:
        return Check("disk", "ok", f"{free:.1f} GiB free")
    state: State = "warning" if free >= 0.2 else "broken"
    return Check("disk", state, f"{free:.1f} GiB free", "Make room: uploads, text and index need about five times the files' size.")


def temporary() -> Check:
    try:
        folder = temporary_folder()
    except ConfigurationError:
        advice = "Set TMPDIR to a folder that can be written to: files are copied there to be read."
        return Check("temporary", "broken", "no temporary folder can be written to", advice)
    return Check("temporary", "ok", f"{folder}, {shutil.disk_usage(folder).free / _GiB:.1f} GiB free")


def open_files() -> Check:
    most = obtainable()
    if most >= _OPEN_FILES:
        return Check("open files", "ok", f"up to {most} per process")
    advice = "Raise the hard limit: `ulimit -n 4096` as root before the start, or LimitNOFILE=4096 in a unit of systemd."
    return Check("open files", "warning", f"up to {most} per process", advice)


def _unwritable(folder: Path) -> str | None:
    """Why nothing can be written there, or None; what does not exist yet is asked of its nearest parent."""
    try:
        with tempfile.TemporaryFile(dir=_existing(folder)):
            return None
    except OSError as error:
        return error.strerror


def _existing(folder: Path) -> Path:
    return next(path for path in (folder, *folder.parents) if path.exists())
