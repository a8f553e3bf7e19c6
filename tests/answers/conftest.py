"""A stack with a chat and an embedding model, and a space with a Korean and an English guide."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from tests.support.asking import Asking
from tests.support.databases import copied
from tests.support.model_server import StandIn
from tests.support.stack import ADMIN_KEY, Stack, running_stack, settings_for

from protostar.retrieval.service import Retriever

FILES = Path(__file__).parents[1] / "files"


@pytest.fixture(scope="session")
async def answering(
    postgres_url: str,
    template: str,
    redis_url: str,
    model_server: tuple[StandIn, str],
    tmp_path_factory: pytest.TempPathFactory,
) -> AsyncGenerator[Stack]:
    async with copied(postgres_url) as url:
        settings = settings_for(
            url,
            f"{redis_url}?db=2",
            tmp_path_factory.mktemp("answering"),
            chat={"base_url": model_server[1], "model": "m", "first_token_timeout": 2, "idle_timeout": 1},
            embedding={"base_url": model_server[1], "model": "e"},
            worker={"poll": 0.1},
        )
        async with running_stack(settings) as stack:
            yield stack


@asynccontextmanager
async def a_space(answering: Stack, name: str, *files: str) -> AsyncGenerator[Asking]:
    async with answering.http.post("/v1/spaces", json={"name": name}) as response:
        space = await response.json()
    async with answering.client(ADMIN_KEY, **{"Protostar-Space": space["id"]}) as http:
        asking = Asking(http, space["id"])
        for file in files:
            await asking.upload(FILES / file)
        yield asking


@pytest.fixture(scope="session")
async def beside(answering: Stack) -> AsyncGenerator[Asking]:
    """A space in which no test looks at anything."""
    async with a_space(answering, "beside", "guide-ko.md") as asking:
        yield asking


@pytest.fixture
async def asking(answering: Stack, beside: Asking, stand_in: StandIn) -> AsyncGenerator[Asking]:
    """A space of its own, with models that are asked: breakers that the test before has opened are closed again."""
    await beside.until_healed()
    stand_in.counts = type(stand_in.counts)()
    async with a_space(answering, "guides", "guide-ko.md", "guide-en.md") as asking:
        yield asking


@pytest.fixture
def searched(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What was searched for."""
    asked: list[str] = []
    search = Retriever.search

    async def recorded(self: Retriever, space_id: Any, question: str, **how: Any) -> Any:
        asked.append(question)
        return await search(self, space_id, question, **how)

    monkeypatch.setattr(Retriever, "search", recorded)
    return asked
