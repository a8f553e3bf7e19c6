from collections.abc import AsyncGenerator

import pytest
from tests.api.tenant import Tenant, new_tenant
from tests.support.stack import Stack


@pytest.fixture
async def tenant(stack: Stack) -> AsyncGenerator[Tenant]:
    async with new_tenant(stack) as tenant:
        yield tenant


@pytest.fixture
async def other(stack: Stack) -> AsyncGenerator[Tenant]:
    """The tenant next door."""
    async with new_tenant(stack) as tenant:
        yield tenant
