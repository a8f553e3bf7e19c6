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

# Of a list of tags, `"…"` or `W/"…"`, what stands between and with the quotes: a weak comparison looks at nothing else.
_TAG: Final = re.compile(r'"[^"]*"')
_RANGE: Final = re.compile(r"bytes=([0-9]{0,18})-([0-9]{0,18})")

# An uploaded HTML page must not run with the dashboard's cookies, whatever a browser makes of its type.
SAFE_HEADERS: Final = {"X-Content-Type-Options": "nosniff", "Content-Security-Policy": "sandbox; default-src 'none'"}


def tagged(etag: str) -> dict[str, str]:
    """Headers of bytes that never change; but whether one may still see them is asked each time."""
    return {**SAFE_HEADERS, "ETag": f'"{etag}"', "Cache-Control": "private, no-cache"}


def unchanged(etag: str | None, if_none_match: str | None) -> Response | None:
    """304 for a client that has what the tag is of already (RFC 9110, section 13.1.2)."""
    if if_none_match is None or etag is None:
        return None
    is_known = if_none_match.strip() == "*" or f'"{etag}"' in _TAG.findall(if_none_match)
    return Response(status_code=304, headers=tagged(etag)) if is_known else None


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
    """The original bytes as an attachment.

    Raises ObjectMissing, ObjectsUnavailable, and ObjectCorrupt for bytes that are more or fewer, before anything is sent.

    `head`: nothing is read, and a range means nothing.
    """
    stored = original.stored
    headers = tagged(stored.sha256)
    wanted = parse_range(range_header, stored.size) if if_range in (None, headers["ETag"]) and not head else None
    start, end = wanted or (0, stored.size)
    headers |= {
        "Accept-Ranges": "bytes",
        "Content-Type": original.media_type,  # as a media type, a text's would get a charset that nobody has looked for
        "Content-Length": str(end - start),
        "Content-Disposition": f"attachment; filename*=UTF-8''{quote(PurePosixPath(filename).name, safe='')}",
    }
    if wanted is not None:
        headers["Content-Range"] = f"bytes {start}-{end - 1}/{stored.size}"
    if head:
        return await _head(objects, stored.key, stored.size, headers)
    body = await _begun(objects.read(stored.key, start=start, end=end, size=stored.size))
    return StreamingResponse(body, 206 if wanted else 200, headers)


async def text(objects: ObjectStore, version: DocumentVersionRow, key: str, *, head: bool) -> Response:
    """The extracted text, which citations count their code points in. `head`: nothing of it is read."""
    size = version.text_size
    headers = {**tagged(str(version.text_sha256)), "Content-Type": "text/plain; charset=utf-8"}
    if size is not None:
        headers["Content-Length"] = str(size)
    if head:
        return await _head(objects, key, size, headers)
    return StreamingResponse(await _begun(objects.read(key, size=size)), headers=headers)


async def text_range(objects: ObjectStore, version: DocumentVersionRow, key: str, start: int, end: int) -> str:
    """`text[start:end]` of the extracted text, in code points: what lies before is read, but never held."""
    if version.text_chars is not None and version.text_chars == version.text_size:  # ASCII alone: a character is a byte
        return b"".join([chunk async for chunk in objects.read(key, start=start, end=end, size=version.text_size)]).decode("ascii")
    decoder, at, parts = getincrementaldecoder("utf-8")(), 0, list[str]()
    async with aclosing(objects.read(key, size=version.text_size)) as chunks:
        async for chunk in chunks:
            decoded = decoder.decode(chunk)
            parts.append(decoded[max(0, start - at) : max(0, end - at)])
            at += len(decoded)
            if at >= end:
                break
    return "".join(parts)


async def _head(objects: ObjectStore, key: str, size: int | None, headers: dict[str, str]) -> Response:
    """What a GET would be answered with, without the body. Raises as that."""
    await objects.size(key, expected=size)
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
