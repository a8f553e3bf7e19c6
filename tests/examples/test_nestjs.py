"""`examples/nestjs` as a business backend: the real Protostar on the S3 protocol behind it, and a caller before it."""

import asyncio
import os
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from tests.api.tenant import FILES, Tenant, new_tenant
from tests.drills.storage import Bucket, new_bucket, storage
from tests.support.databases import copied
from tests.support.sse import read_events, text_of
from tests.support.stack import running_stack, settings_for
from tests.support.waiting import wait_until

HERE = Path(__file__).parents[2] / "examples" / "nestjs"


@dataclass(frozen=True)
class Backend:
    """`http`: a client of the example; `tenant`: the space that it works in."""

    http: aiohttp.ClientSession
    tenant: Tenant
    bucket: Bucket

    async def shown(self, path: str) -> Any:
        async with self.http.get(path) as response:
            assert response.status == 200, await response.text()
            return await response.json()


@pytest.fixture(scope="module")
async def backend(
    postgres_url: str, template: str, redis_url: str, tmp_path_factory: pytest.TempPathFactory, unused_tcp_port_factory: Any
) -> AsyncGenerator[Backend]:
    port = unused_tcp_port_factory()
    with storage() as endpoint, new_bucket(endpoint) as bucket:
        more: dict[str, Any] = {
            "allow_private_networks": True,
            "objects_url": f"s3://{bucket.name}",
            "s3": {"endpoint": endpoint, "access_key_id": "key", "secret_access_key": "secret"},
        }
        async with copied(postgres_url) as url:
            settings = settings_for(url, f"{redis_url}?db=6", tmp_path_factory.mktemp("nestjs"), **more)
            async with running_stack(settings) as stack, new_tenant(stack) as tenant:
                hook = await tenant.call("POST", "/v1/webhooks", json={"url": f"http://127.0.0.1:{port}/webhooks/protostar"})
                assert hook.status == 201, hook.json
                environment = {
                    "PATH": os.environ["PATH"], "PORT": str(port), "PROTOSTAR_URL": stack.url, "PROTOSTAR_KEY": tenant.key,
                    "PROTOSTAR_SPACE": tenant.id, "PROTOSTAR_WEBHOOK_SECRET": hook.json["secret"], "S3_BUCKET": bucket.name,
                    "S3_ENDPOINT": endpoint, "AWS_ACCESS_KEY_ID": "key", "AWS_SECRET_ACCESS_KEY": "secret",
                }  # fmt: skip
                async with running_example(environment), aiohttp.ClientSession(f"http://127.0.0.1:{port}") as http:
                    yield Backend(http, tenant, bucket)


class running_example:  # noqa: N801 - used like a function
    """The example's process, from its first «listening» on."""

    def __init__(self, environment: dict[str, str]) -> None:
        self._environment = environment

    async def __aenter__(self) -> None:
        self._process = await asyncio.create_subprocess_exec(
            "node", "dist/src/main.js", cwd=HERE, env=self._environment, stdout=asyncio.subprocess.PIPE
        )
        assert self._process.stdout is not None
        line = await asyncio.wait_for(self._process.stdout.readline(), 60)
        assert line.startswith(b"listening"), line

    async def __aexit__(self, *_: object) -> None:
        self._process.terminate()
        assert await asyncio.wait_for(self._process.wait(), 20) in (0, -15)


async def upload(backend: Backend, name: str, content: bytes, status: str = "ready") -> Any:
    """Send a file to the example, and wait until the webhook has told of it there."""
    headers = {"Content-Type": "application/octet-stream"}
    async with backend.http.put(f"/documents/{name}", data=content, headers=headers) as response:
        assert response.status == 202, await response.text()
        document = await response.json()

    async def told() -> Any:
        shown = await backend.shown(f"/documents/{document['id']}")
        return shown if shown["news"] else None

    shown = await wait_until(told, 30, what="the webhook tells of the document")
    assert [news["type"] for news in shown["news"]] == [f"document.{status}"]
    return shown


async def test_a_file_goes_through_the_bucket_and_comes_back_as_an_answer(backend: Backend) -> None:
    body = (FILES / "guide-ko.pdf").read_bytes()
    document = await upload(backend, "guide-ko.pdf", body)
    assert (document["status"], document["news"][0]["data"]["version"]) == ("ready", 1)
    (incoming,) = backend.bucket.keys(f"incoming/{backend.tenant.id}/")
    assert backend.bucket.client.get_object(Bucket=backend.bucket.name, Key=incoming)["Body"].read() == body

    asked = {"question": "백업 파일은 며칠 동안 보관하나요?"}
    async with backend.http.post("/questions", json=asked) as response:
        events = [event async for event in read_events(response)]
    assert (events[0].name, events[-1].name) == ("start", "done")
    answer = events[-1].data["answer"]
    assert answer["found"]
    assert {citation["document_id"] for citation in answer["citations"]} == {document["id"]}

    # Lost after the second event: the same caller goes on at the same backend, and has the same text in the end.
    path = f"/questions/{answer['id']}/events"
    async with backend.http.get(path, headers={"Last-Event-ID": events[1].id}) as response:
        rest = [event async for event in read_events(response)]
    assert rest[-1].data["answer"] == answer
    assert text_of(events[:2] + rest) == text_of(events)

    async def told() -> bool:
        news = (await backend.shown(f"/questions/{answer['id']}"))["news"]
        return [each["type"] for each in news] == ["answer.completed"] and news[0]["data"]["found"]

    await wait_until(told, 20, what="the webhook tells of the answer")


async def test_a_file_that_cannot_be_read_is_told(backend: Backend) -> None:
    document = await upload(backend, "blank.txt", b"   \n", "failed")
    assert document["news"][0]["data"]["error"] == document["error"]


async def test_a_problem_is_passed_on(backend: Backend) -> None:
    async with backend.http.put(
        "/documents/odd.exe", data=b"MZ\0", headers={"Content-Type": "application/octet-stream"}
    ) as response:
        assert (response.status, (await response.json())["code"]) == (415, "unsupported_media_type")
    async with backend.http.post("/questions", json={"question": ""}) as response:
        assert (response.status, (await response.json())["code"]) == (422, "invalid_input")
    async with backend.http.get("/questions/00000000-0000-7000-8000-000000000000/events") as response:
        assert response.status == 404


async def test_a_caller_who_leaves_is_left(backend: Backend) -> None:
    """The answer is written all the same, and can be had."""
    async with backend.http.post("/questions", json={"question": "백업 전에 무엇을 하나요?"}) as response:
        start = await anext(read_events(response))

    async def done() -> Any:
        answer = await backend.shown(f"/questions/{start.data['answer_id']}")
        return answer["state"] == "done"

    await wait_until(done, 20, what="the answer is finished")
