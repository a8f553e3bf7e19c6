"""A space goes from one installation to another, and nothing is different there."""

import hashlib
import tarfile
from pathlib import Path

import pytest
from tests.api.tenant import FILES
from tests.archive.library import SETTINGS, Library, at, follow, shown, space_of
from tests.cli.conftest import Cli
from tests.support.model_server import StandIn
from tests.support.stack import Stack

pytestmark = pytest.mark.timeout(400)  # each starts several command lines

PROBE = hashlib.sha256(b"How long is a vector?").hexdigest()[:16]  # what a process asks its model first


async def test_everything_arrives_as_it_was(books: Library, target: Stack, cli: Cli, stand_in: StandIn) -> None:
    before = await shown(books.tenant.http, books.conversations)
    exported = await at(cli, books.tenant.stack, books.tenant.key)("export", "space.tar", "--json")
    assert exported.code == 0, exported.err
    assert exported.json["counts"] | {"vectors": 0} == {"documents": 3, "versions": 5, "answers": 3, "vectors": 0}
    assert exported.json["counts"]["vectors"] > 0
    stand_in.counts = type(stand_in.counts)()

    imported = await at(cli, target)("import", "space.tar", "--json")

    assert imported.code == 0, imported.err
    assert imported.json["space_id"] == books.tenant.id
    async with space_of(target, books.tenant.id) as there:
        for document in before["documents"]:
            await there.settled(document, before["documents"][document][0]["status"])
        assert await shown(there.http, books.conversations) == before
        space = await there.get(f"/v1/spaces/{there.id}")
        assert space["settings"] == (await books.tenant.get(f"/v1/spaces/{books.tenant.id}"))["settings"]
        assert space["settings"].items() >= SETTINGS.items()
        assert (await there.get(f"/v1/spaces/{there.id}/keys"))["items"] == []
        assert set(stand_in.counts.texts) <= {PROBE}, "vectors are paid for once"
        asked = await there.call("POST", "/v1/answers", json={"question": "창고 주소는 어디로 바뀌었습니까?"})
        assert asked.json["citations"][0]["version"] == 3
        await follow(there.http, asked.json["citations"][0])
        # The conversation goes on.
        more = {"question": "백업 파일은 며칠 동안 보관하나요?", "conversation_id": books.conversations[0]}
        assert (await there.call("POST", "/v1/answers", json=more)).status == 200


async def test_where_the_ids_are_taken_everything_gets_new_ones_that_fit_together(books: Library, cli: Cli) -> None:
    run = at(cli, books.tenant.stack)
    assert (await run("export", "space.tar", "--space", books.tenant.id)).code == 0

    imported = await run("import", "space.tar", "--space-name", "복사본", "--json")

    assert imported.code == 0, imported.err
    assert not imported.json["keeps_ids"]
    assert imported.json["space_id"] != books.tenant.id
    before = await shown(books.tenant.http, books.conversations)
    async with space_of(books.tenant.stack, imported.json["space_id"]) as there:
        assert (await there.get(f"/v1/spaces/{there.id}"))["name"] == "복사본"
        pages = await there.get("/v1/archive/answers")
        conversations = list({answer["conversation_id"] for answer in pages["items"]})
        after = await shown(there.http, conversations)
        assert not set(before["documents"]) & set(after["documents"])
        assert [versions for _, versions in before["documents"].values()] == [
            versions for _, versions in after["documents"].values()
        ]
        questions = {tuple(answer["question"] for answer in each["answers"]) for each in after["conversations"].values()}
        assert questions == {tuple(answer["question"] for answer in each["answers"]) for each in before["conversations"].values()}
    assert await shown(books.tenant.http, books.conversations) == before


async def test_the_same_archive_is_imported_once(books: Library, target: Stack, cli: Cli) -> None:
    assert (await at(cli, books.tenant.stack)("export", "space.tar", "--space", books.tenant.id)).code == 0
    first = await at(cli, target)("import", "space.tar", "--json")
    again = await at(cli, target)("import", "space.tar", "--json")
    assert again.json == first.json
    assert "imported already" in again.err
    other = await at(cli, target)("import", "space.tar", "--space-name", "Another", "--json")
    assert other.json["space_id"] != first.json["space_id"]


async def test_other_tools_open_it_and_it_holds_no_secret(books: Library, cli: Cli, tmp_path: Path) -> None:
    tenant = books.tenant
    webhook = {"url": "http://localhost:9999/", "events": ["document.failed"]}
    secret = (await tenant.call("POST", "/v1/webhooks", json=webhook)).json["secret"]
    visitor = await tenant.make_key("ask", origins=["https://shop.example"])
    assert (await at(cli, tenant.stack, tenant.key)("export", "space.tar")).code == 0
    file = cli.folder / "space.tar"
    assert file.stat().st_mode & 0o077 == 0
    with tarfile.open(file) as tar:
        tar.extractall(tmp_path / "out", filter="data")
    originals = {path.read_bytes() for path in (tmp_path / "out").rglob("original*")}
    assert (FILES / "guide-ko.pdf").read_bytes() in originals
    content = file.read_bytes()
    for hidden in (secret, visitor["key"], tenant.key):
        assert hidden.encode() not in content
