"""Serving stored bytes: by range, and never as something that a browser would run in our origin."""

import re
from codecs import getincrementaldecoder
from collections.abc import AsyncIterator
from contextlib import aclosing
from pathlib import PurePosixPath
from typing import Final
from urllib.parse import quote

from fastapi.responses import Response, StreamingResponse

from protostar.documents.models import DocumentVersionRow, Original
from protostar.errors import RangeNotSatisfiable
from protostar.objects.store import ObjectStore

_RANGE: Final = re.compile(r"bytes=([0-9]{0,18})-([0-9]{0,18})")

# An uploaded HTML page must not run with the dashboard's cookies, whatever a browser makes of its type.
SAFE_HEADERS: Final = {"X-Content-Type-Options": "nosniff", "Content-Security-Policy": "sandbox; default-src 'none'"}


def parse_range(header: str | None, size: int) -> tuple[int, int] | None:
    """The half-open byte range that a Range header asks for (RFC 9110, section 14); None for all of it.

    Several ranges and other units are answered with the whole, as the RFC allows. Raises RangeNotSatisfiable.
    """
    match = _RANGE.fullmatch(header.strip()) if header else None
    if match is None or match.group(0) == "bytes=-":
        return None
    first, last = match.groups()
    if not first:  # the last n bytes
        start, end = max(0, size - int(last)), size
    else:
        start, end = int(first), min(size, int(last) + 1) if last else size
    if start >= size or (first and last and int(last) < start):
        raise RangeNotSatisfiable(size)
    return start, end


async def content(
    objects: ObjectStore, original: Original, filename: str, range_header: str | None, if_range: str | None, *, head: bool
) -> Response:
    """The original bytes as an attachment. Raises ObjectMissing and ObjectsUnavailable before anything is sent.

    `head`: nothing is read, and a range means nothing.
    """
    stored = original.stored
    etag = f'"{stored.sha256}"'
    wanted = parse_range(range_header, stored.size) if if_range in (None, etag) and not head else None
    start, end = wanted or (0, stored.size)
    headers = {
        **SAFE_HEADERS,
        "Accept-Ranges": "bytes",
        "Content-Type": original.media_type,  # as a media type, a text's would get a charset that nobody has looked for
        "Content-Length": str(end - start),
        "Content-Disposition": f"attachment; filename*=UTF-8''{quote(PurePosixPath(filename).name, safe='')}",
        "ETag": etag,
    }
    if wanted is not None:
        headers["Content-Range"] = f"bytes {start}-{end - 1}/{stored.size}"
    if head:
        return await _head(objects, stored.key, headers)
    body = await _begun(objects.read(stored.key, start=start, end=end))
    return StreamingResponse(body, 206 if wanted else 200, headers)


async def text(objects: ObjectStore, version: DocumentVersionRow, key: str, *, head: bool) -> Response:
    """The extracted text, which citations count their code points in. `head`: nothing of it is read."""
    headers = {**SAFE_HEADERS, "Content-Type": "text/plain; charset=utf-8", "ETag": f'"{version.text_sha256}"'}
    if version.text_size is not None:
        headers["Content-Length"] = str(version.text_size)
    return await _head(objects, key, headers) if head else StreamingResponse(await _begun(objects.read(key)), headers=headers)


async def text_range(objects: ObjectStore, version: DocumentVersionRow, key: str, start: int, end: int) -> str:
    """`text[start:end]` of the extracted text, in code points: what lies before is read, but never held."""
    if version.text_chars is not None and version.text_chars == version.text_size:  # ASCII alone: a character is a byte
        return b"".join([chunk async for chunk in objects.read(key, start=start, end=end)]).decode("ascii")
    decoder, at, parts = getincrementaldecoder("utf-8")(), 0, list[str]()
    async with aclosing(objects.read(key)) as chunks:
        async for chunk in chunks:
            decoded = decoder.decode(chunk)
            parts.append(decoded[max(0, start - at) : max(0, end - at)])
            at += len(decoded)
            if at >= end:
                break
    return "".join(parts)


async def _head(objects: ObjectStore, key: str, headers: dict[str, str]) -> Response:
    """What a GET would be answered with, without the body. Raises as that."""
    await objects.size(key)
    return Response(headers=headers)


async def _begun(body: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """The same bytes, the first chunk of them fetched already: an error can still become a status code."""
    first = await anext(body, b"")

    async def whole() -> AsyncIterator[bytes]:
        if first:
            yield first
        async for chunk in body:
            yield chunk

    return whole()
