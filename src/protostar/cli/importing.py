"""`protostar import`: an archive into a space of its own. Run again with the same file it goes on where it was.

The whole archive is checked before anything is sent; then the server is asked what it has, and gets the rest.
"""

import asyncio
from pathlib import Path
from typing import Final

import aiohttp
from aiohttp.abc import AbstractStreamWriter
from aiohttp.payload import Payload
from pydantic import BaseModel

from protostar.cli.archive import SPACE, ArchiveReader, BadArchive, Json, reading
from protostar.cli.client import ApiClient
from protostar.cli.display import moment, note, record, write_json
from protostar.cli.exporting import version_names
from protostar.cli.progress import Meter, resumable

OCTETS: Final = "application/octet-stream"


async def import_archive(client: ApiClient, path: Path, name: str | None, *, as_json: bool) -> int:
    """Check the archive, send what the server does not have yet, and print the new space."""
    await client.ping()
    with resumable(path), reading(path) as archive:
        with Meter("check", archive.size) as meter:
            await asyncio.to_thread(archive.check, meter.advance)
        begun = await client.post("/v1/imports", _begin(archive, name))
        if begun["finished_at"] is not None:
            note(f"This archive is imported already, since {moment(begun['finished_at'])}.")
        else:
            with Meter("import", archive.size) as meter:
                run = Import(client, archive, f"/v1/imports/{begun['id']}", meter)
                await run.all()
            begun = await client.post(f"/v1/imports/{begun['id']}/finish")
        counts = archive.manifest.counts
    result = {"space_id": begun["space_id"], "name": begun["name"], "keeps_ids": begun["keeps_ids"]}
    if as_json:
        write_json({**result, "archive_id": archive.header.archive_id, "counts": counts})
    else:
        record({"space": begun["space_id"], "name": begun["name"], **counts})
        here = f"PROTOSTAR_SPACE={begun['space_id']}"
        note(f"Its documents are being read: `{here} protostar documents list` shows how far that is.")
        note("With that and the admin key all commands work on it; it has no keys of its own yet.")
        if not begun["keeps_ids"]:
            note("A space of that id is here already, so everything has a new id.")
    return 0


class Version(BaseModel):
    """What this command itself needs of a version; all of it is for the server to check."""

    version: int
    filename: str
    size: int
    text_size: int | None
    text_sha256: str | None


class Document(BaseModel):
    id: str
    versions: list[Version]


class Documents(BaseModel):
    items: list[Document]


class Answers(BaseModel):
    items: list[Json]


class Import:
    """One run of the command. Vectors come first, so that documents find them."""

    def __init__(self, client: ApiClient, archive: ArchiveReader, path: str, meter: Meter) -> None:
        self._client = client
        self._archive = archive
        self._path = path
        self._meter = meter

    async def all(self) -> None:
        for name in self._archive.pages("vectors", ".bin"):
            await self._client.post_bytes(f"{self._path}/vectors", self._archive.read(name), OCTETS)
            self._meter.advance(self._archive.entries[name].size)
        for name in self._archive.pages("documents", ".json"):
            for document in self._archive.json(name)["items"]:
                await self._document(document)
            self._meter.advance(self._archive.entries[name].size)
        for name in self._archive.pages("answers", ".json"):
            await self._client.post(f"{self._path}/answers", {"items": self._archive.json(name)["items"]})
            self._meter.advance(self._archive.entries[name].size)

    async def _document(self, document: Json) -> None:
        path = f"{self._path}/documents"
        state = await self._client.get(f"{path}/{document['id']}")
        for each in document["versions"]:
            if not state["complete"] and each["version"] not in state["versions"]:
                form = _Form(self._archive, document["id"], each)
                await self._client.send_form("POST", f"{path}/{document['id']}/versions", form)
            self._meter.advance(each["size"] + (each["text_size"] or 0))
        if not state["complete"]:
            await self._client.post(path, document)


class _Form:
    """Makes the form of a version anew for every attempt."""

    def __init__(self, archive: ArchiveReader, document_id: str, each: Json) -> None:
        self._archive = archive
        self._names = version_names(document_id, each)
        self._record = each

    def __call__(self) -> aiohttp.MultipartWriter:
        form = aiohttp.MultipartWriter("form-data")
        form.append_json(self._record).set_content_disposition("form-data", name="record")
        for field, name in self._names.items():
            form.append_payload(_Slice(self._archive, name)).set_content_disposition("form-data", name=field, filename=field)
        return form


class _Slice(Payload):
    """An entry of the archive as a part of a form, read as it is sent."""

    def __init__(self, archive: ArchiveReader, name: str) -> None:
        super().__init__(name, content_type=OCTETS)
        self._archive = archive
        self._name = name
        self._size = archive.entries[name].size

    def decode(self, encoding: str = "utf-8", errors: str = "strict") -> str:  # noqa: ARG002
        raise TypeError("an entry is not text")

    async def write(self, writer: AbstractStreamWriter) -> None:
        for chunk in self._archive.chunks(self._name):
            await writer.write(chunk)


def _begin(archive: ArchiveReader, name: str | None) -> Json:
    """What the server is told first. Raises BadArchive where an entry that it is read from is missing or not what it should be."""
    largest = 0
    for page in archive.pages("documents", ".json"):
        for document in archive.shaped(page, Documents).items:
            for each in document.versions:
                for entry in version_names(document.id, each.model_dump()).values():
                    if entry not in archive.entries:
                        raise BadArchive(f"The archive is damaged: the entry {entry} is missing.")
                largest = max(largest, each.size)
    for page in archive.pages("answers", ".json"):
        archive.shaped(page, Answers)
    return {"archive_id": archive.header.archive_id, "space": archive.json(SPACE), "name": name, "largest": largest}
