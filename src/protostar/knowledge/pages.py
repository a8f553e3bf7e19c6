"""Pages of a PDF as pictures, and where a passage stands on them: made when somebody looks, in a child, and kept nowhere.

So nothing of them has to be erased with a document; only the file's local copy stays, for half a minute at most. What was shown
once, a browser asks for again by its ETag, and only the row is read.
"""

import asyncio
import tempfile
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

from protostar.concurrency import ConcurrencyLimit
from protostar.documents import download
from protostar.documents.media_types import PDF
from protostar.documents.models import DocumentVersionRow, Original
from protostar.errors import NotFound, Unavailable
from protostar.knowledge.parse.model import Passage
from protostar.knowledge.parse.process.client import ParseServer, PdfPages
from protostar.objects.copies import Copies
from protostar.objects.store import ObjectStore

LONGEST_PASSAGE: Final = 20_000
"""Code points."""
PATIENCE: Final = 40.0
"""Seconds that somebody waits for a page at most."""

_BEFORE: Final = 1_000
"""Code points before a passage that tell it from others of the same words."""

# Waiting or being made: a browser asks for six at once, and a place may cost a copy of a file.
_PLACES: Final = 24
_BUSY: Final = "As many pages as this server draws at once are under way."


class PageImages:
    def __init__(self, objects: ObjectStore, copies: Copies, parser: ParseServer) -> None:
        self._objects = objects
        self._copies = copies
        self._parser = parser
        self._limit = ConcurrencyLimit(_PLACES, _BUSY)

    async def pages(self, version: DocumentVersionRow, start: int, end: int) -> PdfPages:
        """The pages, and the boxes of `text[start:end]` of the stored text. Raises NotFound, UnreadableDocument, Unavailable."""
        original = pdf_of(version)
        async with self._opened(original) as (path, work_dir):
            passage = await self._passage(version, start, min(end, start + LONGEST_PASSAGE))
            return await self._parser.pages(path, work_dir, filename=version.filename, passage=passage)

    async def draw(self, version: DocumentVersionRow, page: int, width: int) -> bytes:
        """A WebP image. Raises NotFound, UnreadableDocument, Unavailable."""
        async with self._opened(pdf_of(version)) as (path, work_dir):
            return await self._parser.draw(path, work_dir, filename=version.filename, page=page, width=width)

    async def _passage(self, version: DocumentVersionRow, start: int, end: int) -> Passage:
        if version.text_key is None or start >= end:
            return Passage(quote="", before="", start=0, chars=0)
        first = max(0, start - _BEFORE)
        text = await download.text_range(self._objects, version, version.text_key, first, end)
        return Passage(quote=text[start - first :], before=text[: start - first], start=start, chars=version.text_chars or 0)

    @asynccontextmanager
    async def _opened(self, original: Original) -> AsyncGenerator[tuple[Path, Path]]:
        """The file, and a folder for what is made of it; for `PATIENCE`, with the time that is waited for others."""
        with self._limit.taken(original.stored.key), tempfile.TemporaryDirectory(prefix="protostar-") as folder:
            try:
                async with asyncio.timeout(PATIENCE), self._copies.open(original.stored) as path:
                    yield path, Path(folder)
            except TimeoutError as error:
                raise Unavailable(_BUSY, retry_after=PATIENCE / 2) from error


def pdf_of(version: DocumentVersionRow) -> Original:
    """Raises NotFound where the version is no PDF, or is not fetched yet."""
    original = version.original
    if original is None:
        raise NotFound(version.error or "This version has not been fetched yet.")
    if original.media_type != PDF:
        raise NotFound("Only a PDF has pages that can be shown.")
    return original
