"""JSON over HTTP, from what may be no server of ours."""

from typing import Any, cast

import aiohttp
from pydantic import SecretStr

from protostar.cli.checks.check import PATIENCE

NO_ANSWER = (aiohttp.ClientError, TimeoutError, OSError, ValueError)


async def get_json(url: str, key: SecretStr | None = None) -> tuple[int, dict[str, Any]]:
    """Status and body, {} unless it is a JSON object. Raises one of `NO_ANSWER`."""
    headers = {"Authorization": f"Bearer {key.get_secret_value()}"} if key else {}
    timeout = aiohttp.ClientTimeout(total=PATIENCE)
    async with aiohttp.ClientSession(headers=headers, timeout=timeout) as session, session.get(url) as response:
        try:
            body = await response.json(content_type=None)
        except ValueError:
            body = None
        return response.status, cast("dict[str, Any]", body) if isinstance(body, dict) else {}
