"""Translates what obstore and the file system raise into the error tree."""

import errno
import re
from collections.abc import Generator
from contextlib import contextmanager
from typing import Final

from obstore.exceptions import BaseError, PermissionDeniedError, UnauthenticatedError

from protostar.errors import ObjectCorrupt, ObjectMissing, ObjectsUnavailable, ProtostarError

_OS_ERROR: Final = re.compile(r"\(os error (\d+)\)")
_HTTP_STATUS: Final = re.compile(r"non-2xx status code: (\d+)")
_LONGEST_REASON: Final = 200

_BY_ERRNO: Final = {
    errno.ENOSPC: "The disk of the object store is full.",
    errno.EDQUOT: "The disk quota of the object store is used up.",
    errno.EACCES: "This user may not use the folder of the object store.",
    errno.EPERM: "This user may not use the folder of the object store.",
    errno.EROFS: "The disk of the object store is mounted read-only.",
}
_ELSEWHERE: Final = "The bucket is in another region than the settings say."
_BY_PHRASE: Final = {
    "<Code>NoSuchBucket</Code>": "The bucket does not exist.",
    "<Code>RequestTimeTooSkewed</Code>": "The clock of this machine and that of the object store differ by too much.",
    "<Code>SlowDown</Code>": "The object store asks for fewer requests.",
    "<Code>AuthorizationHeaderMalformed</Code>": _ELSEWHERE,
    "redirect without LOCATION": _ELSEWHERE,  # to an address of that region, which AWS does not name
}
_NO_SUCH_FILE: Final = frozenset({errno.ENOENT, errno.ENOTDIR, errno.EISDIR, errno.ENAMETOOLONG})


@contextmanager
def translated(key: str | None = None) -> Generator[None]:
    """Raise ObjectsUnavailable for whatever a store raises, or ObjectMissing where it is `key` that is not there."""
    try:
        yield
    except (BaseError, OSError) as error:
        raise _translation(error, key) from error


def missing(key: str) -> ObjectMissing:
    """The error for a key that names nothing."""
    return ObjectMissing(f"The object {key} is not in the object store.")


def corrupt(key: str) -> ObjectCorrupt:
    return ObjectCorrupt(f"The object {key} is not the one that was stored.")


def _translation(error: BaseError | OSError, key: str | None) -> ProtostarError:
    text = str(error)
    number = _errno(error, text)
    if key is not None and _is_missing(error, number, text):
        return missing(key)
    if number in _BY_ERRNO:
        return ObjectsUnavailable(_BY_ERRNO[number])
    if sentence := next((sentence for phrase, sentence in _BY_PHRASE.items() if phrase in text), None):
        return ObjectsUnavailable(sentence)
    status = _HTTP_STATUS.search(text)
    if isinstance(error, PermissionDeniedError | UnauthenticatedError) or (status and status[1] in {"401", "403"}):
        return ObjectsUnavailable("The object store refused the access key.")
    if status:
        return ObjectsUnavailable(f"The object store answered with HTTP status {status[1]}.")
    if "kind: Timeout" in text or "TimedOut" in text:
        return ObjectsUnavailable("The object store did not answer in time.")
    if "kind: Connect" in text:
        return ObjectsUnavailable("The object store cannot be reached.")
    # The text goes on with a dump of Rust's error over many lines: only its first one is for people.
    reason = text.partition("\n")[0][:_LONGEST_REASON] or type(error).__name__
    return ObjectsUnavailable("The object store failed.", reason=reason)


def _errno(error: BaseError | OSError, text: str) -> int | None:
    """The number of an error of the file system; obstore only has it in its text."""
    if isinstance(error, OSError) and error.errno is not None:
        return error.errno
    found = _OS_ERROR.search(text.partition("\n")[0])
    return int(found[1]) if found else None


def _is_missing(error: BaseError | OSError, number: int | None, text: str) -> bool:
    """A missing bucket and a proxy's own 404 are FileNotFoundError too: over HTTP only the code NoSuchKey counts."""
    if _HTTP_STATUS.search(text):
        return "<Code>NoSuchKey</Code>" in text
    return number in _NO_SUCH_FILE or isinstance(error, FileNotFoundError)
