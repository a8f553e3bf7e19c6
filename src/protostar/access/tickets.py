"""The one-time link that `serve` prints: a ticket signed with the admin key, which lets its holder sign in without typing it."""

import base64
import binascii
import hashlib
import hmac
import struct
import time
from datetime import timedelta
from typing import Final
from uuid import UUID, uuid4

from protostar.errors import Unauthorized

TICKET_TTL: Final = timedelta(minutes=10)
_FORMAT: Final = ">16sq"
_SIZE: Final = struct.calcsize(_FORMAT)


def make_ticket(admin_hash: bytes, ttl: timedelta = TICKET_TTL) -> str:
    """`admin_hash`: of the admin key. The ticket opens one session, until it expires."""
    payload = struct.pack(_FORMAT, uuid4().bytes, int(time.time() + ttl.total_seconds()))
    return base64.urlsafe_b64encode(payload + _mac(admin_hash, payload)).rstrip(b"=").decode()


def read_ticket(ticket: str, admin_hash: bytes) -> UUID:
    """The ticket's number, under which it is used up. Raises Unauthorized for one that is not ours, or has expired."""
    try:
        raw = base64.urlsafe_b64decode(ticket + "=" * (-len(ticket) % 4))
    except (binascii.Error, ValueError):
        raise Unauthorized("This sign-in link is not one of ours.") from None
    payload, mac = raw[:_SIZE], raw[_SIZE:]
    if len(payload) != _SIZE or not hmac.compare_digest(mac, _mac(admin_hash, payload)):
        raise Unauthorized("This sign-in link is not one of ours.")
    number, expiry = struct.unpack(_FORMAT, payload)
    if expiry < time.time():
        raise Unauthorized("This sign-in link has expired. Sign in with a key, or start «protostar serve» again for a new link.")
    return UUID(bytes=number)


def _mac(admin_hash: bytes, payload: bytes) -> bytes:
    # The purpose is part of the key: what is signed for one can never pass for another.
    return hmac.new(hashlib.sha256(b"ticket" + admin_hash).digest(), payload, hashlib.sha256).digest()
