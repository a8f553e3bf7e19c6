"""What can be wrong with a file, said so that the person who uploaded it understands it."""

from collections.abc import Generator
from contextlib import contextmanager

from protostar.errors import UnreadableDocument

EMPTY = "The file is empty."
NO_TEXT = "No text was found in this file."
ENCRYPTED = "The file is protected with a password; remove the password and upload it again."
TOO_DEEP = "The elements of this file are nested too deeply to be read."
TOO_COMPLEX = "The file is too large or too complex: reading it takes more memory than is allowed."
CRASHED = "The file could not be read; it is probably damaged."


def too_slow(seconds: float) -> UnreadableDocument:
    return UnreadableDocument(f"Reading the file took longer than the {seconds:g} seconds that are allowed.")


def too_long(max_chars: int) -> UnreadableDocument:
    return UnreadableDocument(f"The text of this file is longer than the {max_chars:,} characters that are allowed.")


def broken(kind: str) -> UnreadableDocument:
    """`kind` completes «the file is not …»."""
    return UnreadableDocument(f"The file is damaged, incomplete or not {kind}.")


@contextmanager
def damaged(kind: str, *errors: type[Exception]) -> Generator[None]:
    """Translate a library's complaints into one sentence; `kind`: as `broken` has it."""
    try:
        yield
    except errors as error:
        raise broken(kind) from error
