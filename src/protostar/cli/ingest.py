"""`protostar ingest`: many files at once, from their bytes on this disk, or their URLs, to documents that can be found."""

import asyncio
import hashlib
import io
import json
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, aclosing, suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Self

import aiohttp
import typer

from protostar.cli.client import ApiClient, ApiError, ConnectionLost
from protostar.cli.display import Column, complain, stdout, table, write_json
from protostar.cli.files import File, Found, find_files
from protostar.cli.progress import Board, Line
from protostar.errors import InvalidInput, ProtostarError

_WATCHED = 8  # documents that are followed at once; each is one connection
_POLL = 1.0
_TAKEN = "A document named «{}» is there already, with other content: --replace makes this its next version, --keep adds it."
_SEVERAL = "Several documents or files have this name: replace the right one in the dashboard, or add it with --keep."
_SEVERAL_ARE = "It may be {}: replace the right one in the dashboard, or delete the other."
_THERE = "It was there already."
_LARGE = 1 << 20  # bytes

_SEARCHED = 200  # characters that documents may be looked for by
_URLS = ("http://", "https://")
_COLUMNS = (
    Column("name", 12),
    Column("status"),
    Column("chunks", right=True),
    Column("seconds", right=True),
    Column("reason", 16),
)


@dataclass(slots=True)
class Outcome:
    """What became of one file or URL. `status`: that of its document, or `failed` or `skipped` without one."""

    path: str
    status: str = "failed"
    document_id: str | None = None
    chunks: int | None = None
    seconds: float | None = None
    reason: str | None = None

    def learn(self, document: dict[str, Any]) -> None:
        self.status = document["status"]
        self.document_id = document["id"]
        self.chunks = document["chunk_count"]
        self.reason = document["error"] or self.reason or _unread(document["unread_pages"])

    def fail(self, reason: str) -> None:
        self.status = "failed"
        self.reason = reason

    def row(self) -> tuple[object, ...]:
        seconds = None if self.seconds is None else f"{self.seconds:.1f}"
        return self.path, self.status, self.chunks, seconds, self.reason


@dataclass(frozen=True, slots=True)
class Way:
    """The request that a file is sent with. `reason`: what is said of it where it is accepted."""

    method: str = "POST"
    path: str = "/v1/documents"
    params: Mapping[str, str] = field(default_factory=dict[str, str])
    reason: str | None = None

    @property
    def asks(self) -> bool:
        """Whether another document of the file's name is in its way."""
        return "new_name" in self.params


@dataclass(frozen=True, slots=True)
class Upload:
    """What is sent beside the bytes. `wait`: until the document is ready or failed.

    `replace`: whether a file becomes the next version of the document that has its name, with other content, or another
    document; None: neither, it is left out.
    """

    title: str | None = None
    metadata: dict[str, str] | None = None
    wait: bool = True
    replace: bool | None = None

    def body(self, url: str) -> dict[str, Any]:
        return {"url": url, "title": self.title, "metadata": self.metadata}


async def ingest(client: ApiClient, paths: Sequence[str], upload: Upload, *, concurrency: int, as_json: bool) -> int:
    """Send the files and URLs and print what became of each; returns the exit code. Raises NoServer when nobody answers at all."""
    urls = [path for path in dict.fromkeys(paths) if path.startswith(_URLS)]
    found = await asyncio.to_thread(find_files, [path for path in paths if path not in urls])
    items = [*urls, *found.files]
    if upload.title is not None and len(items) > 1:
        raise typer.BadParameter(f"It names one document, but there are {len(items)} files.", param_hint="--title")
    await client.ping()
    with Board(len(items)) as board:
        outcomes = await Run(client, upload, board, concurrency).all(items)
    outcomes += _not_sent(found)
    if as_json:
        write_json({"files": [asdict(outcome) for outcome in outcomes]})
    else:
        _report(outcomes)
    return 1 if _failed(outcomes) else 0


class Run:
    """One run of the command: so many uploads at once, and each document followed beside the next uploads."""

    def __init__(self, client: ApiClient, upload: Upload, board: Board, concurrency: int) -> None:
        self._client = client
        self._upload = upload
        self._board = board
        self._sending = asyncio.Semaphore(concurrency)
        self._watching = asyncio.Semaphore(_WATCHED)
        self._lost: ConnectionLost | None = None
        self._taken: list[tuple[File, Outcome, Sequence[str]]] = []  # with the documents that have the file's name

    async def all(self, items: Sequence[File | str]) -> list[Outcome]:
        """`items`: files, and URLs as text."""
        outcomes = [Outcome(item if isinstance(item, str) else str(item.path)) for item in items]
        first = Way(params={} if self._upload.replace is False else {"new_name": "true"})
        await self._each((item, outcome, first) for item, outcome in zip(items, outcomes, strict=True))
        await self._each(self._again(outcomes))
        return outcomes

    async def _each(self, wanted: Iterable[tuple[File | str, Outcome, Way]]) -> None:
        async with asyncio.TaskGroup() as tasks:
            for item, outcome, way in wanted:
                await self._sending.acquire()  # here, so that ten thousand files are not ten thousand tasks
                tasks.create_task(self._one(item, outcome, way))

    def _again(self, outcomes: Sequence[Outcome]) -> Iterator[tuple[File, Outcome, Way]]:
        """The files whose names were taken, and how they are sent now that it is known what the others have become.

        A document that another file of this run is does not count: two folders of one name may hold files of one name.
        """
        become = {outcome.document_id for outcome in outcomes}
        names = Counter(file.name for file, _outcome, _documents in self._taken)
        for file, outcome, documents in self._taken:
            left = [document for document in documents if document not in become]
            if not left:
                yield file, outcome, Way()
            elif self._upload.replace and len(left) == names[file.name] == 1:
                yield file, outcome, Way("PUT", f"/v1/documents/{left[0]}/content", reason="The next version of its document.")
            else:
                outcome.fail(_SEVERAL if self._upload.replace else _TAKEN.format(file.name))
                self._board.finished(outcome.path, outcome.status)

    async def _one(self, item: File | str, outcome: Outcome, way: Way) -> None:
        started = time.monotonic()
        line = self._board.line(item if isinstance(item, str) else item.name)
        try:
            with ExitStack() as sending:
                sending.callback(self._sending.release)
                if self._lost is not None:
                    raise self._lost
                item = await self._as_known(item) if way.asks else item
                await self._send(item, outcome, line, way)
            line.hide()
            if self._upload.wait and not _settled(outcome.status):
                async with self._watching:
                    await self._watch(outcome, line)
        except ConnectionLost as error:
            self._lost = error
            outcome.fail(str(error))
        except ApiError as error:
            if isinstance(item, File) and error.problem.get("code") == "name_taken":
                self._taken.append((item, outcome, error.problem["documents"]))
                line.hide()
                return
            outcome.fail(str(error))
        except ProtostarError as error:
            outcome.fail(str(error))
        except OSError as error:
            outcome.fail(f"The file cannot be read: {error.strerror}.")
        outcome.seconds = round(time.monotonic() - started, 3)
        line.close(outcome.path, outcome.status)

    async def _send(self, item: File | str, outcome: Outcome, line: Line, way: Way) -> None:
        if isinstance(item, str):
            outcome.learn(await self._client.post("/v1/documents", self._upload.body(item)))
        elif way.method == "POST" and (document := await self._there(item)) is not None:
            outcome.reason = _THERE
            outcome.learn(document)
        else:
            with Form(item, self._upload, line.sent) as form:
                status, document = await self._client.send_form(way.method, way.path, form, way.params)
            outcome.reason = _THERE if status == 200 else way.reason
            outcome.learn(document)

    async def _as_known(self, file: File | str) -> File | str:
        """A file that was named itself, by the name that its document has: it may have been taken in with a folder before."""
        if isinstance(file, str) or not file.is_alone:
            return file
        names = await self._names(file, file.in_folder)
        if names:
            names |= await self._names(file, file.name)
        if len(names) > 1 and self._upload.replace:
            raise InvalidInput(_SEVERAL_ARE.format(" and ".join(f"«{name}»" for name in sorted(names))))
        return File(file.path, names.pop()) if len(names) == 1 else file

    async def _names(self, file: File, words: str) -> set[str]:
        """Names of documents, with these words, that may be the file's."""
        found = await self._client.page("/v1/documents", {"q": words[-_SEARCHED:]})
        return {name for each in found["items"] if file.may_be(name := each["filename"])}

    async def _there(self, file: File) -> dict[str, Any] | None:
        """The document that a large file is already: were it sent, the server would know only at its end."""
        if file.path.stat().st_size < _LARGE:
            return None
        sha256 = await asyncio.to_thread(_sha256, file.path)
        found = await self._client.get("/v1/documents", {"q": file.name[-_SEARCHED:], "limit": 200})
        same = (file.name, sha256)
        alike = [each for each in found["items"] if (each["filename"], each["sha256"]) == same and each["status"] != "failed"]
        return alike[0] if alike else None

    async def _watch(self, outcome: Outcome, line: Line) -> None:
        """Follow the document's events; look again every second where they are not to be had."""
        path = f"/v1/documents/{outcome.document_id}"
        while True:
            with suppress(ApiError):  # the document itself, below, has the last word
                await self._listen(path, line)
            outcome.learn(document := await self._client.get(path))
            if _settled(outcome.status):
                return
            line.stage(document["progress"])
            await asyncio.sleep(_POLL)

    async def _listen(self, path: str, line: Line) -> None:
        async with aclosing(self._client.events("GET", path + "/events")) as events:
            async for event in events:
                if event.name != "progress":
                    return
                line.stage(event.data)


class Form:
    """The form of one file, made anew for each attempt.

    aiohttp takes an error of this disk for one of the connection: the next attempt raises it as what it was, an OSError.
    """

    def __init__(self, file: File, upload: Upload, on_read: Callable[[int, int], None]) -> None:
        self._wanted = file
        self._upload = upload
        self._on_read = on_read
        self._file: _CountedFile | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._file is not None:
            self._file.close()

    def __call__(self) -> aiohttp.FormData:
        if self._file is not None:
            self._file.close()
            if self._file.error is not None:
                raise self._file.error
        self._file = _CountedFile(self._wanted.path, self._on_read)
        form = aiohttp.FormData(quote_fields=False)
        if self._upload.title is not None:
            form.add_field("title", self._upload.title)
        if self._upload.metadata:
            form.add_field("metadata", json.dumps(self._upload.metadata, ensure_ascii=False))
        form.add_field("file", self._file, filename=self._wanted.name)
        return form


class _CountedFile(io.BufferedReader):
    """A file that tells `on_read` (from whatever thread reads it) how much of it has been read, and keeps its error."""

    def __init__(self, path: Path, on_read: Callable[[int, int], None]) -> None:
        super().__init__(io.FileIO(path))
        self.error: OSError | None = None
        self._on_read = on_read
        self._size = path.stat().st_size

    def read(self, size: int | None = -1, /) -> bytes:
        try:
            chunk = super().read(size)
        except OSError as error:
            self.error = error
            raise
        self._on_read(self.tell(), self._size)
        return chunk


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _unread(pages: int) -> str | None:
    match pages:
        case 0:
            return None
        case 1:
            return "1 page is a picture: what is written on it is not found."
        case _:
            return f"{pages} pages are pictures: what is written on them is not found."


def _settled(status: str) -> bool:
    return status in {"ready", "failed"}


def _not_sent(found: Found) -> list[Outcome]:
    missing = [Outcome(path, reason=reason) for path, reason in found.missing.items()]
    return missing + [Outcome(path, status="skipped", reason=reason) for path, reason in found.skipped.items()]


def _failed(outcomes: Sequence[Outcome]) -> bool:
    """Something failed, or there was nothing at all to send."""
    return any(outcome.status == "failed" for outcome in outcomes) or all(outcome.status == "skipped" for outcome in outcomes)


def _report(outcomes: Sequence[Outcome]) -> None:
    table(_COLUMNS, [outcome.row() for outcome in outcomes])
    counts = Counter(outcome.status for outcome in outcomes)
    stdout().print("\n" + (", ".join(f"{count} {status}" for status, count in counts.items()) or "nothing to send"))
    for outcome in outcomes:
        if outcome.status == "failed" and not stdout().is_terminal:  # the table may have gone to a file
            complain(f"{outcome.path}: {outcome.reason}")
