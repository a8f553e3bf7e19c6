"""A stack with a chat and an embedding model, and a space with a Korean and an English guide."""

from collections.abc import AsyncGenerator
from pathlib import Path

import pytest
from tests.support.asking import Asking
from tests.support.databases import copied
from tests.support.model_server import StandIn
from tests.support.stack import ADMIN_KEY, Stack, running_stack, settings_for

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


@pytest.fixture
async def asking(answering: Stack, stand_in: StandIn) -> AsyncGenerator[Asking]:
    async with answering.http.post("/v1/spaces", json={"name": "guides"}) as response:
        space = await response.json()
    async with answering.client(ADMIN_KEY, **{"Protostar-Space": space["id"]}) as http:
        asking = Asking(http, space["id"])
        await asking.upload(FILES / "guide-ko.md")
        await asking.upload(FILES / "guide-en.md")
        yield asking
