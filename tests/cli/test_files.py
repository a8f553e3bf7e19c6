"""Which files are meant by what a person writes."""

from pathlib import Path

import pytest

from protostar.cli.files import find_files


@pytest.mark.parametrize("asked", ["a" * 300, "~nobody-of-this-name/notes.md"])
def test_what_cannot_even_be_looked_for_is_missing_alone(tmp_path: Path, asked: str) -> None:
    notes = tmp_path / "notes.md"
    notes.touch()
    found = find_files([asked, str(notes)])
    assert [file.path for file in found.files] == [notes]
    assert found.missing.keys() == {asked}
