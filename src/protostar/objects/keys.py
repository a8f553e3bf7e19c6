"""Which keys may name an object."""

import re
from typing import Final

from protostar.characters import is_control
from protostar.errors import InvalidInput

INCOMING: Final = "incoming/"  # where a business backend puts objects, under keys of its own

# LocalStore refuses `name#1` and names above 255 bytes, some file systems do not tell `A` from `a`.
_SEGMENT: Final = r"[a-z0-9][a-z0-9._-]{0,99}"
_OURS: Final = re.compile(rf"{_SEGMENT}(/{_SEGMENT}){{0,7}}")
_LONGEST: Final = 1024  # bytes, the limit of S3
_TEMPORARY: Final = re.compile(r"(.*/)?[^/#]*#[0-9]+")  # what LocalStore calls a file that is still being written


def is_ours(key: str) -> bool:
    """Whether Protostar could have made this key: lower-case segments, never a name that a user chose."""
    return _OURS.fullmatch(key) is not None


def check_key(key: str) -> None:
    """Raise ValueError unless the key is ours; a wrong one is a mistake in the code."""
    if not is_ours(key):
        raise ValueError(f"not an object key of Protostar: {key!r}")


def check_foreign_key(key: str) -> None:
    """Raise InvalidInput unless every store names exactly one object by this key."""
    if not key or any(map(is_control, key)):
        raise InvalidInput("An object key must not be empty or hold control characters.")
    if len(key.encode()) > _LONGEST:
        raise InvalidInput(f"An object key must not be longer than {_LONGEST} bytes.")
    # "/a", "a/", "a//b" and "." segments: a folder, S3 and obstore each read them differently.
    if {"", ".", ".."} & set(key.split("/")):
        raise InvalidInput("An object key must not hold empty segments, '.' or '..'.")
    if _TEMPORARY.fullmatch(key):
        raise InvalidInput("An object key that ends in «#» and digits cannot be read: put the object under another key.")
