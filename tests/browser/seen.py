"""What a page did wrong while a test looked at it, and how it looks."""

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit
from weakref import WeakKeyDictionary

from axe_playwright_python.async_playwright import Axe
from playwright.async_api import ConsoleMessage, Error, Page, Request, ViewportSize

DESKTOP: Final[ViewportSize] = {"width": 1280, "height": 800}
PHONE: Final[ViewportSize] = {"width": 390, "height": 844}

_SEEN: WeakKeyDictionary[Page, "Seen"] = WeakKeyDictionary()


@dataclass
class Seen:
    """`expected`: parts of messages that the test provokes."""

    messages: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)
    expected: list[str] = field(default_factory=list)

    def console(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            self.messages.append(f"{message.type}: {message.text} ({message.location.get('url', '')})")

    def error(self, error: Error) -> None:
        self.messages.append(f"raised: {error}")

    def request(self, request: Request) -> None:
        self.requests.append(request.url)

    def foreign(self) -> list[str]:
        """What was asked of any other machine."""
        here = ("127.0.0.1", "localhost", None)
        return [url for url in self.requests if urlsplit(url).hostname not in here]

    def wrong(self) -> list[str]:
        unexpected = [message for message in self.messages if not any(part in message for part in self.expected)]
        return unexpected + [f"asked {url}" for url in self.foreign()]


def watched(page: Page) -> Seen:
    seen = _SEEN[page] = Seen()
    page.on("console", seen.console)
    page.on("pageerror", seen.error)
    page.on("request", seen.request)
    return seen


def seen(page: Page) -> Seen:
    return _SEEN[page]


async def barriers(page: Page, **options: Any) -> list[str]:
    """What axe-core finds wrong for people with disabilities; nothing where all is well."""
    results = await Axe().run(page, **options)
    return [
        f"{violation['id']}: {violation['help']} at {[node['target'] for node in violation['nodes']]}"
        for violation in results.response["violations"]
    ]


async def picture(page: Page, name: str, **options: Any) -> None:
    """Keeps a screenshot for the eye in the folder BROWSER_PICTURES, where that is set."""
    if folder := os.environ.get("BROWSER_PICTURES"):
        Path(folder).mkdir(parents=True, exist_ok=True)
        await page.screenshot(path=Path(folder) / f"{name}.png", **options)
