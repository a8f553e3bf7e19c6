"""A large upload and its download: how much the API process grows, and how fast the bytes flow.

The file begins like a workbook and is none: its job fails at once, without reading all of it.
"""

import hashlib
from collections.abc import AsyncGenerator
from typing import Any

import aiohttp

from bench.load import BenchError
from bench.measure import costs
from bench.stack import Stack, until

LIMIT_MIB = 64
"""How much the API process may grow."""

_MIB = 1024 * 1024
_HEAD = b"PK\x03\x04 no workbook "
_FILENAME = "large.xlsx"


class Body:
    """`size` bytes, made while they are sent; every MiB differs."""

    def __init__(self, size: int) -> None:
        self.size = size
        self.digest = hashlib.sha256()

    async def chunks(self) -> AsyncGenerator[bytes]:
        filling = bytes(range(256)) * (_MIB // 256)
        left, number = self.size, 0
        while left > 0:
            head = _HEAD if number == 0 else number.to_bytes(16, "big")
            chunk = (head + filling[len(head) :])[:left]
            self.digest.update(chunk)
            left, number = left - len(chunk), number + 1
            yield chunk


async def measure(stack: Stack, size: int, number: int) -> dict[str, Any]:
    """One upload as a raw body and one as a form, each read back and deleted."""
    space = await stack.new_space(f"upload {number}")
    found: dict[str, Any] = {}
    for form in (False, True):
        name = "form" if form else "raw"
        body = Body(size)
        with costs(stack.processes, memory=True) as sent:
            before = _api_mib(stack)
            document = await _upload(stack, body, space, form=form)
        found |= _figures(f"{name}_upload", size, sent.wall, sent.rss["api"] - before, sent.cpu["api"])
        if (document["size"], document["sha256"]) != (size, body.digest.hexdigest()):
            raise BenchError("The document's size or sha256 is not the one that was sent.")
        await _failed(stack, document["id"], space)
        with costs(stack.processes, memory=True) as received:
            before = _api_mib(stack)
            sha256 = await _download(stack, document["id"], space)
        found |= _figures(f"{name}_download", size, received.wall, received.rss["api"] - before, received.cpu["api"])
        if sha256 != document["sha256"]:
            raise BenchError("The download is not what was uploaded.")
        await stack.ask("DELETE", f"/v1/documents/{document['id']}", headers=space)
        await stack.idle()
    return found


def _figures(name: str, size: int, seconds: float, growth: float, cpu: float) -> dict[str, float]:
    gib = size / 1024**3
    return {f"{name}_growth_mib": growth, f"{name}_mb_per_s": size / 1e6 / seconds, f"{name}_api_cpu_s_per_gib": cpu / gib}


def _api_mib(stack: Stack) -> float:
    """The peak that has just been reset: what the process holds now."""
    return stack.processes.memory()[1]["api"]


async def _upload(stack: Stack, body: Body, space: dict[str, str], *, form: bool) -> dict[str, Any]:
    if form:
        fields = aiohttp.FormData()
        fields.add_field("file", body.chunks(), filename=_FILENAME, content_type="application/octet-stream")
        return await stack.ask("POST", "/v1/documents", data=fields, headers=space)
    headers = {**space, "Content-Length": str(body.size), "Content-Type": "application/octet-stream"}
    return await stack.ask("POST", "/v1/documents", params={"filename": _FILENAME}, data=body.chunks(), headers=headers)


async def _failed(stack: Stack, id_: str, space: dict[str, str]) -> None:
    """Until the job has seen that it is no workbook: it copies the file, which would disturb the download."""

    async def settled() -> bool:
        return (await stack.ask("GET", f"/v1/documents/{id_}", headers=space))["status"] == "failed"

    await until(settled, 300, "the file that is no workbook fails")


async def _download(stack: Stack, id_: str, space: dict[str, str]) -> str:
    digest = hashlib.sha256()
    async with stack.http.get(f"/v1/documents/{id_}/content", headers=space) as response:
        if response.status != 200:
            raise BenchError(f"The download was answered with {response.status}.")
        async for chunk in response.content.iter_chunked(_MIB):
            digest.update(chunk)
    return digest.hexdigest()
