"""`protostar documents`: look at what was uploaded, read it back, delete it, have it read again."""

import codecs
import sys
from collections.abc import Sequence
from typing import Any
from uuid import UUID

from rich.filesize import decimal

from protostar.cli.client import ApiClient
from protostar.cli.display import Column, clean, moment, note
from protostar.cli.items import for_each, show_item, show_list

_COLUMNS = (
    Column("id", 36),
    Column("title", 16),
    Column("status", 10),
    Column("version", 7, right=True),
    Column("chunks", right=True),
    Column("size", 9, right=True),
    Column("updated", 16),
)


async def list_documents(client: ApiClient, *, status: str | None, limit: int, as_json: bool) -> int:
    return await show_list(client, "/v1/documents", {"status": status}, _COLUMNS, _row, limit=limit, as_json=as_json)


async def show(client: ApiClient, document_id: UUID, *, as_json: bool) -> int:
    return await show_item(client, f"/v1/documents/{document_id}", as_json=as_json)


async def delete(client: ApiClient, document_ids: Sequence[UUID]) -> int:
    async def one(document_id: str) -> str:
        await client.delete(f"/v1/documents/{document_id}")
        return f"deleted {document_id}"

    return await for_each(document_ids, one)


async def restore(client: ApiClient, document_ids: Sequence[UUID]) -> int:
    async def one(document_id: str) -> str:
        document = await client.post(f"/v1/documents/{document_id}/restore")
        return f"{clean(document['title'])}: restored"

    return await for_each(document_ids, one)


async def text(client: ApiClient, document_id: UUID, *, version: int | None) -> int:
    """Write the extracted text to standard output: byte for byte, except on a terminal."""
    params = {} if version is None else {"version": version}
    decode = codecs.getincrementaldecoder("utf-8")("replace").decode
    terminal = sys.stdout.isatty()
    async for chunk in client.download(f"/v1/documents/{document_id}/text", params):
        if terminal:
            print(clean(decode(chunk)), end="")
        else:
            sys.stdout.buffer.write(chunk)
    return 0


async def retry(client: ApiClient, document_ids: Sequence[UUID], *, failed: bool) -> int:
    """Queue the jobs of the documents again, and those of all that failed."""

    async def one(document_id: str) -> str:
        document = await client.get(f"/v1/documents/{document_id}")
        await client.post(f"/v1/jobs/{document['job_id']}/retry")
        return f"{clean(document['title'])}: queued again as job {document['job_id']}"

    ids = [str(document_id) for document_id in document_ids]
    if failed:
        found = await client.page("/v1/documents", {"status": "failed"})
        if not found["items"]:
            note("No document has failed.")
        ids += [document["id"] for document in found["items"]]
    return await for_each(dict.fromkeys(ids), one)


async def reread(client: ApiClient, document_ids: Sequence[UUID], *, suffix: str | None) -> int:
    """Have each read again, and each whose file name ends so."""

    async def one(document_id: str) -> str:
        document = await client.post(f"/v1/documents/{document_id}/reread")
        return f"{clean(document['title'])}: read again as version {document['version']}"

    ids = [str(document_id) for document_id in document_ids]
    if suffix is not None:
        found = await client.page("/v1/documents", {"status": "ready"})
        ending = [document["id"] for document in found["items"] if document["filename"].lower().endswith(suffix.lower())]
        if not ending:
            note(f"There is no document whose file name ends with «{suffix}».")
        ids += ending
    return await for_each(dict.fromkeys(ids), one)


def _row(document: dict[str, Any]) -> tuple[object, ...]:
    return (
        document["id"],
        document["title"],
        document["status"],
        document["version"],
        document["chunk_count"],
        decimal(document["size"]) if document["size"] is not None else None,
        moment(document["updated_at"]),
    )
