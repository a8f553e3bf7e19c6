"""A small fork server: one process that has the readers loaded, and forks for each document.

It reads requests from standard input and writes events to standard output, one JSON object a line:

    → {"id", "path", "media_type", "work_dir", "max_chars", "memory" (bytes), "seconds"}
    → {"kill": id}
    ← {"id", "pid"}      the child, leader of a process group of its own, has begun
    ← {"id", "status"}   it has ended: exit status, or minus the number of the signal
    ← {"id", "error"}    it could not be started

At the end of standard input it kills its children and leaves. It must never have a second thread: a fork copies only one.
"""

import gc
import json
import os
import resource
import selectors
import signal
import sys
import traceback
from contextlib import suppress
from pathlib import Path
from types import FrameType
from typing import Any, NoReturn

from protostar.documents.media_types import HTML, MARKDOWN, PDF, TEXT
from protostar.errors import UnreadableDocument
from protostar.knowledge import chunking, tokens
from protostar.knowledge.parse import child, markdown, readers
from protostar.knowledge.parse.model import ParsedText
from protostar.knowledge.parse.outline import Outline

_STDIN, _STDOUT, _STDERR = 0, 1, 2
_PRELOADED = (MARKDOWN, TEXT, HTML, PDF)
"""The others are loaded when the first of their kind comes."""
_SAMPLE = """\
# 문서 Document

한국어 문장과 the English sentence, `code` 1.5.

1. item
   - part

| name | value |
|---|---|
| a | b |

> quote

```python
pass
```
"""
_READ = 64 * 1024
_HIGHEST_INHERITED = 256
# Terms and weights take about five times the room of the text they are of.
_FILE_BYTES_PER_CHAR = 40
_SMALLEST_FILE_LIMIT = 64 * 1024 * 1024
_GRACE_SECONDS = 5


class Server:
    def __init__(self) -> None:
        self._children: dict[int, int] = {}
        """pid → id of the request"""
        self._input = b""

    def serve(self) -> None:
        _warm_up()
        wake_read, wake_write = os.pipe()
        os.set_blocking(wake_read, False)
        os.set_blocking(wake_write, False)
        signal.set_wakeup_fd(wake_write, warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, _ignore)
        signal.signal(signal.SIGTERM, _leave)
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        with selectors.DefaultSelector() as selector:
            selector.register(_STDIN, selectors.EVENT_READ)
            selector.register(wake_read, selectors.EVENT_READ)
            try:
                self._loop(selector, wake_read)
            finally:
                for pid in self._children:
                    _kill(pid)

    def _loop(self, selector: selectors.BaseSelector, wake_read: int) -> None:
        while True:
            ready = {key.fd for key, _ in selector.select()}
            if wake_read in ready:
                with suppress(BlockingIOError):
                    os.read(wake_read, _READ)
            self._reap()
            if _STDIN in ready:
                received = os.read(_STDIN, _READ)
                if not received:
                    return
                *lines, self._input = (self._input + received).split(b"\n")
                for line in lines:
                    self._obey(json.loads(line))

    def _obey(self, request: dict[str, Any]) -> None:
        if "kill" in request:
            for pid, number in self._children.items():
                if number == request["kill"]:
                    _kill(pid)
            return
        with suppress(UnreadableDocument):
            # Loaded here and not in the child, so that the next one of its kind starts at once.
            readers.reader(request["media_type"])
        # Collections in a child then leave the shared pages alone.
        gc.freeze()
        try:
            pid = os.fork()
        except OSError as error:
            _tell({"id": request["id"], "error": str(error)})
            return
        if not pid:
            _work(request)
        self._children[pid] = request["id"]
        _tell({"id": request["id"], "pid": pid})

    def _reap(self) -> None:
        for pid, number in list(self._children.items()):
            ended, status = os.waitpid(pid, os.WNOHANG)
            if ended:
                del self._children[pid]
                _tell({"id": number, "status": os.waitstatus_to_exitcode(status)})


def _warm_up() -> None:
    """Load what most documents need, and fill the caches that every child would otherwise fill anew."""
    for media_type in _PRELOADED:
        readers.reader(media_type)
    parsed = ParsedText(_SAMPLE, list(markdown.find_blocks(_SAMPLE, Outline())))
    for chunk in chunking.chunk(parsed):
        tokens.weights(tokens.terms(parsed.text[chunk.start : chunk.end]))


def _work(request: dict[str, Any]) -> NoReturn:
    """The life of a child. It leaves without cleaning up after libraries, some of which crash at that."""
    status = 1
    try:
        # Most documents are read before a collection would be worth its time.
        gc.set_threshold(50_000, 20, 50)
        _detach()
        _limit(request["memory"], request["seconds"], request["max_chars"])
        status = child.run(Path(request["path"]), request["media_type"], Path(request["work_dir"]), request["max_chars"])
    finally:
        try:
            if sys.exc_info()[0] is not None:
                traceback.print_exc()
        finally:
            os._exit(status)


def _detach() -> None:
    """A session of its own, no signal handlers, and nothing open that is the server's."""
    os.setsid()
    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    os.closerange(_STDERR + 1, _HIGHEST_INHERITED)
    nothing = os.open(os.devnull, os.O_RDWR)
    os.dup2(nothing, _STDIN)
    os.dup2(nothing, _STDOUT)
    os.close(nothing)


def _limit(memory: int, seconds: float, max_chars: int) -> None:
    _cap(resource.RLIMIT_AS, _address_space() + memory)
    _cap(resource.RLIMIT_CPU, int(seconds) + 1)
    _cap(resource.RLIMIT_FSIZE, max(_SMALLEST_FILE_LIMIT, max_chars * _FILE_BYTES_PER_CHAR))
    _cap(resource.RLIMIT_CORE, 0)
    # For a child whose server and client are both gone.
    signal.setitimer(signal.ITIMER_REAL, seconds + _GRACE_SECONDS)


def _cap(kind: int, limit: int) -> None:
    """Lower a soft limit; a process cannot go above its hard one, and macOS knows RLIMIT_AS but refuses to set it."""
    hard = resource.getrlimit(kind)[1]
    with suppress(ValueError, OSError):
        resource.setrlimit(kind, (limit if hard == resource.RLIM_INFINITY else min(limit, hard), hard))


def _address_space() -> int:
    """Bytes that the readers occupy already, on Linux."""
    try:
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
    except OSError:
        return 0
    return pages * resource.getpagesize()


def _kill(pid: int) -> None:
    """Kill a child that has not been reaped, with its group, which it may not have founded yet."""
    for kill in (os.killpg, os.kill):
        with suppress(ProcessLookupError, PermissionError):
            kill(pid, signal.SIGKILL)


def _tell(event: dict[str, object]) -> None:
    line = json.dumps(event).encode() + b"\n"
    while line:
        line = line[os.write(_STDOUT, line) :]


def _ignore(_signal: int, _frame: FrameType | None) -> None:
    """SIGCHLD needs a handler, or it would wake nobody."""


def _leave(_signal: int, _frame: FrameType | None) -> None:
    raise SystemExit(0)


if __name__ == "__main__":
    Server().serve()
