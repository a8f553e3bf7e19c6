"""The release, and the settings: a name that is only nearly right is ignored by them, so it is told here."""

import difflib
import os
import platform
from collections.abc import Iterator, Mapping
from contextlib import suppress
from importlib.metadata import version

from dotenv import dotenv_values
from pydantic import BaseModel

from protostar.cli.checks.check import Check
from protostar.config import PREFIX, ClientSettings, Settings, load_settings
from protostar.errors import ConfigurationError


def check() -> tuple[Settings | None, list[Check]]:
    """The settings, None if they cannot be used, and what is wrong with them."""
    machine = f"protostar {version('protostar')}, Python {platform.python_version()}, {platform.system()} {platform.machine()}"
    checks = [Check("version", "ok", machine)]
    for name, guess in unknown_variables():
        advice = f"Did you mean {guess} instead of {name}?" if guess else f"Remove {name}, or look the right name up."
        checks.append(Check("settings", "warning", f"{name} is not a setting and has no effect", advice))
    try:
        read = load_settings()
    except ConfigurationError as error:
        return None, [*checks, Check("settings", "broken", str(error), "Correct the variables named above.")]
    return read, [*checks, Check("settings", "ok", "all can be used")]


def unknown_variables() -> Iterator[tuple[str, str | None]]:
    """Variables of the environment and of `.env` that carry our prefix but mean nothing, with the likeliest name meant."""
    known = {*_names(Settings, PREFIX), *_names(ClientSettings, PREFIX)}
    in_file: Mapping[str, str | None] = {}
    with suppress(UnicodeDecodeError):  # which the settings tell of
        in_file = dotenv_values(".env")
    present = {name.upper() for name in (*os.environ, *in_file)}
    for name in sorted(name for name in present - known if name.startswith(PREFIX)):
        yield name, next(iter(difflib.get_close_matches(name, known, n=1, cutoff=0.8)), None)


def _names(model: type[BaseModel], prefix: str) -> Iterator[str]:
    for name, field in model.model_fields.items():
        yield prefix + name.upper()
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            yield from _names(field.annotation, f"{prefix}{name.upper()}_")
