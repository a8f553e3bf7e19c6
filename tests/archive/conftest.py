"""Two installations with nothing in common but the machine and its models; each test takes a space from one to the other."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from tests.archive.library import Library, library
from tests.cli.conftest import Cli
from tests.support.databases import copied
from tests.support.model_server import StandIn
from tests.support.stack import Stack, running_stack, settings_for


@asynccontextmanager
async def installation(postgres_url: str, redis: str, folder: Path, models: str) -> AsyncGenerator[Stack]:
    async with copied(postgres_url) as url:
        embedding = {"base_url": models, "model": "e", "batch_size": 4}
        async with running_stack(settings_for(url, redis, folder, embedding=embedding, worker={"poll": 0.1})) as stack:
            yield stack


@pytest.fixture(scope="session")
async def source(
    postgres_url: str, template: str, redis_url: str, model_server: tuple[StandIn, str], tmp_path_factory: pytest.TempPathFactory
) -> AsyncGenerator[Stack]:
    folder = tmp_path_factory.mktemp("source")
    async with installation(postgres_url, f"{redis_url}?db=5", folder, model_server[1]) as stack:
        yield stack


@pytest.fixture(scope="session")
async def target(
    postgres_url: str, template: str, redis_url: str, model_server: tuple[StandIn, str], tmp_path_factory: pytest.TempPathFactory
) -> AsyncGenerator[Stack]:
    folder = tmp_path_factory.mktemp("target")
    async with installation(postgres_url, f"{redis_url}?db=6", folder, model_server[1]) as stack:
        yield stack


@pytest.fixture
async def books(source: Stack, stand_in: StandIn) -> AsyncGenerator[Library]:
    async with library(source) as made:
        yield made


@pytest.fixture
def cli(tmp_path: Path) -> Cli:
    folder = tmp_path / "cwd"
    folder.mkdir()
    return Cli(folder)
