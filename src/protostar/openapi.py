"""What FastAPI does not find out of a route by itself, in the words of OpenAPI, and the document that holds it."""

from collections.abc import Iterator, Mapping
from typing import Any, Final, cast

from fastapi.routing import APIRoute
from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from protostar.problems import MEDIA_TYPE, Problem

TEXT: Final = {"type": "string"}
BINARY: Final = {"type": "string", "format": "binary"}
NOT_MODIFIED: Final[dict[str, Any]] = {"description": "It is the one that `If-None-Match` names"}

_DEFINED: Final = "$defs"


def schema_of(model: type[BaseModel], suffix: str = "-Input") -> dict[str, Any]:
    """A reference to the model as a component, and beside it the definitions that `complete` makes components of.

    `suffix`: of their names; unless given, FastAPI's for what looks otherwise when it goes out.
    """
    template = f"#/components/schemas/{{model}}{suffix}"
    references, definitions = models_json_schema([(model, "validation")], ref_template=template)
    named = {f"{name}{suffix}": schema for name, schema in definitions[_DEFINED].items()}
    return {**references[model, "validation"], _DEFINED: named}


def body_of(schemas: Mapping[str, Any]) -> dict[str, Any]:
    """The body of a route that reads it itself. `schemas`: media type → schema."""
    content = {media_type: {"schema": schema} for media_type, schema in schemas.items()}
    return {"requestBody": {"required": True, "content": content}}


def json_body(model: type[BaseModel]) -> dict[str, Any]:
    return body_of({"application/json": schema_of(model)})


# What every route may answer.
RESPONSES: Final[dict[int | str, dict[str, Any]]] = {
    "default": {
        "description": "What is wrong, in a sentence (RFC 9457)",
        "content": {MEDIA_TYPE: {"schema": schema_of(Problem, suffix="")}},
    }
}


def operation_id(route: APIRoute) -> str:
    """The endpoint's name: what a generated client calls it."""
    return route.name


def complete(document: dict[str, Any]) -> dict[str, Any]:
    """The same document, in which every definition is a component."""
    components = document["components"]["schemas"]
    for schema in list(_defining(document["paths"])):
        for name, definition in schema.pop(_DEFINED).items():
            assert components.setdefault(name, definition) == definition, name  # noqa: S101 - else a name means two things
    return document


def _defining(node: object) -> Iterator[dict[str, Any]]:
    if isinstance(node, dict):
        schema = cast("dict[str, Any]", node)
        if _DEFINED in schema:
            yield schema
        for value in schema.values():
            yield from _defining(value)
    elif isinstance(node, list):
        for value in cast("list[object]", node):
            yield from _defining(value)
