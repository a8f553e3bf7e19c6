"""Why an HTTP server gave no answer: aiohttp's errors in words, without the address that most of them carry."""

from typing import Final

import aiohttp
from aiohttp.http_exceptions import HttpProcessingError

NO_ANSWER: Final = (aiohttp.ClientError, HttpProcessingError, OSError)

_REASONS: Final[tuple[tuple[type[Exception], str], ...]] = (
    (aiohttp.ClientConnectorDNSError, "its host name cannot be resolved"),
    (aiohttp.ClientConnectorCertificateError, "its certificate is not valid"),
    (aiohttp.ClientSSLError, "no secure connection could be made"),
    (aiohttp.ClientConnectorError, "no connection could be made"),
    (aiohttp.ClientResponseError, "it does not speak HTTP as it should"),
    (HttpProcessingError, "it does not speak HTTP as it should"),
)


def reason(error: Exception) -> str:
    """Of one of `NO_ANSWER`, as the end of a sentence."""
    return next((words for kind, words in _REASONS if isinstance(error, kind)), "the connection broke")
