"""Who a visitor is, as the owner's backend has signed it: a JWT (RFC 7519) with HMAC-SHA256, and nothing but that.

One algorithm and five claims are all that is read, so a library for all of JOSE would bring more to go wrong than it takes away.
"""

import base64
import binascii
import hashlib
import hmac
import json
import time
import unicodedata
from typing import Any, Final
from uuid import UUID

from protostar.errors import Forbidden, IdentityExpired

_LONGEST: Final = 4096  # characters of a token
_LONGEST_SUBJECT: Final = 255
_SKEW: Final = 60  # seconds that the backend's clock may be off
_LATEST: Final = 2**53  # seconds, far beyond every clock; JSON can say more than a float holds
_LONGEST_LIFE: Final = 24 * 3600  # one that leaks is not good for ever


def subject_of(token: str, secret: str, space_id: UUID, now: float | None = None) -> str:
    """The `sub` of a JWT that `secret` has signed for this space. Raises Forbidden, with the reason."""
    head, payload, signature = _parts(token)
    header = _json(head)
    if header.get("alg") != "HS256" or "crit" in header:
        raise Forbidden("The identity has to be signed with HS256.")
    expected = hmac.new(secret.encode(), f"{head}.{payload}".encode(), hashlib.sha256).digest()
    if not hmac.compare_digest(expected, _decoded(signature)):
        raise Forbidden("The identity was not signed with this space's secret.")
    claims = _json(payload)
    _check_times(claims, time.time() if now is None else now)
    audience = claims.get("aud", str(space_id))
    if str(space_id) not in (audience if isinstance(audience, list) else [audience]):
        raise Forbidden("The identity is meant for another space.")
    subject = claims.get("sub")
    if not isinstance(subject, str) or not 0 < len(subject) <= _LONGEST_SUBJECT:
        raise Forbidden(f"The identity needs a claim «sub» of 1 to {_LONGEST_SUBJECT} characters.")
    if any(unicodedata.category(character) == "Cs" for character in subject):
        raise Forbidden("The claim «sub» of the identity holds half a surrogate pair, which is no text.")
    return subject


def _parts(token: str) -> tuple[str, str, str]:
    parts = token.split(".")
    if len(token) > _LONGEST or len(parts) != 3 or not token.isascii():
        raise Forbidden("The identity is not a JWT.")
    return parts[0], parts[1], parts[2]


def _decoded(part: str) -> bytes:
    try:
        return base64.b64decode(part + "=" * (-len(part) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        raise Forbidden("The identity is not a JWT.") from None


def _json(part: str) -> dict[str, Any]:
    try:
        value = json.loads(_decoded(part))
    except (ValueError, RecursionError):
        raise Forbidden("The identity is not a JWT.") from None
    if not isinstance(value, dict):
        raise Forbidden("The identity is not a JWT.")
    return value  # pyright: ignore[reportUnknownVariableType]


def _check_times(claims: dict[str, Any], now: float) -> None:
    expires = _time(claims, "exp")
    if expires is None:
        raise Forbidden("The identity needs a claim «exp».")
    if expires <= now - _SKEW:
        raise IdentityExpired("The identity has expired: have your backend sign a new one.")
    if expires > now + _LONGEST_LIFE + _SKEW:
        raise Forbidden("The identity may be valid for a day at most.")
    if any((at := _time(claims, name)) is not None and at > now + _SKEW for name in ("nbf", "iat")):
        raise Forbidden("The identity is not valid yet.")


def _time(claims: dict[str, Any], name: str) -> float | None:
    value = claims.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) <= _LATEST:
        raise Forbidden(f"The claim «{name}» of the identity is no time.")
    return float(value)
