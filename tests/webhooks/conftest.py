from collections.abc import AsyncGenerator

import pytest
from tests.api.tenant import Tenant, new_tenant
from tests.support.databases import copied
from tests.support.stack import Stack, running_stack, settings_for
from tests.webhooks.receiver import Receiver, new_receiver


@pytest.fixture(scope="session")
async def open_stack(
    postgres_url: str, template: str, redis_url: str, tmp_path_factory: pytest.TempPathFactory
) -> AsyncGenerator[Stack]:
    """A stack whose webhooks may go to 127.0.0.1, and that leaves a silent receiver alone for a moment only."""
    folder = tmp_path_factory.mktemp("webhooks")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("protostar.webhooks.tasks.PAUSE", 0.2)
        async with copied(postgres_url) as url:
            async with running_stack(settings_for(url, f"{redis_url}?db=3", folder, allow_private_networks=True)) as running:
                yield running


@pytest.fixture
async def tenant(open_stack: Stack) -> AsyncGenerator[Tenant]:
    async with new_tenant(open_stack) as tenant:
        yield tenant


@pytest.fixture
async def receiver() -> AsyncGenerator[Receiver]:
    async with new_receiver() as receiver:
        yield receiver
