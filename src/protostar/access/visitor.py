"""The token that `start` hands to a visitor: what lets a publishable key read back its own conversation, and only that."""

import base64
import binascii
import hashlib
import hmac
import struct
import time
from collections.abc import Awaitable, Callable
from datetime import timedelta
from uuid import UUID

from protostar.errors import Forbidden

_FORMAT = ">16s16sq"


class VisitorTokens:
    """Signs (space, conversation, expiry) with the installation's secret, HMAC-SHA256."""

    def __init__(self, secret: Callable[[], Awaitable[bytes]], ttl: timedelta) -> None:
        self._secret = secret
        self._ttl = ttl

    async def sign(self, space_id: UUID, conversation_id: UUID) -> str:
        payload = struct.pack(_FORMAT, space_id.bytes, conversation_id.bytes, int(time.time() + self._ttl.total_seconds()))
        return base64.urlsafe_b64encode(payload + await self._mac(payload)).rstrip(b"=").decode()

    async def verify(self, token: str, space_id: UUID, conversation_id: UUID) -> None:
        """Raises Forbidden unless the token was signed for this conversation and has not expired."""
        try:
            raw = base64.urlsafe_b64decode(token + "=" * (-len(token) % 4))
        except (binascii.Error, ValueError):
            raise Forbidden("The visitor token is not one of ours.") from None
        payload, mac = raw[: struct.calcsize(_FORMAT)], raw[struct.calcsize(_FORMAT) :]
        if not hmac.compare_digest(mac, await self._mac(payload)) or len(payload) != struct.calcsize(_FORMAT):
            raise Forbidden("The visitor token is not one of ours.")
        space, conversation, expiry = struct.unpack(_FORMAT, payload)
        if (space, conversation) != (space_id.bytes, conversation_id.bytes):
            raise Forbidden("The visitor token belongs to another conversation.")
        if expiry < time.time():
            raise Forbidden("The visitor token has expired; ask again to get a new one.")

    async def _mac(self, payload: bytes) -> bytes:
        # The purpose is part of the key: what is signed for one can never pass for another.
        key = hashlib.sha256(b"visitor" + await self._secret()).digest()
        return hmac.new(key, payload, hashlib.sha256).digest()
