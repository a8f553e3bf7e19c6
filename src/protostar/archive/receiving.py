"""Receiving a version from an archive: its record, its bytes and its text, as one form, straight into the store."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Final

from pydantic import ValidationError

from protostar.archive.schemas import ArchivedVersion
from protostar.documents.multipart import MultipartReader, Part
from protostar.documents.upload import discard, new_key
from protostar.errors import InvalidInput, TooLarge
from protostar.ids import new_id
from protostar.objects.store import ObjectStore, StoredObject
from protostar.problems import misfit

RECORD_BYTES: Final = 256 * 1024


@dataclass(frozen=True, slots=True)
class ReceivedVersion:
    """Bytes that lie in the store and are no version yet; size and sha256 are those of the record."""

    record: ArchivedVersion
    original: StoredObject
    text: StoredObject | None

    @property
    def objects(self) -> list[StoredObject]:
        return [self.original] if self.text is None else [self.original, self.text]


class Receiving:
    """Puts originals of at most `limit` bytes and their texts into the store."""

    def __init__(self, objects: ObjectStore, limit: int) -> None:
        self.limit = limit
        self._objects = objects

    def check_size(self, size: int) -> None:
        """Raises TooLarge for an original that would not be taken in."""
        if size > self.limit:
            raise TooLarge(
                f"A document of {size:,} bytes is in the archive; the limit is {self.limit:,} (PROTOSTAR_MAX_UPLOAD_BYTES)."
            )

    async def version(self, content_type: str, body: AsyncIterator[bytes]) -> ReceivedVersion:
        """The fields `record`, then `original`, then `text` where the record tells of one."""
        record: ArchivedVersion | None = None
        stored: dict[str, StoredObject] = {}
        async with AsyncExitStack() as stack:
            async for part in MultipartReader(content_type, body):
                if part.name == "record":
                    record = _record(await part.text(RECORD_BYTES))
                    self.check_size(record.size)
                elif record is not None and part.name in ("original", "text") and part.name not in stored:
                    stored[part.name] = await self._stored(part, record)
                    stack.push_async_callback(self.discard, stored[part.name])
            if record is None or "original" not in stored or ("text" in stored) != (record.text_sha256 is not None):
                raise InvalidInput("Send the fields «record», «original» and, where the record tells of it, «text», in this order.")
            received = ReceivedVersion(record, stored["original"], stored.get("text"))
            _check("bytes", received.original, record.size, record.sha256)
            if received.text is not None:
                _check("text", received.text, record.text_size, record.text_sha256)
            stack.pop_all()
        return received

    async def discard(self, *objects: StoredObject) -> None:
        """Remove bytes that became no version."""
        await discard(self._objects, *objects)

    async def _stored(self, part: Part, record: ArchivedVersion) -> StoredObject:
        if part.name == "original":
            return await self._objects.put(new_key(), aiter(part), limit=record.size)
        return await self._objects.put(f"texts/{new_id()}", aiter(part), limit=record.text_size or 0)


def _record(text: str) -> ArchivedVersion:
    try:
        return ArchivedVersion.model_validate_json(text)
    except ValidationError as error:
        raise misfit(error, "record") from None


def _check(what: str, stored: StoredObject, size: int | None, sha256: str | None) -> None:
    if (stored.size, stored.sha256) != (size, sha256):
        raise InvalidInput(f"The {what} that arrived are not the ones that the record tells of: the sha256 differs.")
