"""Folders, room on the disk, and open files."""

import errno
import os
import tempfile
from pathlib import Path

from protostar.cli.checks.check import Check, State
from protostar.config import PREFIX, Settings
from protostar.errors import ConfigurationError
from protostar.open_files import obtainable
from protostar.temporary import temporary_folder

_GiB = 1024**3
_OPEN_FILES = 1024
_FEW_FILES = 1000


def check(settings: Settings) -> list[Check]:
    return [data_folder(settings), disk(settings), temporary(settings), open_files()]


def data_folder(settings: Settings) -> Check:
    folder = settings.data_dir.absolute()
    problem = _unwritable(folder)
    if problem:
        return Check("data folder", "broken", f"{folder}: {problem}", f"Make it writable, or set {PREFIX}DATA_DIR.")
    if not folder.exists():
        return Check("data folder", "ok", f"{folder} (made by the first start)")
    if folder.stat().st_mode & 0o022:
        found = f"{folder}: other accounts may write to it, and so replace the admin key"
        return Check("data folder", "warning", found, f"chmod 700 {folder}")
    return Check("data folder", "ok", str(folder))


def disk(settings: Settings) -> Check:
    free, found = _room(_existing(settings.data_dir.absolute()))
    if free >= 2 * _GiB:
        return Check("disk", "ok", found)
    state: State = "warning" if free >= 0.2 * _GiB else "broken"
    return Check("disk", state, found, "Make room: uploads, text and index need about five times the files' size.")


def temporary(settings: Settings) -> Check:
    try:
        folder = temporary_folder()
    except ConfigurationError:
        advice = "Set TMPDIR to a folder that can be written to: files are copied there to be read."
        return Check("temporary", "broken", "no temporary folder can be written to", advice)
    free, room = _room(folder)
    found = f"{folder}, {room}"
    if (chosen := os.environ.get("TMPDIR")) and folder != Path(chosen).absolute():
        return Check(
            "temporary", "warning", f"{found}; TMPDIR cannot be written to", f"Make room in {chosen}, or let this user write."
        )
    if free < settings.max_upload_bytes:
        advice = "Make room, or set TMPDIR to a folder that has more: files are copied there to be read."
        return Check("temporary", "warning", f"{found}; an upload may be larger", advice)
    return Check("temporary", "ok", found)


def _room(folder: Path) -> tuple[int, str]:
    """Bytes that are free, and what is said of it: none are of use where no more files can be made."""
    found = os.statvfs(folder)
    if found.f_files and found.f_favail < _FEW_FILES:  # some file systems count none
        return 0, f"room for {found.f_favail} more files (inodes)"
    free = found.f_bavail * found.f_frsize
    return free, f"{free / _GiB:.1f} GiB free"


def open_files() -> Check:
    most = obtainable()
    if most >= _OPEN_FILES:
        return Check("open files", "ok", f"up to {most} per process")
    advice = "Raise the hard limit: `ulimit -n 4096` as root before the start, or LimitNOFILE=4096 in a unit of systemd."
    return Check("open files", "warning", f"up to {most} per process", advice)


def _unwritable(folder: Path) -> str | None:
    """Why nothing may be written there, or None; what does not exist yet is asked of its nearest parent."""
    try:
        with tempfile.TemporaryFile(dir=_existing(folder)):
            return None
    except OSError as error:
        return error.strerror if error.errno != errno.ENOSPC else None  # `disk` tells


def _existing(folder: Path) -> Path:
    return next(path for path in (folder, *folder.parents) if path.exists())
