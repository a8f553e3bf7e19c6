import pytest
from tests.api.tenant import send
from tests.support.stack import Stack


async def test_health_names_each_dependency(stack: Stack) -> None:
    async with stack.http.get("/health/ready") as response:
        body = await response.json()
        assert response.status == 200
    assert body["status"] == "ok"
    assert body["dependencies"] == {"postgres": "ok", "redis": "ok", "objects": "ok", "chat": "off", "embeddings": "off"}


@pytest.mark.parametrize("path", ["/health/live", "/health/ready"])
async def test_monitors_may_ask_with_head(path: str, stack: Stack) -> None:
    answered = await send(stack.http, "HEAD", path)
    assert (answered.status, answered.body) == (200, b"")
