import errno
import json
from pathlib import Path

import pytest
from tests.knowledge.parse.support import FILES, OWNER

from protostar.documents.media_types import MARKDOWN
from protostar.knowledge.parse.process import child


def run(work_dir: Path, path: Path = FILES / "guide-ko.md") -> int:
    return child.run(path, MARKDOWN, work_dir, 1000, OWNER)


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (MemoryError(), "more memory than is allowed"),
        (OSError(errno.EFBIG, "limit of the process"), "longer than the 1,000 characters"),
    ],
)
def test_the_limits_of_the_process_are_told_to_the_person(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: Exception, sentence: str
) -> None:
    def fail(*_: object) -> None:
        raise error

    monkeypatch.setattr(child, "_write_chunks", fail)
    assert run(tmp_path) == 0
    outcome = json.loads((tmp_path / "error.json").read_text())
    assert outcome["code"] == "unreadable_document"
    assert sentence in outcome["detail"]
    assert not (tmp_path / "result.json").exists()


def test_a_full_disk_is_nobodys_fault(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise OSError(errno.ENOSPC, "full")

    monkeypatch.setattr(child, "_write_text", fail)
    assert run(tmp_path) == child.NO_SPACE
    assert list(tmp_path.iterdir()) == []


def test_the_unforeseen_is_not_hidden(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        run(tmp_path, tmp_path / "gone.md")


def test_the_result_is_written_last(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    written: list[str] = []
    replace = Path.replace

    def record(part: Path, target: Path) -> Path:
        written.append(target.name)
        assert (tmp_path / "text").exists()
        assert (tmp_path / "rows").exists()
        assert (tmp_path / "batches.jsonl").exists()
        return replace(part, target)

    monkeypatch.setattr(Path, "replace", record)
    run(tmp_path)
    assert written == ["result.json"]
