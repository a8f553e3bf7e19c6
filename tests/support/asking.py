"""A space of the running product, and what a person does with it."""

from pathlib import Path
from typing import Any
from uuid import uuid4

import aiohttp
from tests.support.waiting import wait_until


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

    async def settled(self, document_id: str, version: int) -> dict[str, Any]:
        """The document once that version of it answers questions."""

        async def ready() -> Any:
            async with self.http.get(f"/v1/documents/{document_id}") as polled:
                found = await polled.json()
            return (found["version"], found["status"]) == (version, "ready") and found

        return await wait_until(ready, 30)

    async def ask(self, question: str, **more: Any) -> dict[str, Any]:
        async with self.http.post("/v1/answers", json={"question": question, **more}) as response:
            answer = await response.json()
            assert response.status == 200, answer
        return answer

    async def until_healed(self) -> None:
        """Until both models are asked again: after the failures of other tests their breakers stay open for a while."""

        async def healed() -> bool:
            return (await self.ask(f"백업 파일은 며칠 동안 보관합니까? {uuid4().hex}"))["degraded"] == []

        await wait_until(healed, 20)
