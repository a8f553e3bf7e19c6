"""The settings tree: the only reader of the environment (`PROTOSTAR_…`) and of `.env`.

A group is read from variables that begin with its name: `chat.base_url` is `PROTOSTAR_CHAT_BASE_URL`. Whatever has no URL runs
embedded in the data folder.
"""

import os
import re
from collections.abc import Mapping
from datetime import timedelta
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar
from urllib.parse import urlsplit
from uuid import UUID

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ByteSize,
    Field,
    SecretStr,
    StringConstraints,
    ValidationError,
    field_validator,
    model_validator,
)
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict, SettingsError

from protostar.errors import ConfigurationError

PREFIX = "PROTOSTAR_"
MiB = 1024 * 1024
_HOST = re.compile(r"(?:\[[^\[\]]+\]|[^:\[\]]*)(?::\d*)?")
_BUCKET = re.compile(r"s3://[A-Za-z0-9._-]+(/\S*)?")
_REDIS_PATH = re.compile(r"(/\d*)?")
_GROUP = re.compile(r'field "(\w+)"')
_SIZE = "must be a size: a number of bytes, or one with a unit, such as 100MiB"
_ALLOWED = {
    "int_parsing": "must be a whole number",
    "float_parsing": "must be a number",
    "bool_parsing": "must be true or false",
    "byte_size": _SIZE,
    "byte_size_unit": _SIZE,
    "time_delta_parsing": "must be a duration: a number of seconds, or ISO 8601, such as PT5M",
    "too_short": "must have at least {min_length} characters",
    "uuid_parsing": "must be the id of a space",
}
AnySettings = TypeVar("AnySettings", bound=BaseSettings)


def _not_blank(value: str | None) -> str | None:
    """An empty variable in an env file means «not set»."""
    return value.strip() or None if value is not None else None


def _as_seconds(value: object) -> object:
    """A bare number means seconds; ISO 8601 (`PT5M`, `P14D`) is left to Pydantic."""
    try:
        return timedelta(seconds=float(value)) if isinstance(value, str) else value
    except (ValueError, OverflowError):
        return value


OptionalText = Annotated[str | None, AfterValidator(_not_blank)]
Seconds = Annotated[timedelta, Field(gt=timedelta(0)), BeforeValidator(_as_seconds)]


class S3Settings(BaseModel):
    """Access to an S3-compatible store; used when `OBJECTS_URL` is `s3://bucket`."""

    endpoint: OptionalText = Field(default=None, description="URL of the store; unset: AWS itself")
    access_key_id: SecretStr | None = Field(default=None, description="access key")
    secret_access_key: SecretStr | None = Field(default=None, description="secret key")
    region: str = Field(default="us-east-1", description="region; most stores of one's own ignore it")


class ChatSettings(BaseModel):
    """The chat model: any OpenAI-compatible server. Without `base_url` the extractive answerer writes the answers."""

    base_url: OptionalText = Field(
        default=None, description="URL up to and including `/v1`; unset: answers quote the best passages"
    )
    api_key: SecretStr | None = Field(default=None, description="bearer token of the model server")
    model: OptionalText = Field(default=None, description="model name; needed with a base URL")
    fallbacks: Annotated[tuple[str, ...], NoDecode] = Field(
        default=(), description="models of the same server to try next, comma-separated"
    )
    first_token_timeout: Seconds = Field(
        default=timedelta(seconds=30), description="seconds until the first token; big local models are slow to start"
    )
    idle_timeout: Seconds = Field(
        default=timedelta(seconds=20), description="seconds between two tokens, after which a stream counts as cut"
    )
    max_answer_tokens: int = Field(
        default=1024, ge=16, le=32_768, description="longest answer, what a model thinks before it included; bounds cost"
    )
    context_chars: int = Field(
        default=12_000, ge=1_000, le=400_000, description="characters of passages and earlier turns in one prompt; about 12 chunks"
    )
    concurrency: int = Field(default=64, ge=1, le=10_000, description="requests in flight per process")

    @field_validator("fallbacks", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        return _comma_separated(value) if isinstance(value, str) else value


class EmbeddingSettings(BaseModel):
    """The embedding model: any OpenAI-compatible server. Without `base_url` search uses keywords alone."""

    base_url: OptionalText = Field(default=None, description="URL up to and including `/v1`; unset: keyword search alone")
    api_key: SecretStr | None = Field(default=None, description="bearer token of the model server")
    model: OptionalText = Field(default=None, description="model name; needed with a base URL")
    dimensions: int | None = Field(
        default=None, ge=1, le=4000, description="vector length; unset: whatever the model returns (halfvec holds 4000)"
    )
    batch_size: int = Field(default=64, ge=1, le=2048, description="texts per request; servers usually refuse more than 2,048")
    concurrency: int = Field(
        default=4, ge=1, le=256, description="requests in flight per process; more only moves the queue into the server"
    )
    query_timeout: Seconds = Field(
        default=timedelta(seconds=2), description="seconds for the vector of a question; past it keywords answer alone"
    )
    batch_timeout: Seconds = Field(default=timedelta(seconds=60), description="seconds for one batch of chunks")
    weight: float = Field(
        default=0.65, ge=0, le=1, description="share of the vector score at most, in languages that the model understands"
    )


class WorkerSettings(BaseModel):
    """How jobs are run."""

    concurrency: int = Field(default=8, ge=1, le=256, description="jobs at once per worker process")
    lease: Seconds = Field(
        default=timedelta(seconds=30),
        description="seconds after which a silent worker's jobs go to another; renewed every third",
    )
    grace: Seconds = Field(
        default=timedelta(seconds=20), description="seconds for running jobs after SIGTERM; then they are given back"
    )
    poll: Seconds = Field(default=timedelta(seconds=1), description="seconds between looks at the queue when no bell rings")
    max_attempts: int = Field(default=5, ge=1, le=100, description="attempts of a job before it is dead")
    retention: Seconds = Field(default=timedelta(days=14), description="how long finished jobs are kept")


class ParseSettings(BaseModel):
    """Limits of the process that reads one document, or draws a page of one."""

    memory: ByteSize = Field(
        default=ByteSize(1024 * MiB), ge=256 * MiB, description="address space of one parse; a bomb dies at it, alone"
    )
    timeout: Seconds = Field(
        default=timedelta(seconds=120),
        description="wall-clock seconds of one parse, of a page 20 at most; then its process group is killed",
    )
    concurrency: int = Field(
        default_factory=lambda: max(1, os.cpu_count() or 1),
        ge=1,
        le=256,
        description="parses at once in a worker, pages at once in an API process; CPU-bound",
    )


class AnswerSettings(BaseModel):
    """How questions are answered."""

    top_k: int = Field(default=8, ge=1, le=50, description="passages in one prompt")
    cache_ttl: Seconds = Field(default=timedelta(hours=1), description="how long an answer is served again to the same question")
    deadline: Seconds = Field(default=timedelta(minutes=3), description="seconds for one answer in all")
    lease: Seconds = Field(
        default=timedelta(seconds=15), description="seconds after which a silent process's answer is written by another"
    )
    stream_ttl: Seconds = Field(default=timedelta(minutes=10), description="how long an answer's events can be resumed from Redis")
    visitor_ttl: Seconds = Field(default=timedelta(days=1), description="how long a visitor may read the conversation back")


class LimitSettings(BaseModel):
    """How much is taken in at once; what is beyond is told when to come back."""

    queued_jobs_per_space: int = Field(default=10_000, ge=1, description="jobs of one space that may wait; then uploads are 429")
    uploads: int = Field(default=64, ge=1, description="uploads at once per process; then 503")
    answers: int = Field(default=5_000, ge=1, description="answers being written at once per process; then 503")
    requests: int = Field(
        default=1_000, ge=1, description="requests at once of one feature, such as `search`, per process; then 503"
    )

    asks_per_address_minute: int = Field(default=20, ge=1, description="questions of one address within a minute")
    asks_per_visitor_day: int = Field(
        default=3, ge=0, description="questions of a visitor who has not signed in, within a day (UTC)"
    )
    asks_per_signed_in_day: int = Field(default=10, ge=0, description="questions of a visitor who has signed in, within a day")
    asks_per_address_day: int = Field(
        default=30,
        ge=0,
        description="questions of all who have not, behind one address: a new browser profile is no new quota, an office shares it",
    )
    asks_per_space_day: int = Field(default=5_000, ge=1, description="questions of all visitors of a space within a day (UTC)")
    tokens_per_space_day: int = Field(
        default=5_000_000,
        ge=0,
        description="tokens of the chat model for visitors of a space within a day, past which they wait; bounds cost",
    )


class Settings(BaseSettings):
    """Everything that can be set. Durations are seconds or ISO 8601; sizes take units, as in `2GiB`."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, env_nested_delimiter="_", env_nested_max_split=1, env_file=".env", env_file_encoding="utf-8",
        extra="ignore", frozen=True, env_ignore_empty=True,
    )  # fmt: skip

    data_dir: Path = Field(default=Path("data"), description="folder of the embedded servers, the objects and `local.json`")
    host: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)] = Field(
        default="127.0.0.1", description="address to listen on; 0.0.0.0 for all"
    )
    port: int = Field(default=8000, ge=0, le=65_535, description="port to listen on; 0 picks a free one")
    admin_key: SecretStr | None = Field(
        default=None,
        min_length=16,
        description="a key that is always valid for everything; unset: `serve` makes one at its first start, `api` alone has none",
    )
    database_url: SecretStr | None = Field(
        default=None, description="`postgresql://…`, version 16 or later with pgvector 0.8; unset: embedded"
    )
    database_pool: int = Field(
        default=10, ge=2, le=200, description="connections per process; waits above it rather than overloading PostgreSQL"
    )
    redis_url: SecretStr | None = Field(
        default=None, description="`redis://…`, `rediss://…` or `unix://…`; unset: embedded where a server is at hand"
    )
    objects_url: OptionalText = Field(
        default=None, description="`file:///folder` or `s3://bucket`; unset: `objects` in the data folder"
    )
    max_upload_bytes: ByteSize = Field(default=ByteSize(100 * MiB), ge=1, description="largest upload")
    max_text_chars: int = Field(default=100_000_000, ge=1_000, description="largest extracted text, in Unicode code points")
    delete_grace: Annotated[timedelta, Field(ge=timedelta(0), le=timedelta(days=30)), BeforeValidator(_as_seconds)] = Field(
        default=timedelta(minutes=10),
        description="how long the deletion of a document or a space can be taken back; then it is erased",
    )
    trusted_proxies: Annotated[tuple[IPv4Network | IPv6Network, ...], NoDecode] = Field(
        default=(), description="networks whose `X-Forwarded-For` is believed, comma-separated"
    )
    allow_private_networks: bool = Field(
        default=False,
        description="whether webhooks and documents by URL may lead to private and loopback addresses; metadata services never",
    )
    log_format: Literal["console", "json"] = Field(
        default="console", description="one line for people or one JSON object per event"
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field(default="info", description="least severe event that is logged")

    s3: S3Settings = Field(default_factory=S3Settings)
    chat: ChatSettings = Field(default_factory=ChatSettings)
    embedding: EmbeddingSettings = Field(default_factory=EmbeddingSettings)
    worker: WorkerSettings = Field(default_factory=WorkerSettings)
    parse: ParseSettings = Field(default_factory=ParseSettings)
    answer: AnswerSettings = Field(default_factory=AnswerSettings)
    limit: LimitSettings = Field(default_factory=LimitSettings)

    @field_validator("trusted_proxies", mode="before")
    @classmethod
    def _networks(cls, value: object) -> object:
        return tuple(map(ip_network, _comma_separated(value))) if isinstance(value, str) else value

    @field_validator("admin_key", mode="before")
    @classmethod
    def _sendable(cls, value: object) -> object:
        return _sendable(value)

    @field_validator("database_url")
    @classmethod
    def _postgres(cls, value: SecretStr | None) -> SecretStr | None:
        return _with_scheme(value, "postgresql", "postgres")

    @field_validator("redis_url")
    @classmethod
    def _redis(cls, value: SecretStr | None) -> SecretStr | None:
        value = _with_scheme(value, "redis", "rediss", "unix")
        if value is not None and not value.get_secret_value().startswith("unix:"):
            path = urlsplit(value.get_secret_value()).path
            if not _REDIS_PATH.fullmatch(path):
                raise ValueError("must end with the number of a database, as redis://host:6379/0, or with none")
        return value

    @field_validator("objects_url")
    @classmethod
    def _objects(cls, value: str | None) -> str | None:
        if value is not None and not (value.startswith("file:///") or _BUCKET.fullmatch(value)):
            raise ValueError("must be file:///folder or s3://bucket, or s3://bucket/prefix")
        return value

    @model_validator(mode="after")
    def _models_are_named(self) -> "Settings":
        for group, part in (("CHAT", self.chat), ("EMBEDDING", self.embedding)):
            if part.base_url is not None and part.model is None:
                raise ValueError(f"{PREFIX}{group}_MODEL is needed together with {PREFIX}{group}_BASE_URL")
        return self


class ClientSettings(BaseSettings):
    """What the commands that talk to a running server read; the server itself reads none but the data folder."""

    model_config = Settings.model_config

    url: OptionalText = Field(default=None, description="address of the server; unset: the one in `local.json`")
    key: SecretStr | None = Field(default=None, description="key for that server; unset: the one in `local.json`")
    space: UUID | None = Field(default=None, description="id of the space to work on, with the admin key; unset: the oldest")
    data_dir: Path = Field(default=Path("data"), description="folder where `serve` left `local.json`")

    @field_validator("key", mode="before")
    @classmethod
    def _sendable(cls, value: object) -> object:
        return _sendable(value)


def load_settings(**overrides: Any) -> Settings:
    """Read the environment and `.env`; `overrides` win.

    Raises ConfigurationError that names each wrong variable and what it allows.
    """
    return _load(Settings, overrides)


def load_client_settings() -> ClientSettings:
    """Read the environment and `.env` for a client command, so that a wrong setting of the server does not stop it."""
    return _load(ClientSettings, {})


def _load(kind: type[AnySettings], overrides: dict[str, Any]) -> AnySettings:
    try:
        return kind(**overrides)
    except ValidationError as error:
        raise _wrong(*(f"{_variable(issue['loc'])}: {_allowed(issue)}" for issue in error.errors())) from None
    except UnicodeDecodeError as error:
        raise _wrong(f"the file .env is not UTF-8: {error.reason} at byte {error.start}") from None
    except SettingsError as error:
        group = _GROUP.search(str(error))
        name = PREFIX + (group[1].upper() if group else "…")
        raise _wrong(f"{name}: no setting by itself; there are those that begin with {name}_") from None


def _wrong(*lines: str) -> ConfigurationError:
    return ConfigurationError("\n  ".join(("Wrong settings:", *lines)))


def _variable(location: tuple[int | str, ...]) -> str:
    """('chat', 'base_url') → PROTOSTAR_CHAT_BASE_URL."""
    names = [str(part) for part in location if isinstance(part, str)]
    return PREFIX + "_".join(names).upper() if names else "settings"


def _allowed(issue: Mapping[str, Any]) -> str:
    """What an issue of Pydantic's asks for; its own words where they say so."""
    words = _ALLOWED.get(issue["type"])
    return words.format_map(issue.get("ctx", {})) if words else issue["msg"].removeprefix("Value error, ")


def _comma_separated(value: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in value.split(",") if part.strip())


def _sendable(value: object) -> object:
    """A key travels in a header: what surrounds it, as the end of a line in a file of secrets, is none of it."""
    if not isinstance(value, str):
        return value
    key = value.strip()
    if not (key.isascii() and key.isprintable()):
        raise ValueError("must be printable ASCII")
    return key


def _with_scheme(value: SecretStr | None, *schemes: str) -> SecretStr | None:
    """Raises ValueError for what is no URL with one of the schemes; nothing of it is repeated, as it may hold a password."""
    if value is None:
        return None
    scheme, _, rest = value.get_secret_value().partition("://")
    if scheme not in schemes:
        raise ValueError("must begin with " + " or ".join(f"{scheme}://" for scheme in schemes))
    authority = re.split("[/?#]", rest, maxsplit=1)[0]
    hosts, path = authority.rpartition("@")[2], rest[len(authority) :].partition("?")[0]
    is_cut = authority != "" and "@" in path  # the password holds @ and /, or #: this is the rest of it
    if is_cut or not all(_HOST.fullmatch(host) for host in hosts.split(",")):
        raise ValueError("must name host:port; in a user name or password write / as %2F, # as %23, ? as %3F and @ as %40")
    return value
