"""`protostar export`: a space into an archive. Run again with the same file it goes on where it was.

Answers come first, so that what they cite is exported after them. What is added to the space meanwhile is left out, and so is a
document that is deleted meanwhile.
"""

import json
import shutil
from collections.abc import Mapping
from contextlib import aclosing
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path, PurePath
from typing import Any, Final

from rich.filesize import decimal

from protostar.cli.archive import FORMAT, SPACE, ArchiveWriter, BadArchive, Json, WrongBytes, partial_of, writing
from protostar.cli.client import ApiClient, ApiError, ConnectionLost
from protostar.cli.display import complain, note, record, write_json
from protostar.cli.files import SUFFIXES
from protostar.cli.progress import Meter, resumable
from protostar.ids import new_id

_PAGE: Final = 50
_GONE: Final = 404


async def export(client: ApiClient, path: Path, *, as_json: bool) -> int:
    """Write the archive and print what is in it; 1 where a document had to be left out."""
    overview = await client.get("/v1/archive")
    header = {
        "format": FORMAT,
        "archive_id": str(new_id()),
        "space_id": overview["space"]["id"],
        "started_at": _now(),
        "protostar": version("protostar"),
    }
    with resumable(path), writing(path, header) as (archive, kept):
        if kept != header:
            note(f"Going on with {partial_of(path)}: {len(archive.entries)} entries are there.")
        _check_room(path, overview["bytes"])
        with Meter("export", overview["bytes"]) as meter:
            run = Export(client, archive, meter)
            if SPACE not in archive.entries:
                archive.add_json(SPACE, overview["space"])
            await run.answers()
            await run.documents()
            await run.vectors()
        summary = _summary(archive)
        archive.finish({**kept, "finished_at": _now(), **summary})
    if as_json:
        write_json({"file": str(path), "archive_id": kept["archive_id"], "space_id": kept["space_id"], **summary})
    else:
        _report(path, overview["space"]["name"], summary)
    return 1 if summary["left_out"] else 0


class Export:
    """One run of the command: page after page, as the server gives them."""

    def __init__(self, client: ApiClient, archive: ArchiveWriter, meter: Meter) -> None:
        self._client = client
        self._archive = archive
        self._meter = meter

    async def answers(self) -> None:
        number, cursor, more = self._left_off("answers")
        while more:
            page = await self._page("answers", cursor)
            self._add_page("answers", number, page)
            number, cursor = number + 1, page["next_cursor"]
            more = cursor is not None

    async def documents(self) -> None:
        """The bytes of a page's documents, then the page: so where a page stands, everything that it tells of is there."""
        number, cursor, more = self._left_off("documents")
        while more:
            page = await self._page("documents", cursor)
            items: list[Json] = []
            left_out: list[Json] = []
            for document in page["items"]:
                try:
                    await self._document(document)
                    items.append(document)
                except (ApiError, WrongBytes) as error:
                    if isinstance(error, ApiError) and error.status == _GONE:
                        continue  # deleted since the page was made
                    if isinstance(error, ApiError) and error.problem.get("code") not in {"object_missing", "object_corrupt"}:
                        raise
                    left_out.append({"id": document["id"], "title": document["title"], "reason": str(error)})
            self._add_page("documents", number, {**page, "items": items, "left_out": left_out})
            number, cursor = number + 1, page["next_cursor"]
            more = cursor is not None

    async def vectors(self) -> None:
        last = self._archive.last("vectors", ".bin")
        number = int(PurePath(last).stem) + 1 if last is not None else 1
        header = vectors_header(self._archive.read(last)) if last is not None else {"after": ""}
        while header["after"] is not None:
            after = {"after": header["after"]} if header["after"] else {}
            content = await self._client.get_bytes("/v1/archive/vectors", after)
            header = vectors_header(content)
            if header["count"]:
                self._archive.add(f"vectors/{number:06}.bin", content)
                self._meter.advance(len(content))
            number += 1

    async def _document(self, document: Json) -> None:
        for each in document["versions"]:
            path = f"/v1/documents/{document['id']}"
            params = {"version": each["version"]}
            names = version_names(document["id"], each)
            await self._blob(names["original"], path + "/content", params, each["size"], each["sha256"])
            if "text" in names:
                await self._blob(names["text"], path + "/text", params, each["text_size"], each["text_sha256"], ranges=False)

    async def _blob(self, name: str, path: str, params: Mapping[str, Any], size: int, sha256: str, *, ranges: bool = True) -> None:
        """Download an entry, from where it broke off. Raises WrongBytes."""
        if self._archive.has(name, size, sha256):
            self._meter.advance(size)
            return
        blob = self._archive.begin(name, size, sha256)
        self._meter.advance(blob.written)
        attempt = 1
        while blob.written < size:
            if not ranges:
                blob.restart()
            try:
                async with aclosing(self._client.download(path, params, start=blob.written)) as chunks:
                    async for chunk in chunks:
                        blob.write(chunk)
                        self._meter.advance(len(chunk))
                        attempt = 1
                break
            except ConnectionLost as error:
                await self._client.pause(error, attempt)
                attempt += 1
        blob.finish()

    def _left_off(self, kind: str) -> tuple[int, str | None, bool]:
        """(number of the next page, its cursor, whether there is one)"""
        last = self._archive.last(kind, ".json")
        if last is None:
            return 1, None, True
        cursor = json.loads(self._archive.read(last))["next_cursor"]
        return int(PurePath(last).stem) + 1, cursor, cursor is not None

    async def _page(self, kind: str, cursor: str | None) -> Json:
        return await self._client.get(f"/v1/archive/{kind}", {"limit": _PAGE, **({"cursor": cursor} if cursor else {})})

    def _add_page(self, kind: str, number: int, page: Json) -> None:
        self._archive.add_json(f"{kind}/{number:06}.json", page)


def version_names(document_id: str, each: Json) -> dict[str, str]:
    """The names of the entries with the bytes and, where it has one, the text of a version."""
    folder = f"documents/{document_id}/{each['version']}"
    suffix = PurePath(each["filename"]).suffix.lower()
    names = {"original": f"{folder}/original{suffix if suffix in SUFFIXES else ''}"}
    return names | ({"text": f"{folder}/text.txt"} if each["text_sha256"] is not None else {})


def vectors_header(page: bytes) -> Json:
    """The first line of a page of vectors: `{model, dimensions, count, after}`."""
    return json.loads(page.partition(b"\n")[0])


def _summary(archive: ArchiveWriter) -> Json:
    """`{counts, left_out}` of all pages, those of earlier runs too."""
    counts = {"documents": 0, "versions": 0, "answers": 0, "vectors": 0}
    left_out: list[Json] = []
    for name in archive.entries:
        kind = name.partition("/")[0]
        if name.count("/") != 1:
            continue
        if kind == "vectors":
            counts["vectors"] += vectors_header(archive.read(name))["count"]
            continue
        page = json.loads(archive.read(name))
        counts[kind] += len(page["items"])
        if kind == "documents":
            counts["versions"] += sum(len(document["versions"]) for document in page["items"])
            left_out += page["left_out"]
    return {"counts": counts, "left_out": left_out}


def _report(path: Path, space: str, summary: Json) -> None:
    record({"file": path, "size": decimal(path.stat().st_size), "space": space, **summary["counts"]})
    for each in summary["left_out"]:
        complain(f"Left out: the document {each['id']} ({each['title']}): {each['reason']}")


def _check_room(path: Path, size: int) -> None:
    partial = partial_of(path)
    missing = size - partial.stat().st_size
    free = shutil.disk_usage(path.parent).free
    if missing > free:
        raise BadArchive(f"The archive takes {decimal(missing)} more, and the disk of {path} has {decimal(free)} left.")


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
