"""What a check finds, and how it is worded."""

from dataclasses import dataclass
from typing import Literal
from urllib.parse import urlsplit

State = Literal["ok", "warning", "broken", "off"]
EMBEDDED = "embedded: started by serve"
PATIENCE = 5  # seconds for one answer


@dataclass(frozen=True, slots=True)
class Check:
    """`advice`: what to do, wherever the state is `warning` or `broken`."""

    name: str
    state: State
    found: str
    advice: str | None = None


def address(url: str) -> str:
    """A URL without its user and password, also where that is not encoded as it should be."""
    parts = urlsplit(f"//{url.partition('://')[2].rpartition('@')[2]}")
    return f"{parts.netloc}{parts.path}"


def numbers(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in text.split(".") if part.isdigit())


def reason(error: Exception) -> str:
    return str(error) or type(error).__name__
