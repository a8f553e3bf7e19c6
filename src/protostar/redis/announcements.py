"""What other processes must forget at once, told over Redis. Where it is away, what they remember runs out by itself."""

import asyncio
from collections.abc import Callable
from datetime import timedelta
from typing import Any, Final, Literal

from protostar.errors import RedisUnavailable
from protostar.redis.client import RedisClient

_KEY: Final = "protostar:changes"
_LENGTH: Final = 10_000
_EXPIRY: Final = timedelta(minutes=10)
_WAIT: Final = 5.0  # seconds of one look

Kind = Literal["key", "space", "knowledge"]
"""A key, by the hexadecimal hash, was revoked; a space was deleted; a space's documents or settings have changed."""


class Announcements:
    """Of what has changed. A short stream rather than a channel: a listener that was cut off for a moment misses none."""

    def __init__(self, redis: RedisClient | None) -> None:
        self._redis = redis

    async def tell(self, kind: Kind, *ids: str) -> None:
        """To be called once the change is committed; never fails, and takes at most the client's short time-out."""

        async def command(client: Any) -> None:
            async with client.pipeline(transaction=False) as pipe:
                for id_ in ids:
                    pipe.xadd(_KEY, {"kind": kind, "id": id_}, maxlen=_LENGTH, approximate=True)
                pipe.expire(_KEY, _EXPIRY)
                await pipe.execute()

        if self._redis is not None and ids:
            await self._redis.attempt(command)

    async def listen(self, changed: Callable[[Kind, str], None], missed: Callable[[], None]) -> None:
        """Until cancelled. `missed`: some may have been told that were not heard."""
        if self._redis is None:
            return
        while True:
            try:
                last = await self._redis.run(_latest)
                missed()
                while True:
                    for id_, fields in await self._redis.read_stream(_KEY, last, _WAIT):
                        changed(fields["kind"], fields["id"])  # pyright: ignore[reportArgumentType]
                        last = id_
            except RedisUnavailable:
                await asyncio.sleep(1)


async def _latest(client: Any) -> str:
    """The id of the newest entry."""
    entries = await client.xrevrange(_KEY, count=1)
    return str(entries[0][0]) if entries else "0-0"
