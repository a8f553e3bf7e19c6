"""The moving pictures: of an ingest one line a file that is on its way, and one for all of them; of an archive one bar."""

import asyncio
import errno
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from rich.filesize import decimal
from rich.progress import BarColumn, Progress, TaskID, TextColumn

from protostar.cli.client import Busy, NoServer
from protostar.cli.display import note, one_line, stderr
from protostar.errors import ProtostarError

_NAME = 32


def bars() -> Progress:
    """Bars that move until they leave, each with its field `note` behind it; without a terminal there are none."""
    return Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(bar_width=None),
        TextColumn("{task.fields[note]}", markup=False),
        console=stderr(),
        transient=True,
        disable=not stderr().is_terminal,
    )


class Board:
    """On a terminal, bars that move; elsewhere one plain line for each file that is finished."""

    def __init__(self, total: int) -> None:
        self._total = total
        self._animated = stderr().is_terminal
        self._progress = bars()
        self._all = self._progress.add_task("all", total=total, note=f"0 of {total}")
        self._done = 0

    def __enter__(self) -> Self:
        self._progress.__enter__()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._progress.__exit__(kind, error, trace)

    def line(self, name: str) -> "Line":
        return Line(self, self._progress, self._progress.add_task(one_line(name, _NAME), total=None, note=""))

    def finished(self, path: str, status: str) -> None:
        self._done += 1
        self._progress.update(self._all, completed=self._done, note=f"{self._done} of {self._total}")
        if not self._animated:
            note(f"{status}  {path}")


class Line:
    """One file: bytes while it is sent, then the stages of its indexing."""

    def __init__(self, board: Board, progress: Progress, task: TaskID) -> None:
        self._board = board
        self._progress = progress
        self._task = task

    def sent(self, count: int, size: int) -> None:
        text = f"{decimal(count)} of {decimal(size)}"
        self._progress.update(self._task, completed=count, total=size or None, note=text)

    def stage(self, progress: dict[str, Any] | None) -> None:
        """`progress`: `{stage, done, total}` of a document, or None while it waits for a worker."""
        if progress is None:
            self._progress.update(self._task, completed=0, total=None, note="waiting for a worker", visible=True)
            return
        done, total = progress.get("done") or 0, progress.get("total") or None
        count = f" {done} of {total}" if total else ""
        stage = one_line(progress.get("stage"), 20)
        self._progress.update(self._task, completed=done, total=total, note=stage + count, visible=True)

    def hide(self) -> None:
        """While nobody looks after it; the next `stage` shows it again."""
        self._progress.update(self._task, visible=False)

    def close(self, path: str, status: str) -> None:
        self._progress.remove_task(self._task)
        self._board.finished(path, status)


class Meter:
    """One bar of bytes; without a terminal a plain line for each tenth of them."""

    def __init__(self, title: str, total: int) -> None:
        self._title = title
        self._total = max(1, total)
        self._done = 0
        self._told = 0
        self._animated = stderr().is_terminal
        self._progress = bars()
        self._task = self._progress.add_task(title, total=self._total, note="")

    def __enter__(self) -> Self:
        self._progress.__enter__()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._progress.__exit__(kind, error, trace)

    def advance(self, count: int) -> None:
        """`count` more bytes are done; of what grew since it was counted there may be more than all."""
        self._done = min(self._total, self._done + count)
        self._progress.update(self._task, completed=self._done, note=f"{decimal(self._done)} of {decimal(self._total)}")
        tenth = 10 * self._done // self._total
        if not self._animated and tenth > self._told:
            note(f"{self._title}: {10 * tenth} % of {decimal(self._total)}")
        self._told = max(self._told, tenth)


@contextmanager
def resumable(path: Path) -> Generator[None]:
    """What ends the work on the file `path` says that the same command goes on from there. OSError becomes a sentence."""
    try:
        yield
    except (asyncio.CancelledError, NoServer, Busy):
        note("The same command goes on from here.")
        raise
    except OSError as error:
        if error.errno in {errno.ENOSPC, errno.EDQUOT}:
            raise ProtostarError(f"The disk of {path} is full: make room, and the same command goes on from there.") from error
        raise ProtostarError(f"{error.filename or path}: {error.strerror}.") from error
