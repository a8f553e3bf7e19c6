"""A space worth a back-up, and what there is to compare of it."""

import json
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any
from uuid import uuid4

import aiohttp
from tests.api.tenant import FILES, Tenant, new_tenant, send
from tests.cli.conftest import Cli
from tests.support.stack import ADMIN_KEY, Stack
from tests.support.waiting import wait_until

SETTINGS = {"persona": "친절한 안내원", "greeting": "안녕하세요", "starter_questions": ["설치는 어떻게 하나요?"]}
# What is of the installation, or changes when a version is read again.
ELSEWHERE = {"job_id", "updated_at", "progress"}


@dataclass
class Library:
    """A tenant with documents of several versions and a conversation that cites an old one."""

    tenant: Tenant
    conversations: list[str] = field(default_factory=list)

    async def ask(self, question: str, conversation: str | None = None) -> Any:
        body = {"question": question, **({"conversation_id": conversation} if conversation else {})}
        answered = await self.tenant.call("POST", "/v1/answers", json=body)
        assert answered.status == 200, answered.json
        assert answered.json["citations"], question
        if conversation is None:
            self.conversations.append(answered.json["conversation_id"])
        return answered.json


@asynccontextmanager
async def library(stack: Stack) -> AsyncGenerator[Library]:
    async with new_tenant(stack) as tenant:
        made = Library(tenant)
        await tenant.call("PATCH", f"/v1/spaces/{tenant.id}", json={"settings": SETTINGS})
        form = aiohttp.FormData({"title": "운영 안내서", "metadata": json.dumps({"team": "operations"})})
        form.add_field("file", (FILES / "guide-ko.pdf").read_bytes(), filename="guide-ko.pdf")
        uploaded = await tenant.call("POST", "/v1/documents", data=form)
        await tenant.settled(uploaded.json["id"])
        await tenant.file("spaces.txt", status="failed")
        changing = await tenant.document("주소.md", f"# 물류\n\n창고 주소는 한강로 17번지입니다. {uuid4()}\n")
        asked = await made.ask("창고 주소는 어디입니까?")
        for number in (2, 3):
            body = f"# 물류\n\n창고 주소는 세종로 {number}번지로 바뀌었습니다.\n".encode()
            await tenant.call("PUT", f"/v1/documents/{changing['id']}/content", params={"filename": "주소.md"}, data=body)
            await tenant.settled(changing["id"], version=number)
        await made.ask("창고 주소는 어디로 바뀌었습니까?", asked["conversation_id"])
        answer = await made.ask("백업 파일은 며칠 동안 보관하나요?")
        corrected = await tenant.call("PUT", f"/v1/answers/{answer['id']}/correction", json={"text": "서른 날 동안입니다. [1]"})
        assert corrected.status == 200, corrected.json
        await tenant.call("POST", f"/v1/answers/{answer['id']}/feedback", json={"rating": "up"})
        await wait_until(partial(is_summarized, tenant), 30, what="every document has its summary")
        yield made


async def is_summarized(tenant: Tenant) -> bool:
    """Whether the jobs that begin when a version is ready have written all that they write."""
    documents = (await tenant.get("/v1/documents"))["items"]
    return all(document["summary"] for document in documents if document["status"] == "ready")


async def shown(http: aiohttp.ClientSession, conversations: list[str]) -> dict[str, Any]:
    """Everything that the API tells of a space, of every version; each citation was followed to its quote."""
    documents = (await send(http, "GET", "/v1/documents", params={"limit": 200})).json["items"]
    told: dict[str, Any] = {"documents": {}, "conversations": {}}
    for document in documents:
        path = f"/v1/documents/{document['id']}"
        versions = []
        for number in range(1, document["version"] + 1):
            parts = [await send(http, "GET", f"{path}/{part}", params={"version": number}) for part in ("content", "text")]
            versions.append([(part.status, part.body if part.status == 200 else part.json["detail"]) for part in parts])
        told["documents"][document["id"]] = ({k: v for k, v in document.items() if k not in ELSEWHERE}, versions)
    for id_ in conversations:
        conversation = (await send(http, "GET", f"/v1/conversations/{id_}")).json
        for answer in conversation["answers"]:
            for citation in answer["citations"]:
                await follow(http, citation)
        told["conversations"][id_] = conversation
    return told


async def follow(http: aiohttp.ClientSession, citation: Mapping[str, Any]) -> None:
    path = f"/v1/documents/{citation['document_id']}/text"
    text = (await send(http, "GET", path, params={"version": citation["version"]})).body.decode()
    assert text[citation["start"] : citation["end"]] == citation["quote"]


def at(cli: Cli, stack: Stack, key: str = ADMIN_KEY) -> Cli:
    """The same command line, talking to this installation."""
    other = Cli(cli.folder)
    other.env |= {"PROTOSTAR_URL": stack.url, "PROTOSTAR_KEY": key}
    return other


@asynccontextmanager
async def space_of(stack: Stack, space_id: str) -> AsyncGenerator[Tenant]:
    async with stack.client(ADMIN_KEY, **{"Protostar-Space": space_id}) as http:
        yield Tenant(space_id, stack, http, ADMIN_KEY)
