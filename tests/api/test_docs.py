"""The documentation: served whole by ourselves, and true."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from tests.api.tenant import send
from tests.support.stack import Stack


@pytest.fixture
async def document(stack: Stack) -> Any:
    async with stack.client(None) as browser:
        return (await send(browser, "GET", "/openapi.json")).json


def operations(document: Any) -> dict[str, Any]:
    return {f"{method} {path}": each for path, methods in document["paths"].items() for method, each in methods.items()}


def patterns(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        yield from [node["pattern"]] if isinstance(node.get("pattern"), str) else []
    if isinstance(node, dict | list):
        yield from [each for value in (node.values() if isinstance(node, dict) else node) for each in patterns(value)]


def references(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        yield from [node["$ref"]] if isinstance(node.get("$ref"), str) else []
        yield from [reference for value in node.values() for reference in references(value)]
    elif isinstance(node, list):
        yield from [reference for value in node for reference in references(value)]


async def test_the_documentation_asks_no_other_origin(stack: Stack) -> None:
    async with stack.client(None) as browser:
        page = await send(browser, "GET", "/docs")
        assert (page.status, page.headers["Content-Type"]) == (200, "text/html; charset=utf-8")
        html = page.body.decode()
        assert "//" not in re.sub(r"^\s*//.*$", "", html, flags=re.MULTILINE)  # neither https:// nor a scheme-less one
        named = re.findall(r"""(?:src|href)=["']([^"']+)["']""", html)
        assert {name.rpartition(".")[2] for name in named} >= {"js", "css"}
        for name in (*named, "/openapi.json"):
            assert f"{name}" in html
            assert (await send(browser, "GET", name)).status == 200, name


def test_every_operation_names_its_role_and_its_errors(document: Any) -> None:
    for name, operation in operations(document).items():
        assert operation["responses"]["default"]["content"] == {
            "application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}
        }, name
        if " /health/" not in name:
            assert operation["security"][0]["HTTPBearer"][0] in ("ask", "manage", "admin"), name
    assert "HTTPValidationError" not in document["components"]["schemas"]


def test_every_reference_leads_somewhere(document: Any) -> None:
    schemas = document["components"]["schemas"]
    found = set(references(document))
    assert found <= {f"#/components/schemas/{name}" for name in schemas}
    assert {"#/components/schemas/UrlUpload-Input", "#/components/schemas/ArchivedVersion-Input"} <= found
    assert schemas["ArchivedVersion"] != schemas["ArchivedVersion-Input"]  # a default need not be sent, and is answered
    assert "$defs" not in str(document)


def test_a_cursor_is_sent_as_it_was_given_out(document: Any) -> None:
    """`next_cursor` is text everywhere."""
    cursors = {
        name: parameter["schema"]
        for name, operation in operations(document).items()
        for parameter in operation.get("parameters", ())
        if parameter["name"] == "cursor"
    }
    assert len(cursors) >= 9
    assert not {name for name, schema in cursors.items() if "string" not in str(schema)}


def test_every_pattern_is_one_of_javascript(document: Any) -> None:
    """As JSON Schema asks: generated clients hand it to their own engine. Groups with flags are Python's."""
    found = set(patterns(document))
    assert found
    assert not [pattern for pattern in found if re.search(r"\(\?(?!:|=|!|<)", pattern)]


def test_operations_have_short_names_of_their_own(document: Any) -> None:
    names = [operation["operationId"] for operation in operations(document).values()]
    assert len(set(names)) == len(names)
    assert {"create_document", "get_document_content", "ask", "get_ready"} <= set(names)
    assert all(re.fullmatch(r"[a-z]+(_[a-z]+){0,3}", name) for name in names)


def test_what_is_sent_is_what_is_described(document: Any) -> None:
    described = {name: operation["responses"] for name, operation in operations(document).items()}
    binary = {"schema": {"type": "string", "format": "binary"}}
    content = described["get /v1/documents/{document_id}/content"]
    assert content["200"]["content"] == content["206"]["content"] == {"*/*": binary}
    text = described["get /v1/documents/{document_id}/text"]
    assert text["200"]["content"] == {"text/plain": {"schema": {"type": "string"}}}
    assert described["get /v1/documents/{document_id}/pages/{page}"]["200"]["content"] == {"image/webp": binary}
    assert all("304" in each for each in (content, text))
    ready = described["get /health/ready"]
    assert ready["503"]["content"] == ready["200"]["content"]
