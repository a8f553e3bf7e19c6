"""A space of a test's own, and what a client does in it."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any
from uuid import uuid4

import aiohttp
from tests.support.stack import ADMIN_KEY, Stack, running_api
from tests.support.waiting import wait_until

from protostar.config import Settings
from protostar.documents.ownership import MARK

FILES = Path(__file__).parent.parent / "files"
ORIGIN = "https://shop.example"


@dataclass(frozen=True, slots=True)
class Answered:
    """A response that was read to its end."""

    status: int
    headers: Any
    body: bytes
    json: Any


async def send(http: aiohttp.ClientSession, method: str, path: str, **options: Any) -> Answered:
    async with http.request(method, path, **options) as response:
        body = await response.read()
        is_json = response.content_type.endswith("json") and body
        return Answered(response.status, response.headers, body, await response.json(content_type=None) if is_json else None)


@dataclass(frozen=True, slots=True)
class Tenant:
    """`http` sends a manage key of the space."""

    id: str
    stack: Stack
    http: aiohttp.ClientSession
    key: str

    async def call(self, method: str, path: str, **options: Any) -> Answered:
        return await send(self.http, method, path, **options)

    async def get(self, path: str, **options: Any) -> Any:
        """The JSON of a request that has to succeed."""
        answered = await self.call("GET", path, **options)
        assert answered.status == 200, answered.json
        return answered.json

    async def upload(self, filename: str, content: bytes, **options: Any) -> Answered:
        """As a raw body."""
        return await self.call("POST", "/v1/documents", params={"filename": filename}, data=BytesIO(content), **options)

    async def document(self, filename: str, content: bytes | str, status: str = "ready") -> Any:
        """Upload and wait until the document has the status."""
        answered = await self.upload(filename, content.encode() if isinstance(content, str) else content)
        assert answered.status in (200, 202), answered.json
        return await self.settled(answered.json["id"], status)

    async def file(self, name: str, status: str = "ready") -> Any:
        """The same with one of the test files."""
        return await self.document(name, (FILES / name).read_bytes(), status)

    async def settled(self, document_id: str, status: str = "ready", version: int | None = None) -> Any:
        async def settled() -> Any:
            document = await self.get(f"/v1/documents/{document_id}")
            wanted = document["version"] == version if version is not None else True
            return document if wanted and document["status"] in ("ready", "failed") else None

        document = await wait_until(settled, 30, what=f"document {document_id} settles")
        assert document["status"] == status, document
        return document

    async def search(self, query: str) -> list[Any]:
        answered = await self.call("POST", "/v1/search", json={"query": query})
        assert answered.status == 200, answered.json
        return answered.json["hits"]

    async def make_key(self, role: str, **more: Any) -> Any:
        answered = await self.call("POST", f"/v1/spaces/{self.id}/keys", json={"role": role, "name": "test", **more})
        assert answered.status == 201, answered.json
        return answered.json

    def visitor(self, key: str, *, origin: str | None = ORIGIN, token: str | None = None) -> aiohttp.ClientSession:
        """A client with a publishable key, in a page of `origin`; the caller closes it."""
        headers = {"Origin": origin, "Protostar-Visitor": token}
        return self.stack.client(key, **{name: value for name, value in headers.items() if value is not None})

    def objects(self, prefix: str = "") -> set[str]:
        """The files of the object store's folder, half-written ones too, but not whose it is."""
        folder = self.stack.settings.data_dir / "objects"
        names = {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()} - {MARK}
        return {name for name in names if name.startswith(prefix)}


@asynccontextmanager
async def new_tenant(stack: Stack) -> AsyncGenerator[Tenant]:
    """A new space, and a client with a manage key of it."""
    created = await send(stack.http, "POST", "/v1/spaces", json={"name": f"space {uuid4().hex[:8]}"})
    assert created.status == 201, created.json
    id_ = created.json["id"]
    key = await send(stack.http, "POST", f"/v1/spaces/{id_}/keys", json={"role": "manage", "name": "test"})
    async with stack.client(key.json["key"]) as http:
        yield Tenant(id_, stack, http, key.json["key"])


@asynccontextmanager
async def idle_tenant(settings: Settings) -> AsyncGenerator[Tenant]:
    """The tenant of an API of its own, whose jobs nobody runs."""
    headers = {"Authorization": f"Bearer {ADMIN_KEY}"}
    async with running_api(settings) as url, aiohttp.ClientSession(url, headers=headers) as http:
        async with new_tenant(Stack(url, settings, http)) as tenant:
            yield tenant
