"""The guarded HTTP client: for every URL that a tenant can set, so that none leads into the operator's own network.

A name is resolved once per request; if any of its addresses is refused, so is the request, and the connection goes to an address
that was checked, not to whatever the name means a moment later. Redirects are not followed, a response's body is not read, nothing
is kept between requests, and proxies of the environment are ignored.
"""

import socket
from collections.abc import AsyncGenerator, Callable, Generator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp.http_exceptions import HttpProcessingError
from yarl import URL

from protostar.errors import AddressRefused, Unavailable
from protostar.retry import parse_retry_after

Policy = Callable[[str], str | None]
"""Why no request may go to an IP address, as the end of a sentence; None where one may."""

PORTS: Final = frozenset({80, 443})
FIRST_PORT: Final = 1024
"""Besides `PORTS` from here on: below live the services of machines, such as SMTP, that an HTTP request could be smuggled into."""

TIMEOUT: Final = aiohttp.ClientTimeout(total=15, sock_connect=5)

_AddrInfo = tuple[int, int, int, str, tuple[str, int] | tuple[str, int, int, int]]


@dataclass(frozen=True, slots=True)
class Reply:
    """`retry_after`: seconds, where the receiver named them."""

    status: int
    retry_after: float | None


class GuardedClient:
    def __init__(self, session: aiohttp.ClientSession, policy: Policy) -> None:
        self._session = session
        self._policy = policy

    def check(self, url: str) -> URL:
        """The URL, where it may be asked as far as can be told without resolving its name. Raises AddressRefused."""
        try:
            parsed = URL(url)
            port = parsed.port
        except ValueError:
            raise AddressRefused("The URL cannot be read.") from None
        if parsed.scheme not in ("http", "https") or not parsed.host:
            raise AddressRefused("The URL must begin with http:// or https:// and name a host.")
        if parsed.user is not None or parsed.password is not None:
            raise AddressRefused("The URL must not hold a user name or password.")
        if port is None or not (port in PORTS or port >= FIRST_PORT):
            raise AddressRefused(f"The URL's port must be 80, 443, or {FIRST_PORT} or above.")
        if _looks_like_address(parsed.host):
            _enforce(self._policy, parsed.host)
        return parsed

    async def post(self, url: str, body: bytes, headers: Mapping[str, str], away: type[Unavailable]) -> Reply:
        """Send the body. Raises AddressRefused, or `away` where no answer came within 15 seconds."""
        target = self.check(url)
        with _translated(away):
            async with self._session.post(target, data=body, headers=headers, allow_redirects=False) as response:
                return Reply(response.status, parse_retry_after(response.headers.get("Retry-After"), datetime.now(UTC)))


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


def _enforce(policy: Policy, address: str) -> None:
    if (why := policy(address)) is not None:
        raise AddressRefused(f"The URL leads to an address that may not be asked: it {why}.")


def _looks_like_address(host: str) -> bool:
    """As aiohttp tells it, which does not resolve such hosts: `127.1` and `2130706433` too."""
    return ":" in host or host.replace(".", "").isdigit()


@contextmanager
def _translated(away: type[Unavailable]) -> Generator[None]:
    try:
        yield
    except (aiohttp.InvalidURL, aiohttp.NonHttpUrlClientError) as error:
        raise AddressRefused("The URL cannot be asked.") from error
    except (aiohttp.ClientError, HttpProcessingError, OSError) as error:
        raise away(f"The receiver did not answer: {_reason(error)}.") from error


_REASONS: Final[tuple[tuple[type[Exception], str], ...]] = (
    (aiohttp.ClientConnectorDNSError, "its name cannot be resolved"),
    (aiohttp.ClientConnectorCertificateError, "its certificate is not valid"),
    (aiohttp.ClientSSLError, "no secure connection could be made"),
    (TimeoutError, f"nothing came within {TIMEOUT.total:g} s"),
    (aiohttp.ClientConnectorError, "no connection could be made"),
    (aiohttp.ClientResponseError, "it does not speak HTTP as it should"),
    (HttpProcessingError, "it does not speak HTTP as it should"),
)


def _reason(error: Exception) -> str:
    return next((reason for kind, reason in _REASONS if isinstance(error, kind)), "the connection broke")
