"""No foreign error leaves the object store."""

import errno
import os
import re
import warnings

import obstore.exceptions
import pytest
from obstore.exceptions import BaseError, GenericError, PermissionDeniedError

from protostar.errors import ObjectMissing, ObjectsUnavailable
from protostar.objects.failures import translated

S3_TEXT = "Object at location k not found: Error performing GET http://s3/b/k in 1ms - Server returned non-2xx status code: {}: {}"
DUMP = '\n\nDebug source:\nGeneric {\n    store: "S3",\n    source: RetryError(\n        kind: %s,\n    ),\n}'


def foreign_errors() -> list[type[BaseError]]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # one of them is deprecated, and raised nowhere
        found = [getattr(obstore.exceptions, name) for name in dir(obstore.exceptions)]
    return [error for error in found if isinstance(error, type) and issubclass(error, BaseError)]


def translation(error: Exception, key: str | None = "a/b") -> Exception:
    with pytest.raises(Exception) as raised, translated(key):
        raise error
    assert raised.value.__cause__ is error
    return raised.value


def test_every_error_of_obstore_is_translated():
    assert len(foreign_errors()) >= 10
    for error in foreign_errors():
        assert type(translation(error("no reason given"))) is ObjectsUnavailable
        assert type(translation(error())) is ObjectsUnavailable


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (
            GenericError("Generic LocalFileSystem error: Unable to copy data to file: No space left on device (os error 28)"),
            "is full",
        ),
        (OSError(errno.ENOSPC, "No space left on device"), "is full"),
        (OSError(errno.EDQUOT, "Quota"), "quota"),
        (PermissionError(errno.EACCES, "Permission denied"), "This user may not use"),
        (PermissionDeniedError("… privileges …: Permission denied (os error 13)\n\nDebug source:"), "This user may not use"),
        (OSError(errno.EROFS, "Read-only file system"), "read-only"),
        (OSError(errno.EIO, "Input/output error"), "Input/output error"),
        (PermissionDeniedError(S3_TEXT.format("403 Forbidden", "")), "refused the access key"),
        (GenericError(S3_TEXT.format("503 Slow Down", "")), "HTTP status 503"),
        (GenericError(S3_TEXT.format("403 Forbidden", "") + DUMP % "x"), "refused the access key"),
        (FileNotFoundError(S3_TEXT.format("404 Not Found", "<Code>NoSuchBucket</Code>")), "bucket does not exist"),
        (FileNotFoundError(S3_TEXT.format("404 Not Found", "default backend")), "HTTP status 404"),
        (GenericError("HTTP error: error sending request" + DUMP % "Timeout"), "did not answer in time"),
        (GenericError("HTTP error: error sending request" + DUMP % "Connect"), "cannot be reached"),
        (PermissionDeniedError(S3_TEXT.format("403 Forbidden", "<Code>RequestTimeTooSkewed</Code>")), "clock"),
        (GenericError(S3_TEXT.format("400 Bad Request", "<Code>AuthorizationHeaderMalformed</Code>")), "another region"),
        (GenericError("Error performing GET http://s3/b in 1ms - Received redirect without LOCATION, this …"), "another region"),
        (GenericError(S3_TEXT.format("503 Slow Down", "<Code>SlowDown</Code>")), "fewer requests"),
        (GenericError("something new" + DUMP % "New"), "^The object store failed: something new$"),
    ],
)
def test_sentences(error, sentence):
    raised = translation(error)
    assert type(raised) is ObjectsUnavailable
    assert re.search(sentence, str(raised))


@pytest.mark.parametrize(
    "error",
    [
        FileNotFoundError(S3_TEXT.format("404 Not Found", "<Code>NoSuchKey</Code>")),
        FileNotFoundError("Object at location /a/b not found: No such file or directory (os error 2)"),
        FileNotFoundError("Object at location a/b not found: No data in memory found."),
        GenericError(f"Unable to open file /a/b: Not a directory (os error {errno.ENOTDIR})"),
        GenericError(f"Unable to open file /a/b: {os.strerror(errno.ENAMETOOLONG)} (os error {errno.ENAMETOOLONG})"),
    ],
)
def test_a_missing_object_is_only_one_that_was_asked_for(error):
    raised = translation(error)
    assert type(raised) is ObjectMissing
    assert "a/b" in str(raised)
    assert type(translation(error, key=None)) is ObjectsUnavailable


def test_other_errors_are_left_alone():
    for error in (ValueError("key"), RuntimeError("bug"), ObjectMissing("ours")):
        with pytest.raises(type(error)), translated("a/b"):
            raise error
