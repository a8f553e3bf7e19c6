"""A small fork server: one process that has the readers loaded, and forks a child for a document.

A fork with the page faults that follow it costs more than to read a small file. So where only Python code has read a file, which
cannot make it do anything else, a child that ended well is given the next document of such a kind, under limits of its own.

It reads requests from standard input and writes events to standard output, one JSON object a line:

    → {"id", "path", "media_type", "work_dir", "max_chars", "memory" (bytes), "seconds", and what is to be done:}
       "owner" to read the document, "page" and "width" to draw a page, "passage" to describe the pages
    → {"kill": id}
    ← {"id", "pid"}      the child, leader of a process group of its own, has begun
    ← {"id", "status"}   it has ended, or has done with this document: exit status, or minus the number of the signal
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
import time
import traceback
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any, NoReturn

from protostar.documents.media_types import CSV, HTML, MARKDOWN, PDF, TEXT, TSV
from protostar.errors import UnreadableDocument
from protostar.knowledge import chunking, tokens
from protostar.knowledge.parse import readers
from protostar.knowledge.parse.html.reader import HAS_PARSED
from protostar.knowledge.parse.markdown.reader import find_blocks
from protostar.knowledge.parse.model import ParsedText, Passage
from protostar.knowledge.parse.process import pages
from protostar.knowledge.parse.process.child import run, settle
from protostar.knowledge.parse.text.outline import Outline
from protostar.knowledge.rows import Owner

_STDIN, _STDOUT, _STDERR = 0, 1, 2
_PRELOADED = (MARKDOWN, TEXT, HTML, PDF)
"""The others are loaded when the first of their kind comes."""
_PURE = frozenset({MARKDOWN, TEXT, CSV, TSV})
"""No parser in C reads these, but for HTML within Markdown: a child that met some is not kept."""
_MOST_DOCUMENTS = 50
_LARGEST_KEPT = 1024 * 1024
"""A child that read more holds memory that the next document has no use for."""
_IDLE_SECONDS = 5.0
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


@dataclass(slots=True)
class _Child:
    """`number`: of the request that it works on, None while it waits for one. `requests`, `reports`: our ends of its pipes; -1 for
    a child that ends with its document."""

    pid: int
    number: int | None
    requests: int = -1
    reports: int = -1
    documents: int = 1
    idle_since: float = 0.0


class Server:
    def __init__(self) -> None:
        self._children: dict[int, _Child] = {}
        """By pid."""
        self._selector = selectors.DefaultSelector()
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
        with self._selector:
            self._selector.register(_STDIN, selectors.EVENT_READ)
            self._selector.register(wake_read, selectors.EVENT_READ)
            try:
                with suppress(BrokenPipeError):  # whoever asked was killed: the end of the input follows
                    self._loop(wake_read)
            finally:
                for pid in self._children:
                    _kill(pid)

    def _loop(self, wake_read: int) -> None:
        while True:
            idle = any(child.number is None for child in self._children.values())
            events = [key for key, _ in self._selector.select(_IDLE_SECONDS if idle else None)]
            ready = {key.fd for key in events}
            if wake_read in ready:
                with suppress(BlockingIOError):
                    os.read(wake_read, _READ)
            for key in events:
                if isinstance(key.data, _Child):
                    self._hear(key.data)
            self._reap()
            if _STDIN in ready:
                received = os.read(_STDIN, _READ)
                if not received:
                    return
                *lines, self._input = (self._input + received).split(b"\n")
                for line in lines:
                    self._obey(json.loads(line))
            self._dismiss_idle()

    def _obey(self, request: dict[str, Any]) -> None:
        if "kill" in request:
            for child in self._children.values():
                if child.number == request["kill"]:
                    _kill(child.pid)
            return
        pure = "owner" in request and request["media_type"] in _PURE
        waiting = next((child for child in self._children.values() if child.number is None), None) if pure else None
        if waiting is not None and _send(waiting, request):
            _tell({"id": request["id"], "pid": waiting.pid})
            return
        # Loaded here and not in the child, so that the next one of its kind starts at once.
        with suppress(UnreadableDocument):
            readers.reader(request["media_type"])
        if "page" in request:
            pages.load()
        try:
            child = _fork(request, kept=pure)
        except OSError as error:
            _tell({"id": request["id"], "error": str(error)})
            return
        self._children[child.pid] = child
        if child.reports >= 0:
            self._selector.register(child.reports, selectors.EVENT_READ, child)
        _tell({"id": request["id"], "pid": child.pid})

    def _hear(self, child: _Child) -> None:
        """A child has done with a document, or is gone; what is left of that, `_reap` tells."""
        status = os.read(child.reports, _READ).strip()
        if not status or child.number is None:
            return
        number, child.number, child.idle_since = child.number, None, time.monotonic()
        if child.documents >= _MOST_DOCUMENTS:
            self._dismiss(child)
        _tell({"id": number, "status": int(status)})

    def _dismiss_idle(self) -> None:
        latest = time.monotonic() - _IDLE_SECONDS
        for child in self._children.values():
            if child.number is None and child.idle_since <= latest:
                self._dismiss(child)

    def _dismiss(self, child: _Child) -> None:
        """It leaves at the end of its requests."""
        if child.requests >= 0:
            os.close(child.requests)
            child.requests = -1

    def _reap(self) -> None:
        for child in list(self._children.values()):
            ended, status = os.waitpid(child.pid, os.WNOHANG)
            if not ended:
                continue
            del self._children[child.pid]
            self._dismiss(child)
            if child.reports >= 0:
                self._selector.unregister(child.reports)
                os.close(child.reports)
            if child.number is not None:
                _tell({"id": child.number, "status": os.waitstatus_to_exitcode(status)})


def _warm_up() -> None:
    """Load what most documents need, and fill the caches that every child would otherwise fill anew."""
    for media_type in _PRELOADED:
        readers.reader(media_type)
    parsed = ParsedText(_SAMPLE, list(find_blocks(_SAMPLE, Outline())))
    for chunk in chunking.chunk(parsed):
        tokens.weights(tokens.terms(parsed.text[chunk.start : chunk.end]))


def _fork(request: dict[str, Any], *, kept: bool) -> _Child:
    # Collections in a child then leave the shared pages alone.
    gc.freeze()
    pipes: tuple[int, ...] = ()
    try:
        for _ in range(2 if kept else 0):
            pipes += os.pipe()
        pid = os.fork()
    except OSError:
        for pipe in pipes:
            os.close(pipe)
        raise
    if not pid:
        _live(request, pipes)
    if not pipes:
        return _Child(pid, request["id"])
    their_requests, requests, reports, their_reports = pipes
    os.close(their_requests)
    os.close(their_reports)
    return _Child(pid, request["id"], requests, reports)


def _send(child: _Child, request: dict[str, Any]) -> bool:
    """Whether the waiting child took the request: it may have left by now."""
    if child.requests < 0:
        return False
    try:
        os.write(child.requests, json.dumps(request).encode() + b"\n")
    except BrokenPipeError:
        return False
    child.number = request["id"]
    child.documents += 1
    return True


def _live(request: dict[str, Any], pipes: tuple[int, ...]) -> NoReturn:
    """The life of a child. It leaves without cleaning up after libraries, some of which crash at that."""
    status = 1
    try:
        # Most documents are read before a collection would be worth its time.
        gc.set_threshold(50_000, 20, 50)
        _detach(pipes)
        status = _work(request)
        while pipes and status == 0 and _may_be_kept(Path(request["path"])):
            os.write(_STDOUT, b"0\n")
            line = b""
            while not line.endswith(b"\n") and (received := os.read(_STDIN, _READ)):
                line += received
            if not line:
                break
            request = json.loads(line)
            status = 1
            status = _work(request)
    finally:
        try:
            if sys.exc_info()[0] is not None:
                traceback.print_exc()
        finally:
            os._exit(status)


def _may_be_kept(path: Path) -> bool:
    """Whether this child is as good as new after it read a file."""
    return not HAS_PARSED.get() and path.stat().st_size <= _LARGEST_KEPT


def _work(request: dict[str, Any]) -> int:
    """What is asked of one document, under its own limits."""
    _limit(request["memory"], request["seconds"], request["max_chars"])
    path, work_dir, max_chars = Path(request["path"]), Path(request["work_dir"]), request["max_chars"]
    if "page" in request:
        status = settle(lambda: pages.draw(path, work_dir, request["page"], request["width"]), work_dir, max_chars)
    elif "passage" in request:
        status = settle(lambda: pages.describe(path, work_dir, max_chars, Passage(**request["passage"])), work_dir, max_chars)
    else:
        status = run(path, request["media_type"], work_dir, max_chars, Owner.of_json(request["owner"]))
    signal.setitimer(signal.ITIMER_REAL, 0)
    return status


def _detach(pipes: tuple[int, ...]) -> None:
    """A session of its own, no signal handlers, and nothing open that is the server's but the child's own pipes."""
    os.setsid()
    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    nothing = os.open(os.devnull, os.O_RDWR)
    os.dup2(pipes[0] if pipes else nothing, _STDIN)
    os.dup2(pipes[3] if pipes else nothing, _STDOUT)
    os.closerange(_STDERR + 1, _HIGHEST_INHERITED)


def _limit(memory: int, seconds: float, max_chars: int) -> None:
    _cap(resource.RLIMIT_AS, _address_space() + memory)
    used = resource.getrusage(resource.RUSAGE_SELF)
    _cap(resource.RLIMIT_CPU, int(used.ru_utime + used.ru_stime + seconds) + 1)
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
