"""Whatever interrupts an export or an import, the same command goes on, and the outcome is the same."""

import asyncio
import json
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from tests.api.tenant import Tenant, new_tenant
from tests.archive.library import Library, at, shown, space_of
from tests.cli.conftest import Cli
from tests.support.faulty_http import FaultyProxy, faulty_proxy
from tests.support.stack import ADMIN_KEY, Stack
from tests.support.waiting import wait_until

from protostar.cli.archive import FORMAT, writing
from protostar.ids import new_id

pytestmark = pytest.mark.timeout(400)  # each starts several command lines

BIG = b"# Big\n\n" + b"A line of a large file that nobody asks about.\n" * 40_000  # 1.9 MB


@asynccontextmanager
async def behind(stack: Stack, cli: Cli) -> AsyncGenerator[tuple[Cli, FaultyProxy]]:
    async with faulty_proxy(stack.url) as proxy:
        through = at(cli, stack)
        through.env["PROTOSTAR_URL"] = proxy.url
        yield through, proxy


async def kill_after(run: Cli, proxy: FaultyProxy, requests: int, *command: str) -> None:
    """Start the command, let it have its answers to so many requests, and kill it -9 while it waits for the next."""
    proxy.seen.clear()
    proxy.faults, proxy.fault = ["pass"] * requests, "hang"
    process = await run.start(*command)
    await wait_until(lambda: len(proxy.seen) > requests or process.returncode is not None, 30)
    assert process.returncode is None, "it was done before"
    process.kill()
    await process.communicate()
    proxy.faults, proxy.fault = [], "pass"


async def test_an_export_killed_again_and_again(books: Library, cli: Cli) -> None:
    command = ("export", "space.tar", "--space", books.tenant.id, "--json")
    async with behind(books.tenant.stack, cli) as (run, proxy):
        for requests in (1, 3, 4):
            await kill_after(run, proxy, requests, *command)
        assert not (cli.folder / "space.tar").exists()
        proxy.seen.clear()
        ended = await run(*command)
    assert ended.code == 0, ended.err
    assert "Going on with space.tar.partial" in ended.err
    assert ended.json["counts"] | {"vectors": 0} == {"documents": 3, "versions": 5, "answers": 3, "vectors": 0}
    parts = [path for _, path in proxy.seen if "/content" in path or "/text" in path]
    assert len(parts) < 9, "what was there is not downloaded again"


async def test_an_import_killed_again_and_again(books: Library, target: Stack, cli: Cli) -> None:
    before = await shown(books.tenant.http, books.conversations)
    assert (await at(cli, books.tenant.stack)("export", "space.tar", "--space", books.tenant.id)).code == 0
    async with behind(target, cli) as (run, proxy):
        # When the space is made; with one version of a document, with all of them; with two documents.
        for requests in (2, 5, 6, 9):
            await kill_after(run, proxy, requests, "import", "space.tar")
            async with space_of(target, books.tenant.id) as there:
                space = await there.get(f"/v1/spaces/{books.tenant.id}")
                assert space["name"].endswith("(import unfinished)")
                for document in (await there.get("/v1/documents"))["items"]:
                    assert document["version"] == before["documents"][document["id"]][0]["version"], "whole, or not there"
        ended = await run("import", "space.tar", "--json")
    assert ended.code == 0, ended.err
    assert ended.json["space_id"] == books.tenant.id
    async with space_of(target, books.tenant.id) as there:
        for id_, (document, _) in before["documents"].items():
            await there.settled(id_, document["status"])
        assert await shown(there.http, books.conversations) == before
        assert len((await there.get("/v1/archive/answers"))["items"]) == 3
        jobs = (await there.get("/v1/jobs", params={"kind": "document.index", "limit": 200}))["items"]
        indexed = [job for job in jobs if job["space_id"] == there.id]
        assert len(indexed) == len(before["documents"]), "none is read twice"


async def listed(stack: Stack, path: str) -> list[Any]:
    async with stack.http.get(path, params={"limit": 200}) as response:
        return (await response.json())["items"]


@pytest.fixture
async def big(source: Stack) -> AsyncGenerator[Tenant]:
    async with new_tenant(source) as tenant:
        await tenant.document("big.md", BIG)
        yield tenant


async def test_a_download_that_breaks_off_goes_on_in_the_middle(big: Tenant, cli: Cli) -> None:
    async with behind(big.stack, cli) as (run, proxy):
        proxy.cut_after = 700_000
        proxy.faults = ["pass", "pass", "pass", "cut", "cut"]
        ended = await run("export", "space.tar", "--space", big.id, "--json")
        assert ended.code == 0, ended.err
        contents = [path for _, path in proxy.seen if "/content" in path]
        assert len(contents) == 3
        # And across two runs.
        proxy.faults, proxy.fault = ["pass"] * 3 + ["cut"], "hang"
        process = await run.start("export", "again.tar", "--space", big.id)
        partial = cli.folder / "again.tar.partial"
        await wait_until(lambda: partial.exists() and partial.stat().st_size > 500_000, 30)
        await wait_until(lambda: len([path for _, path in proxy.seen if "/content" in path]) == 5, 30)
        process.kill()
        await process.communicate()
        kept = partial.read_bytes()
        proxy.faults, proxy.fault = [], "pass"
        assert (await run("export", "again.tar", "--space", big.id)).code == 0
        assert (cli.folder / "again.tar").read_bytes()[: len(kept)] == kept


async def test_a_server_that_is_away_for_a_while_is_waited_for(big: Tenant, target: Stack, cli: Cli) -> None:
    async with behind(big.stack, cli) as (run, proxy):
        proxy.faults = ["pass", "cut", "pass", "cut", "pass", "cut"]
        assert (await run("export", "space.tar", "--space", big.id)).code == 0
    async with behind(target, cli) as (run, proxy):
        proxy.faults = ["pass", "cut", "cut", "pass", "cut", "pass", "cut", "cut"]
        ended = await run("import", "space.tar", "--json")
        assert ended.code == 0, ended.err
        assert len(await listed_in(target, big.id, "/v1/documents")) == 1


async def listed_in(stack: Stack, space_id: str, path: str) -> list[Any]:
    async with space_of(stack, space_id) as there:
        return (await there.get(path))["items"]


async def test_ctrl_c_says_how_to_go_on(big: Tenant, cli: Cli) -> None:
    async with behind(big.stack, cli) as (run, proxy):
        proxy.faults, proxy.fault = ["pass"] * 2, "hang"
        process = await run.start("export", "space.tar", "--space", big.id)
        await wait_until(lambda: len(proxy.seen) > 2, 30)
        process.send_signal(2)
        _, err = await process.communicate()
        assert process.returncode == 130
        assert b"The same command goes on from here." in err
        assert b"Traceback" not in err


async def test_a_damaged_archive_is_refused_before_anything_is_sent(big: Tenant, target: Stack, cli: Cli) -> None:
    assert (await at(cli, big.stack)("export", "space.tar", "--space", big.id)).code == 0
    file = cli.folder / "space.tar"
    content = bytearray(file.read_bytes())
    content[content.index(BIG) + 1_000_000] ^= 1
    file.write_bytes(content)
    async with behind(target, cli) as (run, proxy):
        ended = await run("import", "space.tar")
        assert ended.code == 1
        assert "/1/original.md does not have the sha256 that the manifest says" in ended.err
        assert {method for method, _ in proxy.seen} == {"GET"}


async def test_an_archive_that_is_none_is_refused_before_anything_is_sent(target: Stack, cli: Cli) -> None:
    space, none = (
        ("space.json", {"id": str(new_id()), "name": "x", "settings": {}}),
        {"id": str(new_id()), "versions": [{"version": 1}]},
    )
    async with behind(target, cli) as (run, proxy):
        for entries, said in (
            ([], "the entry space.json is missing"),
            ([space, ("documents/000001.json", {})], "documents/000001.json has no «items»"),
            ([space, ("documents/000001.json", {"items": [none]})], "documents/000001.json has no «items.0.versions.0.filename»"),
            ([space, ("answers/000001.json", {"items": 1})], "answers/000001.json has no «items»"),
            ([space, ("answers/000001.json", [])], "answers/000001.json is no JSON object"),
        ):
            file = cli.folder / "none.tar"
            file.unlink(missing_ok=True)
            with writing(file, {"format": FORMAT, "archive_id": str(new_id()), "space_id": space[1]["id"]}) as (archive, _):
                for name, content in entries:
                    archive.add_json(name, content)
                archive.finish({"counts": {}})
            ended = await run("import", "none.tar")
            assert (ended.code, said in ended.err, "Traceback" in ended.err) == (1, True, False), ended.err
    assert {method for method, _ in proxy.seen} == {"GET"}


async def test_a_document_whose_bytes_are_gone_is_left_out_and_named(big: Tenant, cli: Cli) -> None:
    other = await big.document("other.md", "# Other\n\nStill there.")
    before = big.objects("documents/")
    lost = await big.document("lost.md", "# Lost\n\nGone from the disk.")
    (new,) = big.objects("documents/") - before
    (big.stack.settings.data_dir / "objects" / new).unlink()
    ended = await at(cli, big.stack)("export", "space.tar", "--space", big.id, "--json")
    assert ended.code == 1
    assert [each["id"] for each in ended.json["left_out"]] == [lost["id"]]
    assert ended.json["counts"]["documents"] == 2
    assert other["id"] not in str(ended.json["left_out"])


async def test_bad_input_is_told_in_a_sentence(big: Tenant, target: Stack, cli: Cli) -> None:
    run = at(cli, big.stack, big.key)
    assert (await run("export", "space.tar")).code == 0
    for command, sentence in (
        (("export", "space.tar"), "space.tar is there already, and nothing is written over"),
        (("export", "nowhere/space.tar"), "There is no folder nowhere: make it, or name another file."),
        (("export", "other.tar", "--space", "01900000-0000-7000-8000-000000000000"), "There is no space with that id."),
        (("import", "space.tar"), "This needs a key of the role «admin»; yours is «manage»."),
        (("import", "nothing.tar"), "nothing.tar: No such file or directory."),
    ):
        ended = await run(*command)
        assert ended.code == 1, command
        assert sentence in ended.err
        assert "Traceback" not in ended.err
    (cli.folder / "space.tar.partial").unlink(missing_ok=True)
    other = at(cli, target, ADMIN_KEY)
    other.env["PROTOSTAR_URL"] = "http://127.0.0.1:1"
    assert (await other("import", "space.tar")).code == 2


async def test_a_document_that_is_too_large_for_the_target_stops_it_before_anything_is_made(
    big: Tenant, target: Stack, cli: Cli
) -> None:
    assert (await at(cli, big.stack)("export", "space.tar", "--space", big.id)).code == 0
    before = await listed(target, "/v1/spaces")
    archive = {"id": big.id, "name": "x", "settings": {}}
    body = {"archive_id": big.id, "space": archive, "largest": 101 * 1024 * 1024}
    async with target.http.post("/v1/imports", json=body) as response:
        assert response.status == 413
        assert "PROTOSTAR_MAX_UPLOAD_BYTES" in json.loads(await response.text())["detail"]
    assert await listed(target, "/v1/spaces") == before


async def test_imports_at_once_are_one(books: Library, target: Stack, cli: Cli, tmp_path: Path) -> None:
    assert (await at(cli, books.tenant.stack)("export", "space.tar", "--space", books.tenant.id)).code == 0
    run = at(cli, target)
    one, two = await asyncio.gather(run("import", "space.tar", "--json"), run("import", "space.tar", "--json"))
    assert (one.code, two.code) == (0, 0), one.err + two.err
    assert one.json == two.json
    async with space_of(target, books.tenant.id) as there:
        before = await shown(books.tenant.http, books.conversations)
        for id_, (document, _) in before["documents"].items():
            await there.settled(id_, document["status"])
        assert await shown(there.http, books.conversations) == before
