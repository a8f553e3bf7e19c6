"""Fixtures of the drills, and the table of what they counted."""

import tempfile
from collections.abc import AsyncGenerator, Callable, Generator
from dataclasses import replace
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from tests.drills.clients import clients
from tests.drills.course import DOCUMENTS, QUESTIONS, TEMPORARY, Drill, Drills
from tests.drills.processes import Models
from tests.drills.servers import Postgres, Valkey, running
from tests.drills.storage import Bucket, new_bucket, storage
from tests.support.databases import make_template

_numbers = count(1)

COLUMNS = {
    "ready": "ready", "failed": "failed", "stuck": "stuck", "lost": "lost", "missing": "miss.", "doubled": "doubl.",
    "whole": "whole", "degraded": "degr.", "cut": "cut", "twice": "twice", "resets": "resets", "chats_again": "asked+",
    "refused": "refused", "again": "texts+", "in_flight": "in fl.", "paid_twice": "paid 2×", "wrong": "wrong", "leaks": "leaks",
    "seconds": "heal s",
}  # fmt: skip


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Without `-m` only the quick drills run."""
    if config.option.markexpr:
        return
    slow = [item for item in items if item.get_closest_marker("drill")]
    config.hook.pytest_deselected(items=slow)
    items[:] = [item for item in items if item not in slow]


def pytest_terminal_summary(terminalreporter: Any) -> None:
    rows = []
    for outcome in ("passed", "failed", "skipped"):
        for report in terminalreporter.stats.get(outcome, []):
            properties = dict(report.user_properties)
            if "drill" in properties and (report.when == "call" or outcome == "skipped"):
                rows.append((properties["drill"], properties.get("counts"), outcome))
    if not rows:
        return
    terminalreporter.section(f"drills: {DOCUMENTS} documents and {QUESTIONS} questions where nothing else is said")
    width = max(len(name) for name, _counts, _outcome in rows)
    terminalreporter.write_line(" " * width + "".join(f"{title:>9}" for title in COLUMNS.values()))
    for name, counts, outcome in rows:
        shown = "".join(f"{counts[column]:>9}" for column in COLUMNS) if counts else "  not run" if outcome == "skipped" else ""
        terminalreporter.write_line(f"{name:{width}}{shown}{'   FAILED' if outcome == 'failed' else ''}")


@pytest.fixture(scope="session")
async def durable_postgres() -> AsyncGenerator[Postgres]:
    with tempfile.TemporaryDirectory(prefix="protostar-drills-", dir=TEMPORARY) as folder:
        async with running(Postgres(Path(folder))) as server:
            assert isinstance(server, Postgres)
            await make_template(server.url)
            yield server


@pytest.fixture(scope="session")
async def valkey() -> AsyncGenerator[Valkey]:
    with tempfile.TemporaryDirectory(prefix="protostar-drills-", dir=TEMPORARY) as folder:
        async with running(Valkey(Path(folder))) as server:
            assert isinstance(server, Valkey)
            yield server


@pytest.fixture(scope="session")
async def models() -> AsyncGenerator[Models]:
    with tempfile.TemporaryDirectory(prefix="protostar-drills-", dir=TEMPORARY) as folder:
        models = Models(Path(folder))
        await models.up()
        try:
            yield models
        finally:
            await models.kill()


@pytest.fixture
def record(request: pytest.FixtureRequest) -> Callable[[dict[str, Any]], None]:
    """Where the counts of a drill go: a row of the table, named like its test."""
    properties = request.node.user_properties
    properties.append(("drill", request.node.name.removeprefix("test_").replace("_", " ")))
    return lambda row: properties.append(("counts", row))


@pytest.fixture
def drills(durable_postgres: Postgres, valkey: Valkey, models: Models, record: Callable[[dict[str, Any]], None]) -> Drills:
    return Drills(durable_postgres, valkey, models, record)


@pytest.fixture(scope="session")
async def shared(durable_postgres: Postgres, valkey: Valkey, models: Models) -> AsyncGenerator[Drill]:
    """One installation for all quick drills."""
    drills = Drills(durable_postgres, valkey, models, lambda _row: None)
    async with drills.drill({"WORKER_LEASE": "3", "ANSWER_LEASE": "3"}, apis=2, workers=2) as drill:
        await drill.ready()
        yield drill
        await drill.installation.stop()


@pytest.fixture
async def quick(shared: Drill, record: Callable[[dict[str, Any]], None]) -> AsyncGenerator[Drill]:
    """The shared installation, all of it running, with clients of this drill's own."""
    await shared.installation.up()
    await shared.models.behave(reset=True)
    async with clients(shared.installation.urls) as everybody:
        yield replace(
            shared,
            clients=everybody,
            inspector=replace(shared.inspector, clients=everybody),
            record=record,
            first=100 * next(_numbers),
            is_shared=True,
        )


@pytest.fixture(scope="session")
def object_store() -> Generator[str]:
    with storage() as endpoint:
        yield endpoint


@pytest.fixture
def bucket(object_store: str) -> Generator[Bucket]:
    with new_bucket(object_store) as bucket:
        yield bucket
