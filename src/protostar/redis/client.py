"""Redis, seen as something that may be away at any moment: nothing here is the only copy of anything."""

import asyncio
from collections.abc import Awaitable, Callable, Generator, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar

import structlog
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import AuthenticationError, RedisError, ResponseError

from protostar.errors import ConfigurationError, RedisUnavailable
from protostar.retry import Breaker
from protostar.telemetry import Metrics

log = structlog.get_logger()

T = TypeVar("T")
Commands = Redis

# Redis answers in well under a millisecond or not at all; a request does not wait for the second case.
_TIMEOUT = 0.2
_MARGIN = 1.0
_PING = "protostar:ping"


@contextmanager
def _translated() -> Generator[None]:
    """Also raises the cancellation that redis-py loses where it comes while a connection is being made: its task would go on."""
    task = asyncio.current_task()
    before = task.cancelling() if task is not None else 0
    try:
        yield
        if task is not None and task.cancelling() > before:
            raise asyncio.CancelledError
    except (RedisError, OSError, TimeoutError) as error:
        if task is not None and task.cancelling() > before:
            raise asyncio.CancelledError from error
        raise RedisUnavailable(_told(error), reason=f"{type(error).__name__}: {str(error)[:200]}") from error


def _told(error: Exception) -> str:
    """Whoever asks for the reason must not look for a server that is gone where one answers."""
    if isinstance(error, AuthenticationError):
        return "Redis does not let this server in."
    if isinstance(error, ResponseError):
        return "Redis refuses commands: it only reads, its memory is full, or its user has few rights."
    return "Redis does not answer."


def connect(url: str, **options: Any) -> Redis:
    """Nothing is connected yet. Raises ConfigurationError for a parameter of the URL that redis-py does not know."""
    try:
        client = Redis.from_url(url, **options)  # pyright: ignore[reportUnknownMemberType]
        client.connection_pool.make_connection()  # it would be known with the first command
    except (TypeError, ValueError) as error:
        raise ConfigurationError(f"PROTOSTAR_REDIS_URL has a parameter that cannot be used: {error}") from None
    return client


async def try_out(client: Redis) -> None:
    """Write something, and run a script. Raises where the server only reads, its memory is full, or its user may do neither."""
    await client.set(_PING, "1", ex=60)
    await client.register_script("return redis.call('exists', KEYS[1])")([_PING])


class RedisClient:
    """Two pools over one server: short commands that fail within 200 ms, and reads that block on purpose."""

    def __init__(self, url: str, metrics: Metrics) -> None:
        options: dict[str, Any] = {
            "socket_connect_timeout": _TIMEOUT,
            # One retry: after a restart of the server each pooled connection is found dead once.
            "retry": Retry(NoBackoff(), 1),
            "decode_responses": True,
        }
        self._quick = connect(url, socket_timeout=_TIMEOUT, max_connections=64, **options)
        self._blocking = connect(url, socket_timeout=None, **options)
        self._breaker = Breaker("redis", RedisUnavailable, threshold=3, interval=1.0)
        self._metrics = metrics
        self._failed = False

    @property
    def available(self) -> bool:
        """Whether the last command was answered."""
        return not self._failed

    async def run(self, command: Callable[[Redis], Awaitable[T]]) -> T:
        """The command's result. Raises RedisUnavailable within about 200 ms, at once while the breaker is open."""
        try:
            async with self._breaker:
                with _translated():
                    result = await command(self._quick)
        except RedisUnavailable:
            self._failed = True
            raise
        self._failed = False
        return result

    async def attempt(self, command: Callable[[Redis], Awaitable[T]]) -> T | None:
        """The command's result, or None where Redis is away: counted, and done without."""
        try:
            return await self.run(command)
        except RedisUnavailable as error:
            self._metrics.redis_errors.inc()
            log.debug("redis_done_without", error=str(error))
            return None

    async def pop(self, keys: Sequence[str], seconds: float) -> None:
        """Wait for an element on one of the lists and take it. Raises RedisUnavailable."""
        await self._block(lambda client: client.blpop(list(keys), timeout=seconds), seconds)  # pyright: ignore[reportArgumentType]

    async def read_stream(self, key: str, after: str, seconds: float) -> list[tuple[str, dict[str, str]]]:
        """The entries after `after`, waiting up to `seconds` for the first. Raises RedisUnavailable."""

        async def command(client: Any) -> Any:
            return await client.xread({key: after}, block=max(1, int(seconds * 1000)))

        # {key: [[entry, …], …]} or [[key, [entry, …]], …], by the version of the protocol that the server speaks
        found = await self._block(command, seconds)
        streams: Any = found.items() if isinstance(found, dict) else found or []  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]
        return [(entry[0], entry[1]) for _key, groups in streams for entry in _flat(groups)]

    async def _block(self, command: Callable[[Redis], Awaitable[T]], seconds: float) -> T:
        if self._breaker.state == "open":
            raise RedisUnavailable
        with _translated():
            # The client's own time-out is off here: a server that hangs must not hang its reader.
            async with asyncio.timeout(seconds + _MARGIN):
                return await command(self._blocking)

    async def ping(self) -> None:
        """Raises RedisUnavailable also where it is of no use, see `try_out`."""
        await self.run(try_out)

    async def close(self) -> None:
        await self._quick.aclose()
        await self._blocking.aclose()


def _flat(groups: Any) -> list[Any]:
    """The entries of one stream: RESP3 wraps them in one list more than RESP2."""
    return groups[0] if groups and groups[0] and isinstance(groups[0][0], list | tuple) else groups
