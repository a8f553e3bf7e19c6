"""The forked children, with real processes: what they leave behind, and that nothing else stays."""

import asyncio
import hashlib
import json
import os
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import AsyncGenerator, Callable
from contextlib import suppress
from dataclasses import replace
from itertools import chain
from pathlib import Path
from uuid import UUID

import pytest
import uvloop
from tests.knowledge.parse.support import FILES, OWNER, write
from tests.support.waiting import wait_until

from protostar.config import ParseSettings
from protostar.documents.media_types import MARKDOWN, PDF, TEXT, XLSX
from protostar.errors import ParserKilled, ParserUnavailable, UnreadableDocument
from protostar.knowledge import tokens
from protostar.knowledge.parse.process import client
from protostar.knowledge.parse.process.child import NO_SPACE
from protostar.knowledge.parse.process.client import ParseServer
from protostar.knowledge.rows import Owner, text_hash

MAX_CHARS = 100_000_000
MiB = 1024 * 1024

on_linux = pytest.mark.skipif(sys.platform != "linux", reason="needs /proc or RLIMIT_AS")


def settings(**changes: object) -> ParseSettings:
    return ParseSettings.model_validate({"memory": 512 * MiB, "timeout": 60, "concurrency": 2, **changes})


@pytest.fixture
async def server() -> AsyncGenerator[ParseServer]:
    async with ParseServer(settings(), max_text_chars=MAX_CHARS) as server:
        yield server


@pytest.fixture
def work_dir(tmp_path: Path) -> Path:
    folder = tmp_path / "work"
    folder.mkdir()
    return folder


@pytest.fixture(scope="module")
def endless(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A document that takes minutes."""
    path = tmp_path_factory.mktemp("endless") / "a.md"
    path.write_bytes(b"- item\n" * 12_000_000)
    return path


async def parse(server: ParseServer, path: Path, work_dir: Path, media_type: str = MARKDOWN) -> client.ParseResult:
    return await server.parse(path, OWNER, media_type=media_type, filename=path.name, work_dir=work_dir)


def process_of(server: ParseServer) -> int:
    assert server._process is not None
    return server._process._transport.get_pid()


def running_in(server: ParseServer) -> list[int]:
    """The processes of the documents that are being read."""
    running = server._process._running.values() if server._process else ()
    return [one.pid for one in running if one.pid is not None and not one.ended.done()]


def is_gone(pid: int) -> bool:
    """Whether no process is left in the group; one that nobody has waited for does not count as left."""
    found = subprocess.run(["ps", "-A", "-o", "pid=,pgid=,stat="], capture_output=True, text=True, check=True).stdout
    return not any(str(pid) in line.split()[:2] and not line.split()[2].startswith("Z") for line in found.splitlines())


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def environment(pid: int) -> bytes:
    return Path(f"/proc/{pid}/environ").read_bytes()


def open_files(pid: int) -> dict[int, str]:
    return {int(file.name): str(file.readlink()) for file in Path(f"/proc/{pid}/fd").iterdir()}


def limits(pid: int) -> dict[str, str]:
    """Name → soft limit."""
    lines = Path(f"/proc/{pid}/limits").read_text().splitlines()
    return {line[:25].strip(): line[25:].split()[0] for line in lines}


async def started(server: ParseServer, count: int = 1) -> list[int]:
    await wait_until(lambda: len(running_in(server)) == count)
    return running_in(server)


# -- what a parse gives


async def test_the_result_is_whole_and_true(server: ParseServer, work_dir: Path) -> None:
    result = await parse(server, FILES / "three-pages-ko.pdf", work_dir, PDF)
    text = result.text_path.read_text(encoding="utf-8")
    assert (result.chars, result.page_count, result.encoding) == (len(text), 3, None)
    assert result.text_sha256 == hashlib.sha256(text.encode()).hexdigest()
    assert result.seconds.keys() == {"parse", "chunk"}
    (batch,) = result.batches()
    assert len(batch) == len(batch.hashes) == result.chunk_count > 0
    assert batch.hashes == [UUID(bytes=text_hash(embedded)) for embedded in batch.texts]
    assert all(embedded.rpartition("\n")[2] in text for embedded in batch.texts)
    counted = [tokens.counted(terms, tokens.weights(terms)) for terms in map(tokens.terms, batch.texts)]
    assert dict(zip(result.terms, result.counts, strict=True)) == Counter(chain.from_iterable(counted))
    assert result.terms == sorted(result.terms)
    assert names(work_dir) == ["batches.jsonl", "result.json", "rows", "text"]


async def test_the_text_of_a_markdown_file_is_the_file(server: ParseServer, work_dir: Path) -> None:
    result = await parse(server, FILES / "guide-ko.md", work_dir)
    assert result.text_path.read_bytes() == (FILES / "guide-ko.md").read_bytes()
    assert (result.encoding, result.title) == ("utf-8", "프로토스타 운영 안내서")
    (batch,) = result.batches()
    assert any(embedded.startswith("프로토스타 운영 안내서 > 2. 운영 > 2.1 백업\n") for embedded in batch.texts)


async def test_kinds_that_are_loaded_late_are_read_too(server: ParseServer, work_dir: Path) -> None:
    result = await parse(server, FILES / "sheet-ko.xlsx", work_dir, XLSX)
    assert result.page_count == 3


async def test_a_child_is_kept_for_the_next_document_while_only_python_reads(server: ParseServer, tmp_path: Path) -> None:
    page = write(tmp_path / "page.md", "# Refunds\n\n<div>within 14 days</div>\n")
    guide = FILES / "guide-ko.md"
    documents = [(guide, MARKDOWN), (guide, TEXT), (page, MARKDOWN), (guide, MARKDOWN), (FILES / "three-pages-ko.pdf", PDF)]
    pids: list[int | None] = []
    submit = client._Process.submit

    def watched(process: client._Process, request: dict[str, object]) -> client._Running:
        running = submit(process, request)
        running.ended.add_done_callback(lambda _: pids.append(running.pid))
        return running

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(client._Process, "submit", watched)
        for number, (path, kind) in enumerate(documents):
            folder = tmp_path / str(number)
            folder.mkdir()
            assert (await parse(server, path, folder, kind)).chunk_count > 0
    kept, another, last = pids[0], pids[3], pids[4]
    assert pids == [kept, kept, kept, another, last]
    assert len({kept, another, last}) == 3


async def test_an_unreadable_document_leaves_nothing(server: ParseServer, work_dir: Path) -> None:
    with pytest.raises(UnreadableDocument) as caught:
        await parse(server, FILES / "empty.md", work_dir)
    assert str(caught.value) == "The file is empty."
    with pytest.raises(UnreadableDocument, match="damaged, incomplete or not a PDF"):
        await parse(server, FILES / "guide-ko.md", work_dir, PDF)
    assert names(work_dir) == []


async def test_a_text_above_the_limit_is_refused(work_dir: Path) -> None:
    async with ParseServer(settings(), max_text_chars=1000) as server:
        with pytest.raises(UnreadableDocument, match="longer than the 1,000 characters"):
            await parse(server, FILES / "three-pages-ko.pdf", work_dir, PDF)


def test_another_event_loop(work_dir: Path) -> None:
    async def main() -> int:
        async with ParseServer(settings(), max_text_chars=MAX_CHARS) as server:
            return (await parse(server, FILES / "guide-ko.md", work_dir)).chunk_count

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        assert runner.run(main()) > 0


# -- what can go wrong


async def test_a_parse_that_takes_too_long_is_killed(work_dir: Path, endless: Path) -> None:
    async with ParseServer(settings(timeout=0.5), max_text_chars=MAX_CHARS) as server:
        task = asyncio.ensure_future(parse(server, endless, work_dir))
        (pid,) = await started(server)
        with pytest.raises(UnreadableDocument, match="longer than the"):
            await task
        assert is_gone(pid)
        assert names(work_dir) == []


async def test_a_cancelled_parse_is_killed(server: ParseServer, work_dir: Path, endless: Path) -> None:
    task = asyncio.ensure_future(parse(server, endless, work_dir))
    (pid,) = await started(server)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert is_gone(pid)
    assert names(work_dir) == []
    assert (await parse(server, FILES / "guide-ko.md", work_dir)).chunk_count > 0


async def test_a_parse_cancelled_before_it_began_is_killed(server: ParseServer, work_dir: Path, endless: Path) -> None:
    await parse(server, FILES / "guide-ko.md", work_dir)
    task = asyncio.ensure_future(parse(server, endless, work_dir))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert running_in(server) == []


@on_linux
async def test_a_parse_that_takes_too_much_memory_ends_alone(tmp_path: Path, work_dir: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes(b"line of text\n" * 15_000_000)
    async with ParseServer(settings(memory=256 * MiB), max_text_chars=MAX_CHARS) as server:
        await parse(server, FILES / "guide-ko.md", work_dir)
        before = process_of(server)
        with pytest.raises(UnreadableDocument, match="more memory than is allowed"):
            await parse(server, path, work_dir, TEXT)
        assert names(work_dir) == []
        await parse(server, FILES / "guide-ko.md", work_dir)
        assert process_of(server) == before


async def test_a_crash_is_told_as_a_damaged_file(server: ParseServer, work_dir: Path, endless: Path) -> None:
    """One that was killed from outside is not the file's fault: systems that are short of memory kill whom they like."""
    for sent, error, sentence in [
        (signal.SIGSEGV, UnreadableDocument, "probably damaged"),
        (signal.SIGKILL, ParserKilled, "short of memory"),
    ]:
        task = asyncio.ensure_future(parse(server, endless, work_dir))
        (pid,) = await started(server)
        os.kill(pid, sent)
        with pytest.raises(error, match=sentence):
            await task


async def test_the_death_of_the_server_ends_what_it_ran_and_the_next_parse_starts_another(
    server: ParseServer, work_dir: Path, endless: Path
) -> None:
    task = asyncio.ensure_future(parse(server, endless, work_dir))
    (pid,) = await started(server)
    before = process_of(server)
    os.kill(before, signal.SIGKILL)
    with pytest.raises(ParserUnavailable):
        await task
    await wait_until(lambda: is_gone(pid))
    assert names(work_dir) == []
    assert (await parse(server, FILES / "guide-ko.md", work_dir)).chunk_count > 0
    assert process_of(server) != before


async def test_a_server_that_cannot_start_is_unavailable(
    server: ParseServer, work_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(client, "_COMMAND", ("-c", "raise SystemExit(3)"))
        patch.setattr(client, "_LONGEST_PAUSE", 0.05)
        for _ in range(3):
            with pytest.raises(ParserUnavailable):
                await parse(server, FILES / "guide-ko.md", work_dir)
        patch.setattr(sys, "executable", "/nonexistent/python")
        with pytest.raises(ParserUnavailable):
            await parse(server, FILES / "guide-ko.md", work_dir)
    assert (await parse(server, FILES / "guide-ko.md", work_dir)).chunk_count > 0


async def test_a_frozen_server_is_replaced(
    server: ParseServer, work_dir: Path, endless: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client, "_KILL_SECONDS", 0.3)
    task = asyncio.ensure_future(parse(server, endless, work_dir))
    (pid,) = await started(server)
    frozen = process_of(server)
    os.kill(frozen, signal.SIGSTOP)
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task
    await wait_until(lambda: is_gone(pid) and is_gone(frozen))
    monkeypatch.undo()
    assert (await parse(server, FILES / "guide-ko.md", work_dir)).chunk_count > 0


async def test_no_more_parses_run_at_once_than_are_allowed(tmp_path: Path, endless: Path) -> None:
    async with ParseServer(settings(concurrency=2), max_text_chars=MAX_CHARS) as server:
        folders = [tmp_path / str(number) for number in range(4)]
        for folder in folders:
            folder.mkdir()
        tasks = [asyncio.ensure_future(parse(server, endless, folder)) for folder in folders]
        first = set(await started(server, 2))
        assert len(server._process._running) == 2
        tasks[0].cancel()
        tasks[1].cancel()
        await wait_until(lambda: len(set(running_in(server)) - first) == 2)
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)


async def test_closing_leaves_no_process(work_dir: Path, endless: Path) -> None:
    async with ParseServer(settings(), max_text_chars=MAX_CHARS) as server:
        task = asyncio.ensure_future(parse(server, endless, work_dir))
        (pid,) = await started(server)
        process = process_of(server)
    with pytest.raises(ParserUnavailable):
        await task
    await wait_until(lambda: is_gone(pid) and is_gone(process))


async def test_a_free_place_goes_to_another_space_first(endless: Path, tmp_path: Path) -> None:
    ended: list[str] = []

    async def read(name: str, path: Path, owner: Owner) -> None:
        (folder := tmp_path / name).mkdir()
        await server.parse(path, owner, media_type=MARKDOWN, filename=path.name, work_dir=folder)
        ended.append(name)

    async with ParseServer(settings(concurrency=1), max_text_chars=MAX_CHARS) as server:
        slow = asyncio.create_task(read("slow", endless, OWNER))
        await started(server)
        small, other = FILES / "guide-ko.md", replace(OWNER, space_id=UUID(int=7))
        waiting = [asyncio.create_task(read(*one)) for one in (("next", small, OWNER), ("other", small, other))]
        await asyncio.sleep(0)
        slow.cancel()
        await asyncio.gather(*waiting)
    assert ended == ["other", "next"]


# -- judging what was left behind


RESULT = {
    "encoding": None,
    "page_count": None,
    "unread_pages": 0,
    "title": None,
    "chars": 1,
    "text_sha256": "",
    "chunk_count": 1,
    "seconds": {},
    "terms": [],
    "counts": [],
}


@pytest.mark.parametrize("status", [0, 1, -signal.SIGSEGV, None])
def test_a_complete_result_counts_however_the_process_ended(work_dir: Path, status: int | None) -> None:
    (work_dir / "result.json").write_text(json.dumps(RESULT))
    assert client._outcome(work_dir, status, "a.md", 1)["chars"] == 1


@pytest.mark.parametrize(
    ("status", "error", "sentence"),
    [
        (0, UnreadableDocument, "probably damaged"),
        (1, UnreadableDocument, "probably damaged"),
        (-signal.SIGXCPU, UnreadableDocument, "longer than the 7 seconds"),
        (-signal.SIGALRM, UnreadableDocument, "longer than the 7 seconds"),
        (-signal.SIGKILL, ParserKilled, "killed"),
        (NO_SPACE, ParserUnavailable, "no space left"),
        (None, ParserUnavailable, "being restarted"),
    ],
)
def test_without_an_outcome_the_status_tells(work_dir: Path, status: int | None, error: type[Exception], sentence: str) -> None:
    with pytest.raises(error, match=sentence):
        client._outcome(work_dir, status, "a.md", 7)


# -- the server by itself


def spawn(code: str = "from protostar.knowledge.parse.process.server import Server; Server().serve()") -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, "-P", "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE)


def begin(server: subprocess.Popen[bytes], path: Path, work_dir: Path) -> int:
    request = {"id": 1, "path": str(path), "media_type": MARKDOWN, "work_dir": str(work_dir), "max_chars": MAX_CHARS}
    request |= {"memory": 512 * MiB, "seconds": 60, "owner": OWNER.as_json()}
    server.stdin.write(json.dumps(request).encode() + b"\n")
    server.stdin.flush()
    return json.loads(server.stdout.readline())["pid"]


@pytest.mark.parametrize("end", [lambda server: server.stdin.close(), lambda server: server.terminate()])
async def test_the_server_takes_its_children_along(
    work_dir: Path, endless: Path, end: Callable[[subprocess.Popen[bytes]], None]
) -> None:
    with spawn() as server:
        pid = begin(server, endless, work_dir)
        end(server)
        assert server.wait(10) == 0
    await wait_until(lambda: is_gone(pid))


def test_the_server_holds_no_client_of_anything_and_no_thread() -> None:
    code = """
import sys, threading
from protostar.knowledge.parse import readers
from protostar.knowledge.parse.process import server
server._warm_up()
light = set(sys.modules)
for media_type in readers._MODULES: readers.reader(media_type)
print(threading.active_count())
print(*sorted({name.split(".")[0] for name in light}))
print(*sorted({name.split(".")[0] for name in sys.modules}))
"""
    with spawn(code) as server:
        threads, light, full = server.communicate(timeout=60)[0].decode().splitlines()
    assert threads == "1"
    forbidden = {
        "obstore",
        "openai",
        "aiohttp",
        "asyncpg",
        "sqlalchemy",
        "redis",
        "fastapi",
        "pydantic",
        "uvloop",
        "structlog",
        "asyncio",
    }
    assert not forbidden & set(full.split())
    assert not {"docx", "pptx", "openpyxl", "lxml", "olefile", "PIL"} & set(light.split())


@on_linux
async def test_no_secret_reaches_the_server(server: ParseServer, work_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("PROTOSTAR_ADMIN_KEY", "PROTOSTAR_S3_SECRET_ACCESS_KEY", "OPENAI_API_KEY", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "hunter2-hunter2-hunter2")
    await parse(server, FILES / "guide-ko.md", work_dir)
    given = environment(process_of(server))
    assert b"hunter2" not in given
    assert b"PROTOSTAR" not in given


@on_linux
async def test_a_child_is_limited_and_holds_nothing_open(server: ParseServer, work_dir: Path, endless: Path) -> None:
    task = asyncio.ensure_future(parse(server, endless, work_dir))
    (pid,) = await started(server)

    await wait_until(lambda: limits(pid)["Max file size"].isdigit() and limits(pid)["Max core file size"] == "0")
    assert os.getsid(pid) == pid
    assert limits(pid)["Max cpu time"] == "61"
    assert int(limits(pid)["Max address space"]) < 1024 * MiB
    files = open_files(pid)
    # Its requests and its reports, as it may be given another document.
    assert files.pop(0).startswith("pipe:")
    assert files.pop(1).startswith("pipe:")
    del files[2]
    assert set(files.values()) <= {str(endless)}
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task
