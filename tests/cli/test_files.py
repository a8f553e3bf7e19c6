"""Which files are meant by what a person writes."""

import errno
import os
from pathlib import Path

import pytest

from protostar.cli.files import find_files


def test_a_folder_that_cannot_be_read_is_missing_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("open", "closed"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "notes.md").touch()
    scandir = os.scandir

    def scan(path: str) -> object:
        if path.endswith("closed"):
            raise PermissionError(errno.EACCES, "Permission denied", path)
        return scandir(path)

    monkeypatch.setattr(os, "scandir", scan)  # root may read any folder
    found = find_files([str(tmp_path)])
    assert [file.path for file in found.files] == [tmp_path / "open" / "notes.md"]
    assert found.missing == {str(tmp_path / "closed"): "The folder cannot be read: Permission denied."}


@pytest.mark.parametrize("asked", ["a" * 300, "~nobody-of-this-name/notes.md"])
def test_what_cannot_even_be_looked_for_is_missing_alone(tmp_path: Path, asked: str) -> None:
    notes = tmp_path / "notes.md"
    notes.touch()
    found = find_files([asked, str(notes)])
    assert [file.path for file in found.files] == [notes]
    assert found.missing.keys() == {asked}
