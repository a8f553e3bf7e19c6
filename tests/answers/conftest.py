"""A stack with the stand-in for a model server, and a space with a Korean and an English guide."""

from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from tests.support.databases import copied
from tests.support.model_server import StandIn
from tests.support.stack import ADMIN_KEY, Stack, running_stack, settings_for
from tests.support.waiting import wait_until

FILES = Path(__file__).parents[1] / "files"


@pytest.fixture(scope="session")
async def model_server() -> AsyncGenerator[tuple[StandIn, str]]:
    stand_in = StandIn(dimensions=64)
    runner = web.AppRunner(stand_in.app, access_log=None, handler_cancellation=True, shutdown_timeout=0.2)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = runner.addresses[0][1]
    yield stand_in, f"http://127.0.0.1:{port}/v1"
    await runner.cleanup()


@pytest.fixture
def stand_in(model_server: tuple[StandIn, str]) -> StandIn:
    """The stand-in, well-behaved."""
    model_server[0].behave()
    model_server[0].counts = type(model_server[0].counts)()
    return model_server[0]


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


class Asking:
    """A space of its own with the guides, and a client for it."""

    def __init__(self, http: aiohttp.ClientSession, space_id: str) -> None:
        self.http = http
        self.space_id = space_id

    async def upload(self, path: Path) -> dict[str, Any]:
        async with self.http.post(f"/v1/documents?filename={path.name}", data=path.read_bytes()) as response:
            document = await response.json()
            assert response.status == 202, document

        async def ready() -> Any:
            async with self.http.get(f"/v1/documents/{document['id']}") as polled:
                found = await polled.json()
            assert found["status"] != "failed", found
            return found["status"] == "ready" and found["summary"] is not None and found

        return await wait_until(ready, 30)

    async def ask(self, question: str, **more: Any) -> dict[str, Any]:
        async with self.http.post("/v1/answers", json={"question": question, **more}) as response:
            answer = await response.json()
            assert response.status == 200, answer
        return answer


@pytest.fixture
async def asking(answering: Stack, stand_in: StandIn) -> AsyncGenerator[Asking]:
    async with answering.http.post("/v1/spaces", json={"name": "guides"}) as response:
        space = await response.json()
    async with answering.client(ADMIN_KEY, **{"Protostar-Space": space["id"]}) as http:
        asking = Asking(http, space["id"])
        await asking.upload(FILES / "guide-ko.md")
        await asking.upload(FILES / "guide-en.md")
        yield asking
