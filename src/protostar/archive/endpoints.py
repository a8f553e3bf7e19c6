"""`/v1/archive`: what `protostar export` reads. `/v1/imports`: what `protostar import` writes, under the admin key."""

from typing import Annotated, Final, TypeVar
from uuid import UUID

from fastapi import Query, Request, Response, status
from pydantic import BaseModel, ValidationError

from protostar.archive.exports import Exports
from protostar.archive.imports import Imports
from protostar.archive.schemas import (
    Answers,
    ArchivedAnswer,
    ArchivedDocument,
    ArchivedVersion,
    Import,
    ImportCreate,
    ImportedDocument,
    Overview,
)
from protostar.archive.vectors import decode
from protostar.dependencies import Admin, Cursor, Limit, Manager, opened
from protostar.documents.refused import heard_out
from protostar.errors import TooLarge
from protostar.openapi import BINARY, body_of, json_body
from protostar.paging import Page, before, page_of
from protostar.problems import misfit
from protostar.routing import Router

router = Router(prefix="/v1", tags=["archives"])

# A page of answers, a document with thousands of versions, or a page of vectors; read once it is known who sends it.
BODY_BYTES: Final = 32 * 1024 * 1024
OCTETS: Final = "application/octet-stream"

AnyModel = TypeVar("AnyModel", bound=BaseModel)

ExportService = Annotated[Exports, opened("exports")]
ImportService = Annotated[Imports, opened("imports")]
After = Annotated[str | None, Query(max_length=100, description="`after` of the page before")]


# -- out


@router.get("/archive")
async def get_archive(principal: Manager, exports: ExportService) -> Overview:
    """The space, and how much of it there is."""
    return await exports.overview(principal.space_id)


@router.get("/archive/documents")
async def list_archived_documents(
    principal: Manager, exports: ExportService, cursor: Cursor = None, limit: Limit = 50
) -> Page[ArchivedDocument]:
    """Documents with all their versions. Bytes and texts are those of `/v1/documents/{id}/content` and `…/text`."""
    space_id = principal.space_id
    items = await exports.documents(space_id, before=before(cursor, space_id), limit=limit + 1)
    return page_of(items, limit, space_id)


@router.get("/archive/answers")
async def list_archived_answers(
    principal: Manager, exports: ExportService, cursor: Cursor = None, limit: Limit = 50
) -> Page[ArchivedAnswer]:
    """The turns of all conversations."""
    space_id = principal.space_id
    items = await exports.answers(space_id, before=before(cursor, space_id), limit=limit + 1)
    return page_of(items, limit, space_id)


@router.get("/archive/vectors", response_class=Response, responses={200: {"content": {OCTETS: {"schema": BINARY}}}})
async def get_archived_vectors(principal: Manager, exports: ExportService, after: After = None) -> Response:
    """A page of vectors: a line of JSON (`model dimensions count after`), then for each the hash of its text and its binary16s."""
    return Response(await exports.vectors(principal.space_id, after), media_type=OCTETS)


# -- in


_FORM: Final = {
    "type": "object",
    "required": ["record", "original"],
    "properties": {
        "record": {"type": "string", "description": f"JSON: {' '.join(ArchivedVersion.model_fields)}"},
        "original": BINARY,
        "text": BINARY,
    },
}


@router.post("/imports")
async def begin_import(body: ImportCreate, imports: ImportService, _key: Admin) -> Import:
    """Makes the space that an archive goes into, or finds the one that was begun before for the same archive and name."""
    return await imports.begin(body)


@router.get("/imports/{import_id}/documents/{source_id}")
async def get_imported_document(import_id: UUID, source_id: UUID, imports: ImportService, _key: Admin) -> ImportedDocument:
    """How far a document has come. `source_id` is the one that it has in the archive."""
    return await imports.document(import_id, source_id)


@router.post("/imports/{import_id}/documents/{source_id}/versions", openapi_extra=body_of({"multipart/form-data": _FORM}))
async def import_version(
    import_id: UUID, source_id: UUID, request: Request, imports: ImportService, _key: Admin
) -> ImportedDocument:
    """Takes in a version: `record`, `original`, and `text` where it has one, in this order. Nobody sees it yet."""
    async with heard_out(request, imports.receiving.limit):
        return await imports.add_version(import_id, source_id, request.headers.get("content-type", ""), request.stream())


@router.post("/imports/{import_id}/documents", openapi_extra=json_body(ArchivedDocument))
async def import_document(import_id: UUID, request: Request, imports: ImportService, _key: Admin) -> ImportedDocument:
    """Lets a document be seen, all of whose versions are there. 409 while one is missing."""
    return await imports.finish_document(import_id, await _parsed(request, ArchivedDocument))


@router.post(
    "/imports/{import_id}/answers",
    status_code=status.HTTP_204_NO_CONTENT,
    openapi_extra=json_body(Answers),
)
async def import_answers(import_id: UUID, request: Request, imports: ImportService, _key: Admin) -> None:
    await imports.add_answers(import_id, await _parsed(request, Answers))


@router.post("/imports/{import_id}/vectors", status_code=status.HTTP_204_NO_CONTENT, openapi_extra=body_of({OCTETS: BINARY}))
async def import_vectors(import_id: UUID, request: Request, imports: ImportService, _key: Admin) -> None:
    """A page as `GET /v1/archive/vectors` gives it."""
    await imports.add_vectors(import_id, decode(await _read(request)))


@router.post("/imports/{import_id}/finish")
async def finish_import(import_id: UUID, imports: ImportService, _key: Admin) -> Import:
    """Everything is there: the space gets its name."""
    return await imports.finish(import_id)


async def _read(request: Request) -> bytes:
    content = bytearray()
    async with heard_out(request, BODY_BYTES):
        async for chunk in request.stream():
            content += chunk
            if len(content) > BODY_BYTES:
                raise TooLarge(f"The body may have {BODY_BYTES:,} bytes at most.")
    return bytes(content)


async def _parsed(request: Request, model: type[AnyModel]) -> AnyModel:
    try:
        return model.model_validate_json(await _read(request))
    except ValidationError as error:
        raise misfit(error) from None
