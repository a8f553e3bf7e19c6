"""A visitor before a page of somebody else's that embeds the widget."""

import base64
import hashlib
import hmac
import json
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from playwright.async_api import Locator, Page
from tests.browser.host import Host
from tests.support.asking import Asking

if TYPE_CHECKING:
    from tests.browser.conftest import Visit

# The tests look into the shadow root, which is closed for everybody else. The page's own code never gets to see this.
OPENED = """
const attach = Element.prototype.attachShadow;
Element.prototype.attachShadow = function (init) { return attach.call(this, { ...init, mode: "open" }); };
"""


@dataclass
class Embedding:
    """`key`: publishable, for the pages of `host`."""

    asking: Asking
    host: Host
    visit: "Visit"
    url: str
    key: str

    def page(
        self, *, attributes: str = "", server: str | None = None, body: str = "<main><h1>Shop</h1></main>", **more: Any
    ) -> str:
        """The URL of a page that embeds the widget by its one line."""
        tag = f'<script async src="{server or self.url}/widget.js" data-key="{self.key}" {attributes}></script>'
        return self.host.serve(body + tag, **more)

    async def open(
        self, url: str | None = None, *, closed: bool = False, routes: dict[str, Any] | None = None, **options: Any
    ) -> "Visitor":
        """`routes`: what answers in the place of the network, by the pattern of its URL."""

        async def prepare(page: Page) -> None:
            if not closed:
                await page.add_init_script(OPENED)
            for pattern, answer in (routes or {}).items():
                await page.route(pattern, answer)

        page = await self.visit(url or self.page(), prepare=prepare, **options)
        await page.locator("protostar-widget").wait_for(state="attached")
        return Visitor(page)

    async def conversations(self) -> list[int]:
        """How many questions each has that is stored."""
        async with self.asking.http.get("/v1/conversations") as response:
            return [conversation["turns"] for conversation in (await response.json())["items"]]

    async def settings(self, **settings: Any) -> None:
        async with self.asking.http.patch(f"/v1/spaces/{self.asking.space_id}", json={"settings": settings}) as response:
            assert response.status == 200, await response.text()


@dataclass
class Visitor:
    page: Page

    @property
    def widget(self) -> Locator:
        return self.page.locator("protostar-widget")

    @property
    def launcher(self) -> Locator:
        return self.widget.locator(".launcher")

    @property
    def panel(self) -> Locator:
        return self.widget.get_by_role("dialog")

    @property
    def input(self) -> Locator:
        return self.panel.locator("form.ask textarea")

    @property
    def answers(self) -> Locator:
        """The answers that are finished."""
        return self.panel.locator("article:has(.tools)")

    async def ask(self, question: str) -> Locator:
        """The finished answer."""
        count = await self.answers.count()
        await self.send(question)
        answer = self.answers.nth(count)
        await answer.wait_for()
        return answer

    async def send(self, question: str) -> None:
        """Nobody waits for an answer."""
        if not await self.panel.is_visible():
            await self.launcher.click()
        await self.input.fill(question)
        await self.input.press("Enter")

    async def kept(self) -> dict[str, Any]:
        """What the device remembers."""
        return json.loads(await self.page.evaluate("localStorage.getItem(Object.keys(localStorage)[0])"))


def identity(secret: str, subject: str) -> str:
    """As an owner's backend makes it."""

    def part(content: bytes) -> str:
        return base64.urlsafe_b64encode(content).rstrip(b"=").decode()

    claims = {"sub": subject, "exp": int(time.time()) + 300}
    signed = f"{part(json.dumps({'alg': 'HS256', 'typ': 'JWT'}).encode())}.{part(json.dumps(claims).encode())}"
    return f"{signed}.{part(hmac.new(secret.encode(), signed.encode(), hashlib.sha256).digest())}"
