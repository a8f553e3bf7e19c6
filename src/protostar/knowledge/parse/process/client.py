"""The parser as the rest of Protostar sees it: `await server.parse(…)`, whatever becomes of the process that reads the file."""

import asyncio
import json
import os
import signal
import sys
from collections.abc import Generator, Hashable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from itertools import count
from pathlib import Path
from typing import Any, Self, cast
from uuid import UUID

import structlog

from protostar.config import ParseSettings
from protostar.documents.media_types import PDF
from protostar.errors import NotFound, ParserKilled, ParserUnavailable, UnreadableDocument
from protostar.knowledge.parse.failures import CRASHED, too_slow
from protostar.knowledge.parse.model import Passage
from protostar.knowledge.parse.process.child import BATCHES, ERROR, IMAGE, NO_SPACE, RESULT, ROWS, TEXT
from protostar.knowledge.parse.process.leftovers import remove_leftovers
from protostar.knowledge.parse.process.turns import Turns
from protostar.knowledge.rows import Owner

log = structlog.get_logger()

# What a Python finds itself and its libraries by. No key may reach a process that reads strangers' files.
_PASSED_ON = (
    *("PATH", "HOME", "LANG", "LC_ALL", "LC_CTYPE", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "DYLD_FALLBACK_LIBRARY_PATH"),
    *("PYTHONPATH", "PYTHONHOME", "PYTHONUSERBASE", "PYTHONNOUSERSITE"),
)
_COMMAND = ("-P", "-W", "ignore", "-m", "protostar.knowledge.parse.process.server")
_START_SECONDS = 60
_PAGE_SECONDS = 20.0  # somebody waits for it
_KILL_SECONDS = 5
_LONGEST_PAUSE = 30.0


@dataclass(frozen=True, slots=True)
class Batch:
    """Some passages in the order of the text. `rows`: see knowledge/rows.py. `texts`: what is embedded, `hashes`: theirs."""

    rows: bytes
    hashes: list[UUID]
    texts: list[str]

    def __len__(self) -> int:
        return len(self.texts)


@dataclass(frozen=True, slots=True)
class ParseResult:
    """What was made of a document; the rest lies in files in `work_dir`, which are the caller's now.

    `chars`: code points of the text. `seconds`: by stage, `parse` and `chunk`. `terms`: ascending; `counts`: how many passages hold
    each.
    """

    work_dir: Path
    encoding: str | None
    page_count: int | None
    unread_pages: int
    title: str | None
    chars: int
    text_sha256: str
    chunk_count: int
    seconds: dict[str, float]
    terms: list[int]
    counts: list[int]

    @property
    def text_path(self) -> Path:
        """The text, UTF-8."""
        return self.work_dir / TEXT

    def batches(self) -> Iterator[Batch]:
        """The passages, read one batch at a time."""
        with (self.work_dir / ROWS).open("rb") as rows, (self.work_dir / BATCHES).open("rb") as lines:
            for line in lines:
                batch = json.loads(line)
                yield Batch(rows.read(batch["bytes"]), [UUID(hash_) for hash_ in batch["hashes"]], batch["texts"])


@dataclass(frozen=True, slots=True)
class PdfPages:
    """`sizes`: (width, height) in points, of the first pages where there are very many.

    `boxes`: (page, [(left, top, right, bottom)]) of a passage, line by line, for each page that it stands on; a page's sides are 1.
    """

    page_count: int
    sizes: list[tuple[float, float]]
    boxes: list[tuple[int, list[tuple[float, float, float, float]]]]


class ParseServer:
    """Reads documents in processes that may crash, hang or grow. The process behind it is started when first needed."""

    def __init__(self, settings: ParseSettings, *, max_text_chars: int) -> None:
        self._memory = int(settings.memory)
        self._seconds = settings.timeout.total_seconds()
        self._page_seconds = min(_PAGE_SECONDS, self._seconds)
        self._max_chars = max_text_chars
        self._turns = Turns(settings.concurrency)
        self._starting = asyncio.Lock()
        self._process: _Process | None = None
        self._deaths = 0

    async def __aenter__(self) -> Self:
        await asyncio.to_thread(remove_leftovers)
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._process is not None:
            await self._process.stop()

    async def parse(self, path: Path, owner: Owner, *, media_type: str, filename: str, work_dir: Path) -> ParseResult:
        """Read, chunk and tokenise a document into the existing folder `work_dir`; on any error nothing stays there.

        Raises UnreadableDocument with a sentence for the person who uploaded it, ParserUnavailable when the parser itself died, and
        ParserKilled when somebody outside killed the process that read. A cancelled parse is killed, and has ended when the
        cancellation comes out of here.
        """
        task = {"media_type": media_type, "owner": owner.as_json()}
        return ParseResult(work_dir=work_dir, **await self._run(task, path, work_dir, filename, self._seconds, of=owner.space_id))

    async def pages(self, path: Path, work_dir: Path, *, filename: str, passage: Passage) -> PdfPages:
        """Describe the pages of a PDF, and where the passage stands on them: nowhere if it is blank. Raises what `parse` raises."""
        task = {"media_type": PDF, "passage": asdict(passage)}
        return PdfPages(**await self._run(task, path, work_dir, filename, self._page_seconds, of=path))

    async def draw(self, path: Path, work_dir: Path, *, filename: str, page: int, width: int) -> bytes:
        """Page `page`, 1 for the first, of a PDF as a WebP image. Raises NotFound past the last one, and what `parse` raises."""
        task = {"media_type": PDF, "page": page, "width": width}
        await self._run(task, path, work_dir, filename, self._page_seconds, of=path)
        return await asyncio.to_thread((work_dir / IMAGE).read_bytes)

    async def _run(
        self, task: Mapping[str, object], path: Path, work_dir: Path, filename: str, seconds: float, *, of: Hashable
    ) -> dict[str, Any]:
        """What the child writes down at its end. `of`: who waits for a place with others of the same."""
        async with self._turns.taken(of):
            process = await self._started()
            with _leaving_no_remains(work_dir):
                running = process.submit({**task, **self._limits(path, work_dir, seconds)})
                try:
                    await self._wait(process, running, seconds)
                finally:
                    await process.end(running)
                result = _outcome(work_dir, running.ended.result(), filename, seconds)
            self._deaths = 0
            return result

    def _limits(self, path: Path, work_dir: Path, seconds: float) -> dict[str, object]:
        return {
            "path": str(path.absolute()),
            "work_dir": str(work_dir.absolute()),
            "max_chars": self._max_chars,
            "memory": self._memory,
            "seconds": seconds,
        }

    async def _wait(self, process: "_Process", running: "_Running", seconds: float) -> None:
        await asyncio.wait({running.started}, timeout=_START_SECONDS)
        if not running.started.done():
            process.kill()
        await asyncio.wait({running.ended}, timeout=seconds)
        if not running.ended.done():
            raise too_slow(seconds)

    async def _started(self) -> "_Process":
        """The server; a new one where there is none, after a pause if several died in a row."""
        async with self._starting:
            if self._process is None or not self._process.is_alive:
                if self._process is not None:
                    self._deaths += 1
                if self._deaths > 1:
                    await asyncio.sleep(min(_LONGEST_PAUSE, 0.1 * 2 ** min(self._deaths, 10)))
                self._process = await _Process.start()
            return self._process


class _Running:
    """One parse in the server. `ended` holds the exit status of its process, None when the server itself is gone."""

    def __init__(self, number: int) -> None:
        loop = asyncio.get_running_loop()
        self.number = number
        self.pid: int | None = None
        self.started: asyncio.Future[None] = loop.create_future()
        self.ended: asyncio.Future[int | None] = loop.create_future()

    def begin(self, pid: int | None) -> None:
        self.pid = pid
        if not self.started.done():
            self.started.set_result(None)

    def finish(self, status: int | None) -> None:
        self.begin(self.pid)
        if not self.ended.done():
            self.ended.set_result(status)


class _Process(asyncio.SubprocessProtocol):
    """The server process: requests go in, events come out."""

    def __init__(self) -> None:
        self._numbers = count(1)
        self._running: dict[int, _Running] = {}
        self._received = b""
        self._exited = asyncio.get_running_loop().create_future()

    @classmethod
    async def start(cls) -> "_Process":
        environment = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
        try:
            _, process = await asyncio.get_running_loop().subprocess_exec(
                cls, sys.executable, *_COMMAND, stderr=None, env=environment, start_new_session=True
            )
        except OSError as error:
            raise ParserUnavailable(f"The parser process cannot be started: {error}") from error
        return process

    @property
    def is_alive(self) -> bool:
        return not self._exited.done()

    def submit(self, request: dict[str, object]) -> _Running:
        running = _Running(next(self._numbers))
        self._running[running.number] = running
        self._send({"id": running.number, **request})
        if not self.is_alive:
            running.finish(None)
        return running

    async def end(self, running: _Running) -> None:
        """Return when nothing of this parse runs any more; kill what does."""
        if not running.ended.done():
            self._send({"kill": running.number})
            await asyncio.wait({running.ended}, timeout=_KILL_SECONDS)
        if not running.ended.done():
            self.kill()
            await asyncio.wait({running.ended}, timeout=_KILL_SECONDS)
        self._running.pop(running.number, None)

    async def stop(self) -> None:
        """At the end of its input the server kills its children and leaves."""
        self._stdin.close()
        await asyncio.wait({self._exited}, timeout=_KILL_SECONDS)
        self.kill()
        await asyncio.wait({self._exited}, timeout=_KILL_SECONDS)
        self._transport.close()

    def kill(self) -> None:
        if self.is_alive:
            with suppress(ProcessLookupError):
                self._transport.kill()

    def _send(self, request: dict[str, object]) -> None:
        if self.is_alive:
            self._stdin.write(json.dumps(request).encode() + b"\n")

    # -- called by the event loop

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.SubprocessTransport", transport)
        self._stdin = cast("asyncio.WriteTransport", self._transport.get_pipe_transport(0))

    def pipe_data_received(self, fd: int, data: bytes) -> None:  # noqa: ARG002
        *lines, self._received = (self._received + data).split(b"\n")
        for line in lines:
            self._hear(json.loads(line))

    def process_exited(self) -> None:
        status = self._transport.get_returncode()
        if status:
            log.warning("parser_died", status=status, running=len(self._running))
        self._exited.set_result(None)
        for running in self._running.values():
            if running.pid is not None and not running.ended.done():
                # Orphans: the server had no time to end them.
                with suppress(ProcessLookupError, PermissionError):
                    os.killpg(running.pid, signal.SIGKILL)
            running.finish(None)
        self._transport.close()

    def _hear(self, event: dict[str, Any]) -> None:
        running = self._running.get(event["id"])
        if running is None:
            return
        if "pid" in event:
            running.begin(event["pid"])
        elif "status" in event:
            running.finish(event["status"])
        else:
            log.warning("parser_cannot_fork", error=event["error"])
            running.finish(None)


def _outcome(work_dir: Path, status: int | None, filename: str, seconds: float) -> dict[str, Any]:
    """What a child left behind decides, not how its process ended."""
    result = work_dir / RESULT
    if result.exists():
        return json.loads(result.read_bytes())
    if (work_dir / ERROR).exists():
        error = json.loads((work_dir / ERROR).read_bytes())
        raise (NotFound if error["code"] == NotFound.code else UnreadableDocument)(error["detail"])
    if status is None:
        raise ParserUnavailable
    if status == NO_SPACE:
        raise ParserUnavailable("There is no space left for the parser's temporary files.")
    log.warning("parse_crashed", filename=filename, status=status)
    if status in {-signal.SIGXCPU, -signal.SIGALRM}:
        raise too_slow(seconds)
    if status == -signal.SIGKILL:
        # Nobody here sent it, and of a file that goes beyond its limit the child tells: the system is short of memory.
        raise ParserKilled
    raise UnreadableDocument(CRASHED)


@contextmanager
def _leaving_no_remains(work_dir: Path) -> Generator[None]:
    """Nothing of another parse is in the folder before, and nothing of this one after it failed."""
    _discard(work_dir)
    try:
        yield
    except BaseException:
        _discard(work_dir)
        raise


def _discard(work_dir: Path) -> None:
    for name in (TEXT, ROWS, BATCHES, IMAGE, RESULT, ERROR):
        (work_dir / name).unlink(missing_ok=True)
        (work_dir / name).with_suffix(".part").unlink(missing_ok=True)
