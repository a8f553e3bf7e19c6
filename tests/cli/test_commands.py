"""The rest of the command line: search, documents, jobs, the server that is not there, help."""

import asyncio
import json
import os
import pty
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.cli.conftest import Cli, Result
from tests.cli.fake_api import JOB, KEY, TEXT, FakeApi, busy

GONE = "00000000-0000-7000-8000-000000000999"
CLIENTS = [("ask", "q"), ("search", "q"), ("ingest", "."), ("documents", "list"), ("jobs", "list")]


async def test_hits_are_shown_with_their_place_and_without_terminal_codes(cli: Cli, api: FakeApi) -> None:
    api.degraded = ["no_embeddings"]

    result = await cli("search", "lamp", "--top-k", "3", "--mode", "keyword")

    assert result.code == 0
    assert result.out == "1. Orbit [31mLamp · page 2 · Setup › Charging  (0.876)\n   The lamp burns.\n\n"
    assert "only keywords were searched" in result.err
    assert api.searches == [{"query": "lamp", "top_k": 3, "mode": "keyword"}]


async def test_search_as_json(cli: Cli, api: FakeApi) -> None:
    result = await cli("search", "lamp", "--json")

    assert result.json["hits"][0]["end"] == 15
    assert api.searches == [{"query": "lamp", "top_k": 10, "mode": "hybrid"}]


async def test_no_hit_is_no_failure(cli: Cli, api: FakeApi) -> None:
    result = await cli("search", "nothing")

    assert (result.code, result.out) == (0, "")
    assert "Nothing was found." in result.err


async def test_a_server_that_is_busy_for_ever_is_given_up(cli: Cli, api: FakeApi) -> None:
    api.fail("POST", "/v1/search", *[busy()] * 6)

    result = await cli("search", "lamp")

    assert result.code == 1
    assert result.err.splitlines()[-1] == "The database is away for the moment."
    assert api.calls["POST", "/v1/search"] == 6


async def test_nobody_waits_for_an_hour(cli: Cli, api: FakeApi) -> None:
    api.fail("POST", "/v1/search", busy(429, "3600"))

    result = await cli("search", "lamp")

    assert result.code == 1
    assert api.calls["POST", "/v1/search"] == 1


async def test_a_wrong_key_is_explained(cli: Cli, api: FakeApi) -> None:
    cli.env["PROTOSTAR_KEY"] = "wrong"

    result = await cli("search", "lamp")

    assert result.code == 2
    assert f"{api.url} does not know this key: check PROTOSTAR_KEY" in result.err


@pytest.mark.parametrize(
    ("path", "sentence"),
    [
        ("/v1", "without «/v1»: {url}\n"),
        ("/v1/", "without «/v1»: {url}\n"),
        ("/api", "There is no Protostar at {url}/api: PROTOSTAR_URL is"),
    ],
)
async def test_an_address_with_a_path_is_explained(cli: Cli, api: FakeApi, path: str, sentence: str) -> None:
    cli.env["PROTOSTAR_URL"] = api.url + path

    result = await cli("documents", "list")

    assert result.code == 2
    assert sentence.format(url=api.url) in result.err


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a disk that is always full")
@pytest.mark.parametrize("command", [("documents", "list"), ("documents", "list", "--json"), ("ask", "q")])
@pytest.mark.parametrize("unbuffered", ["", "1"])
async def test_output_that_cannot_be_written_is_a_sentence(
    cli: Cli, api: FakeApi, command: tuple[str, ...], unbuffered: str
) -> None:
    cli.env["PYTHONUNBUFFERED"] = unbuffered
    with Path("/dev/full").open("w") as full:
        process = await cli.start(*command, stdout=full)
        _, err = await process.communicate()

    assert process.returncode == 1
    assert err.decode().splitlines()[-1] == "The output cannot be written: No space left on device."
    assert "Traceback" not in err.decode()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a disk that is always full")
async def test_a_log_that_cannot_be_written_stops_nothing() -> None:
    logs = "import logging, protostar.__main__ as m; logging.basicConfig(); m.app = lambda: [logging.error('lost'), print('done')]"
    with Path("/dev/full").open("w") as full:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-c", f"{logs}; m.main()", stdout=asyncio.subprocess.PIPE, stderr=full
        )
        out, _ = await process.communicate()
    assert (process.returncode, out.decode()) == (0, "done\n")


async def test_standard_streams_that_are_closed_lead_nowhere(tmp_path: Path) -> None:
    """What is opened later must not have their numbers, here or in the processes that are started."""
    command = (
        "import os, sys, protostar.__main__ as m\n"
        "def app():\n"
        "    with open(sys.argv[1], 'w') as file:\n"
        "        print(file.fileno() > 2, sys.stdout.isatty(), sys.stderr.isatty(), file=file)\n"
        "        print(*map(os.get_inheritable, range(3)), file=file)\n"
        "m.app = app\n"
        "m.main()"
    )
    shell = ("sh", "-c", 'exec "$@" 0<&- 1>&- 2>&-', "sh")
    process = await asyncio.create_subprocess_exec(*shell, sys.executable, "-c", command, str(tmp_path / "seen"))
    assert await process.wait() == 0
    assert (tmp_path / "seen").read_text() == "True False False\nTrue True True\n"


@pytest.mark.parametrize("command", ["serve", "api", "worker"])
async def test_nothing_starts_without_a_temporary_folder(command: str) -> None:
    """As in a container whose file system may only be read."""
    code = "import sys, tempfile, protostar.__main__ as m; tempfile._candidate_tempdir_list = lambda: []; m.main()"
    arguments = (sys.executable, "-c", code, command)
    process = await asyncio.create_subprocess_exec(*arguments, stderr=asyncio.subprocess.PIPE)
    async with asyncio.timeout(60):
        _, err = await process.communicate()
    assert process.returncode == 2
    assert err.decode() == "No temporary folder can be written to: set TMPDIR to one that can.\n"


async def test_times_are_those_of_this_machine(cli: Cli, api: FakeApi) -> None:
    """The API says 03:04 of the second of January in UTC."""
    api.add()
    for zone, expected in (("UTC0", "2026-01-02 03:04"), ("KST-9", "2026-01-02 12:04"), ("PST8", "2026-01-01 19:04")):
        cli.env["TZ"] = zone
        assert expected in (await cli("documents", "list")).out
        assert expected in (await cli("jobs", "list")).out


async def test_documents_are_listed_over_pages(cli: Cli, api: FakeApi) -> None:
    for _ in range(450):
        api.add()
    api.add(status="failed", error="no luck")

    assert len((await cli("documents", "list", "--json", "--limit", "410")).json["items"]) == 410
    assert len((await cli("documents", "list", "--json", "--limit", "1000")).json["items"]) == 451
    assert [item["error"] for item in (await cli("documents", "list", "--json", "--status", "failed")).json["items"]] == ["no luck"]
    shown = await cli("documents", "list", "--limit", "2")
    header, *rows = shown.out.splitlines()
    assert header.split() == ["id", "title", "status", "version", "chunks", "size", "updated"]
    assert [row.split()[0] for row in rows] == list(api.documents)[:2]
    assert "--limit shows more" in shown.err


async def test_one_document(cli: Cli, api: FakeApi) -> None:
    document = api.add(metadata={"team": "a"}, title="Orbit Lamp")

    shown = await cli("documents", "show", document["id"])
    assert 'metadata      {"team": "a"}' in shown.out
    assert "summary" not in shown.out
    assert (await cli("documents", "show", document["id"], "--json")).json == document
    assert (await cli("documents", "text", document["id"])).out == TEXT
    retried = await cli("documents", "retry", document["id"])
    assert retried.out == f"Orbit Lamp: queued again as job {document['job_id']}\n"
    assert api.calls["POST", f"/v1/jobs/{document['job_id']}/retry"] == 1


async def test_all_that_failed_are_queued_again(cli: Cli, api: FakeApi) -> None:
    assert (await cli("documents", "retry")).code == 2
    assert (await cli("documents", "retry", "--failed")).err == "No document has failed.\n"
    ready = api.add(title="Ready")
    failed = [api.add(title=title, status="failed", error="no luck") for title in ("One", "Other")]

    result = await cli("documents", "retry", "--failed", failed[0]["id"], ready["id"], GONE)

    assert (result.code, result.err) == (1, f"{GONE}: There is no such document here.\n")
    expected = [f"{document['title']}: queued again as job {document['job_id']}" for document in (failed[0], failed[1], ready)]
    assert sorted(result.out.splitlines()) == sorted(expected)


async def test_deleting_names_what_was_not_there(cli: Cli, api: FakeApi) -> None:
    document = api.add()

    result = await cli("documents", "delete", GONE, document["id"])

    assert result.code == 1
    assert result.err == f"{GONE}: There is no such document here.\n"
    assert result.out == f"deleted {document['id']}\n"
    assert not api.documents


async def test_restoring_names_what_cannot_be(cli: Cli, api: FakeApi) -> None:
    document = api.add(title="Orbit Lamp")

    result = await cli("documents", "restore", GONE, document["id"])

    assert (result.code, result.out) == (1, "Orbit Lamp: restored\n")
    assert result.err == f"{GONE}: There is no such document here.\n"
    assert api.calls["POST", f"/v1/documents/{document['id']}/restore"] == 1


async def test_an_archive_goes_into_a_file(cli: Cli, api: FakeApi) -> None:
    result = await cli("export", "-")

    assert (result.code, "An archive goes into a file" in result.err) == (2, True)
    assert not list(cli.folder.iterdir())


async def test_documents_are_read_again_by_their_ids_and_by_the_ends_of_their_names(cli: Cli, api: FakeApi) -> None:
    note, one, other = api.add(), api.add(filename="one.PDF"), api.add(filename="other.pdf")

    result = await cli("documents", "reread", "--suffix", ".pdf", GONE, one["id"])

    assert (result.code, result.err) == (1, f"{GONE}: There is no such document here.\n")
    assert sorted(result.out.splitlines()) == [f"{document['title']}: read again as version 2" for document in (one, other)]
    assert (note["version"], one["version"], other["version"]) == (1, 2, 2)
    assert (await cli("documents", "reread")).code == 2
    result = await cli("documents", "reread", "--suffix", ".nope")
    assert (result.code, result.err) == (0, "There is no document whose file name ends with «.nope».\n")


async def test_jobs(cli: Cli, api: FakeApi) -> None:
    listed = await cli("jobs", "list", "--state", "dead")
    assert listed.out.splitlines()[2].split() == [JOB, "document.index", "dead", "2", "2026-01-02", "03:04", "no", "luck"]
    assert (await cli("jobs", "list", "--json")).json["items"][0]["id"] == JOB
    assert (await cli("jobs", "show", JOB, "--json")).json["state"] == "running"
    acted = await cli("jobs", "retry", JOB, GONE)
    assert (acted.code, acted.out, acted.err) == (1, f"{JOB}: queued\n", f"{GONE}: The job has succeeded already.\n")
    assert (await cli("jobs", "cancel", JOB)).code == 0


@pytest.mark.parametrize("command", CLIENTS, ids=lambda command: command[0])
async def test_without_a_server_the_exit_code_is_two_and_says_what_to_do(cli: Cli, command: tuple[str, ...]) -> None:
    result = await cli(*command)

    assert (result.code, result.out) == (2, "")
    assert "protostar serve" in result.err
    assert "PROTOSTAR_URL" in result.err


async def test_a_server_that_has_stopped(cli: Cli) -> None:
    local(cli, {"url": "http://127.0.0.1:1", "key": KEY})

    result = await cli("search", "q")

    assert result.code == 2
    assert "No server answers at http://127.0.0.1:1. Start one with `protostar serve`" in result.err


@pytest.mark.parametrize("text", ["", "[]", '{"url": 1}', '{"url": "http://x"}'])
async def test_a_damaged_local_file(cli: Cli, text: str) -> None:
    (cli.folder / "data").mkdir()
    (cli.folder / "data" / "local.json").write_text(text)

    result = await cli("search", "q")

    assert result.code == 2
    assert "is damaged" in result.err


async def test_the_local_file_is_found_in_the_data_folder_of_the_settings(cli: Cli, api: FakeApi, tmp_path: Path) -> None:
    del cli.env["PROTOSTAR_URL"], cli.env["PROTOSTAR_KEY"]
    (cli.folder / ".env").write_text(f"PROTOSTAR_DATA_DIR={tmp_path / 'elsewhere'}\nPROTOSTAR_PORT=wrong\n")
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "local.json").write_text(json.dumps({"url": api.url, "key": KEY}))

    assert (await cli("search", "lamp")).code == 0


async def test_the_local_key_goes_to_no_other_server(cli: Cli, api: FakeApi) -> None:
    local(cli, {"url": "http://127.0.0.1:1", "key": KEY})
    del cli.env["PROTOSTAR_KEY"]

    result = await cli("search", "q")

    assert result.code == 2
    assert "PROTOSTAR_KEY is needed together with PROTOSTAR_URL." in result.err
    assert not api.calls


@pytest.mark.parametrize("url", ["nonsense", "http://127.0.0.1:99999", "ftp://x", "http://["])
async def test_an_address_that_is_none(cli: Cli, url: str) -> None:
    cli.env |= {"PROTOSTAR_URL": url, "PROTOSTAR_KEY": KEY}

    result = await cli("search", "q")

    assert result.code == 2
    assert "Traceback" not in result.err


@pytest.mark.parametrize("command", [(), ("serve",), ("ask",)], ids=str)
async def test_help_stays_light(cli: Cli, command: tuple[str, ...]) -> None:
    result = await modules_after(cli, *command, "--help")

    assert result.code == 0
    assert not {"fastapi", "sqlalchemy", "asyncpg", "aiohttp", "alembic"} & set(result.err.split())


async def test_a_client_command_needs_no_web_framework_and_no_database(cli: Cli, api: FakeApi) -> None:
    result = await modules_after(cli, "search", "lamp")

    assert result.code == 0
    assert "aiohttp" in result.err.split()
    assert not {"fastapi", "sqlalchemy", "asyncpg", "alembic", "redis", "obstore"} & set(result.err.split())


async def test_a_reader_that_has_seen_enough(cli: Cli, api: FakeApi) -> None:
    for _ in range(200):
        api.add(title="x" * 2000)
    read, write = os.pipe()
    process = await cli.start("documents", "list", "--json", "--limit", "200", stdout=write)
    os.close(write)
    await asyncio.to_thread(os.read, read, 10)
    os.close(read)
    _, err = await process.communicate()

    assert process.returncode == 1
    assert err == b""


async def test_on_a_narrow_terminal_nothing_is_lost(cli: Cli, api: FakeApi) -> None:
    document = api.add(title="A rather long title of a document")

    narrow = await on_terminal(cli, 40, "documents", "list")
    wide = await on_terminal(cli, 140, "documents", "list")

    for shown in (narrow, wide):
        assert document["id"] in shown
        assert document["title"] in " ".join(shown.split())
        assert "\x1b[" in shown  # colours
    assert narrow.count("\n") > wide.count("\n")


async def test_progress_on_a_terminal_moves(cli: Cli, api: FakeApi, tmp_path: Path) -> None:
    (tmp_path / "a.md").write_text("x")
    api.embedded.clear()
    loop = asyncio.get_running_loop()

    def go_on(shown: bytes) -> None:
        if b"embed 3 of 7" in shown:
            loop.call_soon_threadsafe(api.embedded.set)

    shown = await on_terminal(cli, 100, "ingest", str(tmp_path / "a.md"), watch=go_on)

    assert "0 of 1" in shown
    assert "1 ready" in shown


async def test_version(cli: Cli) -> None:
    result = await cli("--version")

    assert (result.code, result.out) == (0, "protostar 0.1.0\n")


@pytest.mark.parametrize(
    "command", [("search", "q", "--mode", "magic"), ("documents", "show", "../spaces"), ("ingest", "a", "--metadata", "x")]
)
async def test_a_command_line_that_cannot_be_used(cli: Cli, api: FakeApi, command: tuple[str, ...]) -> None:
    result = await cli(*command)

    assert result.code == 2
    assert "Usage:" in result.err
    assert not api.calls


@pytest.mark.parametrize("process", ["api", "worker"])
async def test_a_process_that_cannot_use_a_setting_says_so_in_a_sentence(cli: Cli, process: str) -> None:
    cli.env |= {"PROTOSTAR_DATABASE_URL": "postgresql://nobody@127.0.0.1:1/none", "PROTOSTAR_PORT": "0"}
    cli.env |= {"PROTOSTAR_CHAT_BASE_URL": "localhost:11434", "PROTOSTAR_CHAT_MODEL": "model"}

    result = await cli(process)

    assert result.code == 2
    assert "PROTOSTAR_CHAT_BASE_URL must be an http(s) URL" in result.err
    assert "Traceback" not in result.err


async def test_a_key_with_the_end_of_its_line(cli: Cli, api: FakeApi) -> None:
    cli.env["PROTOSTAR_KEY"] = f"{KEY}\r\n"
    assert (await cli("documents", "list")).code == 0


def local(cli: Cli, content: object) -> None:
    (cli.folder / "data").mkdir()
    (cli.folder / "data" / "local.json").write_text(json.dumps(content))


async def modules_after(cli: Cli, *arguments: str) -> Result:
    """Run in a process that writes the names of the loaded modules to standard error."""
    code = "import sys\nfrom protostar.__main__ import main\ntry:\n    main()\nfinally:\n    print(*sys.modules, file=sys.stderr)\n"
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", code, *arguments, cwd=cli.folder, env=cli.env,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    out, err = await process.communicate()
    assert process.returncode is not None
    return Result(process.returncode, out.decode(), err.decode())


async def on_terminal(cli: Cli, columns: int, *arguments: str, watch: Callable[[bytes], None] = lambda _: None) -> str:
    """What a terminal of that width is sent; `watch` sees, in another thread, all that has come so far."""
    ours, theirs = pty.openpty()
    cli.env |= {"COLUMNS": str(columns), "TERM": "xterm-256color"}
    process = await cli.start(*arguments, stdout=theirs, stderr=theirs)
    os.close(theirs)
    shown = bytearray()

    def read() -> None:
        while True:
            try:
                chunk = os.read(ours, 65_536)
            except OSError:  # how Linux tells that the other end is closed
                return
            if not chunk:
                return
            shown.extend(chunk)
            watch(shown)

    await asyncio.to_thread(read)
    await process.wait()
    os.close(ours)
    return shown.decode()
