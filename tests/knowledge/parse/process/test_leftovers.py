"""What killed processes leave is removed a day later, and nothing else is."""

import os
import tempfile
import time
from pathlib import Path

import pytest

from protostar.knowledge.parse.process.leftovers import remove_leftovers


def test_only_old_files_and_folders_of_ours_go(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    young = Path(tempfile.mkdtemp(prefix="protostar-"))
    old = Path(tempfile.mkdtemp(prefix="protostar-"))
    (old / "text").write_text("half of it", encoding="utf-8")
    handle, file = tempfile.mkstemp(prefix="protostar-")
    os.close(handle)
    sockets, others, link = tmp_path / "protostar-0123456789ab.redis", tmp_path / "another", tmp_path / "protostar-linklink"
    sockets.mkdir()
    others.mkdir()
    link.symlink_to(others)
    for path in (old, Path(file), sockets, others, link):
        os.utime(path, times=(time.time() - 25 * 3600,) * 2, follow_symlinks=False)
    remove_leftovers()
    assert set(tmp_path.iterdir()) == {young, sockets, others}
