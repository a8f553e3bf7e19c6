"""Settings that cannot be meant are named at the start, and nothing of a password is repeated."""

from pathlib import Path

import pytest

from protostar.cli.checks.settings import unknown_variables
from protostar.config import load_settings
from protostar.errors import ConfigurationError


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://user:p@h/d", "postgres://user:p%2Fq@h:5432/d?sslmode=require", "postgresql://h1:5432,h2:5433/d",
        "postgresql:///d?host=/sockets&port=5432", "postgresql://user@[::1]:5432/d",
    ],
)  # fmt: skip
def test_database_urls_that_can_be_used(url: str) -> None:
    settings = load_settings(database_url=url, _env_file=None)
    assert settings.database_url is not None
    assert settings.database_url.get_secret_value() == url


@pytest.mark.parametrize("url", ["user:secret/1@h/d", "user:secret#1@h/d", "user:secret?1@h/d", "u:a@secret/c#d@h/d", "h:secret/d"])
@pytest.mark.parametrize(("name", "scheme"), [("database_url", "postgresql"), ("redis_url", "redis")])
def test_a_url_that_names_no_host_and_port_is_refused_without_being_repeated(name: str, scheme: str, url: str) -> None:
    with pytest.raises(ConfigurationError, match=f"PROTOSTAR_{name.upper()}: must name host:port; .* %2F") as raised:
        load_settings(**{name: f"{scheme}://{url}"}, _env_file=None)
    assert "secret" not in str(raised.value)


@pytest.mark.parametrize("around", ["{}\n", "{}\r\n", " {} "])
def test_the_end_of_a_line_is_no_part_of_a_key(around: str) -> None:
    settings = load_settings(admin_key=around.format("0123456789abcdef"), _env_file=None)
    assert settings.admin_key is not None
    assert settings.admin_key.get_secret_value() == "0123456789abcdef"


@pytest.mark.parametrize("key", ["비밀" * 8, "0123456789\nabcdef", "0123456789\0abcdef"])
def test_a_key_that_no_header_can_carry_is_refused(key: str) -> None:
    with pytest.raises(ConfigurationError, match="PROTOSTAR_ADMIN_KEY: must be printable ASCII"):
        load_settings(admin_key=key, _env_file=None)


@pytest.mark.parametrize(
    ("variable", "value", "words"),
    [
        ("CHAT_IDLE_TIMEOUT", "inf", "PROTOSTAR_CHAT_IDLE_TIMEOUT: "),
        ("CHAT_IDLE_TIMEOUT", "1e300", "PROTOSTAR_CHAT_IDLE_TIMEOUT: "),
        ("CHAT", "x", "PROTOSTAR_CHAT: no setting by itself"),
        ("TRUSTED_PROXIES", "10.0.0.0/8, proxy", "PROTOSTAR_TRUSTED_PROXIES: 'proxy' does not appear to be"),
        ("TRUSTED_PROXIES", "10.0.0.1/8", "PROTOSTAR_TRUSTED_PROXIES: 10.0.0.1/8 has host bits set"),
        ("OBJECTS_URL", "s3://a bucket", "PROTOSTAR_OBJECTS_URL: must be file:///folder or s3://bucket"),
        ("HOST", " ", "PROTOSTAR_HOST: "),
        ("PORT", "abc", "PROTOSTAR_PORT: must be a whole number"),
        ("PORT", "70000", "PROTOSTAR_PORT: Input should be less than or equal to 65535"),
        ("MAX_UPLOAD_BYTES", "lots", "PROTOSTAR_MAX_UPLOAD_BYTES: must be a size"),
        ("MAX_UPLOAD_BYTES", "5XB", "such as 100MiB"),
        ("ADMIN_KEY", "short", "PROTOSTAR_ADMIN_KEY: must have at least 16 characters"),
        ("DELETE_GRACE", "soon", "PROTOSTAR_DELETE_GRACE: must be a duration"),
        ("LOG_LEVEL", "loud", "'debug', 'info', 'warning' or 'error'"),
        ("REDIS_URL", "redis://h:1/first", "PROTOSTAR_REDIS_URL: must end with the number of a database"),
    ],
)
def test_what_cannot_be_meant_is_named(monkeypatch: pytest.MonkeyPatch, variable: str, value: str, words: str) -> None:
    monkeypatch.setenv(f"PROTOSTAR_{variable}", value)
    with pytest.raises(ConfigurationError) as raised:
        load_settings(_env_file=None)
    assert str(raised.value).splitlines()[1:] == [str(raised.value).splitlines()[1]]
    assert words in str(raised.value)


def test_an_env_file_in_another_encoding_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".env").write_bytes("PROTOSTAR_CHAT_MODEL=모델\n".encode("cp949"))
    with pytest.raises(ConfigurationError, match=r"\.env is not UTF-8"):
        load_settings()
    assert list(unknown_variables()) == []


def test_lists_may_have_blanks_around_their_commas(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PROTOSTAR_TRUSTED_PROXIES", " 10.0.0.0/8 , ::1,")
    assert list(map(str, load_settings(_env_file=None).trusted_proxies)) == ["10.0.0.0/8", "::1/128"]
