"""The dashboard as a person with a key of a space comes to it."""

from io import BytesIO
from typing import Any
from urllib.parse import quote, urlsplit
from uuid import uuid4

from playwright.async_api import Page
from tests.browser.conftest import Visit
from tests.support.stack import ADMIN_KEY, Stack
from tests.support.waiting import wait_until

from protostar.access.keys import hash_key
from protostar.access.tickets import make_ticket

Space = dict[str, Any]


async def call(product: Stack, space: Space, method: str, path: str, **options: Any) -> Any:
    """What the API answers to the admin in that space."""
    async with product.http.request(method, path, headers={"Protostar-Space": space["id"]}, **options) as response:
        assert response.status < 300, await response.text()
        return await response.json() if response.status != 204 else None


async def a_document(product: Stack, space: Space, name: str, content: bytes | str) -> Any:
    """Uploaded and read to its end."""
    body = content.encode() if isinstance(content, str) else content
    document = await call(product, space, "POST", f"/v1/documents?filename={name}", data=BytesIO(body))
    return await read(product, space, document["id"])


async def read(product: Stack, space: Space, id_: str) -> Any:
    """The document once its latest version is read to its end."""

    async def ended() -> Any:
        found = await call(product, space, "GET", f"/v1/documents/{id_}")
        return found if found["status"] in ("ready", "failed") else None

    return await wait_until(ended, 30)


async def a_key(product: Stack, space: Space) -> Any:
    body = {"role": "manage", "name": f"key {uuid4().hex[:6]}"}
    return await call(product, space, "POST", f"/v1/spaces/{space['id']}/keys", json=body)


async def sign_in(page: Page, product: Stack, space: Space, path: str = "/documents", *, admin: bool = False) -> Page:
    """Goes to the path of the dashboard, signed in with a manage key of the space, or as an admin who has chosen it."""
    if admin:
        await page.goto(f"{product.url}/login?ticket={make_ticket(hash_key(ADMIN_KEY))}")
        await page.context.add_cookies(
            [{"name": f"protostar_space_{urlsplit(product.url).port}", "value": space["id"], "url": product.url}]
        )
        await page.goto(product.url + path)
    else:
        await page.goto(f"{product.url}/login?next={quote(path)}")
        await page.locator("#key").fill((await a_key(product, space))["key"])
        await page.keyboard.press("Enter")
        await page.wait_for_url(f"{product.url}{path}")
    return page


async def enter(
    visit: Visit, product: Stack, space: Space, path: str = "/documents", *, admin: bool = False, **options: Any
) -> Page:
    page = await visit(f"{product.url}/login", **options)
    return await sign_in(page, product, space, path, admin=admin)
