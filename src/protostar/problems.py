"""Problem documents (RFC 9457): how an error looks outside."""

from collections.abc import Mapping
from typing import Any, Final
from uuid import UUID

from pydantic import BaseModel, ValidationError

from protostar.errors import InvalidInput, NameTaken, ProtostarError

MEDIA_TYPE = "application/problem+json"
_COME_AGAIN: Final = {429, 503}


class Problem(BaseModel):
    """What is wrong (RFC 9457). `code` is stable and for programs, `detail` is a sentence for people.

    `retry_after`: seconds, where waiting helps. `documents`: those that `name_taken` is about.
    """

    type: str
    title: str
    status: int
    detail: str
    code: str
    retry_after: int | None = None
    documents: list[UUID] | None = None


def problem(error: ProtostarError) -> dict[str, Any]:
    """A `Problem`, as JSON without what does not matter here."""
    said = Problem(
        type=f"urn:protostar:problem:{error.code}",
        title=error.title,
        status=error.status_code,
        detail=error.told,
        code=error.code,
        retry_after=retry_after(error),
        documents=list(error.documents) if isinstance(error, NameTaken) else None,
    )
    return said.model_dump(mode="json", exclude_none=True)


def error_of(details: Mapping[str, Any]) -> ProtostarError:
    """The other way round: an error that says the same, wherever the first one was raised."""
    said = Problem.model_validate(details)
    error = ProtostarError(said.detail, retry_after=said.retry_after)
    error.status_code, error.code, error.title = said.status, said.code, said.title
    error.retryable = said.retry_after is not None
    return error


def misfit(error: ValidationError, within: str = "") -> InvalidInput:
    """What is wrong first in a body that a route has validated itself; `within` is where the body stands."""
    issue = error.errors(include_url=False)[0]
    where = ".".join([*([within] if within else []), *map(str, issue["loc"])]) or "body"
    return InvalidInput(f"{where}: {issue['msg'].removeprefix('Value error, ')}")


def retry_after(error: ProtostarError) -> int | None:
    """Whole seconds for the header `Retry-After`; None where trying again does not help."""
    if not error.retryable or error.status_code not in _COME_AGAIN:
        return None
    return max(1, round(error.retry_after)) if error.retry_after is not None else 1
