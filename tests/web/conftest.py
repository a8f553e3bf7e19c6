"""A browser without a browser: cookies are kept, redirects are seen."""

from collections.abc import AsyncGenerator

import aiohttp
import pytest
from tests.api.tenant import Tenant, new_tenant
from tests.support.stack import Stack


@pytest.fixture
async def tenant(stack: Stack) -> AsyncGenerator[Tenant]:
    async with new_tenant(stack) as tenant:
        yield tenant


@pytest.fixture
async def browser(stack: Stack) -> AsyncGenerator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(stack.url, cookie_jar=aiohttp.CookieJar(unsafe=True)) as http:
        yield http
