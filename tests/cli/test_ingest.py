"""`protostar ingest` as a person meets it."""

import asyncio
import json
import sys
import unicodedata
from collections.abc import Sequence
from pathlib import Path

import pytest
from tests.cli.conftest import Cli
from tests.cli.fake_api import BROKEN, KEY, FakeApi, busy, cut, refuse

from protostar.cli.client import ApiClient, Server
from protostar.cli.ingest import Upload, ingest


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    root = tmp_path / "guides"
    (root / "deep").mkdir(parents=True)
    (root / ".git").mkdir()
    for name in ("a.md", "deep/b.txt", "deep/broken.pdf", "picture.png", ".hidden.md", ".git/c.md"):
        (root / name).write_text(f"text of {name}")
    return root


async def test_a_folder_with_a_broken_document_says_which_and_why(cli: Cli, api: FakeApi, folder: Path) -> None:
    result = await cli("ingest", str(folder))

    assert result.code == 1
    lines = {Path(line.split()[0]).name: line for line in result.out.splitlines() if line.startswith("/")}
    assert set(lines) == {"a.md", "b.txt", "broken.pdf", "picture.png"}
    assert "ready" in lines["a.md"]
    assert " 7 " in lines["a.md"]
    assert BROKEN in lines["broken.pdf"]
    assert "skipped" in lines["picture.png"]
    assert "2 ready, 1 failed, 1 skipped" in result.out
    assert f"broken.pdf: {BROKEN}" in result.err
    # As a browser names the files of a folder that is taken in.
    assert sorted(upload["filename"] for upload in api.uploads) == ["guides/a.md", "guides/deep/b.txt", "guides/deep/broken.pdf"]


async def test_a_url_is_sent_as_one(cli: Cli, api: FakeApi, folder: Path) -> None:
    url = "https://example.org/page.html?b"
    result = await cli("ingest", url, url, str(folder / "a.md"), "--metadata", "team=a")

    assert result.code == 0, result.err
    assert [line.split()[:2] for line in result.out.splitlines() if line.startswith(("http", "/"))] == [
        [url, "ready"],
        [str(folder / "a.md"), "ready"],
    ]
    assert {"url": url, "title": None, "metadata": {"team": "a"}} in api.uploads
    assert len(api.uploads) == 2


async def test_json_for_scripts(cli: Cli, api: FakeApi, folder: Path) -> None:
    result = await cli("ingest", "--json", str(folder / "a.md"), str(folder / "deep" / "*.txt"), str(folder / "gone.md"))

    assert result.code == 1
    first, second, gone = result.json["files"]
    assert first["status"] == second["status"] == "ready"
    assert first["document_id"] in api.documents
    assert first["chunks"] == 7
    assert first["seconds"] >= 0
    assert gone == {
        "path": str(folder / "gone.md"), "status": "failed", "document_id": None, "chunks": None, "seconds": None,
        "reason": "There is no such file.",
    }  # fmt: skip


async def test_a_folder_without_files_is_told_so(cli: Cli, api: FakeApi, tmp_path: Path) -> None:
    (tmp_path / "none").mkdir()
    result = await cli("ingest", "--json", str(tmp_path / "none"))
    assert (result.code, result.json["files"][0]["reason"]) == (1, "The folder holds no files.")
    assert not api.uploads


async def test_title_metadata_and_the_bytes_arrive(cli: Cli, api: FakeApi, tmp_path: Path) -> None:
    file = tmp_path / unicodedata.normalize("NFD", '한글 "guide".md')  # as macOS stores it
    file.write_bytes(bytes(range(256)) * 5000)

    result = await cli("ingest", str(file), "--title", "안내서", "--metadata", "team=a=b", "--metadata", "lang=ko")

    assert result.code == 0, result.err
    [upload] = api.uploads
    assert upload["title"] == "안내서"
    assert upload["metadata"] == '{"team": "a=b", "lang": "ko"}'
    assert upload["file"] == file.read_bytes()
    assert upload["filename"] == '한글 "guide".md'


async def test_a_retry_after_a_cut_connection_makes_no_second_document(cli: Cli, api: FakeApi, folder: Path) -> None:
    async def taken_but_cut(request):
        await api._upload(request)
        request.transport.abort()

    api.fail("POST", "/v1/documents", taken_but_cut)

    result = await cli("ingest", str(folder / "a.md"))

    assert result.code == 0, result.err
    assert api.calls["POST", "/v1/documents"] == 2
    assert len(api.documents) == 1
    assert "lost" in result.err


async def test_a_server_that_asks_to_wait_is_waited_for(cli: Cli, api: FakeApi, folder: Path) -> None:
    api.fail("POST", "/v1/documents", busy(503), busy(429))

    result = await cli("ingest", str(folder / "a.md"))

    assert result.code == 0, result.err
    assert api.calls["POST", "/v1/documents"] == 3
    assert "The database is away for the moment. Trying again in 0.0 s (2 of 6)." in result.err


async def test_a_refusal_is_shown_as_its_sentence(cli: Cli, api: FakeApi, folder: Path) -> None:
    api.fail("POST", "/v1/documents", refuse(413, "too_large", "The upload has 9 bytes; 8 are allowed."))

    result = await cli("ingest", str(folder / "a.md"))

    assert result.code == 1
    assert "The upload has 9 bytes; 8 are allowed." in result.out
    assert api.calls["POST", "/v1/documents"] == 1


async def test_without_live_events_the_document_is_polled(cli: Cli, api: FakeApi, folder: Path) -> None:
    api.live_events = False

    result = await cli("ingest", str(folder / "a.md"), str(folder / "deep" / "broken.pdf"))

    assert result.code == 1
    assert "1 ready, 1 failed" in result.out
    assert BROKEN in result.out


@pytest.mark.parametrize(
    ("pages", "sentence"),
    [
        (1, "1 page is a picture: what is written on it is not found."),
        (12, "12 pages are pictures: what is written on them is not found."),
    ],
)
async def test_pages_that_are_pictures_are_told(cli: Cli, api: FakeApi, folder: Path, pages: int, sentence: str) -> None:
    api.unread_pages = pages

    assert sentence in (await cli("ingest", str(folder / "a.md"))).out


async def test_no_wait_leaves_documents_queued(cli: Cli, api: FakeApi, folder: Path) -> None:
    result = await cli("ingest", str(folder / "deep"), "--no-wait", "--json")

    assert result.code == 0
    assert [file["status"] for file in result.json["files"]] == ["queued", "queued"]
    assert not any(path.endswith("/events") for _, path in api.calls)


async def test_the_same_bytes_again_are_the_same_document(cli: Cli, api: FakeApi, folder: Path) -> None:
    await cli("ingest", str(folder / "a.md"))
    result = await cli("ingest", str(folder / "a.md"), "--json")

    assert result.code == 0
    [file] = result.json["files"]
    assert file["reason"] == "It was there already."
    assert list(api.documents) == [file["document_id"]]


async def test_a_large_file_that_is_there_is_not_sent_again(cli: Cli, api: FakeApi, folder: Path) -> None:
    large, small = folder / "large.txt", folder / "small.txt"
    large.write_text("가" * 400_000)
    small.write_text("가")
    for _run in range(2):
        result = await cli("ingest", str(large), str(small), "--json")
        assert result.code == 0, result.err
    assert [file["reason"] for file in result.json["files"]] == ["It was there already."] * 2
    assert [upload["filename"] for upload in api.uploads].count("large.txt") == 1
    assert [upload["filename"] for upload in api.uploads].count("small.txt") == 2

    large.write_text("나" * 400_000)
    assert (await cli("ingest", str(large), "--replace")).code == 0
    assert [document["version"] for document in api.documents.values() if document["filename"] == "large.txt"] == [2]


def versions(api: FakeApi) -> list[tuple[str, int]]:
    return [(bytes.fromhex(document["bytes"]).decode(), document["version"]) for document in api.documents.values()]


async def test_a_changed_file_is_left_out_until_it_is_said_what_it_becomes(cli: Cli, api: FakeApi, folder: Path) -> None:
    (folder / "deep" / "broken.pdf").unlink()
    assert (await cli("ingest", str(folder))).code == 0
    (folder / "a.md").write_text("other text")
    result = await cli("ingest", str(folder), "--json")

    assert result.code == 1
    [left_out, same, _picture] = result.json["files"]
    assert left_out["status"] == "failed"
    assert "--replace makes this its next version" in left_out["reason"]
    assert (same["status"], same["reason"]) == ("ready", "It was there already.")
    assert sorted(versions(api)) == [("text of a.md", 1), ("text of deep/b.txt", 1)]

    result = await cli("ingest", str(folder), "--json", "--replace")

    assert result.code == 0, result.err
    [replaced, same, _picture] = result.json["files"]
    assert (replaced["status"], replaced["reason"]) == ("ready", "The next version of its document.")
    assert (same["status"], same["reason"]) == ("ready", "It was there already.")
    assert sorted(versions(api)) == [("other text", 2), ("text of deep/b.txt", 1)]

    (folder / "a.md").write_text("a third text")
    assert (await cli("ingest", str(folder), "--keep")).code == 0
    assert sorted(versions(api)) == [("a third text", 1), ("other text", 2), ("text of deep/b.txt", 1)]


def written(*files: Path, text: str) -> Sequence[Path]:
    for file in files:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(f"{text} of {file.parent.parent.name}")
    return files


async def test_files_of_one_name_in_several_folders_are_documents_of_their_own(cli: Cli, api: FakeApi, tmp_path: Path) -> None:
    guides = tmp_path / "guides"
    files = written(*(guides / name / "en" / "README.md" for name in ("a", "b")), text="text")
    await cli("ingest", str(guides))
    written(*files, text="other text")
    assert (await cli("ingest", f"{guides}/deep/..", "--replace")).code == 1  # no such folder
    assert (await cli("ingest", f"{guides}/a/..", "--replace")).code == 0
    assert sorted(versions(api)) == [("other text of a", 2), ("other text of b", 2)]
    assert {document["filename"] for document in api.documents.values()} == {"guides/a/en/README.md", "guides/b/en/README.md"}


async def test_files_of_one_name_do_not_replace_one_another(cli: Cli, api: FakeApi, tmp_path: Path) -> None:
    files = written(*(tmp_path / name / "guides" / "README.md" for name in ("a", "b", "c")), text="text")
    folders = [str(file.parent) for file in files]
    assert (await cli("ingest", *folders, "--replace")).code == 0
    assert sorted(versions(api)) == [("text of a", 1), ("text of b", 1), ("text of c", 1)]

    written(files[1], text="other text")
    assert (await cli("ingest", *folders, "--replace")).code == 0
    assert sorted(versions(api)) == [("other text of b", 2), ("text of a", 1), ("text of c", 1)]

    before = versions(api)
    written(*files[:2], text="a third text")
    result = await cli("ingest", *folders, "--replace")
    assert result.code == 1
    assert result.err.count("replace the right one in the dashboard") == 2
    assert versions(api) == before


async def test_a_file_of_a_folder_that_was_taken_in_is_its_document(cli: Cli, api: FakeApi, folder: Path) -> None:
    (folder / "deep" / "broken.pdf").unlink()
    assert (await cli("ingest", str(folder))).code == 0
    result = await cli("ingest", str(folder / "deep" / "b.txt"), "--json")
    assert result.json["files"][0]["reason"] == "It was there already."

    (folder / "deep" / "b.txt").write_text("other text")
    result = await cli("ingest", str(folder / "deep" / "b.txt"))
    assert (result.code, "«guides/deep/b.txt» is there already" in result.out) == (1, True)
    assert (await cli("ingest", f"{folder}/deep/../deep/b.txt", "--replace")).code == 0
    assert sorted(versions(api)) == [("other text", 2), ("text of a.md", 1)]

    elsewhere = folder.parent / "elsewhere" / "b.txt"
    elsewhere.parent.mkdir()
    elsewhere.write_text("a file of that name")
    assert (await cli("ingest", str(elsewhere), "--replace")).code == 0
    assert sorted(versions(api)) == [("a file of that name", 1), ("other text", 2), ("text of a.md", 1)]

    before = versions(api)
    (folder / "deep" / "b.txt").write_text("a third text")
    result = await cli("ingest", str(folder / "deep" / "b.txt"), "--replace", "--json")
    assert result.code == 1
    assert "It may be «b.txt» and «guides/deep/b.txt»" in result.json["files"][0]["reason"]
    assert versions(api) == before


async def test_nothing_to_send_is_a_failure(cli: Cli, api: FakeApi, folder: Path) -> None:
    result = await cli("ingest", str(folder / "picture.png"))

    assert result.code == 1
    assert ".png is not supported. What is written in a picture cannot be read: upload it as text." in " ".join(result.out.split())
    assert not api.uploads


async def test_what_to_save_it_as_is_said(cli: Cli, api: FakeApi, folder: Path) -> None:
    (folder / "연차.HWPML").write_bytes(b"\xd0\xcf\x11\xe0")
    result = await cli("ingest", str(folder / "연차.HWPML"))

    assert ".HWPML is not supported. Save it as HWPX or PDF and upload that." in " ".join(result.out.split())
    assert not api.uploads


async def test_a_title_is_for_one_file(cli: Cli, api: FakeApi, folder: Path) -> None:
    result = await cli("ingest", str(folder), "--title", "x")

    assert result.code == 2  # as with any command line that cannot be used
    assert "--title: It names one document, but there are 3 files." in result.err
    assert not api.uploads


@pytest.mark.skipif(sys.platform != "linux", reason="needs a file that opens, even for root, and cannot be read")
async def test_an_unreadable_file_fails_alone(cli: Cli, api: FakeApi, folder: Path) -> None:
    (folder / "deep" / "b.txt").unlink()
    (folder / "deep" / "b.txt").symlink_to("/proc/self/mem")
    (folder / "deep" / "broken.pdf").unlink()

    result = await cli("ingest", str(folder), "--json")

    assert result.code == 1
    statuses = {Path(file["path"]).name: file["status"] for file in result.json["files"]}
    assert statuses == {"a.md": "ready", "b.txt": "failed", "picture.png": "skipped"}


async def test_a_server_that_vanishes_is_given_up_once(
    api: FakeApi, folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("protostar.cli.client.pause_before_retry", lambda _, attempt, __: 0.0 if attempt < 3 else None)
    api.fail("POST", "/v1/documents", *[cut] * 3)

    async with ApiClient(Server(api.url, KEY), note=lambda _: None) as client:
        code = await ingest(client, [str(folder)], Upload(), concurrency=1, as_json=True)

    assert code == 1
    sent = [file for file in json.loads(capsys.readouterr().out)["files"] if file["status"] != "skipped"]
    assert [file["status"] for file in sent] == ["failed"] * 3
    assert api.calls["POST", "/v1/documents"] == 3
    assert all("was lost" in file["reason"] for file in sent)


async def test_a_large_file_is_not_held_in_memory(cli: Cli, api: FakeApi, tmp_path: Path) -> None:
    file = tmp_path / "large.txt"
    with file.open("wb") as out:
        out.truncate(600 * 1024 * 1024)

    async def discard(request):
        async for _ in request.content.iter_chunked(1 << 20):
            pass
        return await refuse(413, "too_large", "Too large after all.")(request)

    api.fail("POST", "/v1/documents", discard)

    # 512 MiB of data segment; the file is larger
    process = await cli.start("ingest", str(file), prefix=("sh", "-c", 'ulimit -d 524288; exec "$@"', "sh"))
    out, _ = await process.communicate()

    assert process.returncode == 1
    assert "Too large after all." in out.decode()


async def test_a_refusal_half_way_through_the_upload_is_understood(cli: Cli, api: FakeApi, tmp_path: Path) -> None:
    file = tmp_path / "large.txt"
    with file.open("wb") as out:
        out.truncate(64 * 1024 * 1024)

    async def early(request):
        response = await refuse(413, "too_large", "67,108,864 bytes are too many.")(request)
        response.force_close()
        return response

    api.fail("POST", "/v1/documents", early, early, early, early, early, early)

    result = await cli("ingest", str(file))

    assert result.code == 1
    assert "67,108,864 bytes are too many." in result.out


async def test_ctrl_c_stops_at_once(cli: Cli, api: FakeApi, folder: Path) -> None:
    arrived = asyncio.Event()

    async def hang(request):
        arrived.set()
        await asyncio.sleep(3600)

    api.fail("POST", "/v1/documents", hang)
    process = await cli.start("ingest", str(folder / "a.md"))
    await arrived.wait()

    process.send_signal(2)
    _, err = await process.communicate()

    assert process.returncode == 130
    assert "Traceback" not in err.decode()
