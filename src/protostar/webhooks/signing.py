"""Signatures as Standard Webhooks has them: https://github.com/standard-webhooks/standard-webhooks, scheme `v1`."""

import base64
import hashlib
import hmac
import secrets
from typing import Final

_PREFIX: Final = "whsec_"


def make_secret() -> str:
    """A new secret with 256 random bits."""
    return _PREFIX + base64.b64encode(secrets.token_bytes(32)).decode()


def signed_headers(secret: str, id_: str, timestamp: int, body: bytes) -> dict[str, str]:
    """`id_`: the same whenever the same event is sent again. `timestamp`: of this attempt, in Unix seconds."""
    key = base64.b64decode(secret.removeprefix(_PREFIX))
    content = f"{id_}.{timestamp}.".encode() + body
    signature = base64.b64encode(hmac.new(key, content, hashlib.sha256).digest()).decode()
    return {"webhook-id": id_, "webhook-timestamp": str(timestamp), "webhook-signature": f"v1,{signature}"}
