"""A real browser (Debian's Chromium), the product with models that can be scripted, and a page of somebody else's that embeds it.

Everything here is marked `browser` and runs by `make test-browser` alone; there nothing is skipped: a missing browser is a failure.
"""

import shutil
from collections.abc import AsyncGenerator, Callable, Coroutine
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from playwright.async_api import Browser, Page, async_playwright
from tests.browser.embedding import Embedding
from tests.browser.host import Host, running_host
from tests.browser.seen import DESKTOP, Seen, watched
from tests.support.asking import Asking
from tests.support.databases import copied
from tests.support.model_server import StandIn
from tests.support.stack import ADMIN_KEY, Stack, running_stack, settings_for

FILES = Path(__file__).parents[1] / "files"
FLAGS = [
    *("--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run"),
    *("--disable-component-update", "--disable-sync", "--force-color-profile=srgb", "--font-render-hinting=none"),
]

UNLIMITED = {"asks_per_visitor": 1000, "asks_per_address": 1000}

Visit = Callable[..., Coroutine[Any, Any, Page]]


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Without `-m` none of these run: who changes the API needs no browser."""
    ours = [item for item in items if item.path.is_relative_to(Path(__file__).parent)]
    for item in ours:
        item.add_marker("browser")
    if not config.option.markexpr:
        config.hook.pytest_deselected(items=ours)
        items[:] = [item for item in items if item not in ours]


@pytest.fixture(scope="session")
async def chromium() -> AsyncGenerator[Browser]:
    path = shutil.which("chromium")
    assert path is not None, "there is no chromium: make test-browser installs it where it may"
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=path, args=FLAGS)
        yield browser
        await browser.close()


@pytest.fixture(scope="session")
async def product(
    postgres_url: str,
    template: str,
    redis_url: str,
    model_server: tuple[StandIn, str],
    tmp_path_factory: pytest.TempPathFactory,
) -> AsyncGenerator[Stack]:
    """API and worker with a chat and an embedding model; `stand_in` scripts those. Each test works in a space of its own."""
    async with copied(postgres_url) as url:
        settings = settings_for(
            url,
            f"{redis_url}?db=5",
            tmp_path_factory.mktemp("product"),
            chat={"base_url": model_server[1], "model": "m", "first_token_timeout": 5, "idle_timeout": 5},
            embedding={"base_url": model_server[1], "model": "e"},
            worker={"poll": 0.1},
            answer={"lease": 2},
            allow_private_networks=True,  # the web sites of the tests
        )
        async with running_stack(settings) as stack:
            yield stack


@pytest.fixture(scope="session")
async def host() -> AsyncGenerator[Host]:
    """Another origin, whose pages are the test's."""
    async with running_host() as host:
        yield host


@pytest.fixture
async def visit(chromium: Browser) -> AsyncGenerator[Visit]:
    """Opens a URL in a browser profile of its own: `await visit(url, locale="ko-KR", color_scheme="dark", viewport=PHONE)`.

    What Playwright's `new_context` takes is passed on; `prepare(page)` is awaited before the page loads. At the end of the test no
    page may have raised an error, broken its Content-Security-Policy or asked an origin that is not on this machine. A test that
    provokes one of these says so: `seen(page).expected.append("403")`.
    """
    async with AsyncExitStack() as stack:
        all_seen: list[Seen] = []

        async def open_page(url: str, *, prepare: Callable[[Page], Any] | None = None, **options: Any) -> Page:
            context = await chromium.new_context(**{"viewport": DESKTOP, "reduced_motion": "reduce", **options})
            stack.push_async_callback(context.close)
            page = await context.new_page()
            page.set_default_timeout(15_000)
            all_seen.append(watched(page))
            if prepare is not None:
                await prepare(page)
            await page.goto(url)
            return page

        yield open_page
        for seen in all_seen:
            assert seen.wrong() == []


@pytest.fixture
async def space(product: Stack, stand_in: StandIn) -> AsyncGenerator[dict[str, Any]]:
    """A space of the test's own, as the API shows it; its models are well-behaved."""
    async with product.http.post("/v1/spaces", json={"name": f"space {uuid4().hex[:8]}"}) as response:
        assert response.status == 201
        space = await response.json()
    yield space
    async with product.http.delete(f"/v1/spaces/{space['id']}") as response:
        assert response.status == 204


@pytest.fixture
async def embedding(product: Stack, space: dict[str, Any], host: Host, visit: Visit) -> AsyncGenerator[Embedding]:
    async with product.client(ADMIN_KEY, **{"Protostar-Space": space["id"]}) as http:
        asking = Asking(http, space["id"])
        await asking.upload(FILES / "guide-ko.md")
        await asking.upload(FILES / "guide-en.md")
        made = {"role": "ask", "name": "page", "origins": [host.url]}
        async with http.post(f"/v1/spaces/{space['id']}/keys", json=made) as response:
            key = (await response.json())["key"]
        embedding = Embedding(asking, host, visit, product.url, key)
        await embedding.settings(limits=UNLIMITED)
        yield embedding
