"""`protostar eval` with a CSV, and what it refuses; folders are evaluated on the real service in `tests/retrieval`."""

import json
from pathlib import Path

import pytest
from tests.cli.conftest import Cli
from tests.cli.fake_api import FakeApi, refuse


@pytest.fixture
def questions(cli: Cli, api: FakeApi) -> Path:
    """The stand-in finds the document `d`, whatever is asked except «nothing»."""
    api.add(id="d", filename="lamp.md", title="Orbit Lamp")
    api.add(id="e", filename="Orbit Lamp", title="Another")
    path = cli.folder / "own.csv"
    path.write_text(
        "\ufeffquestion,document\nHow long?, lamp.md\n,\nalone\nnothing,lamp.md\nWhich other?,Another\n", encoding="utf-8"
    )
    return path


async def test_a_csv_asks_about_the_documents_of_the_space(cli: Cli, api: FakeApi, questions: Path) -> None:
    result = await cli("eval", "own.csv", "--mode", "keyword")

    assert result.code == 0, result.err
    header, row = result.out.splitlines()[:2]
    assert header.split()[:3] == ["set", "asked", "recall@1"]
    assert row.split()[:3] == ["own", "3", ".333"]
    assert sorted(search["query"] for search in api.searches) == ["How long?", "Which other?", "nothing"]
    assert {(search["mode"], search["top_k"]) for search in api.searches} == {("keyword", 50)}
    assert not api.uploads


async def test_searches_that_had_to_do_without_something_are_told(cli: Cli, api: FakeApi, questions: Path) -> None:
    api.degraded = ["no_embeddings"]

    result = await cli("eval", "own.csv")

    assert "own: 3 of 3 searches were degraded: no_embeddings." in result.out + result.err
    assert (await cli("eval", "own.csv", "--json")).json["sets"][0]["degraded"] == {"no_embeddings": 3}


async def test_answers_are_checked_and_strangers_counted(cli: Cli, api: FakeApi, questions: Path) -> None:
    (cli.folder / "strange.csv").write_text("question,document\nWho?,x\n")
    answer = api.answer.done() | {"found": True}
    answer["citations"][0] |= {"start": 0, "end": 5, "quote": "빛과 궤도"}
    api.answer.done = lambda: answer

    result = await cli("eval", "own.csv", "--answers", "--refusals", "strange.csv", "--json")

    assert result.code == 0, result.err
    figures = {name: figure["value"] for name, figure in result.json["sets"][0]["figures"].items()}
    assert figures["citations_resolve"] == 1
    assert figures["gold_cited"] == pytest.approx(2 / 3)
    assert (figures["refused"], figures["wrongly_refused"]) == (0, 0)
    answer["citations"][0]["quote"] = "빛과 궤도 "

    result = await cli("eval", "own.csv", "--answers", "--json")

    assert result.json["sets"][0]["figures"]["citations_resolve"]["value"] == 0


async def test_an_earlier_run_is_compared(cli: Cli, api: FakeApi, questions: Path) -> None:
    first = await cli("eval", "own.csv", "--json")
    (cli.folder / "earlier.json").write_text(first.out)
    assert "nothing is better or worse" in (await cli("eval", "own.csv", "--compare", "earlier.json")).out
    earlier = json.loads(first.out)
    earlier["sets"][0]["figures"]["recall@1"] = {"value": 1.0, "low": 1.0, "high": 1.0}
    (cli.folder / "earlier.json").write_text(json.dumps(earlier))
    questions.write_text("question,document\nWhich other?,Another\n")

    result = await cli("eval", "own.csv", "--mode", "keyword", "--compare", "earlier.json")

    assert "worse: own recall@1 1.000 1.000–1.000 → .000 .000–.000" in result.out
    assert "The earlier run was another one: mode differ." in result.err


async def test_a_sample_is_the_same_for_the_same_seed(cli: Cli, api: FakeApi, questions: Path) -> None:
    for _ in range(2):
        await cli("eval", "own.csv", "--sample", "1", "--seed", "7")

    assert len(api.searches) == 2
    assert api.searches[0] == api.searches[1]


async def test_a_file_may_be_named_without_its_folders(cli: Cli, api: FakeApi, questions: Path) -> None:
    api.add(id="e", filename="guides/shade.md")
    api.add(id="f", filename="guides/lamp.md")
    questions.write_text("question,document\nq,shade.md\nq,guides/lamp.md\nq,lamp.md\n")

    result = await cli("eval", "own.csv")
    assert result.code == 0, result.err


async def test_an_ambiguous_or_unknown_name_is_refused(cli: Cli, api: FakeApi, questions: Path) -> None:
    questions.write_text("question,document\nq,gone.md\n")
    assert "No document is called gone.md." in (await cli("eval", "own.csv")).err
    api.add(id="f", filename="lamp.md")
    questions.write_text("question,document\nq,lamp.md\n")
    result = await cli("eval", "own.csv")
    assert (result.code, result.err) == (1, "2 documents are called lamp.md.\n")


async def test_a_folder_needs_the_admin_key(cli: Cli, api: FakeApi) -> None:
    folder = cli.folder / "set"
    folder.mkdir()
    (folder / "corpus.jsonl").write_text('{"id": "1", "title": "T", "text": "t"}\n')
    (folder / "queries.jsonl").write_text('{"question": "q", "relevant": ["1"]}\n')
    api.fail("POST", "/v1/spaces", refuse(403, "forbidden", "This needs a key of the role «admin»; yours is «manage»."))

    result = await cli("eval", "set")

    assert (result.code, result.err) == (1, "This needs a key of the role «admin»; yours is «manage».\n")


async def test_a_damaged_set_is_refused_before_anything_is_loaded(cli: Cli, api: FakeApi) -> None:
    result = await cli("eval", ".")

    assert result.code == 1
    assert "corpus.jsonl cannot be read: No such file or directory." in result.err
    assert not api.calls
