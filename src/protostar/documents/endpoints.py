"""`/v1/documents`: uploads, versions, downloads and progress."""

import asyncio
import json
import sys
import time
from collections.abc import AsyncGenerator, AsyncIterator
from typing import Annotated, Any, Final
from uuid import UUID

from fastapi import Header, Query, Request, Response, status
from fastapi.responses import PlainTextResponse, StreamingResponse
from pydantic import ValidationError

from protostar import sse
from protostar.dependencies import Cursor, IdempotencyKey, IfNoneMatch, Limit, Manager, opened
from protostar.documents import download
from protostar.documents.refused import heard_out, is_too_long
from protostar.documents.schemas import NAME_CHARS, Document, DocumentUpdate, ObjectUpload, Status, UrlUpload, Versions
from protostar.documents.service import Documents
from protostar.documents.upload import Upload
from protostar.errors import DatabaseUnavailable, InvalidInput, NotFound, TooLarge
from protostar.objects.store import ObjectStore
from protostar.openapi import BINARY, NOT_MODIFIED, TEXT, body_of, schema_of
from protostar.paging import Page, before, page_of
from protostar.problems import misfit
from protostar.routing import Router

router = Router(prefix="/v1/documents", tags=["documents"])

JSON_BYTES: Final = 64 * 1024
POLL_SECONDS: Final = 0.5
WATCH_SECONDS: Final = 600.0
"""Who watches for longer asks again, with a key that is still good."""
RANGE_CHARS: Final = 100_000

Service = Annotated[Documents, opened("documents")]
Objects = Annotated[ObjectStore, opened("objects")]
Filename = Annotated[str | None, Query(max_length=NAME_CHARS, description="of a raw body; a form names its file itself")]
NewName = Annotated[bool, Query(description="of a file: 409 where a document has its name already, with other bytes")]
Version = Annotated[int | None, Query(ge=1, le=2**31 - 1, description="unset: the one that answers questions")]

_BYTES: Final = {"content": {"*/*": {"schema": BINARY}}}
_FORM: Final = {
    "type": "object",
    "required": ["file"],
    "properties": {
        "file": BINARY,
        "title": {"type": "string"},
        "metadata": {"type": "string", "description": "a JSON object"},
    },
}
_NAMED: Final = {"oneOf": [schema_of(ObjectUpload), schema_of(UrlUpload)]}
_BODY: Final = body_of({"multipart/form-data": _FORM, "application/octet-stream": BINARY, "application/json": _NAMED})


@router.post(
    "",
    status_code=status.HTTP_202_ACCEPTED,
    responses={200: {"model": Document, "description": "It is there already"}},
    openapi_extra=_BODY,
)
async def create_document(
    request: Request,
    response: Response,
    principal: Manager,
    documents: Service,
    filename: Filename = None,
    new_name: NewName = False,
    idempotency_key: IdempotencyKey = None,
) -> Document:
    """Takes in a file and answers at once; a job reads it. The same name with the same bytes is the same document: 200.

    The same name with other bytes is another document, unless `new_name` says to ask first.

    A URL is fetched by a job too; the same URL is the same document, which gets a new version where the bytes have changed.
    """
    async with heard_out(request, documents.receiver.limit), documents.admitted(principal.space_id):
        upload = await _receive(request, documents, principal.space_id, filename)
    if isinstance(upload, UrlUpload):
        document, new = await documents.create_from_url(principal.space_id, upload, idempotency_key)
    else:
        document, new = await documents.create(principal.space_id, upload, idempotency_key, new_name=new_name)
    if not new:
        response.status_code = status.HTTP_200_OK
    response.headers["Location"] = f"/v1/documents/{document.id}"
    return document


@router.put("/{document_id}/content", status_code=status.HTTP_202_ACCEPTED, openapi_extra=_BODY)
async def replace_document(
    document_id: UUID,
    request: Request,
    principal: Manager,
    documents: Service,
    filename: Filename = None,
    idempotency_key: IdempotencyKey = None,
) -> Document:
    """Takes in the next version; questions are answered from the one before until it is ready."""
    async with heard_out(request, documents.receiver.limit), documents.admitted(principal.space_id):
        await documents.holdings.rows(principal.space_id, document_id)
        upload = await _receive(request, documents, principal.space_id, filename)
    if isinstance(upload, UrlUpload):
        return await documents.replace_from_url(principal.space_id, document_id, upload, idempotency_key)
    return await documents.replace(principal.space_id, document_id, upload, idempotency_key)


@router.post("/{document_id}/reread", status_code=status.HTTP_202_ACCEPTED)
async def reread_document(
    document_id: UUID, principal: Manager, documents: Service, idempotency_key: IdempotencyKey = None
) -> Document:
    """Reads the same bytes again, as the next version: for use after an upgrade to a release that reads this kind of file better.

    409 while the latest version is being read, or still to be fetched.
    """
    return await documents.reread(principal.space_id, document_id, idempotency_key)


async def _receive(request: Request, documents: Documents, space_id: UUID, filename: str | None) -> Upload | UrlUpload:
    body = request.stream()
    receiver = documents.receiver
    content_type = request.headers.get("content-type", "")
    if is_too_long(request, receiver.limit):
        raise TooLarge(f"The upload may have {receiver.limit:,} bytes at most (PROTOSTAR_MAX_UPLOAD_BYTES).")
    kind = content_type.lower()
    if kind.startswith("multipart/form-data"):
        return await receiver.multipart(content_type, body)
    if filename is not None:
        return await receiver.raw(filename, content_type, body)
    if kind.startswith("application/json"):
        named = await _named_file(body)
        return named if isinstance(named, UrlUpload) else await receiver.from_object(f"incoming/{space_id}/", named)
    raise InvalidInput("Send a form with the field «file», or the bytes themselves with ?filename=.")


async def _named_file(body: AsyncIterator[bytes]) -> ObjectUpload | UrlUpload:
    """What the JSON says where the file is; it has an `object_key` or a `url`."""
    raw = bytearray()
    async for chunk in body:
        raw += chunk
        if len(raw) > JSON_BYTES:
            raise TooLarge(f"The JSON may have {JSON_BYTES} bytes at most.")
    try:
        value = json.loads(raw)
        if isinstance(value, dict) and not {"url", "object_key"} & value.keys():
            raise InvalidInput("Say where the file is: a «url», or an «object_key» with a «filename».")
        return (UrlUpload if isinstance(value, dict) and "url" in value else ObjectUpload).model_validate(value)
    except ValidationError as error:
        raise misfit(error) from None
    except (ValueError, RecursionError):
        raise InvalidInput("The body is not JSON, or nests too deep.") from None


@router.get("")
async def list_documents(
    principal: Manager,
    documents: Service,
    status: Annotated[Status | None, Query()] = None,
    q: Annotated[str, Query(max_length=200, description="words, each in the title or in the file's name")] = "",
    cursor: Cursor = None,
    limit: Limit = 50,
) -> Page[Document]:
    space_id = principal.space_id
    rows = await documents.holdings.page(
        space_id, statuses=[status] if status else [], words=q, before=before(cursor, space_id), limit=limit + 1
    )
    return page_of(rows, limit, space_id)


@router.get("/{document_id}")
async def get_document(document_id: UUID, principal: Manager, documents: Service) -> Document:
    return await documents.holdings.get(principal.space_id, document_id)


@router.patch("/{document_id}")
async def update_document(document_id: UUID, body: DocumentUpdate, principal: Manager, documents: Service) -> Document:
    return await documents.update(principal.space_id, document_id, body)


@router.delete("/{document_id}", status_code=status.HTTP_204_NO_CONTENT)
async def delete_document(document_id: UUID, principal: Manager, documents: Service) -> None:
    """Hides the document at once; a job erases it, after the time within which that can be taken back."""
    await documents.delete(principal.space_id, document_id)


@router.post("/{document_id}/restore")
async def restore_document(document_id: UUID, principal: Manager, documents: Service) -> Document:
    """Takes a deletion back, for as long as PROTOSTAR_DELETE_GRACE says: the document is what it was. After that: 404.

    409 where the same file, or its URL, has been taken in again meanwhile.
    """
    return await documents.restore(principal.space_id, document_id)


@router.get(
    "/{document_id}/content",
    response_class=StreamingResponse,
    responses={200: _BYTES, 206: {**_BYTES, "description": "The range that `Range` names"}, 304: NOT_MODIFIED},
)
async def get_document_content(
    request: Request,
    document_id: UUID,
    principal: Manager,
    documents: Service,
    objects: Objects,
    version: Version = None,
    range_: Annotated[str | None, Header(alias="Range")] = None,
    if_range: Annotated[str | None, Header(alias="If-Range")] = None,
    if_none_match: IfNoneMatch = None,
) -> Response:
    """The bytes as they were uploaded."""
    row = await documents.holdings.version(principal.space_id, document_id, version)
    if row.original is None:
        raise NotFound(row.error or "This version has not been fetched yet.")
    return download.unchanged(row.original.stored.sha256, if_none_match) or await download.content(
        objects, row.original, row.filename, range_, if_range, head=request.method == "HEAD"
    )


@router.get(
    "/{document_id}/text",
    response_class=StreamingResponse,
    responses={200: {"content": {"text/plain": {"schema": TEXT}}}, 304: NOT_MODIFIED},
)
async def get_document_text(
    request: Request,
    document_id: UUID,
    principal: Manager,
    documents: Service,
    objects: Objects,
    version: Version = None,
    start: Annotated[int | None, Query(ge=0, description="first code point; then a range is sent")] = None,
    end: Annotated[int | None, Query(ge=0, description=f"where the range ends; {RANGE_CHARS:,} further at most")] = None,
    if_none_match: IfNoneMatch = None,
) -> Response:
    """The extracted text that citations point into: offsets count Unicode code points of it."""
    row = await documents.holdings.version(principal.space_id, document_id, version)
    if row.text_key is None:
        raise NotFound("This version has no text yet." if row.status != "failed" else f"This version has no text: {row.error}")
    if start is None and end is None:
        return download.unchanged(row.text_sha256, if_none_match) or await download.text(
            objects, row, row.text_key, head=request.method == "HEAD"
        )
    start = start or 0
    end = min(start + RANGE_CHARS, end if end is not None else sys.maxsize)
    text = await download.text_range(objects, row, row.text_key, start, end)
    return PlainTextResponse(text, headers=download.SAFE_HEADERS)


@router.get("/{document_id}/versions")
async def list_document_versions(document_id: UUID, principal: Manager, documents: Service) -> Versions:
    """Newest first. The texts of all are kept until the document is deleted, so that old citations stay true."""
    return await documents.holdings.versions(principal.space_id, document_id)


@router.get("/{document_id}/events", response_class=sse.EventStream)
async def watch_document(document_id: UUID, principal: Manager, documents: Service) -> StreamingResponse:
    """Server-sent events: `progress` as it changes, then `ready` or `failed` with the document, which ends the stream.

    So do ten minutes.
    """
    first = await documents.holdings.get(principal.space_id, document_id)
    return sse.stream(_events(documents, principal.space_id, first))


async def _events(documents: Documents, space_id: UUID, document: Document) -> AsyncGenerator[bytes]:
    shown: Any = None
    number = 0
    until = time.monotonic() + WATCH_SECONDS
    while time.monotonic() < until:
        if document.status in ("ready", "failed"):
            yield sse.event(document.status, document.model_dump(mode="json"), number)
            return
        progress = document.progress.model_dump() if document.progress else {"stage": document.status, "done": 0, "total": None}
        if progress != shown:
            shown = progress
            yield sse.event("progress", progress, number)
            number += 1
        await asyncio.sleep(POLL_SECONDS)
        try:
            document = await documents.holdings.get(space_id, document.id)
        except DatabaseUnavailable:
            continue  # the job goes on, or waits like we do
        except NotFound:
            return  # deleted while it was watched
