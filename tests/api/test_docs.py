"""The documentation: served whole by ourselves, and true."""

import re

from tests.api.tenant import send
from tests.support.stack import Stack


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


async def test_every_operation_names_its_role_and_its_errors(stack: Stack) -> None:
    async with stack.client(None) as browser:
        document = (await send(browser, "GET", "/openapi.json")).json
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            assert "application/problem+json" in operation["responses"]["default"]["content"], (method, path)
            if not path.startswith("/health/"):
                assert operation["security"][0]["HTTPBearer"][0] in ("ask", "manage", "admin"), (method, path)
    assert "HTTPValidationError" not in document["components"]["schemas"]
