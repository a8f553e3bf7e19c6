"""Problem documents (RFC 9457): how an error looks outside."""

from typing import Any

from pydantic import ValidationError

from protostar.errors import InvalidInput, NameTaken, ProtostarError

MEDIA_TYPE = "application/problem+json"

# What every route may answer, in OpenAPI's words.
RESPONSES: dict[int | str, dict[str, Any]] = {
    "default": {
        "description": "What is wrong, in a sentence (RFC 9457)",
        "content": {
            MEDIA_TYPE: {
                "schema": {
                    "type": "object",
                    "required": ["type", "title", "status", "detail", "code"],
                    "properties": {
                        **{name: {"type": "string"} for name in ("type", "title", "detail", "code")},
                        **{name: {"type": "integer"} for name in ("status", "retry_after")},
                        "documents": {"type": "array", "items": {"type": "string", "format": "uuid"}},
                    },
                }
            }
        },
    }
}


def problem(error: ProtostarError) -> dict[str, Any]:
    """`type`, `title`, `status`, `detail` and a stable `code`; `retry_after` in seconds where waiting helps.

    `documents`: those that a NameTaken is about.
    """
    document: dict[str, Any] = {
        "type": f"urn:protostar:problem:{error.code}",
        "title": error.title,
        "status": error.status_code,
        "detail": str(error),
        "code": error.code,
    }
    if (seconds := retry_after(error)) is not None:
        document["retry_after"] = seconds
    if isinstance(error, NameTaken):
        document["documents"] = [str(id_) for id_ in error.documents]
    return document


def misfit(error: ValidationError, within: str = "") -> InvalidInput:
    """What is wrong first in a body that a route has validated itself; `within` is where the body stands."""
    issue = error.errors(include_url=False)[0]
    where = ".".join([*([within] if within else []), *map(str, issue["loc"])]) or "body"
    return InvalidInput(f"{where}: {issue['msg'].removeprefix('Value error, ')}")


def retry_after(error: ProtostarError) -> int | None:
    """Whole seconds for the header `Retry-After`; None where trying again does not help."""
    if not error.retryable:
        return None
    return max(1, round(error.retry_after)) if error.retry_after is not None else 1
