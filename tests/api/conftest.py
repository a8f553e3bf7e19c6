from collections.abc import AsyncGenerator
from pathlib import Path

import pytest
from tests.api.tenant import Tenant, idle_tenant, new_tenant
from tests.support.stack import Stack, settings_for


@pytest.fixture
async def tenant(stack: Stack) -> AsyncGenerator[Tenant]:
    async with new_tenant(stack) as tenant:
        yield tenant


@pytest.fixture
async def other(stack: Stack) -> AsyncGenerator[Tenant]:
    """The tenant next door."""
    async with new_tenant(stack) as tenant:
        yield tenant


@pytest.fixture
async def idle(database_url: str, redis_url: str, tmp_path: Path) -> AsyncGenerator[Tenant]:
    """The tenant of an API and a database of its own, where a worker runs only when the test says so."""
    async with idle_tenant(settings_for(database_url, f"{redis_url}?db=2", tmp_path)) as tenant:
        yield tenant
