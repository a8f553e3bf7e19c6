"""Making and recognising keys. A key is random, so a plain hash protects it: there is nothing to guess offline."""

import hashlib
import secrets

from protostar.access.model import Role

_PREFIX: dict[Role, str] = {"manage": "sk_", "ask": "pk_", "admin": "ak_"}


def make_key(role: Role) -> str:
    """A new key with 256 random bits; its prefix tells a reader what it may do."""
    return _PREFIX[role] + secrets.token_urlsafe(32)


def hash_key(key: str) -> bytes:
    return hashlib.sha256(key.encode()).digest()


def hint(key: str) -> str:
    """Enough to recognise a key in a list, too little to use it."""
    return f"{key[:6]}…{key[-4:]}"
