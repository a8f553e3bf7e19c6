"""The fork server where the machine has no more to give; all else is tested through its client."""

import errno
import os

import pytest

from protostar.knowledge.parse.process import server


def test_a_child_that_cannot_be_started_leaves_nothing_open(monkeypatch: pytest.MonkeyPatch) -> None:
    pipe, opened = os.pipe, list[int]()

    def none_left_after_one() -> tuple[int, int]:
        if opened:
            raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))
        opened.extend(pipe())
        return opened[0], opened[1]

    monkeypatch.setattr(os, "pipe", none_left_after_one)
    monkeypatch.setattr("gc.freeze", lambda: None)
    with pytest.raises(OSError, match="Too many open files"):
        server._fork({"id": 1}, kept=True)
    for descriptor in opened:
        with pytest.raises(OSError, match="Bad file descriptor"):
            os.fstat(descriptor)
