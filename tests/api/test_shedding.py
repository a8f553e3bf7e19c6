"""What is too much is refused early, with the time to come back; nothing of it is half taken in."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from pathlib import Path

import aiohttp
import pytest
from tests.support.databases import copied
from tests.support.stack import ADMIN_KEY, running_api, settings_for
from tests.support.waiting import wait_until


@pytest.fixture
async def small(postgres_url: str, template: str, tmp_path: Path) -> AsyncGenerator[aiohttp.ClientSession]:
    """An API without a worker that takes little at once."""
    limits = {"queued_jobs_per_space": 2, "uploads": 1}
    async with copied(postgres_url) as url, running_api(settings_for(url, None, tmp_path, limit=limits)) as base:
        async with aiohttp.ClientSession(base, headers={"Authorization": f"Bearer {ADMIN_KEY}"}) as http:
            yield http


async def upload(http: aiohttp.ClientSession, name: str) -> tuple[int, dict, str | None]:
    async with http.post(f"/v1/documents?filename={name}", data=name.encode()) as response:
        return response.status, await response.json(), response.headers.get("Retry-After")


async def test_a_full_queue_refuses_uploads_of_its_space_alone(small: aiohttp.ClientSession) -> None:
    assert [(await upload(small, f"{n}.md"))[0] for n in range(2)] == [202, 202]
    status, problem, retry_after = await upload(small, "3.md")
    assert (status, problem["code"]) == (429, "rate_limited")
    assert retry_after is not None
    assert int(retry_after) >= 1
    async with small.post("/v1/spaces", json={"name": "another"}) as response:
        other = (await response.json())["id"]
    async with small.post("/v1/documents?filename=a.md", data=b"x", headers={"Protostar-Space": other}) as response:
        assert response.status == 202


class Held:
    """An upload that has its place, and does not end before it is told to."""

    def __init__(self) -> None:
        self.go_on = asyncio.Event()
        self._begun = asyncio.Event()

    async def begin(self, http: aiohttp.ClientSession) -> asyncio.Task[int]:
        """The upload, whose result is its status."""
        sending = asyncio.create_task(self._send(http))
        await self._begun.wait()
        return sending

    async def _send(self, http: aiohttp.ClientSession) -> int:
        # The server asks for the body when it starts to read it, and that is once the upload has its place.
        async with http.post("/v1/documents?filename=slow.md", data=self._body(), expect100=True) as response:
            return response.status

    async def _body(self) -> AsyncGenerator[bytes]:
        self._begun.set()
        yield b"# slow\n"
        await self.go_on.wait()
        yield b"end\n"


async def test_more_uploads_at_once_than_there_are_places_are_told_to_come_back(small: aiohttp.ClientSession) -> None:
    held = Held()
    sending = await held.begin(small)
    status, problem, retry_after = await upload(small, "b.md")
    assert (status, problem["code"]) == (503, "unavailable")
    assert retry_after is not None
    held.go_on.set()
    assert await sending == 202
    async with small.get("/v1/documents") as response:
        assert [item["filename"] for item in (await response.json())["items"]] == ["slow.md"]


async def test_a_crowd_at_one_feature_leaves_room_at_the_others(postgres_url: str, template: str, tmp_path: Path) -> None:
    async with copied(postgres_url) as url, running_api(settings_for(url, None, tmp_path, limit={"requests": 1})) as base:
        async with aiohttp.ClientSession(base, headers={"Authorization": f"Bearer {ADMIN_KEY}"}) as http:
            held = Held()
            sending = await held.begin(http)
            async with http.get("/v1/documents") as response:
                assert response.status == 503
                assert int(response.headers["Retry-After"]) >= 1
            for path in ("/v1/spaces", "/v1/jobs", "/health/live", "/login"):
                async with http.get(path) as response:
                    assert response.status == 200
            held.go_on.set()
            assert await sending == 202
            async with http.get("/v1/documents") as response:
                assert response.status == 200


async def test_a_crowd_at_the_pages_leaves_room_for_the_api(postgres_url: str, template: str, tmp_path: Path) -> None:
    async with copied(postgres_url) as url, running_api(settings_for(url, None, tmp_path, limit={"requests": 1})) as base:
        async with aiohttp.ClientSession(base, headers={"Authorization": f"Bearer {ADMIN_KEY}"}) as http:
            begun, go_on = asyncio.Event(), asyncio.Event()

            async def held() -> AsyncIterator[bytes]:
                yield b"key="
                begun.set()
                await go_on.wait()

            form = {"Content-Type": "application/x-www-form-urlencoded", "Origin": base}
            signing_in = asyncio.ensure_future(http.post("/login", data=held(), headers=form).__aenter__())
            await begun.wait()

            async def crowded() -> bool:
                async with http.get("/login") as response:
                    return response.status == 503

            await wait_until(crowded)
            for path in ("/v1/spaces", "/health/live"):
                async with http.get(path) as response:
                    assert response.status == 200
            go_on.set()
            assert (await signing_in).status == 401
