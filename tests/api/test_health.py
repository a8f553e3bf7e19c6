from tests.support.stack import Stack


async def test_health_names_each_dependency(stack: Stack) -> None:
    async with stack.http.get("/health/ready") as response:
        body = await response.json()
        assert response.status == 200
    assert body["status"] == "ok"
    assert body["dependencies"] == {"postgres": "ok", "redis": "ok", "objects": "ok", "chat": "off", "embeddings": "off"}
