"""Writes docs/configuration.md and .env.example from the settings tree: `.venv/bin/python docs/generate_settings.py`."""  # noqa: INP001 - a script

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from inspect import getdoc
from pathlib import Path
from typing import Any, get_args

from annotated_types import Ge, Gt, Le, MinLen
from pydantic import BaseModel, ByteSize, SecretStr
from pydantic.fields import FieldInfo

from protostar.config import PREFIX, ClientSettings, Settings

ROOT = Path(__file__).resolve().parent.parent

TITLES = {
    "s3": "S3",
    "chat": "Chat model",
    "embedding": "Embedding model",
    "worker": "Workers",
    "parse": "Reading documents",
    "answer": "Answers",
    "limit": "Limits of publishable keys",
}

INTRODUCTION = f"""# Configuration

<!-- Written by docs/generate_settings.py from the settings tree; tests/test_docs.py compares. -->

Everything is set by environment variables, or by the same names in a file `.env` in the working directory. The environment wins.
All names begin with `{PREFIX}`. Nothing has to be set: whatever has no URL runs embedded.

- An empty value means «not set».
- A **duration** is a number of seconds, or ISO 8601: `90`, `PT5M`, `P14D`.
- A **size** is a number of bytes, or has a unit: `104857600`, `100MiB`, `2GiB`.
- A **list** is comma-separated.
- A wrong value stops the start with a message that names the variable and what is allowed.
- A name that is not a setting has no effect; `protostar doctor` reports it, with the likeliest name meant.
"""

EXAMPLE = f"""\
# Settings of Protostar. Copy this file to `.env` and uncomment what you want to change; everything has a default.
# {PREFIX}DATABASE_URL, {PREFIX}REDIS_URL and {PREFIX}OBJECTS_URL replace the embedded servers, one by one.
# Written by docs/generate_settings.py; docs/configuration.md says what each variable allows.
"""


@dataclass(frozen=True)
class Setting:
    """A leaf of the tree, in words. `default`: as one would write it; None where nothing is set."""

    variable: str
    default: str | None
    allowed: str
    description: str


@dataclass(frozen=True)
class Group:
    title: str
    about: str
    settings: list[Setting]


def groups() -> Iterator[Group]:
    """Every setting once: the service's own, each group, and what the client commands read beside them."""
    yield Group("The service", "", [*_settings(Settings, PREFIX)])
    for name, field in Settings.model_fields.items():
        if _is_group(field):
            about = (getdoc(field.annotation) or "").replace("\n", " ")
            yield Group(TITLES[name], about, [*_settings(field.annotation, f"{PREFIX}{name.upper()}_")])
    about = "What the commands read that talk to a running server, beside the data folder."
    known = {each.variable for each in _settings(Settings, PREFIX)}
    yield Group("Client commands", about, [each for each in _settings(ClientSettings, PREFIX) if each.variable not in known])


def _settings(model: Any, prefix: str) -> Iterator[Setting]:
    for name, field in model.model_fields.items():
        if not _is_group(field):
            if not field.description:
                raise ValueError(f"{prefix}{name.upper()} has no description")
            yield Setting(prefix + name.upper(), _default(field), _allowed(field), field.description)


def _is_group(field: FieldInfo) -> bool:
    return isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel)


def _kinds(field: FieldInfo) -> list[Any]:
    """The type, and those that it is made of: `SecretStr | None` is a SecretStr."""
    return [field.annotation, *get_args(field.annotation)]


def _default(field: FieldInfo) -> str | None:
    value = field.default
    if field.default_factory is not None or value is None or value == ():
        return None
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, timedelta):
        return _duration(int(value.total_seconds()))
    return _size(value) if ByteSize in _kinds(field) else str(value)


def _duration(seconds: int) -> str:
    units = (("P{}D", 86_400), ("PT{}H", 3_600), ("PT{}M", 60))
    return next((form.format(seconds // unit) for form, unit in units if seconds > 120 and seconds % unit == 0), str(seconds))


def _size(value: int) -> str:
    units = (("GiB", 1024**3), ("MiB", 1024**2))
    return next((f"{value // unit}{name}" for name, unit in units if value % unit == 0), str(value))


def _allowed(field: FieldInfo) -> str:
    kinds = _kinds(field)
    if choices := [f"`{kind}`" for kind in kinds if isinstance(kind, str)]:
        return ", ".join(choices)
    names = {
        bool: "`true`, `false`",
        timedelta: "duration",
        ByteSize: "size",
        int: "whole number",
        float: "number",
        SecretStr: "text, secret",
    }
    listed = any(getattr(kind, "__origin__", None) is tuple for kind in kinds)
    name = "list" if listed else next((name for kind, name in names.items() if kind in kinds), "text")
    return ", ".join([name, *(_bound(each, kinds) for each in field.metadata if isinstance(each, Ge | Gt | Le | MinLen))])


def _bound(bound: Ge | Gt | Le | MinLen, kinds: list[Any]) -> str:
    def shown(value: Any) -> str:
        return (
            _duration(int(value.total_seconds()))
            if isinstance(value, timedelta)
            else _size(value)
            if ByteSize in kinds
            else f"{value:,}"
        )

    match bound:
        case MinLen(length):
            return f"at least {length} characters"
        case Gt(value):
            return f"above {shown(value)}"
        case Ge(value):
            return f"at least {shown(value)}"
        case Le(value):
            return f"at most {shown(value)}"


def configuration() -> str:
    """The text of docs/configuration.md."""
    parts = [INTRODUCTION]
    for group in groups():
        rows = [f"| `{each.variable}` | {_cell(each)} | {each.allowed} | {each.description} |" for each in group.settings]
        about = [group.about, ""] if group.about else []
        head = [f"## {group.title}", "", *about, "| variable | default | allowed | meaning |", "|---|---|---|---|"]
        parts.append("\n".join([*head, *rows, ""]))
    return "\n".join(parts)


def _cell(setting: Setting) -> str:
    if setting.variable == f"{PREFIX}PARSE_CONCURRENCY":
        return "number of CPUs"
    return "not set" if setting.default is None else f"`{setting.default}`"


def example() -> str:
    """The text of .env.example."""
    parts = [EXAMPLE]
    for group in groups():
        lines = [f"# {each.description}\n#{each.variable}={each.default or ''}" for each in group.settings]
        parts.append("\n".join([f"# -- {group.title}", *lines, ""]))
    return "\n".join(parts)


if __name__ == "__main__":
    (ROOT / "docs/configuration.md").write_text(configuration(), encoding="utf-8")
    (ROOT / ".env.example").write_text(example(), encoding="utf-8")
