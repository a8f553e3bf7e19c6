"""Clients of an S3-compatible bucket."""

from datetime import timedelta
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from obstore.exceptions import BaseError
from obstore.store import S3Store

from protostar.config import S3Settings
from protostar.errors import ConfigurationError

if TYPE_CHECKING:  # these exist for type checkers alone
    from obstore.store import BackoffConfig, ClientConfig, RetryConfig, S3Config

# obstore's own limits are 30 s for a whole request, none for a silent server, and 181 s until such a one is an error.
CONNECT_TIMEOUT: Final = timedelta(seconds=2)
READ_TIMEOUT: Final = timedelta(seconds=15)
WRITE_TIMEOUT: Final = timedelta(seconds=60)  # runs while a part is being sent: two of 8 MiB at 2.3 Mbit/s
REQUEST_TIMEOUT: Final = timedelta(hours=1)
RETRIES: Final = 5  # over a whole body, which is resumed by Range where it was cut
RETRY_TIMEOUT: Final = timedelta(seconds=20)


def connect(url: str, s3: S3Settings, *, read_timeout: timedelta = READ_TIMEOUT, retries: int = RETRIES) -> S3Store:
    """A client of `s3://bucket[/prefix]`; asks nothing of the server yet. Raises ConfigurationError."""
    bucket, _, prefix = url.removeprefix("s3://").partition("/")
    if not bucket:
        raise ConfigurationError("The object store's URL names no bucket: s3://bucket")
    try:
        return S3Store(
            bucket,
            prefix=prefix.strip("/") or None,
            config=_config(s3),
            client_options=_client(s3, read_timeout),
            retry_config=_retries(retries),
        )
    except (BaseError, ValueError) as error:
        raise ConfigurationError(f"The object store's settings cannot be used: {str(error).splitlines()[0]}") from error


def _config(s3: S3Settings) -> "S3Config":
    # The smallest common S3: path style, no bulk delete, which not every server has.
    config: S3Config = {"region": s3.region, "virtual_hosted_style_request": False, "disable_bulk_delete": True}
    if s3.endpoint is not None:
        config["endpoint"] = _checked(s3.endpoint)
    if s3.access_key_id is not None:
        config["access_key_id"] = s3.access_key_id.get_secret_value()
    if s3.secret_access_key is not None:
        config["secret_access_key"] = s3.secret_access_key.get_secret_value()
    return config


def _client(s3: S3Settings, read_timeout: timedelta) -> "ClientConfig":
    return {
        "allow_http": s3.endpoint is not None and s3.endpoint.startswith("http://"),
        "connect_timeout": CONNECT_TIMEOUT,
        "read_timeout": read_timeout,
        "timeout": REQUEST_TIMEOUT,
    }


def _retries(count: int) -> "RetryConfig":
    backoff: BackoffConfig = {"init_backoff": timedelta(milliseconds=100), "max_backoff": timedelta(seconds=3), "base": 2}
    return {"max_retries": count, "retry_timeout": RETRY_TIMEOUT, "backoff": backoff}


def _checked(endpoint: str) -> str:
    """obstore panics at the first request to an endpoint that is no URL."""
    try:
        parts = urlsplit(endpoint)
        valid = parts.scheme in {"http", "https"} and bool(parts.hostname) and (parts.port or 1) > 0
    except ValueError:
        valid = False
    if not valid or not endpoint.isascii() or any(character.isspace() for character in endpoint):
        raise ConfigurationError(f"The endpoint of the object store must be http://host:port or https://host, not {endpoint}")
    return endpoint
