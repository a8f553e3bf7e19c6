"""The guarded HTTP client: for every URL that a tenant can set, so that none leads into the operator's own network.

A name is resolved once per request; if any of its addresses is refused, so is the request, and the connection goes to an address
that was checked, not to whatever the name means a moment later. A post follows no redirect and reads no body; a download follows
a few redirects, each checked like the first URL. Nothing is kept between requests, and proxies of the environment are ignored.
"""

import re
import socket
import time
import warnings
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Generator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from yarl import URL

from protostar.errors import AddressRefused, Unavailable
from protostar.http_errors import NO_ANSWER, reason
from protostar.retry import parse_retry_after

Policy = Callable[[str], str | None]
"""Why no request may go to an IP address, as the end of a sentence; None where one may."""

PORTS: Final = frozenset({80, 443})
FIRST_PORT: Final = 1024
"""Besides `PORTS` from here on: below live the services of machines, such as SMTP, that an HTTP request could be smuggled into."""

TIMEOUT: Final = aiohttp.ClientTimeout(total=15, sock_connect=5)
DOWNLOAD_TIMEOUT: Final = aiohttp.ClientTimeout(total=600, connect=15, sock_connect=5, sock_read=30)
"""`total`: with all its redirects."""

REDIRECTS: Final = 5
_REDIRECTED: Final = frozenset({301, 302, 303, 307, 308})

# As the DNS takes it: an empty part, a space or a sign would be looked up again and again.
_HOST_NAME: Final = re.compile(r"[A-Za-z0-9_-]{1,63}(\.[A-Za-z0-9_-]{1,63})*\.?")

_AddrInfo = tuple[int, int, int, str, tuple[str, int] | tuple[str, int, int, int]]


@dataclass(frozen=True, slots=True)
class Reply:
    """`retry_after`: seconds, where the receiver named them."""

    status: int
    retry_after: float | None


@dataclass(frozen=True, slots=True)
class Download(Reply):
    """What a URL led to; its `body` is as large as the server likes, and arrives while it is read.

    `media_type`, `filename`, `size` (bytes), `encoding` (a compression): what the server calls it, each None where it does not say.
    """

    media_type: str | None
    filename: str | None
    size: int | None
    encoding: str | None
    body: AsyncIterator[bytes]


class GuardedClient:
    def __init__(self, session: aiohttp.ClientSession, policy: Policy) -> None:
        self._session = session
        self._policy = policy

    def check(self, url: str) -> URL:
        """The URL, where it may be asked as far as can be told without resolving its name. Raises AddressRefused."""
        try:
            parsed = URL(url)
            port, host = parsed.port, parsed.host
        except ValueError:
            raise AddressRefused("The URL cannot be read.") from None
        if parsed.scheme not in ("http", "https") or not host:
            raise AddressRefused("The URL must begin with http:// or https:// and name a host.")
        if parsed.user is not None or parsed.password is not None:
            raise AddressRefused("The URL must not hold a user name or password.")
        if port is None or not (port in PORTS or port >= FIRST_PORT):
            raise AddressRefused(f"The URL's port must be 80, 443, or {FIRST_PORT} or above.")
        if _looks_like_address(host):
            _enforce(self._policy, host)
        elif not _HOST_NAME.fullmatch(parsed.raw_host or ""):
            raise AddressRefused("The URL's host is no host name: letters, digits and hyphens, in parts with a dot between them.")
        return parsed

    async def post(self, url: str, body: bytes, headers: Mapping[str, str], away: type[Unavailable]) -> Reply:
        """Send the body. Raises AddressRefused, or `away` where no answer came within 15 seconds."""
        target = self.check(url)
        with _translated(away, "The receiver did not answer", TIMEOUT):
            async with self._session.post(target, data=body, headers=headers, allow_redirects=False) as response:
                return Reply(response.status, _retry_after(response))

    @asynccontextmanager
    async def download(self, url: str, away: type[Unavailable]) -> AsyncGenerator[Download]:
        """What the URL leads to, over up to `REDIRECTS` redirects.

        Raises AddressRefused; and `away`, also out of the body, where the server does not answer, falls silent, breaks off or needs
        longer than `DOWNLOAD_TIMEOUT` allows.
        """
        deadline = time.monotonic() + (DOWNLOAD_TIMEOUT.total or 0)
        target = self.check(url)
        for _ in range(REDIRECTS + 1):
            limits = DOWNLOAD_TIMEOUT
            left = aiohttp.ClientTimeout(
                max(0.001, deadline - time.monotonic()), limits.connect, limits.sock_read, limits.sock_connect
            )
            with _translated(away, "The server did not answer", DOWNLOAD_TIMEOUT):
                response = await self._session.get(target, allow_redirects=False, timeout=left)
            async with response:
                if response.status not in _REDIRECTED:
                    yield _download(response, away)
                    return
                target = self.check(_location(response))
        raise AddressRefused(f"The URL leads on to another one more than {REDIRECTS} times.")


@asynccontextmanager
async def open_client(policy: Policy, resolver: AbstractResolver | None = None) -> AsyncGenerator[GuardedClient]:
    """A client that connects only where the policy lets it. `resolver`: of names; the system's where None."""

    def checked_socket(info: _AddrInfo) -> socket.socket:
        # aiohttp takes whatever looks like an address past the resolver; nothing gets past this.
        _enforce(policy, info[4][0])
        return socket.socket(info[0], info[1], info[2])

    connector = aiohttp.TCPConnector(
        resolver=_CheckingResolver(resolver or aiohttp.ThreadedResolver(), policy),
        use_dns_cache=False,
        force_close=True,
        socket_factory=checked_socket,
    )
    async with aiohttp.ClientSession(
        connector=connector,
        cookie_jar=aiohttp.DummyCookieJar(),
        timeout=TIMEOUT,
        auto_decompress=False,
        headers={"User-Agent": "protostar", "Accept-Encoding": "identity"},
    ) as session:
        yield GuardedClient(session, policy)


class _CheckingResolver(AbstractResolver):
    """Answers with addresses that were checked, or raises AddressRefused: a name that means one such address is not trusted."""

    def __init__(self, inner: AbstractResolver, policy: Policy) -> None:
        self._inner = inner
        self._policy = policy

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AddressFamily.AF_UNSPEC
    ) -> list[ResolveResult]:
        try:
            found = await self._inner.resolve(host, port, family)
        except UnicodeError as error:
            raise OSError(f"{host!r} is no host name") from error
        for each in found:
            _enforce(self._policy, each["host"])
        return found

    async def close(self) -> None:
        await self._inner.close()


def _retry_after(response: aiohttp.ClientResponse) -> float | None:
    return parse_retry_after(response.headers.get("Retry-After"), datetime.now(UTC))


def _location(response: aiohttp.ClientResponse) -> str:
    try:
        return str(response.url.join(URL(response.headers["Location"])))
    except (KeyError, ValueError):
        raise AddressRefused("The URL leads on to another one that cannot be read.") from None


def _download(response: aiohttp.ClientResponse, away: type[Unavailable]) -> Download:
    with warnings.catch_warnings(action="ignore"):  # aiohttp's, of a Content-Disposition that is none
        disposition = response.content_disposition
    encoding = response.headers.get("Content-Encoding", "").strip().lower()
    return Download(
        response.status,
        _retry_after(response),
        media_type=response.headers.get("Content-Type"),
        filename=disposition.filename if disposition is not None else None,
        size=response.content_length,
        encoding=encoding if encoding not in ("", "identity") else None,
        body=_body(response, away),
    )


async def _body(response: aiohttp.ClientResponse, away: type[Unavailable]) -> AsyncGenerator[bytes]:
    while True:
        with _translated(away, "The download broke off", DOWNLOAD_TIMEOUT):
            chunk = await response.content.readany()
        if not chunk:
            return
        yield chunk


def _enforce(policy: Policy, address: str) -> None:
    if (why := policy(address)) is not None:
        raise AddressRefused(f"The URL leads to an address that may not be asked: it {why}.")


def _looks_like_address(host: str) -> bool:
    """As aiohttp tells it, which does not resolve such hosts: `127.1` and `2130706433` too."""
    return ":" in host or host.replace(".", "").isdigit()


@contextmanager
def _translated(away: type[Unavailable], what: str, timeout: aiohttp.ClientTimeout) -> Generator[None]:
    try:
        yield
    except (aiohttp.InvalidURL, aiohttp.NonHttpUrlClientError) as error:
        raise AddressRefused("The URL cannot be asked.") from error
    except NO_ANSWER as error:
        raise away(f"{what}: {_reason(error, timeout)}.") from error


def _reason(error: Exception, timeout: aiohttp.ClientTimeout) -> str:
    if isinstance(error, aiohttp.ServerTimeoutError):
        return f"nothing came within {timeout.sock_read or timeout.total:g} s"
    if isinstance(error, TimeoutError):
        return (
            f"nothing came within {timeout.total:g} s" if timeout.sock_read is None else f"it took longer than {timeout.total:g} s"
        )
    return reason(error)
