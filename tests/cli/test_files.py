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


def test_a_folder_that_cannot_be_read_is_not_said_to_be_empty_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "closed").mkdir()
    monkeypatch.chdir(tmp_path)

    def scan(path: str) -> object:
        raise PermissionError(errno.EACCES, "Permission denied", path)

    monkeypatch.setattr(os, "scandir", scan)
    assert find_files(["closed/", "./closed"]).missing == {"closed": "The folder cannot be read: Permission denied."}


def test_files_of_a_folder_that_may_not_be_entered_are_missing_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("open", "listed"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "notes.md").touch()
    stat = Path.stat

    def look(path: Path, **how: bool) -> os.stat_result:
        if path.parent.name == "listed":
            raise PermissionError(errno.EACCES, "Permission denied", str(path))
        return stat(path, **how)

    monkeypatch.setattr(Path, "stat", look)
    found = find_files([str(tmp_path)])
    assert [file.path for file in found.files] == [tmp_path / "open" / "notes.md"]
    assert found.missing == {str(tmp_path / "listed" / "notes.md"): "It cannot be looked for: Permission denied."}


@pytest.mark.parametrize("asked", ["a" * 300, "~nobody-of-this-name/notes.md"])
def test_what_cannot_even_be_looked_for_is_missing_alone(tmp_path: Path, asked: str) -> None:
    notes = tmp_path / "notes.md"
    notes.touch()
    found = find_files([asked, str(notes)])
    assert [file.path for file in found.files] == [notes]
    assert found.missing.keys() == {asked}
