"""Receiving a file: from a form, a raw body, an object that is in the store already or another server, straight into the store.

Nothing is ever held whole, and nothing stays behind when the upload fails half way: the object is removed at once, and swept after
a day should that fail too.
"""

import json
import re
import unicodedata
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass, replace
from pathlib import PurePosixPath
from typing import Any, Final

import structlog
from pydantic import TypeAdapter, ValidationError
from yarl import URL

from protostar.characters import TURNS_TEXT, is_control
from protostar.documents.media_types import HEAD_BYTES, detect, detect_served
from protostar.documents.multipart import MultipartReader, Part
from protostar.documents.schemas import METADATA_BYTES, NAME_CHARS, ObjectUpload, Title, checked_metadata
from protostar.errors import DatabaseUnavailable, InvalidInput, ObjectMissing, ObjectsUnavailable
from protostar.ids import new_id
from protostar.objects.store import ObjectStore, StoredObject

log = structlog.get_logger()

_TITLE = TypeAdapter(Title)
_ABSOLUTE: Final = re.compile(r"/|[A-Za-z]:/")


@dataclass(frozen=True, slots=True)
class Upload:
    """A file that lies in the store and is not a document yet."""

    filename: str
    media_type: str
    stored: StoredObject
    title: str | None = None
    metadata: dict[str, Any] | None = None


class Receiver:
    """Puts uploads of at most `limit` bytes into the store."""

    def __init__(self, objects: ObjectStore, limit: int) -> None:
        self._objects = objects
        self.limit = limit

    async def multipart(self, content_type: str, body: AsyncIterator[bytes]) -> Upload:
        """The field `file`, with `title` and `metadata` before or behind it."""
        upload: Upload | None = None
        fields: dict[str, str] = {}
        async with AsyncExitStack() as stack:
            async for part in MultipartReader(content_type, body):
                if part.name == "file":
                    if upload is not None:
                        raise InvalidInput("The form has more than one field «file»: send each file by itself.")
                    upload = await self._file(part)
                    stack.push_async_callback(self.discard, upload)
                elif part.name in ("title", "metadata"):
                    if part.name in fields:
                        raise InvalidInput(f"The form has more than one field «{part.name}».")
                    fields[part.name] = await part.text(METADATA_BYTES)
            if upload is None:
                raise InvalidInput("The form has no field «file» with a file in it.")
            upload = replace(upload, title=_title(fields), metadata=_metadata(fields))
            stack.pop_all()
        return upload

    async def _file(self, part: Part) -> Upload:
        if part.filename is None:
            raise InvalidInput("The field «file» has no file name; it decides how the file is read.")
        return await self.raw(part.filename, part.content_type, aiter(part))

    async def raw(self, filename: str, declared: str | None, body: AsyncIterator[bytes]) -> Upload:
        name = checked_name(filename)
        head, rest = await _peek(body)
        media_type = detect(name, declared, head)
        stored = await self._objects.put(new_key(), rest, limit=self.limit)
        return Upload(name, media_type, stored)

    async def served(self, filename: str, declared: str | None, body: AsyncIterator[bytes]) -> Upload:
        """What another server sends, and what it says that it is."""
        head, rest = await _peek(body)
        media_type = detect_served(filename, declared, head)
        return Upload(filename, media_type, await self._objects.put(new_key(), rest, limit=self.limit))

    async def from_object(self, space_prefix: str, body: ObjectUpload) -> Upload:
        """Copy an object that a business backend has put below `space_prefix`; checked like any upload."""
        if not body.object_key.startswith(space_prefix):
            raise InvalidInput(f"The object key must lie under {space_prefix}")
        name = checked_name(body.filename)
        try:
            stored = await self._objects.copy(body.object_key, new_key(), limit=self.limit)
        except ObjectMissing:
            raise InvalidInput(f"There is no object with the key {body.object_key} in the store.") from None
        upload = Upload(name, "", stored, body.title, body.metadata)
        async with AsyncExitStack() as stack:
            stack.push_async_callback(self.discard, upload)
            head, _rest = await _peek(self._objects.read(stored.key, end=HEAD_BYTES))
            upload = replace(upload, media_type=detect(name, None, head))
            stack.pop_all()
        return upload

    async def discard(self, upload: Upload) -> None:
        """Remove the bytes of an upload that became no document."""
        await discard(self._objects, upload.stored)


async def discard(objects: ObjectStore, *unused: StoredObject) -> None:
    """Remove bytes that became nothing; the sweep does it where the store is away."""
    for stored in unused:
        try:
            await objects.delete(stored.key)
        except (ObjectsUnavailable, DatabaseUnavailable) as error:
            log.warning("object_left_for_sweep", key=stored.key, error=str(error))


def name_of(url: URL) -> str:
    """The file name that a URL suggests: the last part of its path, else its host."""
    for name in (url.name, url.host or ""):
        with suppress(InvalidInput):
            return checked_name(name)
    return "download"


def new_key() -> str:
    """Keys are ours and never a user's file name; the hour groups them for whoever looks into the bucket."""
    return f"documents/{new_id()}"


async def _peek(body: AsyncIterator[bytes]) -> tuple[bytes, AsyncIterator[bytes]]:
    """The first `HEAD_BYTES` or more, and the whole body again."""
    head = bytearray()
    async for chunk in body:
        head += chunk
        if len(head) >= HEAD_BYTES:
            break

    async def whole() -> AsyncIterator[bytes]:
        if head:
            yield bytes(head)
        async for chunk in body:
            yield chunk

    return bytes(head), whole()


def checked_name(filename: str) -> str:
    """The file's name, after the folders that it lies in where a relative path tells them: «guides/start.md».

    It is a label, and never a path of this machine (RFC 7578, section 4.2). Composed: macOS sends Hangul as single letters. Without
    what turns text around, which Windows puts before a path that is copied.
    """
    sent = unicodedata.normalize("NFC", TURNS_TEXT.sub("", filename).replace("\\", "/").strip())
    path = PurePosixPath(sent)
    name = path.name if _ABSOLUTE.match(sent) or ".." in path.parts else str(path)
    if path.name in ("", "..") or len(name) > NAME_CHARS or any(map(is_control, name)):
        raise InvalidInput(f"The file name must have 1 to {NAME_CHARS} characters, folders included, and no control characters.")
    return name


def _title(fields: dict[str, str]) -> str | None:
    if not fields.get("title", "").strip():
        return None
    try:
        return _TITLE.validate_python(fields["title"])
    except ValidationError:
        raise InvalidInput("The title may have 500 characters at most.") from None


def _metadata(fields: dict[str, str]) -> dict[str, Any] | None:
    if not fields.get("metadata", "").strip():
        return None
    try:
        value = json.loads(fields["metadata"])
    except (ValueError, RecursionError):
        raise InvalidInput("The field «metadata» is not JSON.") from None
    if not isinstance(value, dict):
        raise InvalidInput("The field «metadata» must be a JSON object.")
    try:
        return checked_metadata(value)  # pyright: ignore[reportUnknownArgumentType]
    except ValueError as error:
        raise InvalidInput(f"The field «metadata» {error}.") from None
