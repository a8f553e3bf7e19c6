"""Visitors: whoever holds a token that this installation signed. The browser picks nothing of it."""

import base64
import binascii
import hashlib
import hmac
import struct
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Final
from uuid import UUID, uuid4

from protostar.errors import VisitorExpired, VisitorRefused

_FORMAT: Final = ">16s16sq?"
_SIZE: Final = struct.calcsize(_FORMAT)
_ANEW: Final = "Whoever leaves the header «Protostar-Visitor» out is a new visitor."


@dataclass(frozen=True, slots=True)
class Visitor:
    """`signed_in`: the owner's backend vouched for who it is. `expires`: seconds since 1970."""

    space_id: UUID
    id: UUID
    expires: int
    signed_in: bool = False


class VisitorTokens:
    """Signs (space, visitor, expiry, signed in) with the installation's secret, HMAC-SHA256."""

    def __init__(self, secret: Callable[[], Awaitable[bytes]], ttl: timedelta) -> None:
        self._secret = secret
        self._ttl = ttl

    def anonymous(self, space_id: UUID, id_: UUID | None = None) -> Visitor:
        """A visitor of whom nothing is known; a new one unless `id_` names it."""
        return Visitor(space_id, id_ or uuid4(), self._expiry())

    async def signed_in(self, space_id: UUID, subject: str) -> Visitor:
        """The visitor that the owner's backend calls `subject`: the same one on every device, and no name can be read from it."""
        mac = await self._mac(b"subject", space_id.bytes + subject.encode())
        return Visitor(space_id, UUID(bytes=mac[:16], version=5), self._expiry(), signed_in=True)

    async def sign(self, visitor: Visitor) -> str:
        payload = struct.pack(_FORMAT, visitor.space_id.bytes, visitor.id.bytes, visitor.expires, visitor.signed_in)
        return base64.urlsafe_b64encode(payload + await self._mac(b"visitor", payload)).rstrip(b"=").decode()

    async def read(self, token: str, space_id: UUID) -> Visitor:
        """The visitor that the token was signed for. Raises VisitorRefused unless it is one of this space's, and VisitorExpired."""
        visitor = await self.holder(token, space_id)
        if visitor.expires < time.time():
            raise VisitorExpired(f"The visitor token has expired. {_ANEW}")
        return visitor

    async def holder(self, token: str, space_id: UUID) -> Visitor:
        """The same of a token that may have expired, which lets nobody in any more. Raises VisitorRefused."""
        try:
            raw = base64.urlsafe_b64decode(token + "=" * (-len(token) % 4))
        except (binascii.Error, ValueError):
            raise VisitorRefused(f"The visitor token is not one of ours. {_ANEW}") from None
        payload, mac = raw[:_SIZE], raw[_SIZE:]
        if not hmac.compare_digest(mac, await self._mac(b"visitor", payload)) or len(payload) != _SIZE:
            raise VisitorRefused(f"The visitor token is not one of ours. {_ANEW}")
        space, id_, expires, signed_in = struct.unpack(_FORMAT, payload)
        if space != space_id.bytes:
            raise VisitorRefused(f"The visitor token belongs to another space. {_ANEW}")
        return Visitor(space_id, UUID(bytes=id_), expires, signed_in)

    def renewed(self, visitor: Visitor) -> Visitor:
        """For as long again. Who has signed in does so anew from time to time: the backend may know better by then."""
        return visitor if visitor.signed_in else Visitor(visitor.space_id, visitor.id, self._expiry())

    def _expiry(self) -> int:
        return int(time.time() + self._ttl.total_seconds())

    async def _mac(self, purpose: bytes, payload: bytes) -> bytes:
        # The purpose is part of the key: what is signed for one can never pass for another.
        key = hashlib.sha256(purpose + await self._secret()).digest()
        return hmac.new(key, payload, hashlib.sha256).digest()
